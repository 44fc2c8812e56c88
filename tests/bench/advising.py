"""What advice on the time of sending is worth to made-up people whose habits are known.

They are those of `tests.core.advice.people`. By itself: `python -m tests.bench.advising` shows it crowd by crowd, after
twenty messages and while these are sent, and how long one choice takes.
"""

import time

from tests.bench.report import Measured
from tests.core.advice.people import CROWDS, NOTHING_TO_WIN, Result, rhythm_of, simulate

PEOPLE = 200
SEEDS = (7, 8, 9)


def measure() -> Measured:
    """The share of the attainable uplift that is won after twenty messages a person, for three crowds of people."""
    return Measured([simulate(people=PEOPLE, seed=seed)[1].won for seed in SEEDS])


def measure_worst() -> Measured:
    """What the crowd that fares worst, of those with little or nothing to win, gains of a hundred messages over a fixed
    hour, before or after twenty messages, for three times as many people."""
    crowds = (*NOTHING_TO_WIN, "waves", "at work")
    gains = ([each.gain for crowd in crowds for each in simulate(crowd, PEOPLE // 2, seed=s)] for s in SEEDS)
    return Measured([100 * min(each) for each in gains])


def _show(name: str, results: tuple[Result, Result]) -> None:
    early, late = results
    usual, advised, best = (share / late.messages for share in (late.usual, late.advised, late.best))
    won = "nothing to win" if name in NOTHING_TO_WIN else f"{late.won:4.0%} won"
    print(
        f"{name:24} usual hour {usual:.3f}  advised {advised:.3f}  best {best:.3f}  {won:14}"
        f"  of 100: {100 * late.gain:+6.2f} ±{50 * late.noise:.2f},"
        f" before {100 * early.gain:+6.2f} ±{50 * early.noise:.2f}",
        flush=True,
    )


def main() -> None:
    began = time.process_time()
    everybody = simulate(people=PEOPLE)
    cost = (time.process_time() - began) / (28 * PEOPLE)
    _show("mixed", everybody)
    _show("mixed, rhythm known", simulate(people=PEOPLE, rhythm=rhythm_of()))
    _show("mixed, new habits", simulate(people=PEOPLE, changes=True))
    for crowd in CROWDS:
        _show(crowd, simulate(crowd, people=PEOPLE, seed=SEEDS[0] + 100))
    print(f"one choice, with the life around it, takes {1_000 * cost:.1f} ms")


if __name__ == "__main__":
    main()

"""What advice on the time of sending is worth to made-up people whose habits are known.

They are those of `tests.core.advice.people`. By itself: `python -m tests.bench.advising` shows it group by
group: who has which habit, who takes up new hours, and how long one choice takes.
"""

import time

from tests.bench.report import Measured
from tests.core.advice.people import HABITS, Result, rhythm_of, simulate

PEOPLE = 200
SEEDS = (7, 8, 9)


def measure() -> Measured:
    """The share of the attainable uplift that is won after twenty messages a person, for three crowds of people."""
    return Measured([simulate(PEOPLE, seed=seed).won for seed in SEEDS])


def _show(name: str, result: Result) -> None:
    shares = (result.usual, result.advised, result.best)
    usual, advised, best = (share / result.messages for share in shares)
    won = f"{result.won:4.0%} won" if best - usual > 0.02 else "nothing to win"
    print(f"{name:28} usual hour {usual:.3f}  advised {advised:.3f}  best {best:.3f}  {won}", flush=True)


def main() -> None:
    began = time.process_time()
    everybody = simulate(PEOPLE)
    cost = (time.process_time() - began) / (28 * PEOPLE)
    _show("everybody", everybody)
    _show("everybody, rhythm known", simulate(PEOPLE, rhythm=rhythm_of()))
    _show("everybody, new habits", simulate(PEOPLE, changes=True))
    for habit in HABITS:
        _show(f"habit: {habit}", simulate(PEOPLE // 2, habit=habit))
    print(f"one choice, with the life around it, takes {1_000 * cost:.1f} ms")


if __name__ == "__main__":
    main()

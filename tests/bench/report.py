"""The table of goals, filled in."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

FIRST_EVENTS = {"collect": (200, 130), "process_events": (260, 180), "send_message": (280, 200)}
GROWTH_LIMIT = 1.10


class Measured(NamedTuple):
    """A figure, its runs (one, when it is counted and not timed), and its growth.

    Of processor time it is the least, because what else a machine does only ever adds to it; else the median.
    """

    runs: Sequence[float]
    growth: float | None = None
    is_cpu: bool = False

    @property
    def value(self) -> float:
        return min(self.runs) if self.is_cpu else median(self.runs)


class Goal(NamedTuple):
    """A line of the table: where its figure is in the results, how it is written, and what must hold.

    A figure should stay under its goal; where `is_floor` says so, over it.
    """

    text: str
    key: tuple[str, ...]
    form: str
    goal: float | None
    stretch: float | None
    is_floor: bool = False

    def is_met(self, value: float, limit: float | None) -> bool:
        return limit is None or (value >= limit if self.is_floor else value <= limit)


GOALS = (
    Goal("A: 20 events of one person in a request", ("usd_per_million_events", "A"), "${:.2f}", 1.10, 0.40),
    Goal("B: 20 events of four people in a request", ("usd_per_million_events", "B"), "${:.2f}", 1.50, 0.80),
    Goal("C: one event a request, queue batches of five", ("usd_per_million_events", "C"), "${:.2f}", 4.00, 3.00),
    Goal("20 people at once", ("usd_per_million_events", "twenty_people"), "${:.2f}", None, None),
    Goal("one event a request while quiet", ("usd_per_million_events", "C_quiet"), "${:.2f}", None, None),
    Goal("e-mail, our part without SES, a million", ("usd_per_million_messages",), "${:.2f}", 9.00, 6.00),
    *(
        Goal(
            f"addressing {people} in a broadcast, a million",
            ("usd_per_million_broadcast_recipients", name),
            "${:.2f}",
            None,
            None,
        )
        for name, people in (("1k", "1,000"), ("10k", "10,000"), ("100k", "100,000"))
    ),
    Goal("idle stack, a month", ("usd_idle_month",), "${:.2f}", 1.00, 0.50),
    Goal("CPU per 1,000 events, workload B", ("cpu_s_per_1000_events",), "{:.2f} s", 0.73, 0.35),
    Goal("CPU per 1,000 identifies: new people", ("cpu_s_per_1000_identifies_new",), "{:.2f} s", 1.8, 0.8),
    Goal("CPU per 1,000 identifies: known people", ("cpu_s_per_1000_identifies_known",), "{:.2f} s", 1.0, 0.4),
    Goal("CPU per 1,000 e-mails", ("cpu_s_per_1000_messages",), "{:.2f} s", 2.0, 1.0),
    Goal("events folded in a second of CPU, 200 segments", ("folded_events_per_cpu_s",), "{:,.0f}", 5_000, None, True),
    Goal("10,000 people, ten steps, three weeks simulated, two processors", ("simulated_s",), "{:.1f} s", 10.0, None),
    Goal("uplift that advice wins after 20 messages a person", ("advice_won",), "{:.0%}", 0.8, None, True),
    Goal("what advice brings of 100 messages where it suits least", ("advice_worst",), "{:+.2f}", -0.1, None, True),
    *(
        Goal(f"fresh process to first event: {name}", ("first_event_ms", name), "{:.0f} ms", goal, stretch)
        for name, (goal, stretch) in FIRST_EVENTS.items()
    ),
)


def find(results: Mapping[str, Any], key: Sequence[str]) -> Measured:
    for part in key:
        results = results[part]
    assert isinstance(results, Measured)
    return results


def table(results: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The table as text, and what misses its goal."""
    lines = [("", "", "goal", "stretch", "measured", "least / median / most", "grown 10x")]
    missed = []
    for goal in GOALS:
        measured = find(results, goal.key)
        mark = " " if goal.goal is None else "+" if goal.stretch and goal.is_met(measured.value, goal.stretch) else "✓"
        if not goal.is_met(measured.value, goal.goal):
            mark = "✗"
            missed.append(f"{goal.text}: {goal.form.format(measured.value)}, the goal is {goal.form.format(goal.goal)}")
        grown = ""
        if measured.growth is not None:
            grown = f"{measured.growth:.2f} {'✓' if measured.growth <= GROWTH_LIMIT else '✗'}"
            if measured.growth > GROWTH_LIMIT:
                missed.append(
                    f"{goal.text}: {measured.growth:.2f} times as much when grown, the goal is {GROWTH_LIMIT:.2f}"
                )
        least, middle, most = min(measured.runs), median(measured.runs), max(measured.runs)
        spread = f"{least:.2f} / {middle:.2f} / {most:.2f}" if len(measured.runs) > 1 else "counted"
        limits = ["" if each is None else goal.form.format(each) for each in (goal.goal, goal.stretch)]
        lines.append((mark, goal.text, *limits, goal.form.format(measured.value), spread, grown))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
    return text, missed


def save(results: Mapping[str, Any], details: Mapping[str, Any], path: Path) -> None:
    """Figures under the names that others read, ratios under `growth`, all else under `details`."""

    def figures(value: Any) -> Any:
        if isinstance(value, Measured):
            return round(value.value, 4)
        return {name: figures(each) for name, each in value.items()}

    def ratios(value: Any) -> Any:
        if isinstance(value, Measured):
            return None if value.growth is None else round(value.growth, 4)
        return {name: ratios(each) for name, each in value.items()}

    path.parent.mkdir(parents=True, exist_ok=True)
    document = {**figures(results), "growth": ratios(results), **details}
    path.write_text(json.dumps(document, indent=1) + "\n")

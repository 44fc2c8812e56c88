"""Simulating on all of this machine's processors: each takes a part of the people, and their forecasts are added up."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

from postroad.simulation import Forecast, Trial
from postroad.stats import Counts, MessageCounts, PlaceCounts

# Fewer people than this are not worth another process.
PART = 500


def simulate_in_parts(trial: Trial, people: int, processes: int | None = None) -> Forecast:
    """The forecast over so many made-up people: the same, whatever the number of processes."""
    count = min(processes or len(os.sched_getaffinity(0)), max(1, people // PART))
    if count == 1:
        return trial.try_made_up(range(people))
    edges = [people * number // count for number in range(count + 1)]
    with ProcessPoolExecutor(count) as pool:
        parts = pool.map(trial.try_made_up, [range(a, b) for a, b in pairwise(edges)])
        return reduce(add, parts)


def read_counts(shown: Mapping[str, Any]) -> Counts:
    """A journey's live numbers, as the JSON API shows them."""
    return Counts(
        {f":{outcome}": PlaceCounts(each["here"], each["entered"]) for outcome, each in shown["outcomes"].items()},
        {step["step"]: MessageCounts(**step["messages"]) for step in shown["steps"]},
    )


def tell_forecast(forecast: Forecast) -> Iterator[str]:
    """A forecast in lines."""
    yield f"{forecast.outline.key}, {forecast.people} people, {forecast.days:g} days"
    yield f"  started      {forecast.started}"
    for because, count in forecast.refused.most_common():
        yield f"  not started  {count}: {because}"
    for outcome, count in sorted(forecast.outcomes.items()):
        yield f"  ended        {count}: {outcome}"
    if under_way := forecast.waiting.total():
        yield f"  under way    {under_way}"
    yield f"  conversions  {forecast.conversions} ({forecast.conversion_rate:.1%})"
    for channel, count in sorted(forecast.sends.items()):
        yield f"  {channel:<11}  {count} messages, {forecast.cost[channel]:.2f} USD"
    yield f"  capped       {len(forecast.capped)} people"
    if forecast.cut:
        yield f"  cut          {forecast.cut} people, in a circle of journeys that start one another"
    yield ""
    yield f"  {'step':<24} {'came':>7} {'wait':>7} {'sent':>7} {'not':>7} {'later':>7} {'opened':>7} {'clicked':>7}"
    for step in forecast.steps:
        numbers = (step.entered, step.waiting, step.sent, step.skipped, step.postponed, step.opened, step.clicked)
        yield f"  {step.step:<24} " + " ".join(f"{number:>7}" for number in numbers)
    if forecast.never_taken:
        yield ""
        yield "  paths never taken"
        yield from (f"    {way.sentence}" for way in forecast.never_taken)
    yield ""
    yield "  by day       " + ", ".join(sorted(forecast.sends))
    for day, channels in forecast.sends_by_day.items():
        yield f"    {day} " + "  ".join(f"{channels.get(channel, 0):>7}" for channel in sorted(forecast.sends))

"""The stats table: what live numbers are read from (`postroad.stats`).

An item holds the sums of one definition and kind over one period: a day ("2026-11-23/places"), or all time
("total/places"); of DOMAINS an hour. Its other attributes are the sums by "spot/counter". Beside them stand, for two
days, marks of what has been added, so that a batch of a stream that comes again adds nothing twice.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from postroad.contacts.places import split_place
from postroad.instants import DAY
from postroad.stats import (
    DOMAINS,
    HERE,
    MESSAGES,
    PLACES,
    Cell,
    Counts,
    DayCounts,
    HourCounts,
    Increments,
    days_between,
    hour_of,
    read_counts,
)
from postroad_aws.clients import get_client
from postroad_aws.ports import Fault
from postroad_aws.settings import settings
from postroad_aws.storage.batches import code_of, get_items, pauses, scan_items, write_items
from postroad_aws.storage.paging import read_items

Item = dict[str, Any]

# A transaction takes 100 actions; an update's expression 4 KB, which is some 300 counters.
MAX_ITEMS, MAX_COUNTERS = 90, 300

_TOTAL = "total"
_KEYS = ("definition", "period")
_TRIES = 6
_FIRST_PAUSE = 0.02
_PASSING = {None, "None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
# A stream keeps its records for a day: nothing older comes again.
_MARKS_STAY = 2 * DAY


def fits(increments: Mapping[Cell, int]) -> bool:
    """Whether these can be added at once."""
    sums = _sums(increments)
    return len(sums) <= MAX_ITEMS and all(len(each) <= MAX_COUNTERS for each in sums.values())


def add_once(stream: str, first: int, last: int, increments: Mapping[Cell, int], now: float) -> int:
    """Add what the records from `first` to `last` of a stream brought, all or nothing; returns the last record that is
    counted: `last`, or another one when a batch that began with `first` has been counted before."""
    mark = {"definition": {"S": f"mark/{stream}"}, "period": {"S": str(first)}}
    put = {
        "TableName": _table(),
        "Item": {**mark, "last": {"S": str(last)}, "expires_at": {"N": str(int(now + _MARKS_STAY))}},
        "ConditionExpression": "attribute_not_exists(period)",
    }
    actions = [{"Put": put}, *({"Update": update} for update in _updates(increments))]
    for pause in pauses(_TRIES, _FIRST_PAUSE):
        try:
            get_client("dynamodb").transact_write_items(TransactItems=actions)
            return last
        except ClientError as error:
            if code_of(error) != "TransactionCanceledException":
                raise
            codes = [reason.get("Code") for reason in error.response.get("CancellationReasons") or ()]
            if codes[:1] == ["ConditionalCheckFailed"]:
                answer = get_client("dynamodb").get_item(TableName=_table(), Key=mark, ConsistentRead=True)
                return int(answer["Item"]["last"]["S"])
            if set(codes) - _PASSING:
                raise
        time.sleep(pause)
    raise Fault("The numbers of a batch could not be added; others write the same ones all the time.")


def add(increments: Mapping[Cell, int]) -> None:
    """Add numbers that no stream brings. Adding them again adds them twice."""
    for update in _updates(increments):
        get_client("dynamodb").update_item(**update)


def put(increments: Mapping[Cell, int]) -> None:
    """Write the numbers of definitions that have none yet, for a history that was made elsewhere."""
    items = [
        {**_key(definition, period), **{name: {"N": str(number)} for name, number in counters.items() if number}}
        for (definition, period), counters in _sums(increments).items()
    ]
    write_items(_table(), [{"PutRequest": {"Item": item}} for item in items])


def take_back(part: str, definition: str, today: str) -> None:
    """Take the numbers that stand under `part` away from those of a definition, and drop them.

    Those who are here leave as their rows are deleted, which counts today: they are taken from the days on which they
    came instead.
    """
    items = list(_query(part))
    away: Counter[Cell] = Counter()
    for item in items:
        day, _, kind = item["period"]["S"].partition("/")
        for name in item.keys() - set(_KEYS) if day != _TOTAL else ():
            spot, _, counter = name.rpartition("/")
            away[Cell(definition, kind, day, spot, counter)] -= int(item[name]["N"])
            if counter == HERE:
                away[Cell(definition, kind, today, spot, counter)] += int(item[name]["N"])
    forget(part)
    add(away)


def forget(definition: str) -> None:
    """Drop all numbers of a definition."""
    keys = [{name: item[name] for name in _KEYS} for item in _query(definition)]
    write_items(_table(), [{"DeleteRequest": {"Key": key}} for key in keys])


def find_counts(definitions: Sequence[str]) -> dict[str, Counts]:
    """The numbers of each definition, over all time. Who has none has zeros."""
    names = list(dict.fromkeys(definitions))
    keys = [_key(definition, f"{_TOTAL}/{kind}") for definition in names for kind in (PLACES, MESSAGES)]
    items: dict[str, list[Item]] = {definition: [] for definition in names}
    for item in get_items(_table(), keys, consistent=False):
        items[item["definition"]["S"]].append(item)
    return {definition: _read(found) for definition, found in items.items()}


def scan_sums() -> Increments:
    """All numbers by day; the total of a number is the sum of its days."""
    found = Increments()
    for item in scan_items(_table()):
        definition, (period, _, kind) = item["definition"]["S"], item["period"]["S"].partition("/")
        if kind and period != _TOTAL:
            for (spot, counter), number in _read_sums(item):
                found[Cell(definition, kind, period, spot, counter)] += number
    return found


def count_members(places: Sequence[str]) -> dict[str, int]:
    """How many people are at each place now."""
    parts = {place: split_place(place) for place in places}
    counts = find_counts([definition for definition, _ in parts.values()])
    return {place: counts[definition].place(spot).here for place, (definition, spot) in parts.items()}


def list_days(definition: str, since: str, until: str) -> list[DayCounts]:
    """What each of these days (both included) has added, the earliest first."""
    found: dict[str, list[Item]] = {day: [] for day in days_between(since, until)}
    for item in _query(definition, since, f"{until}/~") if found else ():
        found[item["period"]["S"].partition("/")[0]].append(item)
    return [DayCounts(day, _read(items)) for day, items in found.items()]


def list_hours(since: float, until: float) -> list[HourCounts]:
    """What mails of each hour in which there were any have come to, the earliest first."""
    found = []
    for item in _query(DOMAINS, hour_of(since), f"{hour_of(until)}/~"):
        hour = item["period"]["S"].partition("/")[0]
        found.append(HourCounts(hour, _read([item]).messages))
    return found


def _table() -> str:
    return settings().require("stats_table")


def _key(definition: str, period: str) -> Item:
    return {"definition": {"S": definition}, "period": {"S": period}}


def _sums(increments: Mapping[Cell, int]) -> dict[tuple[str, str], Counter[str]]:
    """By (definition, period) what has to be added: each number to its day and to the total; of DOMAINS to its hour."""
    sums: dict[tuple[str, str], Counter[str]] = {}
    for (definition, kind, day, spot, counter), number in increments.items():
        for period in (day,) if definition == DOMAINS else (_TOTAL, day):
            sums.setdefault((definition, f"{period}/{kind}"), Counter())[f"{spot}/{counter}"] += number
    return sums


def _updates(increments: Mapping[Cell, int]) -> Iterable[Item]:
    for (definition, period), counters in sorted(_sums(increments).items()):
        adds = {name: number for name, number in counters.items() if number}
        if adds:
            yield {
                "TableName": _table(),
                "Key": _key(definition, period),
                "UpdateExpression": "ADD " + ", ".join(f"#{number} :{number}" for number in range(len(adds))),
                "ExpressionAttributeNames": {f"#{number}": name for number, name in enumerate(adds)},
                "ExpressionAttributeValues": {f":{number}": {"N": str(n)} for number, n in enumerate(adds.values())},
            }


def _query(definition: str, since: str = " ", until: str = "~") -> Iterable[Item]:
    return read_items(
        _table(),
        KeyConditionExpression="#definition = :definition AND period BETWEEN :since AND :until",
        ExpressionAttributeNames={"#definition": "definition"},
        ExpressionAttributeValues={":definition": {"S": definition}, ":since": {"S": since}, ":until": {"S": until}},
    )


def _read(items: Iterable[Item]) -> Counts:
    numbers: Counter[tuple[str, str, str]] = Counter()
    for item in items:
        kind = item["period"]["S"].partition("/")[2]
        for (spot, counter), number in _read_sums(item):
            numbers[kind, spot, counter] += number
    return read_counts(numbers)


def _read_sums(item: Item) -> Iterable[tuple[tuple[str, str], int]]:
    """((spot, counter), number) of all sums in an item."""
    for name, value in item.items():
        if name not in _KEYS:
            spot, _, counter = name.rpartition("/")
            yield (spot, counter), int(value["N"])

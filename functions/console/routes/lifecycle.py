"""The life cycle: how many people are where, who they are, and which messages there are for each stage."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response
from functions.console.standings import find_standing, list_standings
from functions.console.steps import name_templates
from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.contacts.places import stage_place
from postroad.instants import DAY
from postroad.sending.channels import CHANNELS
from postroad.stages import cover
from postroad.stats import Counts, day_of
from postroad_aws import books
from postroad_aws.storage import NotFoundError, contacts, memberships, stats
from postroad_aws.usecases.find_contact import find_contacts

DAYS = 30
_PAGE = 50
# As many templates are named in one cell of the map.
_NAMED = 3


class StageShown(NamedTuple):
    """A stage: what lets people reach it, how many stand there, and there or further on, and who came on each day."""

    place: str
    name: str
    rule: str
    here: int
    so_far: int
    came: Sequence[int]


class Cell(NamedTuple):
    """The messages for one stage on one channel: the names of some, and how many others there are."""

    names: tuple[str, ...]
    others: int


class Member(NamedTuple):
    contact: Contact
    since: float


def show(request: Request) -> Response:
    book = books.current()
    stages = _list_stages(book, request.now)
    rest = [each for each in list_standings(book) if each.group in ("Hand-over", "Personas")]
    counts = stats.find_counts([each.place for each in rest])
    channels, rows = _cover(book)
    values: dict[str, Any] = {
        "stages": stages,
        "people": sum(stage.here for stage in stages),
        "days": DAYS,
        "groups": _group((each.group, each.title, each.place, counts[each.place]) for each in rest),
        "channels": channels,
        "rows": rows,
    }
    return page(request, "lifecycle/lifecycle.html", fragment="live", **values)


def show_people(request: Request) -> Response:
    """Who stands at a stage, is most like a persona, or was handed over, in no order."""
    standing = find_standing(books.current(), request.text("at"))
    if standing is None:
        raise NotFoundError("The life cycle has no such place. It may have been changed.")
    found = memberships.list_members(standing.place, cursor=request.cursor, limit=_PAGE)
    known = find_contacts(contacts, [each.contact_id for each in found.items])
    members = [Member(known[each.contact_id], each.since) for each in found.items if each.contact_id in known]
    count = stats.count_members([standing.place])[standing.place]
    values: dict[str, Any] = {"standing": standing, "members": members, "next": found.next, "count": count}
    return page(request, "lifecycle/people.html", fragment="rows", **values)


def _list_stages(book: Book, now: float) -> list[StageShown]:
    rules = [rule for model in book.stages.values() for rule in model.stages]
    counts = stats.find_counts([stage_place(rule.id) for rule in rules])
    since, until = day_of(now - (DAYS - 1) * DAY), day_of(now)
    here = [counts[stage_place(rule.id)].place().here for rule in rules]
    return [
        StageShown(
            place := stage_place(rule.id),
            rule.id,
            rule.predicate.describe(),
            here[number],
            sum(here[number:]),
            [day.counts.place().entered for day in stats.list_days(place, since, until)],
        )
        for number, rule in enumerate(rules)
    ]


def _group(rows: Iterable[tuple[str, str, str, Counts]]) -> dict[str, list[tuple[str, str, int]]]:
    """(title, place, how many are there now) by the group."""
    groups: dict[str, list[tuple[str, str, int]]] = {}
    for group, title, place, counts in rows:
        groups.setdefault(group, []).append((title, place, counts.place().here))
    return groups


def _cover(book: Book) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    """The channels on which there are messages, and for each stage, "" at the end, a cell for each of them."""
    used = {template.channel for template in book.templates.values()}
    channels = [channel for channel in CHANNELS if channel in used]
    stages = [rule.id for model in book.stages.values() for rule in model.stages]
    cells = cover(stages, channels, book.templates.values())
    names = name_templates({name for cell in cells for name in cell.templates[:_NAMED]}, book)
    rows: dict[str, list[Cell]] = {stage: [] for stage in (*stages, "")}
    for cell in cells:
        shown = tuple(names[name] for name in cell.templates[:_NAMED])
        rows[cell.stage].append(Cell(shown, len(cell.templates) - len(shown)))
    return channels, list(rows.items())

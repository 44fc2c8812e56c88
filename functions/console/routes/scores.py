"""Scores: what gives points, which activity brings most, and what the account's own conversions suggest."""

from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Any, NamedTuple

from functions.console import pages
from functions.console.drafts import Drafted, find_drafted, publish_seen
from functions.console.requests import Request, RequestError
from functions.console.responses import Response, redirect
from functions.console.standings import MOST_SEGMENTS
from postroad.book import Book
from postroad.contacts.places import segment_place
from postroad.scoring.learning import Lesson, add_up, apply_bands, apply_weights, suggest_bands
from postroad.scoring.sheet import Band, Score
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, contacts, definitions, memberships, timeline
from postroad_aws.usecases.draft_score import draft_score
from postroad_aws.usecases.learn_scoring import learn_weights

KIND = "score"
# Seconds that looking at people may take, of those that a request has, and rows of contacts that are looked at.
PATIENCE = 12.0
ROWS = 1_000
_LONGEST_GOAL = 200


class BandShown(NamedTuple):
    """A band with where it begins (None: it is the lowest), and how many of those looked at stand in it."""

    id: str
    least: float | None
    people: int


def show_list(request: Request) -> Response:
    """Score sheets, and what else says who people are: grades and matrices."""
    book = books.current()
    return pages.page(
        request,
        "scores/list.html",
        scores=sorted(book.scores.values(), key=lambda sheet: (sheet.name.lower(), sheet.id)),
        grades=book.grades.values(),
        matrices=book.matrices.values(),
    )


def show_one(request: Request) -> Response:
    """One sheet; its people and what they suggest are fetched by themselves."""
    book = books.newest()
    sheet = _find_sheet(book, request)
    drafted = find_drafted(KIND, sheet.id, book)
    values: dict[str, Any] = {
        "sheet": sheet,
        "drafted": drafted if drafted and drafted.is_changed else None,
        "changes": _compare(sheet, drafted) if drafted else ((), ()),
        "segments": sorted(book.segments.values(), key=lambda segment: segment.name.lower())[:MOST_SEGMENTS],
        "events": sorted({r.pattern.name for rules in (sheet.event_rules, sheet.lasting_rules) for r in rules}),
    }
    return pages.page(request, "scores/one.html", **values)


def show_people(request: Request) -> Response:
    """What a sample of people says: which rule brings most, how they spread over the bands, and better bands."""
    book = books.newest()
    sheet = _find_sheet(book, request)
    sample = contacts.sample_contacts(ROWS)
    values = [sheet.value(book.view(contact, request.now)) for contact in sample.contacts]
    drafted = find_drafted(KIND, sheet.id, book)
    return pages.part(
        request,
        "scores/_people.html",
        "people",
        sheet=sheet,
        found=add_up(sample.contacts, book, sheet, request.now),
        looked_at=len(sample.contacts),
        is_whole=sample.is_whole,
        bands=_spread(sheet.bands, values),
        suggested=_spread(suggest_bands(values), values),
        edit=drafted.draft.edit if drafted else 0,
    )


def suggest(request: Request) -> Response:
    """What those who converted did before, and the points that follow from it."""
    book = books.newest()
    sheet = _find_sheet(book, request)
    goal, segment = _read_goal(request.text("goal"), request.text("converted"), book)
    lesson = _learn(sheet, goal, segment)
    return pages.part(
        request, "scores/_suggestions.html", "suggestions", sheet=sheet, goal=goal, converted=segment, lesson=lesson
    )


def take_weights(request: Request) -> Response:
    """Write the weights that were chosen into the draft; they are learned again at this moment."""
    book, form = books.newest(), request.form()
    sheet = _find_sheet(book, request)
    goal, segment = _read_goal(form.get("goal", ""), form.get("converted", ""), book)
    wanted = {name.removeprefix("weight.") for name in form if name.startswith("weight.")}
    weights = [each for each in _learn(sheet, goal, segment).weights if (each.rule or each.event) in wanted]
    if not weights:
        raise RequestError("Choose at least one of the suggestions; then it is written into the draft.")
    draft_score(definitions, clock, sheet.id, lambda document: apply_weights(document, weights))
    return redirect(f"/console/scores/{sheet.id}")


def take_bands(request: Request) -> Response:
    """Write the bands that were suggested into the draft, as they stood on the page."""
    sheet = _find_sheet(books.newest(), request)
    bands = [
        _read_band(name.removeprefix("band."), text) for name, text in request.form().items() if name[:5] == "band."
    ]
    if not bands:
        raise RequestError("There are no bands in this form. Open the score sheet, and take them there.")
    draft_score(definitions, clock, sheet.id, lambda document: apply_bands(document, bands))
    return redirect(f"/console/scores/{sheet.id}")


def publish(request: Request) -> Response:
    """Make the draft that was looked at the next version."""
    sheet = _find_sheet(books.newest(), request)
    publish_seen(request, KIND, sheet.id)
    return redirect(f"/console/scores/{sheet.id}")


def _find_sheet(book: Book, request: Request) -> Score:
    sheet = book.scores.get(request.variables["score_id"])
    if sheet is None:
        raise NotFoundError("There is no score of this name. The list has those that there are.")
    return sheet


def _read_goal(goal: str, segment: str, book: Book) -> tuple[str, str]:
    """The event that is a conversion, and the segment of people who converted, "" for none."""
    goal = goal.strip()
    if not goal or len(goal) > _LONGEST_GOAL:
        raise RequestError("Say by its name which event is a conversion, such as Order Completed.")
    if segment and segment not in book.segments:
        raise RequestError("This segment is not published any more; choose another one.")
    return goal, segment


def _read_band(band_id: str, text: str) -> Band:
    try:
        least = float(text) if text else -inf
    except ValueError:
        raise RequestError("A band begins at a number.") from None
    if least != -inf and not -1e6 <= least <= 1e6:
        raise RequestError("A band begins at a number between minus and plus a million.")
    return Band(band_id, least)


def _learn(sheet: Score, goal: str, segment: str) -> Lesson:
    until = monotonic() + PATIENCE
    place = segment_place(segment) if segment else None
    return learn_weights(contacts, memberships, timeline, sheet, goal, place, lambda: monotonic() < until)


def _spread(bands: Sequence[Band], values: Sequence[float]) -> list[BandShown]:
    """How these scores spread over bands, the highest first."""
    left, shown = list(values), []
    for band in bands:
        there = [value for value in left if band.reaches(value)]
        left = [value for value in left if not band.reaches(value)]
        shown.append(BandShown(band.id, band.least if band.least > -inf else None, len(there)))
    return shown


def _compare(sheet: Score, drafted: Drafted) -> tuple[Sequence[str], Sequence[str]]:
    """The sentences that a draft takes away, and those that it adds."""
    now, then = sheet.describe(), drafted.lines
    return [line for line in now if line not in then], [line for line in then if line not in now]

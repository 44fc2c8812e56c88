"""Journeys: the list, one drawn with its live numbers, its versions, publishing and withdrawing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from functions.console import pages, picture
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from functions.console.steps import describe_steps
from postroad.book import Manifest
from postroad.contacts.places import is_step
from postroad.definitions import check_definition, known_in
from postroad.errors import DefinitionError
from postroad.experiments.results import read_results
from postroad.instants import DAY
from postroad.journeys import Journey, parse_journey
from postroad.journeys.drawing import draw_journey
from postroad.journeys.transfers import MOVE, STAY, Fate, Transfer, foresee
from postroad.stats import Counts
from postroad_aws import books, clock, runs
from postroad_aws.storage import NotFoundError, VersionConflictError, broadcasts, definitions, stats
from postroad_aws.usecases.judge_experiments import choose_winner
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.withdraw_definition import withdraw_definition

KIND = "journey"
DAYS = 30
VIEWS = ("flow", "steps", "versions")
_PAGE = 25

Mistakes = tuple[tuple[str, str], ...]


class Row(NamedTuple):
    """A journey in the list; `entered` by day, the oldest first."""

    id: str
    name: str
    description: str
    state: str
    is_changed: bool
    saved_at: float
    counts: Counts
    entered: Sequence[int]
    has_goal: bool


class Shown(NamedTuple):
    """One journey as its pages show it, in the version that was asked for (0 is the draft).

    `live` and `last` are the live and the newest published version, 0 when there is none.
    """

    id: str
    state: str
    version: int
    live: int
    last: int
    draft: definitions.Draft | None
    is_changed: bool
    document: Mapping[str, Any]
    journey: Journey | None
    mistakes: Mistakes

    @property
    def name(self) -> str:
        return _text(self.document, "name") or self.id

    @property
    def description(self) -> str:
        return _text(self.document, "description")

    @property
    def subject(self) -> str:
        return f"{KIND}/{self.id}"

    @property
    def origins(self) -> list[str]:
        """What its messages say they come from, the newest version first."""
        return [f"{self.subject}@{version}" for version in range(self.last, 0, -1)]


def show_list(request: Request) -> Response:
    """Every journey, drafts too."""
    drafts = definitions.list_drafts(KIND, cursor=request.cursor, limit=_PAGE)
    manifest = definitions.find_manifest()
    subjects = [f"{KIND}/{draft.definition_id}" for draft in drafts.items]
    live = {subject: manifest.live[subject][:3] for subject in subjects if subject in manifest.live}
    documents = definitions.load_versions(list(live.values()))
    counts = stats.find_counts(subjects)
    rows = []
    for subject, draft in zip(subjects, drafts.items, strict=True):
        shown = documents[live[subject]] if subject in live else draft.document
        row = Row(
            draft.definition_id,
            _text(shown, "name") or draft.definition_id,
            _text(shown, "description"),
            _state(subject, manifest),
            subject in live and shown != draft.document,
            draft.saved_at,
            counts[subject],
            _entered_by_day(subject, request.now),
            bool(shown.get("goal")),
        )
        rows.append(row)
    return pages.page(request, "journeys/list.html", fragment="rows", rows=rows, next=drafts.next, days=DAYS)


def show_one(request: Request) -> Response:
    """One journey, drawn or as a list, with the numbers of all its versions together."""
    shown = find_shown(request)
    view = request.text("view")
    values: dict[str, Any] = {"shown": shown, "view": view if view in VIEWS else "", "days": DAYS}
    values |= {"results": (), "under_way": ()}
    if view == "versions":
        versions = definitions.list_versions(KIND, shown.id, cursor=request.cursor, limit=_PAGE)
        return pages.page(request, "journeys/one.html", fragment="versions", versions=versions, **values)
    counts = stats.find_counts([shown.subject])[shown.subject]
    values |= {"counts": counts, "entered": _entered_by_day(shown.subject, request.now)}
    if shown.live and shown.version == shown.live:
        values["results"] = read_results(shown.id, books.newest(), counts)
    elif shown.live and shown.journey and not shown.version:
        values["under_way"] = _find_under_way(shown.journey, counts)
    if shown.journey:
        drawing = draw_journey(shown.journey)
        sentences = describe_steps(shown.journey, books.newest())
        taken = picture.count_ways(shown.journey, drawing, counts)
        values |= {
            "drawing": drawing,
            "cards": {card.id: card for card in drawing.cards},
            "sentences": {card.id: sentences.get(card.id, card.sentence) for card in drawing.cards},
            "facts": picture.facts_of(shown.journey, counts),
            "shares": picture.shares_of(drawing, taken),
        }
    return pages.page(request, "journeys/one.html", fragment="live", **values)


def publish(request: Request) -> Response:
    """Make the draft that was looked at the next version."""
    shown = find_shown(request)
    draft = definitions.get_draft(KIND, shown.id)
    if request.form().get("edit") != str(draft.edit):
        raise VersionConflictError(
            "Somebody has saved this draft since you opened the page, so nothing was published. "
            "Go back, reload it, and look at what is new."
        )
    transfer = _read_transfer(request.form())
    publish_definitions(definitions, runs, clock, {shown.subject: draft.document}, {shown.subject: transfer})
    return redirect(f"/console/journeys/{shown.id}")


def choose(request: Request) -> Response:
    """Let a variant of an experiment win, or take that back."""
    shown = find_shown(request)
    variant = request.form().get("variant") or None
    choose_winner(definitions, clock, f"{shown.id}/{request.variables['step']}", variant, "somebody has chosen it")
    return redirect(f"/console/journeys/{shown.id}")


def _find_under_way(journey: Journey, counts: Counts) -> tuple[Fate, ...]:
    """Where people are who are under way, and what becomes of them if they move to this draft."""
    here = [(spot, place.here) for spot, place in counts.places.items() if is_step(spot)]
    return foresee(journey, Transfer(journey.version, MOVE), here)


def _read_transfer(form: Mapping[str, str]) -> dict[str, Any]:
    """What the page was told about the people under way; nothing about them is: they stay."""
    under_way = form.get("under_way") or STAY
    gone = {name.removeprefix("gone."): step or None for name, step in form.items() if name.startswith("gone.")}
    return {"under_way": under_way, **({"gone": gone} if gone and under_way == MOVE else {})}


def withdraw(request: Request) -> Response:
    """Nobody enters it any more."""
    shown = find_shown(request)
    withdraw_definition(definitions, broadcasts, runs, clock, shown.subject)
    return redirect(f"/console/journeys/{shown.id}")


def find_shown(request: Request) -> Shown:
    """The journey of the address in the version of the query, else the newest, else the draft. Raises NotFoundError."""
    journey_id = request.variables["journey_id"]
    subject = f"{KIND}/{journey_id}"
    manifest = definitions.find_manifest()
    live = manifest.live[subject].version if subject in manifest.live else 0
    last = manifest.last_version(subject)
    draft = definitions.find_draft(KIND, journey_id)
    if draft is None and not last:
        raise NotFoundError("There is no journey of this name. The list has those that there are.")
    version = _version(request.text("version"), live or last)
    document = (
        definitions.get_version(KIND, journey_id, version)
        if version
        else definitions.get_draft(KIND, journey_id).document
    )
    newest = document if version == live else definitions.get_version(KIND, journey_id, live) if live else None
    journey, mistakes = _compile(document, version)
    is_changed = draft is not None and newest is not None and newest != draft.document
    return Shown(
        journey_id, _state(subject, manifest), version, live, last, draft, is_changed, document, journey, mistakes
    )


def _version(text: str, default: int) -> int:
    if text == "draft":
        return 0
    if text and not (text.isascii() and text.isdigit() and len(text) < 9):
        raise NotFoundError("This journey has no such version.")
    return int(text or default)


def _compile(document: Mapping[str, Any], version: int) -> tuple[Journey | None, Mistakes]:
    """The journey of a document; of a draft also what has to be mended before it can be published."""
    try:
        journey = parse_journey(document, version=version)
    except DefinitionError as error:
        return None, error.mistakes
    return journey, () if version else find_mistakes(document, journey)


def find_mistakes(document: Mapping[str, Any], journey: Journey) -> Mistakes:
    """What has to be mended before the draft of a journey, which can be read, can be published."""
    try:
        check_definition(document, known_in(books.newest(), {f"{KIND}/{journey.id}": document}))
    except DefinitionError as error:
        return error.mistakes
    return ()


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _state(subject: str, manifest: Manifest) -> str:
    if subject in manifest.live:
        return "live"
    return "withdrawn" if subject in manifest.withdrawn else "draft"


def _entered_by_day(subject: str, now: float) -> list[int]:
    since, until = (datetime.fromtimestamp(at, UTC).date().isoformat() for at in (now - (DAYS - 1) * DAY, now))
    return [max(day.counts.started, 0) for day in stats.list_days(subject, since, until)]

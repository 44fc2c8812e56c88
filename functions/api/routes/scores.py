"""Scores: which activity brings most, what conversions say about them, and whom sales should speak to first."""

from math import inf
from time import monotonic
from typing import Annotated, NotRequired, TypedDict

from functions.api.problems import StaleError
from functions.api.routes.contacts import ContactView, show_contacts
from functions.api.routes.definitions import DraftView, show_draft
from functions.api.routing import Routes
from functions.api.schemas import BodyError, Example, ParameterError, Text, Within
from postroad.book import Book
from postroad.contacts.places import segment_place
from postroad.scoring.leads import MOST_COMPARED, to_csv
from postroad.scoring.learning import Lesson, Weight, add_up, apply_weights, suggest_bands
from postroad.scoring.sheet import Score
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, VersionConflictError, contacts, memberships, timeline
from postroad_aws.storage import definitions as storage
from postroad_aws.usecases.draft_score import draft_score
from postroad_aws.usecases.learn_scoring import learn_weights
from postroad_aws.usecases.list_leads import Leads, list_leads

routes = Routes("Scores")

# Seconds that looking at people may take, of those that a request has.
PATIENCE = 15.0
ROWS = 1_000

Goal = Annotated[str, Text(200), Example("Order Completed"), "The event that is a conversion."]
From = Annotated[
    str | None,
    Text(64),
    Example("customers"),
    "A segment of people who converted: half of those looked at are its members, so that rare conversions are seen.",
]


class ContributionView(TypedDict):
    """What one rule adds up to."""

    rule: str
    because: str
    points: Annotated[float, "Of all people who were looked at, as they stand at this moment."]
    people: Annotated[int, "How many of them have points by it."]
    share: Annotated[float, "Its part of all points, from 0 to 1, whichever their sign."]


class ContributionsView(TypedDict):
    """Which activity brings most."""

    people: Annotated[int, "How many were looked at, as chance has them."]
    is_whole: Annotated[bool, "Whether these are all there are."]
    rules: list[ContributionView]


class WeightView(TypedDict):
    """What an activity tells of conversion."""

    rule: Annotated[str | None, "The rule of the sheet that it is; null for an activity that no rule knows yet."]
    event: str
    because: str
    converted: Annotated[int, "How many of those who converted did it before."]
    others: Annotated[int, "How many of the others did it."]
    log_odds: Annotated[float, "How much it tells, drawn towards nothing where few people did it."]
    points: Annotated[float, "What is suggested: ten points double the odds."]
    given: Annotated[float | None, "What the rule gives now."]


class BandView(TypedDict):
    """A range of the score."""

    id: str
    least: Annotated[float | None, "Where it begins; null for the lowest."]


class SuggestionsView(TypedDict):
    """What an account's own people say about a score sheet. Nothing is changed by it."""

    converted: Annotated[int, "How many of those looked at have converted."]
    others: int
    sentence: Annotated[str, "How far it can be trusted."]
    weights: list[WeightView]
    bands: Annotated[list[BandView], "By how the scores of people are spread now; empty when too few have any."]


class SuggestBody(TypedDict):
    """Which suggestions to write into the draft of the score sheet."""

    goal: Goal
    converted: NotRequired[From]
    rules: NotRequired[
        Annotated[
            list[Annotated[str, Text(200)]],
            Within(1, 100),
            Example(["pricing", "Demo Watched"]),
            "Ids of rules, or names of events that no rule knows yet; all that are suggested when it is left out.",
        ]
    ]


class LeadView(TypedDict):
    """Somebody to speak to."""

    heat: Annotated[float, "Score, times fit, times how lately they were heard of."]
    score: float
    grade: Annotated[str | None, "A to F; null when nothing is known of their fit."]
    owner: Annotated[str | None, "Who looks after them: the attribute `owner`."]
    because: str
    contact: ContactView


class LeadsView(TypedDict):
    """Whom sales should speak to first."""

    compared: Annotated[int, f"How many people were compared, at most {MOST_COMPARED}."]
    is_whole: Annotated[bool, "Whether these are all there; else choose a smaller segment."]
    items: list[LeadView]


Place = Annotated[str, Text(80), Example("segment/hot-leads"), "`segment/ID`, `stage/NAME` or `handover/sales`."]
ScoreId = Annotated[str, Text(64), Example("engagement"), "A published score."]
GradeId = Annotated[str | None, Text(64), Example("fit"), "A published grade; without one the fit does not count."]
Most = Annotated[int, Within(1, MOST_COMPARED), "How many at most."]


@routes.get("/scores/{score_id}/contributions")
def get_contributions(score_id: str) -> ContributionsView:
    """Which activity adds most to a score, over a sample of people.

    At most 1,000 rows of the table of contacts are read, so it costs the same however many there are.
    """
    book, sample = books.newest(), contacts.sample_contacts(ROWS)
    found = add_up(sample.contacts, book, _find_sheet(book, score_id), clock.now())
    return {
        "people": len(sample.contacts),
        "is_whole": sample.is_whole,
        "rules": [
            {"rule": c.rule, "because": c.because, "points": c.points, "people": c.people, "share": c.share}
            for c in found
        ],
    }


@routes.get("/scores/{score_id}/suggestions")
def get_suggestions(score_id: str, goal: Goal, converted: From = None) -> SuggestionsView:
    """What conversions say about the weights of a score sheet, and how its bands might be drawn.

    Up to 300 people are looked at, with the latest 300 events of each. Nothing is changed: somebody has to judge it,
    write it into the draft, and publish that.
    """
    book = books.newest()
    sheet = _find_sheet(book, score_id)
    lesson = _learn(book, sheet, goal, converted)
    now = clock.now()
    values = [sheet.value(book.view(contact, now)) for contact in contacts.sample_contacts(ROWS).contacts]
    return {
        "converted": lesson.converted,
        "others": lesson.others,
        "sentence": lesson.sentence,
        "weights": [_show_weight(weight) for weight in lesson.weights],
        "bands": [
            {"id": band.id, "least": band.least if band.least > -inf else None} for band in suggest_bands(values)
        ],
    }


@routes.post("/scores/{score_id}/suggestions/draft", etag="edit")
def draft_suggestions(score_id: str, body: SuggestBody) -> DraftView:
    """Write suggested weights into the draft of the score sheet, or into a new draft of what is live.

    Only those that are named; they are learnt again at this moment. Nothing is published by it: somebody has to look at
    the draft, and publish it.
    """
    book = books.newest()
    lesson = _learn(book, _find_sheet(book, score_id), body["goal"], body.get("converted"))
    wanted = {weight.rule or weight.event: weight for weight in lesson.weights}
    chosen = body.get("rules", list(wanted))
    missing = [name for name in chosen if name not in wanted]
    if missing:
        there = ", ".join(wanted) or f"none: {lesson.sentence}"
        raise BodyError(("rules", f"there is no suggestion for {missing[0][:80]!r}; there are {there}"))
    weights = [wanted[name] for name in chosen]
    try:
        saved = draft_score(storage, clock, score_id, lambda document: apply_weights(document, weights))
    except VersionConflictError:
        raise StaleError("Somebody else has saved this draft just now; ask again.") from None
    return show_draft(saved, storage.find_manifest())


@routes.get("/leads")
def get_leads(score: ScoreId, place: Place, grade: GradeId = None, limit: Most = 50) -> LeadsView:
    """Whom sales should speak to first: score, times fit, times how lately they were heard of.

    The first 1,000 people at the place are compared, in no order, and no more are ever read.
    """
    found = _list_leads(score, place, grade)
    shown = show_contacts(lead.contact for lead in found.leads[:limit])
    items: list[LeadView] = [
        {
            "heat": lead.heat,
            "score": lead.score,
            "grade": lead.grade,
            "owner": lead.owner or None,
            "because": lead.because,
            "contact": contact,
        }
        for lead, contact in zip(found.leads, shown, strict=False)
    ]
    return {"compared": found.compared, "is_whole": found.is_whole, "items": items}


@routes.get("/leads.csv", media="text/csv")
def export_leads(score: ScoreId, place: Place, grade: GradeId = None, limit: Most = 1_000) -> str:
    """The same as a table for a spreadsheet: comma-separated, with a line of headings."""
    return to_csv(_list_leads(score, place, grade).leads[:limit])


def _list_leads(score: str, place: str, grade: str | None) -> Leads:
    book = books.newest()
    if score not in book.scores:
        raise ParameterError(("score", "is no published score"))
    if grade is not None and grade not in book.grades:
        raise ParameterError(("grade", "is no published grade"))
    kind, _, name = place.partition("/")
    if kind not in ("segment", "stage", "persona", "handover") or not name:
        raise ParameterError(("place", "must be a place such as segment/hot-leads, stage/lead or handover/sales"))
    return list_leads(contacts, memberships, book, clock.now(), place, score, grade)


def _learn(book: Book, sheet: Score, goal: str, converted: str | None) -> Lesson:
    if converted is not None and converted not in book.segments:
        raise ParameterError(("converted", "is no published segment"))
    until = monotonic() + PATIENCE
    place = segment_place(converted) if converted else None
    return learn_weights(contacts, memberships, timeline, sheet, goal, place, lambda: monotonic() < until)


def _show_weight(weight: Weight) -> WeightView:
    return WeightView(**weight._asdict())  # type: ignore[typeddict-item]


def _find_sheet(book: Book, score_id: str) -> Score:
    sheet = book.scores.get(score_id)
    if sheet is None:
        raise NotFoundError("There is no published score with this id.")
    return sheet

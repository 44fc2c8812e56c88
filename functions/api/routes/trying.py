"""Trying things out: simulations, dry runs, and why; nothing is stored, and nobody is written to."""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict

from functions.api.problems import RequestError
from functions.api.routes.contacts import read_contact
from functions.api.routing import Routes
from functions.api.schemas import BodyError, Example, Instant, OneOf, Text, Within
from postroad import explaining
from postroad.book import Book
from postroad.commits import Row
from postroad.events import Event
from postroad.explaining import Finding, tell_decision
from postroad.instants import DAY, format_instant, parse_duration
from postroad.sending.messages import QUEUED
from postroad.simulation import Forecast, Moment, StepForecast
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, messages, timeline
from postroad_aws.usecases.try_journey import Wish, dry_run_contact, find_history, simulate_journey
from postroad_aws.wiring import trial_ports

routes = Routes("Trying out")

# What one call may ask for; `postroad simulate` does more, on the caller's own machine.
MAX_PEOPLE, MAX_CONTACTS, MAX_DAYS = 500, 50, 90
MAX_TOLD = 1_000
# So much of a timeline is looked through for decisions.
MAX_ROWS = 1_000

Drafts = Annotated[
    dict[str, dict[str, Any]],
    "Definitions that stand in the place of what is live, by key (`journey/welcome`).",
]


class SimulationBody(TypedDict):
    """How a journey is tried. All of it may be left out."""

    people: NotRequired[Annotated[int, Within(1, MAX_PEOPLE), "How many made-up people take part; 200."]]
    contacts: NotRequired[
        Annotated[list[Annotated[str, Text()]], Within(1, MAX_CONTACTS), "Ids of contacts who take part instead."]
    ]
    days: NotRequired[Annotated[int, Within(1, MAX_DAYS), "How many days pass; 21."]]
    seed: NotRequired[Annotated[int, Within(0, 999_999_999), "The same seed, the same forecast; 1."]]
    habits: NotRequired[Annotated[dict[str, Any], Example({"opened": 0.4}), "What people do, as chances and delays."]]
    history: NotRequired[Annotated[bool, "Learn the habits from the journey's live numbers."]]
    attributes: NotRequired[
        Annotated[
            dict[str, list[Any]],
            Example({"role": ["founder", None]}),
            "Values of made-up people's attributes; of others, what the journey asks about.",
        ]
    ]
    properties: NotRequired[Annotated[dict[str, Any], "Of the event that starts them."]]
    definitions: NotRequired[Drafts]


class StepForecastView(TypedDict):
    """What happens at one step."""

    step: str
    entered: int
    waiting: Annotated[int, "Who stand there at the end."]
    sent: int
    skipped: int
    postponed: int
    opened: int
    clicked: int


class WayView(TypedDict):
    """A path that nobody took."""

    step: str
    way: Annotated[str, "Its name; empty for a step that nobody came to."]
    sentence: str


class ReasonView(TypedDict):
    """How often something was not done, and why."""

    step: str
    because: str
    count: int


class PlannedView(TypedDict):
    """A message that somebody would get."""

    contact_id: str
    time: Instant
    origin: Annotated[str, Example("journey/welcome@1")]
    step: str
    template: str
    channel: str


class SimulationView(TypedDict):
    """What came of a journey."""

    journey: Annotated[str, Example("journey/welcome@2")]
    people: int
    started: int
    not_started: list[ReasonView]
    steps: list[StepForecastView]
    not_sent: list[ReasonView]
    never_taken: list[WayView]
    outcomes: Annotated[dict[str, int], Example({"goal": 31, "completed": 169})]
    conversions: Annotated[int, "Passages that reached the goal."]
    conversion_rate: float
    sends: Annotated[dict[str, int], "The journey's messages by channel."]
    days: Annotated[dict[str, dict[str, int]], "The journey's messages by day and channel."]
    cost: Annotated[dict[str, float], "What the channels take for those, in USD."]
    capped: Annotated[list[str], "Contacts whom a cap kept a message from, or kept one for later."]
    cut: Annotated[int, "People in a circle of journeys, who were not followed to the end."]
    messages: Annotated[list[PlannedView], f"Who gets what and when, of any journey; the first {MAX_TOLD}."]


class SuppositionBody(TypedDict):
    """What is supposed to happen. Without an event, only time passes."""

    event: NotRequired[Annotated[str, Text(200), Example("Product Added"), "The name of an event."]]
    properties: NotRequired[dict[str, Any]]
    attributes: NotRequired[Annotated[dict[str, Any], "What the event says about the contact."]]
    passes: NotRequired[Annotated[str, Text(40), Example("P3D"), "How much time passes after it; a day."]]
    definitions: NotRequired[Drafts]


class MomentView(TypedDict):
    """A moment at which something would be decided."""

    time: Instant
    event: Annotated[str, "What happened; `Wake` when it was time."]
    decisions: Annotated[list[str], "In sentences."]
    messages: list[PlannedView]
    caused: Annotated[list[str], "Names of the events that would follow."]


class DryRunView(TypedDict):
    """What would happen to a contact."""

    moments: list[MomentView]


class FindingView(TypedDict):
    """One thing that had to be so."""

    key: Annotated[str, Example("refusal")]
    verdict: Annotated[str, OneOf(explaining.VERDICTS)]
    sentence: str
    time: Annotated[Instant | None, "When that was decided, or will be."]
    recorded: Annotated[bool, "False when it comes from a dry run: it is how things stand now."]


class WhyView(TypedDict):
    """Why, and why not: each thing that had to be so, in order."""

    findings: list[FindingView]


@routes.post("/journeys/{journey_id}/simulate")
def simulate(journey_id: str, body: SimulationBody | None = None) -> SimulationView:
    """Let made-up or chosen people go through a journey, with time run ahead; nothing is stored, and nothing sent.

    Its saved draft is tried as if it were published beside what is live; the same call gives the same forecast at the
    same moment.
    """
    said: SimulationBody = body or {}
    wish = Wish(
        journey_id,
        people=said.get("people", 200),
        days=said.get("days", 21),
        seed=said.get("seed", 1),
        habits=said.get("habits"),
        history=said.get("history", False),
        attributes=said.get("attributes", {}),
        properties=said.get("properties", {}),
        contacts=tuple(dict.fromkeys(said.get("contacts", ()))),
        drafts=_read_drafts(said.get("definitions", {})),
    )
    return _show_forecast(simulate_journey(trial_ports(), wish))


@routes.post("/contacts/{contact_id}/dry-run")
def run_dry(contact_id: str, body: SuppositionBody | None = None) -> DryRunView:
    """What would happen to a contact if an event came now, and time passed; nothing is stored, and nothing sent."""
    said: SuppositionBody = body or {}
    contact, now = read_contact(contact_id), clock.now()
    try:
        passes = parse_duration(said.get("passes", "P1D"))
    except ValueError as error:
        raise BodyError(("passes", str(error))) from None
    if not 0 <= passes <= MAX_DAYS * DAY:
        raise BodyError(("passes", f"must be at most {MAX_DAYS} days"))
    events = []
    if name := said.get("event", ""):
        event_id = f"dry-run-{now:.3f}"
        properties, attributes = said.get("properties", {}), said.get("attributes", {})
        events = [
            Event(event_id, name, now, now, trusted=True, source="api", properties=properties, attributes=attributes)
        ]
    drafts = _read_drafts(said.get("definitions", {}))
    book, moments = dry_run_contact(trial_ports(), contact, events, now + passes + 1.0, drafts)
    return {"moments": [_show_moment(moment, book) for moment in moments[:MAX_TOLD]]}


@routes.get("/contacts/{contact_id}/why")
def explain(
    contact_id: str,
    journey: Annotated[str | None, Example("welcome"), "A journey's id."] = None,
    step: Annotated[str | None, Example("welcome"), "A step of the journey, whose gates are asked now."] = None,
    message: Annotated[str | None, "A message's id."] = None,
) -> WhyView:
    """Why a journey or a message did, or did not, come to a contact: each thing that had to be so, in order.

    One of `journey` and `message` must be given. What has happened is recorded; the rest comes from a dry run.
    """
    if (journey is None) == (message is None) or (step and journey is None):
        raise RequestError("Say what about: journey=<id>, with or without step=<id>, or message=<id>.")
    contact = read_contact(contact_id)
    ids = (contact.contact_id, *contact.merged_from)
    if message is not None:
        found = messages.find_message(message)
        if found is None or found.contact_id not in ids:
            raise NotFoundError("This contact has no message with this id.")
        return _show_findings(explaining.why_message(found, _list_rows(ids)))
    book = books.newest()
    try:
        findings = explaining.why_journey(
            contact,
            str(journey),
            book,
            _list_rows(ids),
            clock.now(),
            step_id=step,
            history=find_history(timeline, contact, book),
        )
    except KeyError as error:
        kind = "published journey" if error.args[0] == journey else f"step in the journey {journey}"
        raise NotFoundError(f"There is no {kind} with this id.") from None
    return _show_findings(findings)


def _read_drafts(definitions: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Drafts by key; kind and id are those of the key."""
    found = {}
    for key, document in definitions.items():
        kind, _, definition_id = key.partition("/")
        if not (kind and definition_id):
            raise BodyError((f"definitions.{key[:40]}", "is no definition; write kind and id, such as journey/welcome"))
        found[key] = {**document, "kind": kind, "id": definition_id}
    return found


def _list_rows(ids: tuple[str, ...]) -> list[Row]:
    """The latest rows of a timeline."""
    rows: list[Row] = []
    cursor = None
    while len(rows) < MAX_ROWS:
        page = timeline.list_rows(ids, cursor=cursor, limit=200)
        rows += page.items
        cursor = page.next
        if cursor is None:
            break
    return rows


def _show_forecast(forecast: Forecast) -> SimulationView:
    return {
        "journey": forecast.outline.key,
        "people": forecast.people,
        "started": forecast.started,
        "not_started": [{"step": "", "because": why, "count": n} for why, n in forecast.refused.most_common()],
        "steps": [_show_step(each) for each in forecast.steps],
        "not_sent": [{"step": s, "because": why, "count": n} for (s, why), n in forecast.skipped.most_common()],
        "never_taken": [{"step": w.step, "way": w.name, "sentence": w.sentence} for w in forecast.never_taken],
        "outcomes": dict(forecast.outcomes),
        "conversions": forecast.conversions,
        "conversion_rate": round(forecast.conversion_rate, 4),
        "sends": forecast.sends,
        "days": forecast.sends_by_day,
        "cost": forecast.cost,
        "capped": sorted(forecast.capped),
        "cut": forecast.cut,
        "messages": [
            {
                "contact_id": each.contact_id,
                "time": format_instant(each.at),
                "origin": each.origin,
                "step": each.step,
                "template": each.template,
                "channel": each.channel,
            }
            for each in sorted(forecast.messages, key=lambda sent: sent.at)[:MAX_TOLD]
        ],
    }


def _show_step(step: StepForecast) -> StepForecastView:
    return {
        "step": step.step,
        "entered": step.entered,
        "waiting": step.waiting,
        "sent": step.sent,
        "skipped": step.skipped,
        "postponed": step.postponed,
        "opened": step.opened,
        "clicked": step.clicked,
    }


def _show_moment(moment: Moment, book: Book) -> MomentView:
    outcome = moment.outcome
    return {
        "time": format_instant(moment.at),
        "event": moment.event.name,
        "decisions": [tell_decision(decision, book) for decision in outcome.decisions],
        "messages": [
            {
                "contact_id": message.contact_id,
                "time": format_instant(moment.at),
                "origin": message.origin,
                "step": message.step,
                "template": message.template,
                "channel": message.channel,
            }
            for message in outcome.messages
            if message.state == QUEUED
        ],
        "caused": [event.name for event in outcome.caused],
    }


def _show_findings(findings: tuple[Finding, ...]) -> WhyView:
    return {
        "findings": [
            {
                "key": each.key,
                "verdict": each.verdict,
                "sentence": each.sentence,
                "time": format_instant(each.at) if each.at is not None else None,
                "recorded": each.recorded,
            }
            for each in findings
        ]
    }

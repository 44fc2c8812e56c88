"""Why, and why not: what stood between a contact and a journey or a message, in order, in sentences.

What has happened is told from the decisions of the timeline and from the ledger; what has not, from a dry run: the same
fold and the same gates, asked now, and nothing is stored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from postroad.advice.channels import BEST, CHANNEL, PHONE, rank
from postroad.book import Book
from postroad.commits import Row
from postroad.contacts.contact import Candidate, Contact, Enrollment
from postroad.decisions import Decision
from postroad.events import Event
from postroad.instants import DAY, stamp
from postroad.journeys import Journey
from postroad.journeys.steps import SendStep
from postroad.sending.gates import GATES, Ask, Gate, Later, Pass, Skip, find_bar
from postroad.sending.messages import (
    BOUNCED,
    COMPLAINED,
    DELIVERED,
    FAILED,
    QUEUED,
    SENDING,
    SENT,
    SKIPPED,
    UNKNOWN,
    Message,
    visit_of,
)
from postroad.simulation.dry_run import dry_run
from postroad.simulation.people import start_event

# So far ahead a dry run looks, and so much of what it finds is told.
AHEAD = 30 * DAY
MOST_AHEAD = 10

# The verdict of a journey about those whom its holdout keeps out.
HELD_OUT = "held out"

# It is so, it is not, it is not yet, and nobody has asked.
YES, NO, LATER, OPEN = VERDICTS = ("yes", "no", "later", "open")


class Finding(NamedTuple):
    """One thing that had to be so. `key` names it ("trigger", "entry", a gate, a state of the message …), `at` is when
    that was decided, or will be. What is not `recorded` is from a dry run: it is how things stand now."""

    key: str
    verdict: str
    sentence: str
    at: float | None = None
    recorded: bool = True


class Said(NamedTuple):
    """A recorded decision, and when its event happened."""

    at: float
    event: str
    decision: Decision


def tell_decision(decision: Decision, book: Book) -> str:
    """A decision as a sentence that needs nothing beside it."""
    kind, _, rest = decision.definition.partition("/")
    definition_id = rest.partition("@")[0]
    known: Mapping[str, Mapping[str, Any]] = {
        "journey": book.journeys,
        "segment": book.segments,
        "score": book.scores,
        "stages": book.stages,
    }
    definition = known.get(kind, {}).get(definition_id)
    name = definition.name if definition else definition_id
    where = f"{kind.capitalize()} {name}" if name else kind.capitalize()
    step = f", step {decision.step}" if decision.step else ""
    return f"{where}{step}: {decision.verdict}, because {decision.because}." if decision.because else f"{where}{step}."


# ------------------------------------------------------------------------------------------------------------ journeys


def why_journey(
    contact: Contact,
    journey_id: str,
    book: Book,
    rows: Iterable[Row],
    now: float,
    *,
    step_id: str | None = None,
    history: Sequence[Event] = (),
) -> tuple[Finding, ...]:
    """What has brought a contact into a journey, or keeps it out, and how far it came; with `step_id`, also what its
    gates would say to a message of that step now. `rows` are the contact's timeline, the latest first.

    Raises KeyError when the journey has never been published, or has no such step.
    """
    journey = book.journeys.get(journey_id) or max(
        (version for (name, _), version in book.versions.items() if name == journey_id),
        key=lambda version: version.version,
        default=None,
    )
    if journey is None:
        raise KeyError(journey_id)
    findings = [_find_live(journey, book)]
    said = _list_said(rows, f"journey/{journey_id}")
    entry = max((n for n, each in enumerate(said) if _is_entry(each.decision)), default=None)
    if entry is None:
        started = " or ".join(trigger.describe() for trigger in journey.triggers)
        findings.append(Finding("trigger", OPEN, f"Nothing that starts it is recorded. It starts with: {started}."))
    else:
        findings += _tell_entry(said[entry])
        findings += [_tell_said(each) for each in said[entry + 1 :]]
    enrollments = contact.enrollments_in(journey_id)
    for enrollment in enrollments:
        findings += _tell_ahead(contact, enrollment, book, now, history)
    if not enrollments and journey_id in book.journeys:
        findings.append(_try_entry(contact, journey, book, now, history))
    if step_id is not None:
        findings += ask_gates(contact, journey, step_id, book, now)
    return tuple(findings)


def ask_gates(contact: Contact, journey: Journey, step_id: str, book: Book, now: float) -> Iterator[Finding]:
    """What each gate would say if the message of a step were put up now. Raises KeyError when it has no such step."""
    body = journey.steps[step_id].body
    template_id, channel = getattr(body, "template", ""), getattr(body, "channel", "")
    told, is_call = "", False
    if not template_id:
        yield Finding("send", NO, f"The step sends nothing: {body.describe()}.", now, recorded=False)
        return
    if channel == BEST and isinstance(body, SendStep):
        template = book.templates.get(template_id)
        topic = book.policy.find_topic(template.topic) if template else None
        ways = [way for way in rank(contact, topic, now) if way.channel in body.ways]
        told = f"Of all ways {'; '.join(way.describe() for way in ways)}."
        is_call = ways[0].channel == PHONE
        channel = next(way.channel for way in ways if way.channel in body.templates)
        template_id = body.templates[channel]
    candidate = Candidate(
        message_id=f"dry-run.{step_id}",
        origin=journey.key,
        step=step_id,
        enrollment_id="dry-run",
        template=template_id,
        channel=channel,
        trigger_key="",
        since=now,
        at=now,
        options=getattr(body, "options", {}),
    )
    ask = Ask(contact, book, now, candidate, book.templates.get(template_id))
    if is_call and (bar := find_bar(ask)):
        yield Finding(bar[0], NO, _sentence(bar[1]), now, recorded=False)
        return
    if told:
        verdict, sentence = (NO, f"{told} A call takes its place.") if is_call else (YES, told)
        yield Finding(CHANNEL, verdict, sentence, now, recorded=False)
    if not is_call:
        for gate in GATES:
            yield _ask_gate(gate, ask)


def _ask_gate(gate: Gate, ask: Ask) -> Finding:
    match gate.ask(ask):
        case Skip(reason):
            return Finding(gate.key, NO, _sentence(reason), ask.now, recorded=False)
        case Later(at, because):
            return Finding(gate.key, LATER, f"{_sentence(because)} It would leave {stamp(at)}.", at, recorded=False)
        case Pass(because):
            return Finding(gate.key, YES, _sentence(because or gate.sentence), ask.now, recorded=False)


def _find_live(journey: Journey, book: Book) -> Finding:
    if journey.id in book.journeys:
        return Finding("live", YES, f"The journey {journey.name} is live, in version {journey.version}.")
    return Finding("live", NO, f"The journey {journey.name} was withdrawn: nobody enters it any more.")


def _list_said(rows: Iterable[Row], key: str) -> list[Said]:
    """What decisions of one definition, in whatever version, say, in the order of time."""
    return [
        Said(row.event.time, row.event.name, decision)
        for row in sorted(rows, key=lambda row: row.event.time)
        for decision in row.decisions
        if decision.definition.partition("@")[0] == key
    ]


def _is_entry(decision: Decision) -> bool:
    return not decision.step and decision.verdict in ("started", "not started", HELD_OUT)


def _tell_entry(said: Said) -> Iterator[Finding]:
    yield Finding("trigger", YES, f"{said.event} happened, which starts it.", said.at)
    # Whom the holdout keeps out has been let in by the rule of re-entry first.
    key = "holdout" if said.decision.verdict == HELD_OUT else "entry"
    verdict = YES if said.decision.verdict == "started" else NO
    yield Finding(key, verdict, _sentence(f"{said.decision.verdict}: {said.decision.because}"), said.at)


# What a verdict means for whoever asks why; every other one says that things went on.
_STOPS = {"failed": NO, "exited": NO, SKIPPED: NO, "postponed": LATER, "goes on later": LATER, "wait": LATER}


def _tell_said(said: Said) -> Finding:
    decision = said.decision
    key = decision.gate or ("step" if decision.step else "journey")
    where = f"At {decision.step}: " if decision.step else ""
    sentence = f"{where}{decision.verdict}, {decision.because}" if decision.because else f"{where}{decision.verdict}"
    return Finding(key, _STOPS.get(decision.verdict, YES), _sentence(sentence), said.at)


def _tell_ahead(
    contact: Contact, enrollment: Enrollment, book: Book, now: float, history: Sequence[Event]
) -> Iterator[Finding]:
    """Where somebody stands, and what comes when nothing happens but that time passes."""
    journey = book.find_journey(enrollment.journey, enrollment.version)
    body = journey.steps[enrollment.step].body if journey and enrollment.step in journey.steps else None
    until = "" if enrollment.due is None else f", until {stamp(enrollment.due)} at most"
    stands = f"Stands at {enrollment.step or 'its door'}{until}"
    yield Finding("position", LATER, f"{stands}: {body.describe()}." if body else f"{stands}.", enrollment.since)
    told = 0
    for moment in dry_run(contact, book, until=now + AHEAD, history=history):
        for decision in moment.outcome.decisions:
            # In whatever version: a publication may be about to take them along.
            if decision.definition.partition("@")[0] == f"journey/{enrollment.journey}" and told < MOST_AHEAD:
                told += 1
                said = _tell_said(Said(moment.at, moment.event.name, decision))
                sentence = f"If nothing else happens, {said.sentence[:1].lower()}{said.sentence[1:]}"
                yield said._replace(sentence=sentence, recorded=False)


def _try_entry(contact: Contact, journey: Journey, book: Book, now: float, history: Sequence[Event]) -> Finding:
    """What would come of an event that starts the journey."""
    event = start_event(journey, contact, now, event_id=f"dry-run-{now:.3f}")
    decisions = [
        decision
        for moment in dry_run(contact, book, [event], until=now + 1.0, history=history)
        for decision in moment.outcome.decisions
        if decision.definition == journey.key and _is_entry(decision)
    ]
    for decision in decisions[-1:]:
        (_, said) = _tell_entry(Said(now, event.name, decision))
        sentence = f"If {event.name} happened now: {decision.verdict}, {decision.because}"
        return said._replace(sentence=_sentence(sentence), recorded=False)
    because = f"{event.name} would not start it now, as its trigger asks for more than that"
    return Finding("entry", NO, _sentence(because), now, recorded=False)


# ------------------------------------------------------------------------------------------------------------ messages


def why_message(message: Message, rows: Iterable[Row]) -> tuple[Finding, ...]:
    """What led to a message, each gate that it had to pass, and what became of it.

    `rows` are those of its contact's timeline that may tell.
    """
    passage = _list_passage(message, list(rows))
    findings = [finding for each in passage[:1] if _is_entry(each.decision) for finding in _tell_entry(each)]
    mine = _list_asking(message, passage)
    findings += [_tell_said(each) for each in mine if not each.decision.gate and each.decision.verdict != SKIPPED][:1]
    findings += _tell_gates(message, {each.decision.gate: each for each in mine if each.decision.gate})
    findings += _tell_states(message)
    return tuple(findings)


def _list_passage(message: Message, rows: Sequence[Row]) -> list[Said]:
    """What was decided in the passage of a message: from its own trigger on until the journey starts again."""
    said, key = _list_said(rows, message.origin.partition("@")[0]), message.trigger_key
    triggers = (row.event.time for row in rows if key in (row.key, *(caused.key for caused in row.caused)))
    at = next(triggers, message.created_at)
    starts = [n for n, each in enumerate(said) if _is_entry(each.decision) and each.decision.verdict == "started"]
    first = max((n for n in starts if said[n].at <= at), default=0)
    return said[first : min((n for n in starts if n > first), default=len(said))]


def _list_asking(message: Message, passage: Iterable[Said]) -> list[Said]:
    """What was decided of a message: from the visit to its step that asked for it until the next one."""
    mine = [each for each in passage if each.decision.step == message.step and not _is_entry(each.decision)]
    visits: list[list[Said]] = [[]]
    for each in mine:
        # A step says something of its own, once a visit, before the gates speak.
        is_asking = not each.decision.gate and each.decision.verdict != SKIPPED
        if is_asking and visits[-1] and visits[-1][0].at != each.at:
            visits.append([])
        visits[-1].append(each)
    return visits[min(visit_of(message.message_id), len(visits)) - 1]


def _tell_gates(message: Message, recorded: dict[str, Said]) -> Iterator[Finding]:
    """Each gate in its order: what it said, that it let the message pass, or that nobody asked it any more."""
    stopped = False
    if CHANNEL in recorded:  # it is chosen before any gate is asked
        yield _tell_said(recorded[CHANNEL])
        stopped = recorded[CHANNEL].decision.verdict == SKIPPED
    for gate in GATES:
        said = recorded.get(gate.key)
        if said:
            yield _tell_said(said)
            stopped = stopped or said.decision.verdict == SKIPPED
        elif stopped:
            yield Finding(gate.key, OPEN, "Nobody asked any more.", None)
        elif message.state == SKIPPED and not recorded:
            continue  # The sender stopped it, or code that kept no gates: its state says why.
        else:
            yield Finding(gate.key, YES, _sentence(gate.sentence), message.created_at)


_STATES: dict[str, tuple[str, str]] = {
    QUEUED: (YES, "It was put up for sending"),
    SENDING: (YES, "A sender took it"),
    UNKNOWN: (OPEN, "The channel was called and gave no answer; it is not sent again"),
    SKIPPED: (NO, "It was not sent"),
    SENT: (YES, "The channel took it"),
    FAILED: (NO, "It failed"),
    DELIVERED: (YES, "The receiving server took it"),
    BOUNCED: (NO, "It bounced"),
    COMPLAINED: (NO, "It was reported as spam"),
    "opened": (YES, "It was opened"),
    "clicked": (YES, "A link in it was followed"),
    "machine_opened": (OPEN, "A machine opened it, which says nothing about the person"),
    "machine_clicked": (OPEN, "A machine followed a link in it, which says nothing about the person"),
}


def _tell_states(message: Message) -> Iterator[Finding]:
    times = {QUEUED: message.created_at, **message.times} if message.state != SKIPPED else dict(message.times)
    for state, at in sorted(times.items(), key=lambda pair: pair[1]):
        verdict, sentence = _STATES[state]
        because = f": {message.reason}" if state == message.state and message.reason else ""
        yield Finding(state, verdict, f"{sentence}{because}.", at)
    if message.state == QUEUED:
        when = f" until {stamp(message.not_before)} at least" if message.not_before else ""
        yield Finding(SENT, LATER, f"It waits to be sent{when}.", message.not_before)
    elif message.state == SENT and message.channel == "email":
        yield Finding(DELIVERED, OPEN, "Nobody has said yet whether it was delivered.")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"

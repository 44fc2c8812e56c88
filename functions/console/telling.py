"""A contact's life in words: what happened, what it led to, and why."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from functions.console.steps import describe_steps
from functions.console.words import value
from postroad import demo
from postroad import events as names
from postroad.book import Book
from postroad.commits import Row
from postroad.contacts.contact import Contact, Enrollment
from postroad.decisions import Decision
from postroad.events import Event
from postroad.local_time import find_zone
from postroad.sending.messages import QUEUED, SKIPPED


class Look(NamedTuple):
    """How an event is shown."""

    icon: str
    colour: str = "grey"


_LOOKS = {
    names.IDENTIFIED: Look("id", "blue"),
    names.PAGE_VIEWED: Look("eye"),
    names.SCREEN_VIEWED: Look("eye"),
    names.WAKE: Look("clock"),
    **dict.fromkeys(names.OPENINGS, Look("mail-opened", "green")),
    **dict.fromkeys(names.CLICKS, Look("link", "green")),
    names.EMAIL_BOUNCED: Look("mail", "red"),
    names.EMAIL_COMPLAINED: Look("flag", "red"),
    names.UNSUBSCRIBED: Look("hand-stop", "orange"),
    names.SUBSCRIBED: Look("check", "green"),
    names.CONSENT_REQUESTED: Look("mail"),
    names.MESSAGES_PAUSED: Look("clock", "orange"),
    names.MESSAGES_RESUMED: Look("check", "green"),
    names.PREFERENCES_CHANGED: Look("edit"),
    names.SMS_REPLIED: Look("message", "green"),
    names.ADDRESS_SUPPRESSED: Look("ban", "red"),
    names.ADDRESS_RELEASED: Look("check", "green"),
    names.MESSAGE_DELIVERED: Look("check", "green"),
    names.MESSAGE_SKIPPED: Look("mail", "orange"),
    names.MESSAGE_FAILED: Look("mail", "red"),
    names.FORM_SUBMITTED: Look("edit", "purple"),
}
_OTHERS = Look("bolt", "purple")

_HANDED = {"sales": "Was handed to sales", "nurture": "Is nurtured from now on"}

# What an event of ours is called in a sentence, from its properties.
_SENTENCES: dict[str, Callable[[Book, Mapping[str, Any]], str]] = {
    names.WAKE: lambda book, said: "It was time to look again",
    names.SEGMENT_ENTERED: lambda book, said: f"Entered the segment {_named(book, 'segment', said, 'segment')}",
    names.SEGMENT_LEFT: lambda book, said: f"Left the segment {_named(book, 'segment', said, 'segment')}",
    names.STAGE_CHANGED: lambda book, said: f"Became {value(said.get('stage'))}",
    names.PERSONA_CHANGED: lambda book, said: _became_like(book, said),
    names.HANDED_OVER: lambda book, said: _HANDED.get(str(said.get("to")), "Is neither at sales nor nurtured any more"),
    names.ACCOUNT_JOINED: lambda book, said: f"Belongs to the account {value(said.get('group_id'))}",
    names.ACCOUNT_CHANGED: lambda book, said: f"The account {value(said.get('name'))} changed",
    names.POINTS_GIVEN: lambda book, said: (
        f"Got {value(said.get('points'))} for {_named(book, 'score', said, 'score')}"
    ),
    names.JOURNEY_STARTED: lambda book, said: f"Started the journey {_named(book, 'journey', said, 'journey')}",
    names.JOURNEY_ENDED: lambda book, said: _ended(book, said),
    names.ATTRIBUTES_UPDATED: lambda book, said: "Attributes were updated",
    names.BROADCAST_ADDRESSED: lambda book, said: f"The broadcast {value(said.get('name'))} began",
}

# These say themselves in the title, are ids that mean nothing to people, or come with every event from a device.
_UNTOLD = {
    *("message_id", "enrollment_id", "campaign_id", "email_id", "segment", "journey", "version"),
    *("timezone", "locale", demo.ATTRIBUTE),
}
_UNTOLD_OF = {
    names.BROADCAST_ADDRESSED: {"broadcast", "name", "template"},
    names.ACCOUNT_JOINED: {"account", "group_id"},
    names.ACCOUNT_CHANGED: {"account", "name"},
}
# What decides and has a page of its own.
_WITH_PAGES = ("journey", "segment", "broadcast", "account")
# Decisions that put a message up for sending.
_SENDS = {"send", QUEUED}


class Told(NamedTuple):
    """One moment of a contact's life. `facts` are (name, value) pairs, `followed` sentences; `message_id` is "" when
    it is about no message."""

    time: float
    title: str
    look: Look
    source: str
    facts: list[tuple[str, str]]
    followed: list[str]
    decisions: "list[Reason]"
    message_id: str = ""


class Reason(NamedTuple):
    """Why something was, or was not, done: `what` decided it (a title and, if there is one, its page)."""

    what: str
    href: str
    step: str
    verdict: str
    because: str


class Journeying(NamedTuple):
    """Where somebody stands in a journey: what is waited for, until when, and what comes then."""

    title: str
    href: str
    enrollment: Enrollment
    now: str
    then: str


def tell(row: Row, book: Book) -> Told:
    """A row of the timeline in words."""
    event = row.event
    untold = _UNTOLD | _UNTOLD_OF.get(event.name, set())
    facts = {name: said for name, said in (*event.attributes.items(), *event.properties.items()) if name not in untold}
    if facts.get("actor") == "human":
        del facts["actor"]  # only a machine is worth a word
    message_id = event.properties.get("message_id")
    return Told(
        event.time,
        _sentence(book, event),
        _LOOKS.get(event.name, _OTHERS),
        event.source,
        [(name, value(each)) for name, each in facts.items()],
        [*(_sentence(book, caused) for caused in row.caused), *_sent(row)],
        [explain(decision, book, str(event.properties.get("name", ""))) for decision in row.decisions],
        message_id if isinstance(message_id, str) else "",
    )


def explain(decision: Decision, book: Book, broadcast: str = "") -> Reason:
    """A decision, with the names of what decided it; `broadcast` is the name of the one that it may be about."""
    key, _, version = decision.definition.partition("@")
    kind, _, definition_id = key.partition("/")
    title = (broadcast if kind == "broadcast" else "") or name_of(book, kind, definition_id) if definition_id else kind
    step = decision.step
    if kind == "journey" and version.isdigit() and (journey := book.find_journey(definition_id, int(version))):
        step = journey.steps[step].body.describe() if step in journey.steps else step
    href = f"/console/{kind}s/{definition_id}" if kind in _WITH_PAGES and definition_id else ""
    return Reason(title, href, step, decision.verdict, decision.because)


def name_of(book: Book, kind: str, definition_id: str) -> str:
    """What people call a definition; its id when nothing of it is live."""
    known: Mapping[str, Any] = {
        "segment": book.segments,
        "journey": book.journeys,
        "score": book.scores,
        "stages": book.stages,
        "grade": book.grades,
        "matrix": book.matrices,
        "persona": {persona.id: persona for persona in book.personas.personas},
        "handover": {book.handover.id: book.handover} if book.handover else {},
        "topic": book.policy.topics,
    }.get(kind, {})
    return known[definition_id].name if definition_id in known else definition_id


# How sentences of the core name a definition.
_MENTION = re.compile(r"\b(segment|score|grade|matrix|persona|topic|journey)([ /])([a-z0-9][a-z0-9_-]*)")


def mention(text: str, book: Book) -> str:
    """A sentence in which what is live has its name instead of its id: `the segment Customers`."""

    def say(found: re.Match[str]) -> str:
        name = name_of(book, found[1], found[3])
        return found[0] if name == found[3] and found[2] == " " else f"{found[1]} {name}"

    return _MENTION.sub(say, text)


def _became_like(book: Book, said: Mapping[str, Any]) -> str:
    if not said.get("persona"):
        return "Is like none of the personas any more"
    return f"Is most like {_named(book, 'persona', said, 'persona')}"


def journeys_of(contact: Contact, book: Book) -> list[Journeying]:
    """The journeys that somebody is in, the one that goes on first before the others."""
    found = []
    for enrollment in contact.active.values():
        journey = book.find_journey(enrollment.journey, enrollment.version)
        step = journey.steps.get(enrollment.step) if journey else None
        sentences = describe_steps(journey, book) if journey else {}
        following = journey.steps.get(step.next or "") if journey and step and not step.arms else None
        found.append(
            Journeying(
                name_of(book, "journey", enrollment.journey) + (f" ({enrollment.key})" if enrollment.key else ""),
                f"/console/journeys/{enrollment.journey}",
                enrollment,
                sentences.get(enrollment.step, enrollment.step),
                sentences[following.id] if following else "",
            )
        )
    return sorted(found, key=lambda one: (one.enrollment.due is None, one.enrollment.due or 0.0, one.title))


def _sent(row: Row) -> list[str]:
    """What was put up for sending, in words."""
    said = row.event.properties.get("template")
    skipped = {(each.definition, each.step) for each in row.decisions if each.verdict == SKIPPED}
    found = []
    for decision in row.decisions:
        if decision.verdict in _SENDS and (decision.definition, decision.step) not in skipped:
            what = decision.because if decision.verdict == "send" else value(said)
            found.append(f"A message is on its way: {what}")
    return found


def zone_of(contact: Contact) -> str:
    """The time zone that a contact is said to live in; empty when none is known."""
    said = contact.find_value("timezone")
    return said if isinstance(said, str) and find_zone(said) else ""


def _sentence(book: Book, event: Event) -> str:
    say = _SENTENCES.get(event.name)
    return say(book, event.properties) if say else event.name


def _named(book: Book, kind: str, said: Mapping[str, Any], key: str) -> str:
    definition_id = str(said.get(key, ""))
    return name_of(book, kind, definition_id)


def _ended(book: Book, said: Mapping[str, Any]) -> str:
    reason = f": {said['reason']}" if said.get("reason") else ""
    return f"{_named(book, 'journey', said, 'journey')} ended ({value(said.get('state'))}){reason}"

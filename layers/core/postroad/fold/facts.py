"""Facts: what an event says of a contact is taken in, before any definition is asked."""

from collections.abc import Callable

from postroad import events as names
from postroad.advice.channels import PHONE
from postroad.consent import confirmation
from postroad.consent.rule import EVERY_TOPIC, consent_key, later
from postroad.contacts.contact import Consent, Enrollment
from postroad.contacts.devices import DEVICE
from postroad.contacts.engagement import ANSWERED, CLICKED, OPENED, note_reply, note_response, take_back
from postroad.contacts.fetches import MACHINE, PIXEL, fetch_of, keep
from postroad.events import Event
from postroad.experiments import exposures
from postroad.fold.accounts import change_account, join_account, leave_account
from postroad.fold.attributes import set_attributes
from postroad.fold.folding import Folding
from postroad.fold.sends import queue_broadcast
from postroad.fold.standing import put_into, take_out_of
from postroad.instants import DAY
from postroad.journeys import on_mark
from postroad.scoring.sheet import Score
from postroad.sending.channels import ADDRESSED, USUAL
from postroad.sending.messages import split_message_id, visit_of
from postroad.tasks import CALL, ERRAND, LONGEST_NOTE, UNREACHED, Task, assignee_of, outcome_mark, settled_by

REPLY_TASK = "Read this reply to a text: do they want no more?"


def absorb(folding: Folding, event: Event) -> list[str]:
    """Take the event's facts in; returns the facts that changed, in the words of `Predicate.reads`."""
    facts: list[str] = []
    if event.attributes:
        facts += set_attributes(folding, event)
    absorb = _ABSORB.get(event.name)
    if absorb:
        facts += absorb(folding, event)
    if folding.contact.exposures:
        exposures.convert(folding.contact, folding.book.experiments, event, folding.now)
    key = event.name.lower()
    for tracker in folding.book.trackers_by_event.get(key, ()):
        if tracker.matches(event):
            behaviour = folding.contact.behaviour
            memory = tracker.update(behaviour.get(tracker.tracker_id), event, folding.now)
            if memory is not None:
                behaviour[tracker.tracker_id] = memory
                facts.append(f"tracker:{tracker.tracker_id}")
    for sheet in folding.book.scores_by_event.get(key, ()):
        facts += _score(folding, sheet, event)
    return facts


def _score(folding: Folding, sheet: Score, event: Event) -> list[str]:
    held = folding.contact.scores.get(sheet.id, {})
    points = sheet.update(held, event)
    if points is held:
        return []
    folding.contact.scores[sheet.id] = dict(points)
    return [f"score:{sheet.id}"]


def marked_by(event: Event) -> tuple[str, str]:
    """(enrollment id, step) of the message or the task that an event is about."""
    said = event.properties
    return split_message_id(str(said.get("task_id") if event.name == names.TASK_COMPLETED else said.get("message_id")))


def _take_mark(folding: Folding, event: Event) -> list[str]:
    """Something happened to a message: its enrollment remembers it by the step. What a machine did, it does not."""
    contact, response = folding.contact, _RESPONSES.get(event.name)
    if (fetch := fetch_of(event)) and (fetch.link != PIXEL or event.properties.get("actor") != MACHINE):
        contact.fetches = keep(contact.fetches, fetch)
    is_theirs = event.properties.get("actor") == "human" and event.properties.get("channel", USUAL) in ADDRESSED
    if response and is_theirs:
        message_id = str(event.properties.get("message_id"))
        contact.engagement = note_response(contact.engagement, message_id, event.time, response)
    if event.name not in _MARKS or event.properties.get("actor") == "machine":
        return []
    return _mark(folding, event, _MARKS[event.name])


def _mark(folding: Folding, event: Event, mark: str) -> list[str]:
    enrollment_id, step = marked_by(event)
    for slot, enrollment in folding.contact.active.items():
        if enrollment.enrollment_id == enrollment_id and _is_latest(event, enrollment, step):
            folding.contact.active[slot] = on_mark(enrollment, step, mark)
            return [f"mark:{step}"]
    return []


def _is_latest(event: Event, enrollment: Enrollment, step: str) -> bool:
    """Whether it is about the latest message of a step that came round again; a task says that by its mark."""
    is_task = event.name == names.TASK_COMPLETED
    return is_task or visit_of(str(event.properties.get("message_id"))) == enrollment.visits.get(step, 1)


def _take_reply(folding: Folding, event: Event) -> list[str]:
    contact = folding.contact
    contact.engagement = note_reply(contact.engagement, "sms", event.time)
    if event.properties.get("unclear"):
        due_at, note = folding.now + DAY, str(event.properties.get("text"))[:LONGEST_NOTE]
        origin, owner = event.name, assignee_of(contact)
        task_id = f"reply-{contact.contact_id}-{event.short_hash.hex()}"
        task = Task(task_id, contact.contact_id, ERRAND, REPLY_TASK, origin, "", "", folding.now, due_at, owner, note)
        folding.tasks.append(task)
    return []


def _take_completion(folding: Folding, event: Event) -> list[str]:
    """A task is done: its row says what its first news says, and its enrollment remembers the outcome."""
    settled, contact = settled_by(event), folding.contact
    if event.properties.get("kind") == CALL and settled.outcome not in UNREACHED:
        contact.engagement = note_response(contact.engagement, settled.task_id, event.time, ANSWERED, PHONE)
    folding.tasks.append(settled)
    return _mark(folding, event, outcome_mark(settled.task_id, settled.outcome))


def _take_points(folding: Folding, event: Event) -> list[str]:
    sheet = folding.book.scores.get(str(event.properties.get("score")))
    return _score(folding, sheet, event) if sheet else []


def _take_listing(change: Callable[[Folding, str, str], list[str]]) -> Callable[[Folding, Event], list[str]]:
    def take(folding: Folding, event: Event) -> list[str]:
        segment_id = str(event.properties.get("segment"))[:64]
        if not event.trusted:
            folding.decide(f"segment/{segment_id}", "", "not changed", "only a server is believed about this")
            return []
        return change(folding, segment_id, str(event.properties.get("because") or event.name)[:200])

    return take


def _take_broadcast(folding: Folding, event: Event) -> list[str]:
    queue_broadcast(folding, event)
    return []


def _take_unsent(folding: Folding, event: Event) -> list[str]:
    """A message did not leave after all; the provider may say that none will."""
    folding.outbox.give_back(str(event.properties.get("message_id")))
    return _take_suppression(folding, event)


def _take_suppression(folding: Folding, event: Event) -> list[str]:
    suppressions = folding.contact.suppressions
    for address in event.properties.get("addresses", ()):
        if address.startswith(f"{DEVICE}:"):  # devices come and go: of those that are gone the latest is kept
            for other in [each for each in suppressions if each.startswith(f"{DEVICE}:")]:
                del suppressions[other]
        suppressions[address] = str(event.properties.get("reason") or event.name)
    if event.name == names.EMAIL_BOUNCED:  # nobody could read it
        message_id = str(event.properties.get("message_id"))
        folding.contact.engagement = take_back(folding.contact.engagement, message_id)
    return _take_mark(folding, event)


def _take_release(folding: Folding, event: Event) -> list[str]:
    for address in event.properties.get("addresses", ()):
        folding.contact.suppressions.pop(address, None)
    return []


def _take_consent(granted: bool) -> Callable[[Folding, Event], list[str]]:
    def take(folding: Folding, event: Event) -> list[str]:
        topic = str(event.properties.get("topic") or EVERY_TOPIC)
        key = consent_key(str(event.properties.get("channel") or USUAL), topic)
        known = folding.contact.consents.get(key)
        said = Consent(granted, event.time, event.properties.get("until"))
        if later(known, said) is not said:
            return []
        folding.contact.consents[key] = said
        # An answer for every topic concerns whoever reads any of them.
        every = [fact for fact in folding.book.readers if fact.startswith("consent:")]
        return every if topic == EVERY_TOPIC else [f"consent:{key}"]

    return take


def _take_request(folding: Folding, event: Event) -> list[str]:
    """A yes that has yet to be confirmed: ask now, and once more when nobody has answered."""
    ask, again = confirmation.candidates_of(event, folding.now)
    asked = {identity.value for identity in event.identities if identity.kind == "email"}
    if folding.contact.find_address(USUAL) not in asked:
        folding.decide(ask.origin, ask.step, "not asked", "the contact is written to at another address")
        return []
    if folding.outbox.put_up(ask) is None:
        folding.contact.postponed[again.message_id] = again
    return []


def _take_preferences(folding: Folding, event: Event) -> list[str]:
    folding.contact.frequency = str(event.properties.get("frequency") or "")
    folding.outbox.asks_all = True  # there may be more room
    return []


# What the events that only Postroad may say do to a contact, besides being counted like any other.
_ABSORB: dict[str, Callable[[Folding, Event], list[str]]] = {
    **dict.fromkeys((*names.OPENINGS, *names.CLICKS), _take_mark),
    names.EMAIL_BOUNCED: _take_suppression,
    names.EMAIL_COMPLAINED: _take_suppression,
    names.ADDRESS_SUPPRESSED: _take_suppression,
    names.ADDRESS_RELEASED: _take_release,
    names.MESSAGE_SKIPPED: _take_unsent,
    names.MESSAGE_FAILED: _take_unsent,
    names.UNSUBSCRIBED: _take_consent(granted=False),
    names.SUBSCRIBED: _take_consent(granted=True),
    names.CONSENT_REQUESTED: _take_request,
    names.MESSAGES_PAUSED: _take_consent(granted=False),
    names.MESSAGES_RESUMED: _take_consent(granted=True),
    names.PREFERENCES_CHANGED: _take_preferences,
    names.BROADCAST_ADDRESSED: _take_broadcast,
    names.SEGMENT_ADDED: _take_listing(put_into),
    names.SEGMENT_REMOVED: _take_listing(take_out_of),
    names.POINTS_GIVEN: _take_points,
    names.ACCOUNT_JOINED: join_account,
    names.ACCOUNT_LEFT: leave_account,
    names.ACCOUNT_CHANGED: change_account,
    names.TASK_COMPLETED: _take_completion,
    names.SMS_REPLIED: _take_reply,
}

# What people did with a message, as it is kept for advice.
_RESPONSES = {**dict.fromkeys(names.OPENINGS, OPENED), **dict.fromkeys(names.CLICKS, CLICKED)}

_MARKS = {
    **dict.fromkeys(names.OPENINGS, "opened"),
    **dict.fromkeys(names.CLICKS, "clicked"),
    names.EMAIL_BOUNCED: "bounced",
    names.EMAIL_COMPLAINED: "complained",
    names.MESSAGE_SKIPPED: "skipped",
    names.MESSAGE_FAILED: "failed",
}

# What is said of a step moves the enrollment that stands there.
OF_STEPS = frozenset((*_MARKS, names.TASK_COMPLETED))

"""Gates: whether and when a message may leave, as the fold decides it, in one table.

Every gate is asked about the moment that is. One that says Skip ends it. One that says Later makes the contact keep the
message; when that time has come all are asked again, so what was true in between does not matter and what is true then
does. Of several that say Later the latest counts, and a message that would expire by then is skipped. The sender asks
the refusals and the clock again, last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from postroad.advice.send_times import SEND_TIME, choose
from postroad.book import SALES_PUSH, Book, TemplateRef
from postroad.consent import confirmation
from postroad.consent.preferences import caps_of
from postroad.consent.rule import EVERY_TOPIC, Topic, consent_key, find_obstacle
from postroad.contacts.contact import Candidate, Contact
from postroad.contacts.zones import clock_of
from postroad.instants import describe_duration, stamp
from postroad.local_time import find_instant, parse_date, parse_time_of_day
from postroad.lots import is_among
from postroad.policy import SKIP
from postroad.sending.calendars import HOURS
from postroad.sending.caps import find_room
from postroad.sending.channels import full_address

LOCAL_TIME = "local_time"


class Ask(NamedTuple):
    """A message that wants to leave, and all that a gate may look at. `template` is None when none is published."""

    contact: Contact
    book: Book
    now: float
    candidate: Candidate
    template: TemplateRef | None

    @property
    def topic(self) -> Topic:
        return self.book.policy.find_topic(self.template.topic if self.template else "")

    def bands(self, score: str | None) -> tuple[str, ...]:
        """The bands of a score sheet in which the contact is."""
        sheet = self.book.scores.get(score) if score else None
        return sheet.sort(self.book.view(self.contact, self.now)).names if sheet else ()


class Pass(NamedTuple):
    """It may leave. `because` says what that hung on, when it is worth a decision."""

    because: str = ""


class Skip(NamedTuple):
    """It will never leave."""

    reason: str


class Later(NamedTuple):
    """It may leave at this time at the earliest, and is asked again then."""

    at: float
    because: str


Answer = Pass | Skip | Later


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that must be so before a message leaves; `sentence` says what.

    What is `about_person` must be so before a call takes its place, too.
    """

    key: str
    ask: Callable[[Ask], Answer]
    sentence: str
    about_person: bool = False


class Judgement(NamedTuple):
    """What the gates say together, `gate` the key of the one that decided; `passed` what others had to say."""

    answer: Answer
    gate: str = ""
    passed: tuple[tuple[str, str], ...] = ()


def judge(ask: Ask) -> Judgement:
    """Ask every gate."""
    latest: tuple[Later, str] | None = None
    passed = []
    for gate in GATES:
        answer = gate.ask(ask)
        match answer:
            case Skip():
                return Judgement(answer, gate.key)
            case Later():
                latest = max(latest or (answer, gate.key), (answer, gate.key), key=lambda found: found[0].at)
            case Pass(because) if because:
                passed.append((gate.key, because))
    if latest is None:
        return Judgement(Pass(), passed=tuple(passed))
    later, key = latest
    expires_at = ask.candidate.expires_at
    if expires_at is not None and later.at >= expires_at:
        return Judgement(Skip(f"{later.because}; it expires {stamp(expires_at)}, before it could leave"), key)
    return Judgement(later, key)


def _ask_template(ask: Ask) -> Answer:
    return Pass() if ask.template else Skip(f"the template {ask.candidate.template} is not published")


def _ask_address(ask: Ask) -> Answer:
    channel = ask.candidate.channel
    return Pass() if ask.contact.find_address(channel) else Skip(f"the contact has no address for {channel}")


def _ask_refusals(ask: Ask) -> Answer:
    """What the contact's own copies say; the sender asks the tables again, last."""
    contact, channel, topic = ask.contact, ask.candidate.channel, ask.topic
    obstacle = find_obstacle(
        topic,
        contact.suppressions.get(full_address(channel, contact.find_address(channel) or "")),
        contact.consents.get(consent_key(channel, topic.topic_id)),
        contact.consents.get(consent_key(channel, EVERY_TOPIC)),
        ask.now,
    )
    return Skip(obstacle) if obstacle else Pass()


def _ask_confirmation(ask: Ask) -> Answer:
    candidate = ask.candidate
    if candidate.template != confirmation.TEMPLATE or confirmation.find_open(
        ask.contact, candidate.step, candidate.since
    ):
        return Pass()
    return Skip("nothing waits to be confirmed any more")


def _ask_control(ask: Ask) -> Answer:
    share = ask.book.policy.control
    if ask.topic.transactional or not is_among(share, "control", ask.contact.contact_id):
        return Pass()
    return Skip(f"the contact is one of the {share:g} % who get no marketing (the control group)")


def _ask_account(ask: Ask) -> Answer:
    """What the contact's copies of its accounts say, and what the policy says of such accounts."""
    if not ask.contact.accounts or ask.topic.transactional:
        return Pass()
    if bar := ask.contact.account_bar:
        return Skip(bar)
    condition = ask.book.policy.accounts.suppress_if
    if condition is None or not condition.evaluate(ask.book.view(ask.contact, ask.now)).truth:
        return Pass()
    return Skip(f"an account of theirs gets nothing while this holds: {condition.describe()}")


def _ask_sunset(ask: Ask) -> Answer:
    sunset = ask.book.policy.sunset
    if sunset is None or ask.topic.transactional:
        return Pass()
    obstacle = sunset.find_obstacle(ask.contact, ask.candidate.template, ask.now)
    return Skip(obstacle) if obstacle else Pass()


def _ask_fit(ask: Ask) -> Answer:
    handover = ask.book.handover
    if handover is None or ask.template is None or ask.template.push != SALES_PUSH:
        return Pass()
    obstacle = handover.find_obstacle(ask.book.view(ask.contact, ask.now))
    return Skip(f"it pushes for a sale, and the contact {obstacle}") if obstacle else Pass()


def _ask_caps(ask: Ask) -> Answer:
    policy, now, channel = ask.book.policy, ask.now, ask.candidate.channel
    caps = [cap for cap in caps_of(policy, ask.contact) if cap.counts(channel)]
    if not caps or ask.topic.transactional:
        return Pass()
    rooms = [find_room(cap, ask.contact.spent, ask.bands(cap.score), now) for cap in caps]
    if all(room.at <= now for room in rooms):
        return Pass("; ".join(room.because for room in rooms))
    at, because = max(rooms)
    if at == inf or policy.when_full == SKIP:
        return Skip(because)
    if at > ask.candidate.since + policy.postpone_at_most:
        return Skip(f"{because}; there is no room within {describe_duration(policy.postpone_at_most)}")
    return Later(at, because)


def _ask_hours(ask: Ask) -> Answer:
    """The account's calendar, on the contact's clock; the sender asks it again, because it may come late."""
    hours = str(ask.candidate.options.get(HOURS, ""))
    topic_id = ask.template.topic if ask.template else ""
    at, because = ask.book.policy.next_opening(ask.contact, ask.candidate.channel, topic_id, hours, ask.now)
    if at is None:
        return Skip(f"it is closed: {because}")
    return Later(at, because) if at > ask.now else Pass()


def _ask_send_time(ask: Ask) -> Answer:
    """The person's best hour, if the message asks for it, within as long as it may wait."""
    within = ask.candidate.options.get(SEND_TIME)
    if within is None:
        return Pass()
    policy, candidate, contact = ask.book.policy, ask.candidate, ask.contact
    choice = choose(
        contact.engagement.get(candidate.channel, ()),
        policy.rhythm,
        clock_of(contact, policy.timezone).zone,
        candidate.since,
        within,
        ask.now,
    )
    return Later(choice.at, choice.because) if choice.at > ask.now else Pass(choice.because)


def _ask_local_time(ask: Ask) -> Answer:
    """The hour at which a broadcast is to come, on the contact's clock; where it has passed, now."""
    wanted = ask.candidate.options.get(LOCAL_TIME)
    if wanted is None:
        return Pass()
    day, _, hour = str(wanted).partition("T")
    clock = clock_of(ask.contact, ask.book.policy.timezone)
    at = find_instant(parse_date(day), parse_time_of_day(hour), clock.zone)
    said = f"{hour} on {day} in {clock.because}"
    if at is None or at <= ask.now:
        return Pass(f"it is {said}, or later")
    return Later(at, f"it is to come at {said}")


# In the order in which they are asked: what needs no more than the contact first, what costs a place in a budget later.
GATES: tuple[Gate, ...] = (
    Gate("template", _ask_template, "Its template is published"),
    Gate("address", _ask_address, "The contact has an address for its channel"),
    Gate("refusal", _ask_refusals, "Its address is not suppressed, and its topic is not refused"),
    Gate("confirmation", _ask_confirmation, "Something waits to be confirmed, if that is what it asks for"),
    Gate(
        "control",
        _ask_control,
        "The contact is not in the control group, unless the topic is transactional",
        about_person=True,
    ),
    Gate(
        "account",
        _ask_account,
        "No account of the contact is suppressed, unless the topic is transactional",
        about_person=True,
    ),
    Gate(
        "sunset",
        _ask_sunset,
        "The contact has given a sign of life lately, as the policy's sunset asks, unless the topic is transactional",
    ),
    Gate("fit", _ask_fit, "The contact fits well enough for a message that pushes for a sale", about_person=True),
    Gate("caps", _ask_caps, "The caps have room for it, unless the topic is transactional"),
    Gate("hours", _ask_hours, "The account's calendar is open where the contact is, unless the topic is transactional"),
    Gate(LOCAL_TIME, _ask_local_time, "It is the hour where the contact is, if its broadcast asks for that"),
    Gate(SEND_TIME, _ask_send_time, "It is the best hour to write to this person, if its step asks for that"),
)


def find_bar(ask: Ask) -> tuple[str, str] | None:
    """Why somebody is not to be addressed in any way, by a call neither: (gate, reason)."""
    for gate in GATES:
        answer = gate.ask(ask) if gate.about_person else None
        if isinstance(answer, Skip):
            return gate.key, answer.reason
    return None

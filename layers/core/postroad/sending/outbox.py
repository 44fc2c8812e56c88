"""The outbox of one fold: messages that want to leave, those that do, and those that the contact keeps for later.

A message that no gate stops is queued. Where caps count it, it is queued at the end of the fold: of all that would
leave at this moment those of higher priority go first, and what finds no room waits. A message that waits belongs to
the contact; its timer asks the gates again.
"""

from collections.abc import Collection

from postroad.book import Book
from postroad.consent.preferences import caps_of
from postroad.contacts.contact import Candidate, Contact
from postroad.contacts.engagement import note_sent, take_back
from postroad.decisions import Decision
from postroad.instants import stamp
from postroad.sending import caps
from postroad.sending.calendars import HOURS
from postroad.sending.channels import ADDRESSED
from postroad.sending.gates import Ask, Judgement, Later, Pass, Skip, find_bar, judge
from postroad.sending.messages import QUEUED, SKIPPED, Message

# So many messages wait with one contact; of more, those of the lowest priority are skipped.
MOST_POSTPONED = 20
POSTPONED = "postponed"


class Outbox:
    """What a fold puts up for sending. It changes the contact, and adds to the decisions, that it was given."""

    def __init__(self, contact: Contact, book: Book, now: float, decisions: list[Decision]) -> None:
        self.contact = contact
        self.book = book
        self.now = now
        self.decisions = decisions
        self.messages: list[Message] = []
        # Something has made room, or may have: those that wait are asked before their time.
        self.asks_all = False

    @property
    def size(self) -> int:
        """How many messages this fold has made, or may make before it ends."""
        return len(self.messages) + sum(at <= self.now for at in self.times)

    @property
    def times(self) -> list[float]:
        """When those that wait have to be asked."""
        return [candidate.at for candidate in self.contact.postponed.values()]

    def put_up(self, candidate: Candidate) -> str | None:
        """Take in a message that wants to leave now; returns why it never will, None when it does or waits."""
        judgement = judge(self._ask(candidate))
        match judgement.answer:
            case Skip(reason):
                self._give_up(candidate, reason, judgement.gate)
                return reason
            case Later(at, because):
                self._postpone(candidate._replace(at=at), because, judgement.gate)
            case Pass() if self._is_capped(candidate):
                self.contact.postponed[candidate.message_id] = candidate._replace(at=self.now)
            case Pass():
                self._leave(candidate, judgement)
        return None

    def find_bar(self, candidate: Candidate) -> tuple[str, str] | None:
        """Why nothing may take the place of a message either: (gate, reason)."""
        return find_bar(self._ask(candidate))

    def replace(self, candidate: Candidate, because: str, gate: str) -> None:
        """Something else takes the place of a message, which will not be sent."""
        self._give_up(candidate, because, gate)

    def release(self, most: int) -> list[Candidate]:
        """Ask the gates again about those whose time has come, until so many messages leave; those that never will."""
        due = [c for c in self.contact.postponed.values() if self.asks_all or c.at <= self.now]
        self.asks_all = False
        given_up = []
        for candidate in sorted(due, key=lambda c: (-c.priority, c.since, c.message_id)):
            if len(self.messages) >= most:
                self.contact.postponed[candidate.message_id] = candidate._replace(at=self.now)
                continue
            del self.contact.postponed[candidate.message_id]
            judgement = judge(self._ask(candidate))
            match judgement.answer:
                case Skip(reason):
                    self._give_up(candidate, reason, judgement.gate)
                    given_up.append(candidate)
                case Later(at, because):
                    self._postpone(candidate._replace(at=at), because, judgement.gate, known=candidate.at)
                case Pass():
                    self._leave(candidate, judgement)
        return given_up + self._crowd_out()

    def call_off(self, enrollments: Collection[str], because: str) -> None:
        """What waits of these enrollments will not be sent."""
        for candidate in [c for c in self.contact.postponed.values() if c.enrollment_id in enrollments]:
            del self.contact.postponed[candidate.message_id]
            self._give_up(candidate, because, "")

    def give_back(self, message_id: str) -> None:
        """A message did not leave after all: what it took of the caps is there again."""
        self.contact.engagement = take_back(self.contact.engagement, message_id)
        spent = caps.give_back(self.contact.spent, message_id)
        if len(spent) != len(self.contact.spent):
            self.contact.spent = spent
            self.asks_all = True

    def _ask(self, candidate: Candidate) -> Ask:
        return Ask(self.contact, self.book, self.now, candidate, self.book.find_template(candidate.template))

    def _is_capped(self, candidate: Candidate) -> bool:
        template = self.book.find_template(candidate.template)
        policy = self.book.policy
        exempt = template is None or policy.find_topic(template.topic).transactional
        return not exempt and any(cap.counts(candidate.channel) for cap in caps_of(policy, self.contact))

    def _leave(self, candidate: Candidate, judgement: Judgement) -> None:
        self._add(candidate, QUEUED)
        contact = self.contact
        if candidate.channel in ADDRESSED:
            contact.engagement = note_sent(contact.engagement, candidate.channel, candidate.message_id, self.now)
        if self._is_capped(candidate):
            self.contact.spent = caps.spend(
                self.contact.spent,
                caps_of(self.book.policy, self.contact),
                candidate.message_id,
                candidate.channel,
                self.now,
            )
        for gate, because in judgement.passed:
            self._decide(candidate, "passed", because, gate)

    def _postpone(self, candidate: Candidate, because: str, gate: str, known: float | None = None) -> None:
        self.contact.postponed[candidate.message_id] = candidate
        if candidate.at != known:
            self._decide(candidate, POSTPONED, f"until {stamp(candidate.at)}: {because}", gate)

    def _crowd_out(self) -> list[Candidate]:
        """Give up what is too much to wait: the lowest priority, and of that the newest."""
        ranked = sorted(self.contact.postponed.values(), key=lambda c: (-c.priority, c.since, c.message_id))
        for candidate in ranked[MOST_POSTPONED:]:
            del self.contact.postponed[candidate.message_id]
            self._give_up(candidate, f"more than {MOST_POSTPONED} messages wait for this contact", "")
        return ranked[MOST_POSTPONED:]

    def _give_up(self, candidate: Candidate, reason: str, gate: str) -> None:
        self._add(candidate, SKIPPED, reason)
        self._decide(candidate, SKIPPED, reason, gate)

    def _decide(self, candidate: Candidate, verdict: str, because: str, gate: str) -> None:
        self.decisions.append(Decision(candidate.origin, candidate.step, verdict, because, gate))

    def _add(self, candidate: Candidate, state: str, reason: str = "") -> None:
        """The message in the ledger; one that is skipped is kept too, with the reason."""
        template = self.book.find_template(candidate.template)
        self.messages.append(
            Message(
                message_id=candidate.message_id,
                contact_id=self.contact.contact_id,
                origin=candidate.origin,
                step=candidate.step,
                enrollment_id=candidate.enrollment_id,
                channel=candidate.channel,
                topic=template.topic if template else "",
                template=candidate.template,
                template_version=template.version if template else 0,
                trigger_key=candidate.trigger_key,
                created_at=self.now,
                state=state,
                reason=reason,
                expires_at=candidate.expires_at,
                hours=str(candidate.options.get(HOURS, "")),
                times={state: self.now},
            )
        )

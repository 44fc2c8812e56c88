"""What the simulation has found, each once more as a small story that needs no luck."""

import json
from dataclasses import replace
from typing import Any

import pytest

from postroad import events as names
from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity, contact_id_of
from postroad.events import Event
from postroad.sending.messages import QUEUED, SENT, SKIPPED, Message
from postroad.tracking.packing import pack
from postroad_aws.ports import Outcome, Ports
from postroad_aws.usecases.process_events import Delivery, process_events
from postroad_aws.usecases.rebuild_contacts import rebuild_contacts
from postroad_aws.usecases.record_reply import ReplyPorts, record_reply
from postroad_aws.usecases.send_message import send_message
from postroad_aws.usecases.wake_contacts import wake_event
from tests.faults.memory import MemoryBooks, MemoryRequests
from tests.faults.scheduler import Throttled
from tests.faults.worlds import KEY, START, SandboxSigner, World, get_shelf

DEVICE, PHONE = Identity("anon", "laptop"), Identity("anon", "phone")
USER, EMAIL, OTHER = (
    Identity("user", "ana"),
    Identity("email", "ana@example.com"),
    Identity("email", "ana@work.example"),
)


class Shop:
    """The product over a memory in which nothing fails and nobody else does anything."""

    def __init__(self) -> None:
        self.world = World(1)
        self.world.loop.now = START
        # Nothing runs by itself: the story says what happens.
        self.world.loop.at = lambda *args: None  # type: ignore[method-assign,misc]
        self.world.unclear = self.world.channel_throttle = self.world.relay_loss = 0.0
        self.world.memory.lag = 0.0
        self.shelf: list[Book] = [get_shelf()[0]]
        books = MemoryBooks(self.world.loop.time, self.shelf, lifetime=0.0)
        self.ports: Ports = replace(self.world.ports, books=books, signer=SandboxSigner(self.world))
        self.events = 0

    @property
    def now(self) -> float:
        return self.world.loop.now

    def pass_(self, seconds: float) -> None:
        self.world.loop.now += seconds

    def event(self, name: str, *identities: Identity, trusted: bool = True, **parts: Any) -> Event:
        self.events += 1
        return Event(f"e-{self.events}", name, self.now, self.now, identities, trusted=trusted, **parts)

    def fold(self, *events: Event) -> list[str]:
        """One batch of the queue."""
        messages = pack(events)
        return process_events(self.ports, [Delivery(str(n), m.group, m.body) for n, m in enumerate(messages)])

    def wake(self, contact: Contact) -> None:
        assert self.fold(wake_event(contact.contact_id, self.now)) == []

    def contact(self, identity: Identity) -> Contact:
        found = self.world.memory.load(contact_id_of(identity, KEY))
        assert found
        return found

    def messages(self, step: str) -> list[Message]:
        return [message for message in self.world.memory.messages.values() if message.step == step]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_merge_that_makes_a_segment_true_enters_it_and_says_so(shop: Shop) -> None:
    shop.fold(shop.event("Page Viewed", DEVICE, trusted=False), shop.event("Page Viewed", PHONE, trusted=False))
    shop.fold(shop.event(names.IDENTIFIED, USER, DEVICE))
    shop.fold(shop.event(names.IDENTIFIED, USER, PHONE))
    ana = shop.contact(USER)
    assert "active" in ana.segments
    assert "segment/active" in ana.turns
    caused = [event.name for row in shop.world.memory.list_rows([ana.contact_id]) for event in row.caused]
    assert names.SEGMENT_ENTERED in caused


def test_a_score_asked_in_the_minute_in_which_it_crosses_still_gets_its_turn(shop: Shop) -> None:
    shop.fold(shop.event("Order Completed", USER))
    crossing = shop.contact(USER).turns["segment/engaged"]
    shop.world.loop.now = crossing - 0.5
    shop.shelf.append(get_shelf()[1])  # a publication asks everything anew
    shop.wake(shop.contact(USER))
    assert shop.contact(USER).turns["segment/engaged"] == crossing


def test_a_publication_met_in_the_batch_of_a_merge_counts_what_both_have_folded(shop: Shop) -> None:
    shop.fold(shop.event("Page Viewed", USER))
    shop.pass_(1.0)
    shop.fold(shop.event("Page Viewed", DEVICE, trusted=False))
    shop.pass_(30 * 60.0)
    shop.shelf.append(get_shelf()[1])
    # The device's contact, which becomes a forward, folds an event by the new book; the other has not seen that book.
    shop.fold(shop.event("Page Viewed", DEVICE, trusted=False), shop.event(names.IDENTIFIED, USER, DEVICE))
    (memory,) = (m for key, m in shop.contact(USER).behaviour.items() if book_event(shop, key) == "page viewed")
    assert memory == [3, START, shop.now, START, START + 1.0, shop.now]


def book_event(shop: Shop, tracker_id: str) -> str:
    return shop.shelf[-1].trackers[tracker_id].events[0]


def test_a_step_that_left_for_one_contact_does_not_leave_for_the_other_after_they_are_one(shop: Shop) -> None:
    shop.fold(shop.event("Signed Up", USER, EMAIL))
    shop.fold(shop.event("Signed Up", OTHER))
    mine, theirs = shop.messages("hello")
    assert send_message(shop.ports, theirs.message_id) == SENT
    shop.fold(shop.event(names.IDENTIFIED, USER, OTHER))
    (kept,) = shop.contact(USER).active.values()
    waiting = next(m for m in (mine, theirs) if m.state == QUEUED)
    assert send_message(shop.ports, mine.message_id) == SKIPPED
    assert waiting.enrollment_id in (kept.enrollment_id, *shop.contact(USER).dropped)
    assert [mail.message_id for mail in shop.world.log.mails] == [theirs.message_id]


def test_of_two_passages_that_have_ended_only_one_has_its_last_message_sent(shop: Shop) -> None:
    """Both enrollments are over, and both last messages are still on the queue, when two contacts become one."""
    for identities in ((USER, EMAIL), (OTHER,)):
        shop.fold(shop.event("Order Completed", *identities))
    shop.pass_(3 * 3_600.0 + 1)
    for identity in (USER, OTHER):
        shop.wake(shop.contact(identity))
        assert "vip" not in shop.contact(identity).active
    shop.fold(shop.event(names.IDENTIFIED, USER, OTHER))
    states = [send_message(shop.ports, message.message_id) for message in shop.messages("secret")]
    assert sorted(filter(None, states)) == [SENT, SKIPPED]


def test_a_dropped_enrollment_leaves_no_passage_that_seems_active(shop: Shop) -> None:
    shop.fold(shop.event("Signed Up", USER, EMAIL), shop.event("Order Completed", USER))
    shop.pass_(60.0)
    shop.fold(shop.event("Signed Up", OTHER))
    shop.fold(shop.event(names.IDENTIFIED, USER, OTHER))
    ana = shop.contact(USER)
    assert "welcome" not in ana.active
    assert ana.passages["welcome"].last_ended is not None


def test_a_message_whose_sender_met_a_throttled_table_is_sent_by_the_next_delivery(shop: Shop) -> None:
    shop.fold(shop.event("Signed Up", USER, EMAIL))
    (hello,) = shop.messages("hello")
    find_items = shop.ports.contacts.find_items

    def throttled(*_: Any, **__: Any) -> Any:
        raise Throttled

    shop.ports.contacts.find_items = throttled  # type: ignore[method-assign]
    with pytest.raises(Throttled):
        send_message(shop.ports, hello.message_id)
    shop.ports.contacts.find_items = find_items  # type: ignore[method-assign]
    assert send_message(shop.ports, hello.message_id) == SENT
    assert len(shop.world.log.mails) == 1


def test_rows_of_what_was_committed_before_a_conflict_keep_their_decisions(shop: Shop) -> None:
    """A batch of two contacts: the first is committed, the second conflicts once. The retry must not lose the why."""
    shared = Identity("anon", "device-of-all")
    shop.fold(shop.event("Page Viewed", USER, shared))
    commit, calls = shop.ports.contacts.commit, []

    def conflict_once(asked: Any) -> Outcome:
        calls.append(asked)
        return Outcome.CONFLICT if len(calls) == 2 else commit(asked)

    shop.ports.contacts.commit = conflict_once  # type: ignore[method-assign]
    ben = Identity("user", "ben")
    # Both name the shared device, so they are folded together.
    assert shop.fold(shop.event("Signed Up", USER, shared), shop.event("Signed Up", ben, shared)) == []
    assert len(calls) > 2
    for identity in (USER, ben):
        rows = shop.world.memory.list_rows([shop.contact(identity).contact_id])
        decisions = [decision for row in rows for decision in row.decisions]
        assert any(d.definition == "journey/welcome@1" and d.verdict == "started" for d in decisions)


def test_a_contact_that_has_just_begun_and_absorbs_an_older_one_has_a_past(shop: Shop) -> None:
    """The known contact stays, though it is the younger: what the device did before is recomputed for it."""
    shop.fold(shop.event("Product Added", DEVICE, trusted=False))
    shop.pass_(30 * 60.0)
    shop.shelf.append(get_shelf()[1])  # the first book that counts products
    shop.fold(shop.event("Signed Up", EMAIL, PHONE), shop.event("Signed Up", EMAIL, DEVICE))
    ana = shop.contact(EMAIL)
    assert ana.contact_id == contact_id_of(EMAIL, KEY)
    (memory,) = (m for key, m in ana.behaviour.items() if book_event(shop, key) == "product added")
    assert memory[0] == 1


def test_a_contact_that_a_rebuild_could_not_fold_is_woken_by_the_queue(shop: Shop) -> None:
    shop.fold(shop.event("Page Viewed", DEVICE, trusted=False))
    shop.pass_(30 * 60.0)
    shop.shelf.append(get_shelf()[1])
    device = shop.contact(DEVICE)
    find_items = shop.ports.contacts.find_items

    def throttled(*_: Any, **__: Any) -> Any:
        raise Throttled

    shop.ports.contacts.find_items = throttled  # type: ignore[method-assign]
    assert rebuild_contacts(shop.ports, device.shard, 2, None, lambda: True).folded == 0
    shop.ports.contacts.find_items = find_items  # type: ignore[method-assign]
    (letter,) = shop.world.events.receive(10)
    assert process_events(shop.ports, [Delivery("1", letter.group, letter.body)]) == []
    assert shop.contact(DEVICE).behaviour.keys() <= shop.shelf[-1].trackers.keys()
    assert wake_event(device.contact_id, shop.now).event_id in letter.body


def test_a_timer_that_wakes_twice_tells_both_times_why(shop: Shop) -> None:
    """The same wake comes again hours later, when something else is due: its row must not replace the first one's."""
    shop.fold(shop.event("Signed Up", USER, EMAIL), shop.event("Product Added", USER))
    ana = shop.contact(USER)
    assert ana.wake_at
    wake = wake_event(ana.contact_id, ana.wake_at)
    for pause in (3_601.0, 8 * 3_600.0):
        shop.pass_(pause)
        assert shop.fold(wake) == []
    told = [(d.definition, d.step) for row in shop.world.memory.list_rows([ana.contact_id]) for d in row.decisions]
    assert {("journey/cart@1", "reminder"), ("journey/cart@1", "again"), ("journey/welcome@1", "look")} <= set(told)


def test_a_reply_that_is_brought_again_hours_later_is_the_same_event(shop: Shop) -> None:
    """By then the contact's ring has let go of it: only a key that is the same each time tells."""
    said = json.dumps({"originationNumber": "+351910000000", "messageBody": "Thank you!"})
    phone, notified = Identity("phone", "+351910000000"), shop.now
    for _ in range(2):
        reply_ports = ReplyPorts(shop.ports, MemoryRequests(shop.world.memory))
        record_reply(reply_ports, said, "n-1", notified)
        for letter in shop.world.events.receive(10):
            assert process_events(shop.ports, [Delivery("1", letter.group, letter.body)]) == []
        for _ in range(2):
            shop.pass_(3_600.0)
            shop.fold(*(shop.event("Page Viewed", phone) for _ in range(40)))
    rows = shop.world.memory.list_rows([shop.contact(phone).contact_id])
    assert [row.event.name for row in rows].count(names.SMS_REPLIED) == 1

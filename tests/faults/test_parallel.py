"""Many at once over one contact: whoever is second notices, and folds again."""

from typing import Any

import pytest

from postroad.commits import Commit
from postroad.contacts.identities import Identity
from postroad.events import Event
from postroad.sending.messages import SKIPPED, Message
from postroad.tracking.packing import pack
from postroad_aws.ports import Outcome
from postroad_aws.usecases.process_events import Delivery, process_events
from tests.books import Shelf
from tests.faults.memory import MemoryContacts
from tests.faults.scheduler import Invocation
from tests.faults.troubles import FAULTS
from tests.faults.worlds import HOUR, POLICY, START, World, _template

NOW = START + 60.0
CALLED = {
    "kind": "journey", "id": "called", "trigger": {"event": "Called"}, "reentry": "always",
    "steps": [{"id": "mail", "send": {"template": "hello", "channel": "email"}}],
}  # fmt: skip
CAP = [{"per": "P1D", "at_most": 3}]
USER, EMAIL = Identity("user", "ana"), Identity("email", "ana@example.com")


class Rush:
    """So many invocations at one moment, each with an event of its own group: all load the contact before any of them
    has written. What fails is brought again."""

    def __init__(self, number: int, *documents: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.conflicts = 0
        real = MemoryContacts.commit

        def commit(port: MemoryContacts, commit: Commit) -> Outcome:
            outcome = real(port, commit)
            self.conflicts += outcome is Outcome.CONFLICT
            return outcome

        monkeypatch.setattr(MemoryContacts, "commit", commit)
        self.world = World(3, without=FAULTS.keys())
        self.world.shelf[:] = [Shelf(*documents, _template("hello", "news")).book]
        for each in range(number):
            event = Event(f"e-{each}", "Called", NOW, NOW, (USER, EMAIL), trusted=True, source=f"server-{each}")
            (message,) = pack([event])
            self.deliver(NOW, Delivery(str(each), f"group-{each}", message.body))
        self.world.loop.run(NOW + HOUR)

    def deliver(self, at: float, delivery: Delivery) -> None:
        loop = self.world.loop

        def done(invocation: Invocation) -> None:
            if invocation.error or invocation.result:
                self.deliver(loop.now + 5.0 + loop.chance(), delivery)

        loop.at(at, self.world.folders.invoke, lambda ports: process_events(ports, [delivery]), done)

    @property
    def messages(self) -> list[Message]:
        return list(self.world.memory.messages.values())


def test_g12_of_fifty_that_want_to_leave_at_once_a_cap_of_three_lets_three(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = {**POLICY, "accounts": {}, "caps": CAP, "when_full": "skip"}
    rush = Rush(50, policy, CALLED, monkeypatch=monkeypatch)
    assert len(rush.messages) == 50
    assert sum(message.state != SKIPPED for message in rush.messages) == 3
    assert len(rush.world.log.mails) == 3
    assert rush.conflicts > 10


def test_g10_of_twenty_that_would_enter_at_once_one_enters_a_journey_that_is_gone_through_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rush = Rush(20, {**POLICY, "accounts": {}}, {**CALLED, "reentry": "once"}, monkeypatch=monkeypatch)
    (message,) = rush.messages
    (contact,) = rush.world.memory.list_contacts()
    assert contact.passages["called"].times == 1
    assert [mail.message_id for mail in rush.world.log.mails] == [message.message_id]
    assert contact.events_folded == 20
    assert rush.conflicts > 3

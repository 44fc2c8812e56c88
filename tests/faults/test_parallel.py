"""Many at once over one contact: whoever is second notices, and folds again."""

import pytest

from postroad.commits import Commit
from postroad.events import Event
from postroad.identities import Identity
from postroad.messages import SKIPPED
from postroad.packing import pack
from postroad_aws.ports import Outcome
from postroad_aws.usecases.process_events import Delivery, process_events
from tests.books import Shelf
from tests.faults.memory import MemoryContacts
from tests.faults.scheduler import Invocation
from tests.faults.troubles import FAULTS
from tests.faults.worlds import POLICY, START, World, _template

CALLED = {
    "kind": "journey", "id": "called", "trigger": {"event": "Called"}, "reentry": "always",
    "steps": [{"id": "mail", "send": {"template": "hello", "channel": "email"}}],
}  # fmt: skip
CAP = [{"per": "P1D", "at_most": 3}]
USER, EMAIL = Identity("user", "ana"), Identity("email", "ana@example.com")


def test_g12_of_fifty_that_want_to_leave_at_once_a_cap_of_three_lets_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty invocations, each with an event of its own group, load the same contact before any of them has written."""
    conflicts = 0
    real = MemoryContacts.commit

    def commit(self: MemoryContacts, commit: Commit) -> Outcome:
        nonlocal conflicts
        outcome = real(self, commit)
        conflicts += outcome is Outcome.CONFLICT
        return outcome

    monkeypatch.setattr(MemoryContacts, "commit", commit)
    world = World(3, without=FAULTS.keys())
    policy = {**POLICY, "accounts": {}, "caps": CAP, "when_full": "skip"}
    world.shelf[:] = [Shelf(policy, _template("hello", "news"), CALLED).book]
    ended: list[Invocation] = []
    at = START + 60.0
    for number in range(50):
        event = Event(f"e-{number}", "Called", at, at, (USER, EMAIL), trusted=True, source=f"server-{number}")
        (message,) = pack([event])
        delivery = Delivery(str(number), f"group-{number}", message.body)

        def deliver(delivery: Delivery = delivery) -> None:
            def done(invocation: Invocation) -> None:
                ended.append(invocation)
                if invocation.error or invocation.result:  # the queue brings it again
                    world.loop.at(world.loop.now + 5.0 + world.loop.chance(), deliver)

            world.folders.invoke(lambda ports: process_events(ports, [delivery]), done)

        world.loop.at(at, deliver)
    world.loop.run(at + 3_600.0)
    messages = list(world.memory.messages.values())
    assert len(messages) == 50
    assert sum(message.state != SKIPPED for message in messages) == 3
    assert len(world.log.mails) == 3
    assert conflicts > 10

"""The memory is as good as the tables: it passes what they pass. And its queues behave like SQS's."""

import itertools
import random
from dataclasses import replace
from types import SimpleNamespace

import pytest

from postroad.sending.messages import BOUNCED, COMPLAINED, DELIVERED, SENDING, SENT, UNKNOWN
from postroad.tracking.packing import QueueMessage
from postroad_aws.ports import Ports
from tests.faults import memory as memories
from tests.faults.worlds import World
from tests.shell.port_contract import (
    BroadcastsContract,
    ContactsContract,
    MembershipsContract,
    MessagesContract,
    QuarantineContract,
    RefusalsContract,
    StatsContract,
    TasksContract,
    TimelineContract,
    a_message,
    queue,
)


class Clock:
    def __init__(self) -> None:
        self.at = 1_793_610_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ports(clock: Clock) -> Ports:
    """The ports of a world in which nobody does anything: behind the network, as use cases get them."""
    return World(0).ports


class TestContacts(ContactsContract): ...


class TestTimeline(TimelineContract): ...


class TestMessages(MessagesContract):
    @pytest.fixture
    def ports(self) -> Ports:
        world = World(0)
        world.memory.lag = 0.0
        return replace(world.ports, messages=memories.MemoryMessages(world.memory))


class TestMemberships(MembershipsContract):
    @pytest.fixture
    def ports(self) -> SimpleNamespace:
        return SimpleNamespace(memberships=memories.MemoryMemberships(World(0).memory))


class TestBroadcasts(BroadcastsContract):
    @pytest.fixture
    def ports(self) -> SimpleNamespace:
        return SimpleNamespace(broadcasts=memories.MemoryBroadcasts(World(0).memory))


class TestTasks(TasksContract): ...


class TestRefusals(RefusalsContract): ...


class TestQuarantine(QuarantineContract): ...


class TestStats(StatsContract):
    @pytest.fixture
    def ports(self) -> SimpleNamespace:
        return SimpleNamespace(stats=World(0).counting["messages"].port)


def a_letter(number: int, group: str = "ana") -> QueueMessage:
    return QueueMessage(group, f"d-{number}", f"body {number}")


def bodies(letters: list[memories.Letter]) -> list[str]:
    return [letter.body for letter in letters]


def test_a_group_comes_in_order_and_waits_while_one_of_it_is_under_way(clock: Clock) -> None:
    queue = memories.FifoQueue(clock)
    for number in range(3):
        queue.send(a_letter(number))
    first = queue.receive(2)
    assert bodies(first) == ["body 0", "body 1"]
    assert queue.receive(10) == []
    queue.delete(first[0])
    queue.delete(first[1])
    assert bodies(queue.receive(10)) == ["body 2"]


def test_other_groups_go_on_meanwhile(clock: Clock) -> None:
    queue = memories.FifoQueue(clock)
    for number, group in enumerate(("ana", "ben", "ana")):
        queue.send(a_letter(number, group))
    assert bodies(queue.receive(1)) == ["body 0"]
    assert bodies(queue.receive(10)) == ["body 1"]


def test_what_was_not_deleted_comes_again_before_the_later_ones_of_its_group(clock: Clock) -> None:
    queue = memories.FifoQueue(clock, visibility=180.0)
    queue.send(a_letter(1))
    queue.send(a_letter(2))
    one, two = queue.receive(10)
    queue.delete(two)
    clock.at += 180.0
    assert bodies(queue.receive(10)) == ["body 1"]
    assert one.receives == 2


def test_the_same_deduplication_id_is_taken_once_in_five_minutes(clock: Clock) -> None:
    queue = memories.FifoQueue(clock)
    queue.send(a_letter(1))
    clock.at += 299.0
    queue.send(a_letter(1))
    assert len(queue) == 1
    clock.at += 2.0
    queue.send(a_letter(1))
    assert len(queue) == 2


def test_two_groups_may_have_one_deduplication_id(clock: Clock) -> None:
    queue = memories.FifoQueue(clock)
    queue.send(a_letter(1))
    queue.send(a_letter(1, "ben"))
    assert len(queue) == 2


def test_after_five_receives_a_letter_is_dead_and_frees_its_group_until_it_is_redriven(clock: Clock) -> None:
    queue = memories.FifoQueue(clock, visibility=180.0)
    queue.send(a_letter(1))
    for _ in range(5):
        assert bodies(queue.receive(10)) == ["body 1"]
        clock.at += 180.0
    queue.send(a_letter(2))
    assert bodies(queue.receive(10)) == ["body 2"]
    assert bodies(queue.dead) == ["body 1"]
    queue.redrive()
    assert len(queue) == 2


def test_a_standard_queue_delays_duplicates_and_mixes_up(clock: Clock) -> None:
    queue = memories.StandardQueue(clock, random.Random(4).random)
    queue.duplicates, queue.disorder = 0.5, 60.0
    for number in range(20):
        queue.put(str(number), delay=5.0)
    clock.at += 4.0
    assert queue.receive(100) == []
    clock.at += 70.0
    found = bodies(queue.receive(100))
    assert set(found) == {str(number) for number in range(20)}
    assert len(found) > 20
    assert found != sorted(found, key=int)


def test_an_eventually_consistent_read_may_see_what_was_there_before(clock: Clock) -> None:
    memory = memories.Memory(clock, chance=lambda: 0.0, lag=1.0)
    item = memories.Item(b"", 1, 0.0, None, "00", "ana")
    memory.put_contact("old", item)
    assert memory.read_item("old", consistent=False) is None
    assert memory.read_item("old", consistent=True) == item
    clock.at += 2.0
    assert memory.read_item("old", consistent=False) == item


def test_g15_all_720_orders_of_feedback_doubled_end_in_the_same_state(clock: Clock, ports: Ports) -> None:
    words = (SENDING, UNKNOWN, SENT, DELIVERED, BOUNCED, COMPLAINED)
    for number, order in enumerate(itertools.permutations(words)):
        message_id = f"m{number}.step"
        queue(ports, a_message(message_id))
        for word in (*order, *order):
            if word == SENDING:
                ports.messages.claim(message_id, "me", clock())
            else:
                ports.messages.settle(message_id, word, clock())
        found = ports.messages.find_message(message_id)
        assert found
        assert (found.state, found.times.keys() >= {COMPLAINED}) == (COMPLAINED, True), order

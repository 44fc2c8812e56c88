"""Each change of a stream is counted once, however its batches are cut and however often they come."""

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.stats import Cell, Increments, add_up
from postroad_aws.usecases.count_stats import Change, count_stats
from tests.faults.memory import Memory, MemoryStats

NOW = 1_793_610_000.0
CLOCK = SimpleNamespace(now=lambda: NOW, sleep=lambda seconds: None)


def cell(number: int) -> Cell:
    return Cell("journey/welcome", "messages", "2026-11-02", f"step-{number}", "sent")


def change(sequence: int, *added: int) -> Change:
    return Change(sequence, Counter({cell(abs(n)): 1 if n > 0 else -1 for n in added}))


@pytest.fixture
def memory() -> Memory:
    return Memory(lambda: NOW)


def count(memory: Memory, *changes: Change) -> None:
    count_stats(MemoryStats(memory, most=3), CLOCK, "messages", changes)


def sums(memory: Memory) -> Increments:
    return add_up([memory.sums])


def test_a_batch_is_added_up(memory):
    count(memory, change(1, 1), change(2, -1, 2), change(3, 2))
    assert sums(memory) == {cell(2): 2}


def test_a_batch_that_comes_again_adds_nothing(memory):
    batch = [change(1, 1), change(2, 2)]
    count(memory, *batch)
    count(memory, *batch)
    assert sums(memory) == {cell(1): 1, cell(2): 1}


def test_of_a_batch_that_comes_again_with_more_only_that_is_added(memory):
    batch = [change(1, 1), change(2, 2), change(3, 3)]
    count(memory, *batch[:2])
    count(memory, *batch)
    assert sums(memory) == {cell(1): 1, cell(2): 1, cell(3): 1}


def test_what_is_too_much_for_once_is_added_in_parts(memory):
    count(memory, *(change(number, number) for number in range(1, 11)))
    assert sums(memory) == {cell(number): 1 for number in range(1, 11)}
    assert len(memory.marks) == 4


def test_one_change_that_is_too_much_for_once_is_added_all_the_same(memory):
    count(memory, change(1, 1, 2, 3, 4, 5), change(2, 6))
    assert sums(memory) == {cell(number): 1 for number in range(1, 7)}


def test_what_changes_no_number_costs_nothing(memory):
    count(memory, change(1), change(2))
    count(memory)
    assert (memory.sums, memory.marks) == ({}, {})


def test_of_what_cancels_out_a_part_may_have_been_counted_before(memory):
    count(memory, change(1, 1))
    count(memory, change(1, 1), change(2, -1))
    assert sums(memory) == {}
    count(memory, change(3, 2), change(4, -2))
    count(memory, change(3, 2), change(4, -2), change(5, 2))
    assert sums(memory) == {cell(2): 1}


CHANGES = st.lists(
    st.lists(st.sampled_from([1, -1, 2, -2, 3, 4, 5]), max_size=4, unique_by=abs), min_size=1, max_size=30
)


@given(CHANGES, st.lists(st.integers(1, 8), min_size=1), st.lists(st.integers(0, 6), min_size=1), st.data())
def test_however_batches_are_cut_and_repeated_the_sum_is_that_of_all_changes(
    added: list[list[int]], sizes: list[int], more: list[int], data: st.DataObject
) -> None:
    """A batch may come any number of times, with more records behind it each time, before it is done."""
    memory = Memory(lambda: NOW)
    changes = [change(10 * number, *numbers) for number, numbers in enumerate(added, start=1)]
    left, turn = changes, 0
    while left:
        size = sizes[turn % len(sizes)]
        for _ in range(data.draw(st.integers(1, 3))):
            count(memory, *left[:size])
            size += more[turn % len(more)]
            turn += 1
        size = min(size - more[(turn - 1) % len(more)], len(left))
        left = left[size:]
    assert sums(memory) == add_up(each.increments for each in changes)

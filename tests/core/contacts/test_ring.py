"""The ring: an event acts once, because whoever folded it remembers it, or says that it may have forgotten."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.ring import BUSY, KEEP, REMEMBERED, RETRY_HORIZON, Ring

NOW = 1_793_610_000.0
MINUTE = 60.0


def hash_of(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()[:6]


def hashes(*numbers: int) -> list[bytes]:
    return [hash_of(number) for number in numbers]


# Commits: how long after the one before (seconds), and how many events.
COMMITS = st.lists(st.tuples(st.floats(0.0, 2 * RETRY_HORIZON), st.integers(0, 60)), max_size=20)


def test_it_knows_what_was_added_and_nothing_else() -> None:
    ring = Ring().add(hashes(1, 2), NOW)
    assert hash_of(1) in ring
    assert hash_of(2) in ring
    assert hash_of(3) not in ring
    assert len(ring) == 2


def test_a_hash_is_not_found_across_the_border_of_two_others() -> None:
    ring = Ring().add([b"abcdef", b"ghijkl"], NOW)
    assert b"defghi" not in ring
    assert b"ghijkl" in ring


def test_events_of_one_minute_share_a_run() -> None:
    ring = Ring().add(hashes(1), NOW).add(hashes(2), NOW + 1.0)
    assert len(ring.runs) == 1


def test_what_is_young_stays_however_much_comes() -> None:
    ring = Ring()
    for number in range(5 * KEEP):
        ring = ring.add(hashes(number), NOW + number)
    assert len(ring) == 5 * KEEP
    assert not ring.may_have_forgotten(NOW + 5 * KEEP)


def test_what_is_old_leaves_when_there_is_no_room_and_the_ring_says_so() -> None:
    ring = Ring().add(hashes(*range(KEEP)), NOW)
    later = NOW + RETRY_HORIZON + 2 * MINUTE
    assert hash_of(0) in ring.add([], later)
    ring = ring.add(hashes(1000), later)
    assert hash_of(0) not in ring
    assert hash_of(1) in ring
    assert ring.may_have_forgotten(later)
    assert ring.may_have_forgotten(later + REMEMBERED - 1.0)
    assert not ring.may_have_forgotten(later + REMEMBERED)


def test_a_busy_contact_has_its_rows_in_the_commit_and_those_entries_may_leave_at_once() -> None:
    ring = Ring().add(hashes(*range(BUSY - 1)), NOW)
    assert not ring.is_busy(NOW)
    ring = ring.add(hashes(BUSY), NOW)
    assert ring.is_busy(NOW)
    more = ring.add(hashes(BUSY + 1), NOW, rows_in_commit=True)
    # No room beside so many young ones: it has left, and whoever brings it again is looked up in the timeline.
    assert hash_of(BUSY + 1) not in more
    assert more.may_have_forgotten(NOW)
    assert more.young(NOW) == BUSY


def test_only_entries_whose_row_may_be_missing_are_young() -> None:
    ring = Ring().add(hashes(1), NOW).add(hashes(2), NOW, rows_in_commit=True)
    assert ring.young_hashes(NOW) == {hash_of(1)}
    assert ring.young_hashes(NOW + RETRY_HORIZON + MINUTE) == set()


@given(COMMITS)
def test_it_never_forgets_within_its_horizon_and_admits_what_it_may_have_forgotten(
    commits: list[tuple[float, int]],
) -> None:
    ring, now, number, added = Ring(), NOW, 0, []
    for pause, count in commits:
        now += pause
        numbers = range(number, number + count)
        number += count
        ring = ring.add(hashes(*numbers), now)
        added += [(now, n) for n in numbers]
        for at, n in added:
            if at > now - RETRY_HORIZON + MINUTE:
                assert hash_of(n) in ring
            assert hash_of(n) in ring or ring.may_have_forgotten(now) or at <= now - REMEMBERED
    assert len(ring) <= max(KEEP, ring.young(now))


@given(COMMITS, COMMITS)
def test_merging_remembers_what_either_does_and_commutes(
    mine: list[tuple[float, int]], theirs: list[tuple[float, int]]
) -> None:
    rings, now = [], NOW
    for commits in (mine, theirs):
        ring, now, number = (
            Ring(),
            NOW,
            0 if not rings else 30,
        )  # the first 30 events of the one, the other has not seen
        for pause, count in commits:
            now += pause
            ring = ring.add(hashes(*range(number, number + count)), now)
            number += count
        rings.append(ring)
    one, other = rings
    merged = one.merge(other)
    everything = {h for ring in rings for _, run in ring.runs for h in (run[i : i + 6] for i in range(0, len(run), 6))}
    assert {h for h in everything if h in merged} == everything
    assert len(merged) == len(everything)
    back = other.merge(one)
    assert {h for h in everything if h in back} == everything
    assert (back.turned, len(back), back.young(now)) == (merged.turned, len(merged), merged.young(now))
    assert merged.merge(merged) == merged
    assert merged.may_have_forgotten(now) == (one.may_have_forgotten(now) or other.may_have_forgotten(now))

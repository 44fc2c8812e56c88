"""Numbers are sums over rows: whatever happens to a row, and in whatever order, they are those of a recount."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.commits import MembershipChange
from postroad.sending.messages import ENGAGEMENTS, STATES, Message
from postroad.stats import (
    ENTERED,
    HERE,
    Cell,
    Counts,
    MessageCounts,
    PlaceCounts,
    add_up,
    count_membership,
    count_message,
    day_of,
    days_between,
    read_counts,
)

NOW = 1_793_610_000.0
DAY = 86_400.0
TODAY, TOMORROW = "2026-11-02", "2026-11-03"


def a_message(state: str = "queued", **facts: object) -> Message:
    known: dict[str, object] = {
        "contact_id": "ana", "origin": "journey/welcome@3", "step": "hello", "enrollment_id": "enr-1",
        "channel": "email", "topic": "news", "template": "hello", "template_version": 1, "trigger_key": "k",
        "created_at": NOW,
    }  # fmt: skip
    return Message("enr-1.hello", state=state, **{**known, **facts})  # type: ignore[arg-type]


def member(place: str = "journey/welcome/look", since: float = NOW, *, moved: bool = False) -> MembershipChange:
    return MembershipChange(place, "ana", since, moved)


def cell(counter: str, spot: str = "hello", kind: str = "messages", day: str = TODAY) -> Cell:
    return Cell("journey/welcome", kind, day, spot, counter)


def shown(*rows: Message) -> Counts:
    """What the numbers say when these messages are all that there is."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for found, number in add_up(count_message(None, row) for row in rows).items():
        sums[found.kind, found.spot, found.counter] += number
    return read_counts(sums)


def test_a_message_counts_under_its_journey_whatever_the_version_on_the_day_on_which_it_was_made():
    late = a_message("delivered", times={"delivered": NOW + 3 * DAY})
    assert count_message(None, late) == {cell("delivered"): 1}


def test_a_broadcasts_messages_count_under_its_origin_and_no_step():
    found = count_message(None, a_message("sent", origin="broadcast/spring", step=""))
    assert found == {Cell("broadcast/spring", "messages", TODAY, "", "sent"): 1}


def test_a_message_goes_from_one_state_to_another():
    assert count_message(a_message("sending"), a_message("sent")) == {cell("queued"): -1, cell("sent"): 1}
    assert count_message(a_message("sent"), None) == {cell("sent"): -1}


def test_a_claim_and_whatever_else_changes_no_number_adds_nothing():
    assert count_message(a_message("queued"), a_message("sending", owner="o")) == {}
    assert count_message(a_message("sent"), a_message("sent", reason="why", times={"sent": NOW})) == {}


def test_opens_and_clicks_count_by_who_made_them():
    before = a_message("delivered", times={"machine_opened": NOW})
    after = before.with_(times={"machine_opened": NOW, "opened": NOW + 5, "clicked": NOW + 9})
    assert count_message(before, after) == {cell("opened"): 1, cell("clicked"): 1}


def test_who_comes_is_here_and_has_entered_on_that_day():
    found = count_membership(None, member(), at=NOW + DAY)
    assert found == {cell(HERE, "look", "places"): 1, cell(ENTERED, "look", "places"): 1}


def test_who_leaves_is_gone_on_the_day_of_leaving_and_has_entered_all_the_same():
    found = count_membership(member(), None, at=NOW + DAY)
    assert found == {cell(HERE, "look", "places", TOMORROW): -1}


def test_who_comes_again_before_anybody_saw_the_leaving_has_entered_once_more():
    found = count_membership(member(), member(since=NOW + DAY), at=NOW + DAY)
    assert found == {cell(ENTERED, "look", "places", TOMORROW): 1}


def test_who_has_become_one_with_another_contact_has_not_come():
    assert count_membership(None, member(moved=True), at=NOW) == {cell(HERE, "look", "places"): 1}
    assert count_membership(member(), member(since=NOW - DAY, moved=True), at=NOW) == {}


def test_a_segment_and_an_outcome_are_places_like_any_other():
    assert count_membership(None, member("segment/vip"), at=NOW) == {
        Cell("segment/vip", "places", TODAY, "", HERE): 1,
        Cell("segment/vip", "places", TODAY, "", ENTERED): 1,
    }
    assert cell(HERE, ":goal", "places") in count_membership(None, member("journey/welcome/:goal"), at=NOW)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("queued", {"queued": 1}),
        ("sending", {"queued": 1}),
        ("sent", {"sent": 1}),
        ("delivered", {"sent": 1, "delivered": 1}),
        ("bounced", {"sent": 1, "bounced": 1}),
        ("complained", {"sent": 1, "delivered": 1, "complained": 1}),
        ("skipped", {"skipped": 1}),
        ("failed", {"failed": 1}),
        ("unknown", {"unknown": 1}),
    ],
)
def test_what_a_state_says_about_the_way_of_a_message(state: str, says: dict[str, int]):
    assert shown(a_message(state)).step("hello") == MessageCounts(total=1, **says)


MESSAGES = st.builds(
    lambda state, step, marks, days: a_message(
        state, step=step, times=dict.fromkeys(marks, NOW), created_at=NOW + days * DAY
    ),
    st.sampled_from(STATES),
    st.sampled_from(["hello", "nudge"]),
    st.sets(st.sampled_from(ENGAGEMENTS)),
    st.integers(0, 2),
)


@given(st.lists(MESSAGES, max_size=12))
def test_the_numbers_of_messages_add_up(rows: list[Message]):
    counts = shown(*rows)
    for each in (*counts.messages.values(), counts.all_messages):
        assert each.total == each.queued + each.sent + each.skipped + each.failed + each.unknown
        assert each.delivered + each.bounced <= each.sent
        assert each.complained <= each.delivered
    assert counts.all_messages.total == len(rows)


@given(st.lists(st.lists(st.none() | MESSAGES, max_size=5), max_size=6), st.randoms())
def test_the_sum_of_all_changes_is_a_recount(lives: list[list[Message | None]], random: object):
    changes = [pair for life in lives for pair in zip([None, *life], life, strict=False)]
    random.shuffle(changes)  # type: ignore[attr-defined]
    left = [life[-1] for life in lives if life]
    assert add_up(count_message(*change) for change in changes) == add_up(count_message(None, row) for row in left)


MEMBERS = st.none() | st.builds(
    lambda spot, days, moved: member(f"journey/welcome/{spot}", NOW + days * DAY, moved=moved),
    st.just("look"),
    st.integers(0, 3),
    st.booleans(),
)


@given(st.lists(st.lists(MEMBERS, max_size=6), max_size=6))
def test_who_is_here_is_a_recount_and_arrivals_only_grow(lives: list[list[MembershipChange | None]]):
    changes = [pair for life in lives for pair in zip([None, *life], life, strict=False)]
    sums: Counter[str] = Counter()
    for before, after in changes:
        added = count_membership(before, after, NOW + 9 * DAY)
        assert all(number > 0 for c, number in added.items() if c.counter == ENTERED)
        for c, number in added.items():
            sums[c.counter] += number
    assert sums[HERE] == sum(life[-1] is not None for life in lives if life)


def test_how_many_have_started_a_journey_is_who_is_under_way_and_who_has_ended():
    counts = Counts(
        {"look": PlaceCounts(2, 9), "rest": PlaceCounts(1, 4), ":goal": PlaceCounts(3, 5), ":exited": PlaceCounts(1, 1)}
    )
    assert (counts.active, counts.ended, counts.started) == (3, 6, 9)
    assert counts.place("look").passed == 7
    assert counts.outcome("goal") == PlaceCounts(3, 5)


def test_who_still_stands_at_the_door_is_under_way():
    assert Counts({"": PlaceCounts(1, 1), "look": PlaceCounts(2, 2)}).active == 3


def test_an_outcome_is_that_of_all_exit_steps_together():
    counts = Counts({":exited": PlaceCounts(1, 2), ":exited.bought": PlaceCounts(4, 8), ":exited-2": PlaceCounts(9, 9)})
    assert counts.outcome("exited") == PlaceCounts(5, 10)
    assert counts.outcome("failed") == PlaceCounts()
    assert counts.place("nowhere") == PlaceCounts()


def test_a_definition_without_numbers_has_zeros():
    assert (Counts().started, Counts().all_messages, Counts().step("hello")) == (0, MessageCounts(), MessageCounts())


def test_days_are_those_of_utc_and_all_between_two_are_named():
    assert day_of(NOW) == TODAY
    assert days_between("2026-10-30", "2026-11-02") == ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"]
    assert days_between("2026-11-02", "2026-11-01") == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_what_cancels_out_is_left_out(order: Sequence[int]):
    parts = [Counter({cell("queued"): 1}), Counter({cell("queued"): -1, cell("sent"): 1}), Counter({cell("sent"): 1})]
    assert add_up(parts[number] for number in order) == {cell("sent"): 2}

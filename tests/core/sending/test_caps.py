"""Caps: how many messages one person gets at most."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import Spent
from postroad.documents import Reader
from postroad.errors import DefinitionError
from postroad.instants import DAY
from postroad.sending.caps import MOST_SPENT, Cap, find_room, give_back, merge_spent, read_caps, spend

NOW = 1_793_610_000.0
WEEKLY = Cap(7 * DAY, 3, score="engagement", bands={"hot": 5, "cold": 1, "never": 0})


def sent(*ages, channel="email"):
    return tuple(Spent(NOW - age, channel, f"m{age}{channel}") for age in sorted(ages, reverse=True))


@pytest.mark.parametrize(
    ("spent", "bands", "at", "because"),
    [
        ((), (), NOW, "0 of at most 3 messages within 7 days"),
        (sent(60, DAY), (), NOW, "2 of at most 3 messages within 7 days"),
        (sent(60, DAY, 6 * DAY), (), NOW + DAY, "3 of at most 3 messages within 7 days"),
        (sent(60, DAY, 7 * DAY), (), NOW, "2 of at most 3 messages within 7 days"),
        (sent(60, DAY, 6 * DAY), ("hot",), NOW, "3 of at most 5 messages within 7 days in the band hot"),
        (sent(DAY), ("cold",), NOW + 6 * DAY, "1 of at most 1 message within 7 days in the band cold"),
        (
            sent(DAY, 3 * DAY, 5 * DAY),
            ("cold",),
            NOW + 6 * DAY,
            "3 of at most 1 message within 7 days in the band cold",
        ),
        ((), ("never",), inf, "people in the band never get none of these within 7 days"),
        (sent(60, 70, 80), ("of another sheet",), NOW + 7 * DAY - 80, "3 of at most 3 messages within 7 days"),
    ],
)
def test_there_is_room_as_soon_as_the_oldest_that_fills_it_is_a_window_old(spent, bands, at, because):
    room = find_room(WEEKLY, spent, bands, NOW)
    assert room == (at, because.replace("7 days", "1 week"))


def test_a_cap_of_one_channel_does_not_count_another():
    daily = Cap(DAY, 1, channel="sms")
    assert daily.counts("sms")
    assert not daily.counts("email")
    assert find_room(daily, sent(60), (), NOW).at == NOW
    assert find_room(daily, sent(60, channel="sms"), (), NOW).at == NOW + DAY - 60


def test_what_no_cap_looks_at_any_more_is_forgotten():
    caps = (Cap(DAY, 2, channel="sms"), WEEKLY)
    spent = (*sent(8 * DAY), *sent(2 * DAY), *sent(60, channel="sms"))
    assert spend(spent, caps, "m", "email", NOW)[:-1] == spent[1:]
    assert spend(spent, (Cap(DAY, 2, channel="sms"),), "m", "sms", NOW)[:-1] == spent[2:]


def test_a_message_given_back_takes_no_room_and_giving_it_back_twice_changes_nothing():
    spent = spend(spend((), (WEEKLY,), "enr.hello", "email", NOW), (WEEKLY,), "enr.more", "email", NOW + 5)
    assert len(spent) == 2
    left = give_back(spent, "enr.hello")
    assert left == spent[1:]
    assert give_back(left, "enr.hello") == left


def test_a_message_counts_from_the_next_whole_second_so_that_it_can_be_stored():
    (spent,) = spend((), (WEEKLY,), "m", "email", NOW + 0.25)
    assert spent.at == NOW + 1


TIMES = st.lists(st.integers(0, 10 * 86_400), max_size=40)


@given(TIMES, TIMES)
def test_two_people_who_are_one_have_spent_what_both_have(one, other):
    a = tuple(sorted(Spent(NOW - age, "email", f"a{number}") for number, age in enumerate(one)))
    b = tuple(sorted(Spent(NOW - age, "email", f"b{number}") for number, age in enumerate(other)))
    assert merge_spent(a, b) == merge_spent(b, a)
    assert set(merge_spent(a, b)) == {*a, *b}
    assert merge_spent(a, a) == a


def test_what_is_remembered_is_bounded():
    many = [Spent(NOW - n, "email", str(n)) for n in range(150)]
    assert len(merge_spent(many, [s._replace(message="x" + s.message) for s in many])) == MOST_SPENT


def read(*documents):
    reader = Reader({"caps": list(documents)})
    found = read_caps(reader, "caps")
    reader.finish()
    return found


def test_a_cap_says_itself():
    weekly, daily = read(
        {"per": "P1W", "at_most": 3, "score": "engagement", "bands": {"hot": 5, "cold": 1}},
        {"per": "P1D", "at_most": 1, "channel": "email"},
    )
    assert weekly.describe() == (
        "at most 3 messages within 1 week (5 in the band hot, 1 in the band cold of the score engagement)"
    )
    assert daily.describe() == "at most 1 email message within 1 day"


@pytest.mark.parametrize(
    ("cap", "path"),
    [
        ({"per": "P1D"}, "caps[0].at_most"),
        ({"at_most": 1}, "caps[0].per"),
        ({"per": "P1D", "at_most": -1}, "caps[0].at_most"),
        ({"per": "PT1M", "at_most": 1}, "caps[0].per"),
        ({"per": "P1D", "at_most": 1, "channel": "pigeon"}, "caps[0].channel"),
        ({"per": "P1D", "at_most": 1, "score": "engagement"}, "caps[0].bands"),
        ({"per": "P1D", "at_most": 1, "bands": {"hot": 2}}, "caps[0].bands"),
        ({"per": "P1D", "at_most": 1, "score": "e", "bands": {"hot": "many"}}, "caps[0].bands.hot"),
        ({"per": "P1D", "at_most": 1, "often": True}, "caps[0].often"),
    ],
)
def test_a_mistake_in_a_cap_is_told_with_its_path(cap, path):
    with pytest.raises(DefinitionError) as caught:
        read(cap)
    assert [found for found, _ in caught.value.mistakes] == [path]

"""The keys of links: one signs, all read, what has leaked is withdrawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.content.link_keys import NOTICE, LinkKey, LinkKeyError, add_key, find_current, make_signer, withdraw_key
from postroad.content.links import Unsubscribe

FIRST = (LinkKey("1", b"a" * 32),)
LEAVE = Unsubscribe("ana", "email", "offers", "welcome.hello")
NOW = 1_793_610_000.0


def test_a_new_key_signs_only_when_everybody_knows_it() -> None:
    keys = add_key(FIRST, b"b" * 32, NOW)
    early = make_signer(keys, NOW + NOTICE - 1).sign(LEAVE)
    late = make_signer(keys, NOW + NOTICE + 60).sign(LEAVE)
    assert (early[:2], late[:2]) == ("1.", "2.")
    for token in (early, late):
        assert make_signer(keys, NOW).find(Unsubscribe, token) == LEAVE


def test_links_of_old_keys_open_for_good() -> None:
    token = make_signer(FIRST, NOW).sign(LEAVE)
    keys = FIRST
    for year in range(1, 6):
        keys = add_key(keys, bytes([year]) * 32, NOW + year * 31_536_000)
        assert make_signer(keys, NOW + (year + 1) * 31_536_000).find(Unsubscribe, token) == LEAVE


def test_links_of_a_withdrawn_key_open_nothing_and_say_so() -> None:
    token = make_signer(FIRST, NOW).sign(LEAVE)
    later = NOW + NOTICE + 60
    signer = make_signer(withdraw_key(add_key(FIRST, b"b" * 32, NOW), "1", later), later)
    assert signer.find(Unsubscribe, token) is None
    assert signer.is_withdrawn(token)
    assert not signer.is_withdrawn(signer.sign(LEAVE))
    assert not signer.is_withdrawn("3.nobody")


def test_the_key_that_signs_is_not_withdrawn_and_the_sentence_says_what_to_do() -> None:
    with pytest.raises(LinkKeyError, match=r"^Key 1 is the one that signs: make a new one, then withdraw it\.$"):
        withdraw_key(FIRST, "1", NOW)
    keys = add_key(FIRST, b"b" * 32, NOW)
    with pytest.raises(LinkKeyError, match=r"key 2 signs from 2026-11-02 09:02 UTC on, then withdraw it"):
        withdraw_key(keys, "1", NOW + 1)
    with pytest.raises(LinkKeyError, match=r"There is no key 7; there are 1, 2\."):
        withdraw_key(keys, "7", NOW)


def test_one_new_key_waits_at_a_time() -> None:
    keys = add_key(FIRST, b"b" * 32, NOW)
    with pytest.raises(LinkKeyError, match="Key 2 is new already"):
        add_key(keys, b"c" * 32, NOW + 1)


@given(st.lists(st.tuples(st.sampled_from(("new", "withdraw")), st.integers(0, 400), st.integers(1, 6))))
def test_whatever_is_asked_one_key_signs_and_no_id_comes_twice(deeds: list[tuple[str, int, int]]) -> None:
    keys, now = FIRST, NOW
    for deed, seconds, kid in deeds:
        now += seconds
        try:
            keys = add_key(keys, b"n" * 32, now) if deed == "new" else withdraw_key(keys, str(kid), now)
        except LinkKeyError:
            continue
        current = find_current(keys, now)
        assert not current.is_withdrawn
        assert current.since <= now
        assert [each.kid for each in keys] == [str(number + 1) for number in range(len(keys))]
        signer = make_signer(keys, now)
        assert signer.find(Unsubscribe, signer.sign(LEAVE)) == LEAVE

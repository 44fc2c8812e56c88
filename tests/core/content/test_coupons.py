"""Coupons: derived codes, which nobody can guess and nobody else can use."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import Contact
from postroad.content.coupons import (
    ALPHABET,
    SAMPLE,
    Coupon,
    find_beginning,
    find_coupon,
    find_coupons,
    make_code,
    show_codes,
)
from postroad.content.links import Signer
from postroad.envelopes import values_of
from postroad.errors import DefinitionError
from postroad.instants import DAY, parse_instant
from postroad.policy import Policy, parse_policy
from postroad.sending.messages import Message

SIGNER = Signer({"1": b"k" * 32}, "1")
MONDAY = parse_instant("2026-11-02T09:14:00Z")
SPRING, AUTUMN = Coupon("spring", "Ten percent off", 14 * DAY), Coupon("autumn", "Free shipping", 30 * DAY)
COUPONS = {coupon.id: coupon for coupon in (SPRING, AUTUMN)}
POLICY = {"kind": "policy", "id": "policy", "name": "P", "topics": [{"id": "news"}]}


def _message(step: str, trigger: str, created_at: float) -> Message:
    return Message(
        f"e.{step}", "c1", "journey/win-back@1", step, "e", "email", "news", "t", 1,
        trigger_key=trigger, created_at=created_at,
    )  # fmt: skip


def test_c50_each_person_gets_a_code_of_their_own_the_same_through_one_passage() -> None:
    policy = replace(Policy(), coupons=COUPONS)

    def shown(contact_id: str, step: str, trigger: str, created_at: float) -> str:
        message = _message(step, trigger, created_at)
        values = values_of(Contact(contact_id), "ana@a.example", message, {}, policy, "https://u", "https://p", SIGNER)
        return str(values["coupon"]["spring"]["code"])

    lapse, next_lapse = "2026-11-02T09:14:00.000Z#e-1#shop", "2027-02-20T10:00:00.000Z#e-9#shop"
    first = shown("ana", "code", lapse, MONDAY)
    assert shown("ana", "last", lapse, MONDAY + 12 * DAY) == first
    assert shown("bea", "code", lapse, MONDAY) != first
    assert shown("ana", "code", next_lapse, MONDAY + 110 * DAY) != first


def test_a_code_says_until_which_day_it_holds_and_is_read_however_it_is_typed() -> None:
    code = make_code(SPRING, "ana", MONDAY, SIGNER)
    assert code.until == parse_instant("2026-11-16T23:59:59Z")
    assert [len(part) for part in code.text.split("-")] == [4, 4, 5]
    assert not set("01OI") & set(code.text)
    for typed in (code.text, code.text.lower(), code.text.replace("-", " "), f" {code.text.replace('-', '')} "):
        found = find_coupon(COUPONS, typed, ["ana"], SIGNER)
        assert found is not None
        assert (found.coupon, found.contact_id, found.code) == (SPRING, "ana", code)


@given(st.integers(0, 12), st.sampled_from(ALPHABET))
def test_a_code_with_one_letter_changed_is_none(place: int, letter: str) -> None:
    code = make_code(SPRING, "ana", MONDAY, SIGNER).text.replace("-", "")
    changed = code[:place] + letter + code[place + 1 :]
    assert (find_coupon(COUPONS, changed, ["ana"], SIGNER) is not None) is (changed == code)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_no_error(text: str) -> None:
    assert find_coupon(COUPONS, text, ["ana"], SIGNER) is None


def test_a_code_is_worth_nothing_to_somebody_else_of_another_stack_or_without_its_coupon() -> None:
    code = make_code(SPRING, "ana", MONDAY, SIGNER).text
    assert find_coupon(COUPONS, code, ["bea"], SIGNER) is None
    assert find_coupon(COUPONS, code, ["ana"], Signer({"1": b"x" * 32}, "1")) is None
    assert find_coupon({"autumn": AUTUMN}, code, ["ana"], SIGNER) is None
    # Whoever was merged keeps theirs, and so does everybody when the key is changed.
    assert find_coupon(COUPONS, code, ["bea", "ana"], SIGNER) is not None
    rotated = Signer({"1": b"k" * 32, "2": b"n" * 32}, "2")
    assert find_coupon(COUPONS, code, ["ana"], rotated) is not None
    # Nor is anybody given a second one by that.
    assert make_code(SPRING, "ana", MONDAY, rotated).text == code


def test_codes_of_many_people_differ() -> None:
    assert len({make_code(SPRING, f"person-{number}", MONDAY, SIGNER).text for number in range(2_000)}) == 2_000


def test_without_the_key_there_is_a_sample() -> None:
    shown = show_codes(COUPONS, "ana", _message("code", "", MONDAY))
    assert shown["spring"]["code"] == SAMPLE
    assert find_coupon(COUPONS, SAMPLE, ["ana"], SIGNER) is None


def test_what_led_to_a_message_begins_it_and_without_that_the_message_itself() -> None:
    assert find_beginning("2026-11-02T09:14:00.000Z#e-1#shop", 5.0) == MONDAY
    assert find_beginning("", 5.0) == 5.0


def test_a_policy_names_coupons() -> None:
    policy = parse_policy({**POLICY, "coupons": [{"id": "spring", "lasts": "P14D"}, {"id": "autumn", "name": "Free"}]})
    assert policy.coupons == {
        "spring": Coupon("spring", "spring", 14 * DAY),
        "autumn": Coupon("autumn", "Free", 30 * DAY),
    }
    for wrong in ({"id": "x", "lasts": "PT1H"}, {"id": "x", "lasts": "P500D"}, {"name": "x"}):
        with pytest.raises(DefinitionError):
            parse_policy({**POLICY, "coupons": [wrong]})
    with pytest.raises(DefinitionError):
        parse_policy({**POLICY, "coupons": [{"id": "x"}, {"id": "x"}]})


def test_a_template_names_coupons_by_what_it_reads() -> None:
    assert find_coupons({"coupon.spring.code", "coupon.spring.until", "coupon.autumn.code", "contact.coupon"}) == [
        "autumn",
        "spring",
    ]

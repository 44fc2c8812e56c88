"""Which channel suits a person best, the telephone among them."""

from typing import Any

import pytest

from postroad.advice.channels import BEST, PHONE, WAYS, find_best, rank
from postroad.consent.rule import Topic
from postroad.contacts.contact import Attribute, Consent, Contact
from postroad.contacts.engagement import ANSWERED, CLICKED, OPENED, Sent
from postroad.sending.channels import ADDRESSED

T0 = 1_793_610_000.0
NEWS = Topic("news", "News", opt_in=False)
OFFERS = Topic("offers", "Offers", opt_in=True)


def _contact(preferred: Any = None, **facts: Any) -> Contact:
    attributes = {} if preferred is None else {"preferred_channel": Attribute(preferred, T0, True)}
    identities = {"email:ana@example.com": T0, "phone:+351912345678": T0}
    return Contact("ana", **{"identities": identities, "attributes": attributes, **facts})


def _sents(messages: int, response: str, responses: int) -> tuple[Sent, ...]:
    return tuple(Sent(number, f"m{number}", response if number < responses else "") for number in range(messages))


def test_c25_ways_are_ranked_by_what_people_did_with_what_came_that_way_the_telephone_included() -> None:
    contact = _contact(
        engagement={
            "email": _sents(20, OPENED, 2),
            "sms": _sents(10, CLICKED, 5),
            "phone": _sents(4, ANSWERED, 4),
        }
    )
    ways = rank(contact, NEWS, T0)
    assert [way.channel for way in ways] == ["phone", "sms", "email", "push"]
    assert [way.because for way in ways] == [
        "4 of 4 calls answered", "5 of 10 messages clicked or answered", "2 of 20 messages opened or clicked",
        "the contact has no address for push",
    ]  # fmt: skip
    assert ways[0].response == pytest.approx((4 + 5 * 0.05) / 9)
    assert ways[2].response == pytest.approx((2 * 0.3 + 5 * 0.15) / 25)


def test_c26_one_answered_call_is_no_reason_to_call_somebody_from_then_on() -> None:
    for answered, first in ((1, "email"), (2, "phone")):
        ways = rank(_contact(engagement={"phone": _sents(answered, ANSWERED, answered)}), NEWS, T0)
        assert [way.channel for way in ways[:2]] == [first, "phone" if first == "email" else "email"]


def test_c25_a_ranking_says_how_sure_it_is_that_a_way_brings_more_than_the_next() -> None:
    def sure(**engagement: tuple[Sent, ...]) -> tuple[str, str]:
        first = rank(_contact(engagement=engagement), NEWS, T0)[0]
        return first.channel, first.confidence

    assert sure() == ("email", "none")
    assert sure(sms=_sents(1, CLICKED, 1)) == ("sms", "low")
    assert sure(sms=_sents(4, CLICKED, 2), email=_sents(6, OPENED, 1)) == ("sms", "medium")
    assert sure(sms=_sents(20, CLICKED, 12), email=_sents(20, OPENED, 4)) == ("sms", "high")
    (preferred, *_, nowhere) = rank(_contact("phone"), NEWS, T0)
    assert (preferred.channel, preferred.confidence, nowhere.confidence) == ("phone", "high", "none")


def test_of_whom_nothing_is_known_mail_comes_first_and_nobody_is_called_without_a_reason() -> None:
    assert [way.channel for way in rank(_contact(), NEWS, T0)] == ["email", "sms", "phone", "push"]
    assert rank(_contact(), NEWS, T0)[0].because == "no messages yet"


@pytest.mark.parametrize(
    ("said", "first"),
    [("phone", "phone"), (" Call ", "phone"), ("SMS", "sms"), ("e-mail", "email"), ("fax", "email"), (7, "email")],
)
def test_c25_what_the_crm_says_is_preferred_wins(said: Any, first: str) -> None:
    contact = _contact(said, engagement={"email": _sents(20, CLICKED, 20)})
    assert find_best(contact, NEWS, T0) == first
    if first != "email":
        assert rank(contact, NEWS, T0)[0].because.startswith("said to be preferred")


def test_ways_without_an_address_or_that_were_refused_come_last_with_the_reason() -> None:
    nothing = _contact("phone", identities={"email:ana@example.com": T0})
    assert [(way.channel, way.obstacle) for way in rank(nothing, NEWS, T0)] == [
        ("email", ""),
        ("phone", "there is no number to call"),
        ("sms", "the contact has no address for sms"),
        ("push", "the contact has no address for push"),
    ]
    refused = _contact("phone", consents={"phone:*": Consent(False, T0), "news": Consent(False, T0)})
    assert find_best(refused, NEWS, T0) == "sms"
    assert find_best(refused, None, T0) == "email"
    assert rank(refused, NEWS, T0)[-2].because.startswith("the contact unsubscribed from ")
    assert find_best(_contact(suppressions={"phone:+351912345678": "wrong number"}), NEWS, T0) == "email"
    assert find_best(Contact("nobody"), NEWS, T0) is None


def test_a_topic_that_needs_an_opt_in_needs_it_on_each_way_unless_calls_are_preferred() -> None:
    assert find_best(_contact(), OFFERS, T0) is None
    assert find_best(_contact(consents={"sms:offers": Consent(True, T0)}), OFFERS, T0) == "sms"
    assert find_best(_contact("phone"), OFFERS, T0) == "phone"


def test_every_channel_can_be_ranked_and_no_channel_is_called_as_the_advice() -> None:
    assert {*ADDRESSED, PHONE} == set(WAYS)
    assert BEST not in WAYS

"""The one rule about whether something may go to an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.consent import EVERY_TOPIC, Topic, consent_key, find_last_obstacle, find_obstacle
from postroad.contacts import Consent, Contact

OFFERS, LETTER = Topic("offers", "Offers", opt_in=False), Topic("letter", "The letter", opt_in=True)
YES, NO = Consent(True, 5.0), Consent(False, 5.0)


@pytest.mark.parametrize(
    ("topic", "suppression", "consent", "every", "says"),
    [
        (OFFERS, None, None, None, None),
        (OFFERS, None, YES, None, None),
        (OFFERS, None, NO, None, "the contact unsubscribed from Offers"),
        (OFFERS, None, None, NO, "the contact unsubscribed from everything"),
        (OFFERS, None, Consent(True, 4.0), NO, "the contact unsubscribed from everything"),
        (OFFERS, None, Consent(True, 5.0), NO, "the contact unsubscribed from everything"),
        (OFFERS, None, Consent(True, 6.0), NO, None),
        (OFFERS, None, NO, Consent(True, 9.0), "the contact unsubscribed from Offers"),
        (LETTER, None, None, None, "The letter needs an opt-in, and there is none"),
        (LETTER, None, None, YES, "The letter needs an opt-in, and there is none"),
        (LETTER, None, YES, None, None),
        (LETTER, None, NO, None, "the contact unsubscribed from The letter"),
        (OFFERS, "bounced", YES, None, "the address is suppressed: bounced"),
        (LETTER, "bounced", YES, YES, "the address is suppressed: bounced"),
    ],
)
def test_suppression_then_refusal_then_silence(topic, suppression, consent, every, says):
    assert find_obstacle(topic, suppression, consent, every) == says


answers = st.none() | st.builds(Consent, st.booleans(), st.integers(0, 3).map(float))


@given(topic=st.sampled_from([OFFERS, LETTER]), consent=answers, every=answers)
def test_a_refusal_that_nobody_took_back_always_holds(topic, consent, every):
    obstacle = find_obstacle(topic, None, consent, every)
    latest_no = max((c.time for c in (consent, every) if c and not c.granted), default=None)
    latest_yes = consent.time if consent and consent.granted else None
    if latest_no is not None and (latest_yes is None or latest_yes <= latest_no):
        assert obstacle is not None
    assert find_obstacle(topic, "bounced", consent, every) is not None


def test_a_stop_by_text_says_nothing_about_mail():
    assert consent_key("email", EVERY_TOPIC) == "*"
    assert consent_key("sms", EVERY_TOPIC) == "sms:*"
    assert consent_key("email", "offers") != consent_key("sms", "offers")


@pytest.mark.parametrize("channel", ["web", "webhook", "custom"])
def test_what_needs_no_address_goes_by_the_answer_that_was_given_by_mail(channel):
    assert consent_key(channel, "letter") == consent_key("email", "letter")
    assert consent_key(channel, EVERY_TOPIC) == EVERY_TOPIC


@pytest.mark.parametrize(
    ("said", "copies", "suppression", "says"),
    [
        ({}, {}, None, "The letter needs an opt-in, and there is none"),
        ({}, {"letter": YES}, None, None),
        ({"letter": YES}, {}, None, None),
        ({"letter": NO}, {"letter": YES}, None, "the contact unsubscribed from The letter"),
        ({"letter": Consent(False, 4.0)}, {"letter": YES}, None, None),
        ({"letter": YES}, {"*": Consent(False, 6.0)}, None, "the contact unsubscribed from everything"),
        ({"letter": YES}, {}, "bounced", "the address is suppressed: bounced"),
    ],
)
def test_last_the_newest_word_counts_whether_a_table_or_the_contact_has_it(said, copies, suppression, says):
    contact = Contact("c", consents=copies)
    assert find_last_obstacle(LETTER, contact, "web", "c", suppression, said) == says

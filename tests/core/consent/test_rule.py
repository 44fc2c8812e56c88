"""The one rule about whether something may go to an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.consent.rule import ERASED, EVERY_TOPIC, Topic, consent_key, find_last_obstacle, find_obstacle
from postroad.contacts.contact import Consent, Contact

OFFERS, LETTER = Topic("offers", "Offers", opt_in=False), Topic("letter", "The letter", opt_in=True)
NOW, YEAR = 10.0, 365 * 86_400.0 - 5.0
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
    assert find_obstacle(topic, suppression, consent, every, NOW) == says


@pytest.mark.parametrize(
    ("given", "now", "says"),
    [
        (Consent(True, 5.0), 5.0 + YEAR - 1, None),
        (Consent(True, 5.0), 5.0 + YEAR, "the consent to The digest ended 1971-01-01 00:00 UTC"),
        (Consent(True, 5.0, until=60.0), 59.9, None),
        (Consent(True, 5.0, until=60.0), 60.0, "the consent to The digest ended 1970-01-01 00:01 UTC"),
        (Consent(False, 5.0), 5.0 + YEAR, "the contact unsubscribed from The digest"),
    ],
)
def test_a_yes_ends_after_its_time_and_a_no_does_not(given, now, says):
    digest = Topic("digest", "The digest", opt_in=True, expires_after=YEAR)
    assert find_obstacle(digest, None, given, None, now) == says


def test_a_pause_is_a_refusal_of_everything_that_ends_and_keeps_nobody_from_a_receipt():
    receipts = Topic("receipts", "Receipts", opt_in=False, transactional=True)
    pause = Consent(False, 5.0, until=3_600.0)
    for topic, answer in ((OFFERS, None), (LETTER, Consent(True, 4.0))):
        assert find_obstacle(topic, None, answer, pause, 3_599.0) == (
            "the contact asked for a pause until 1970-01-01 01:00 UTC"
        )
        assert find_obstacle(topic, None, answer, pause, 3_600.0) is None
    assert find_obstacle(receipts, None, None, pause, 10.0) is None
    assert find_obstacle(receipts, None, None, NO, 10.0) == "the contact unsubscribed from everything"


def test_g16_an_erased_address_gets_nothing_but_what_is_owed_to_it_whatever_a_server_says_of_consent():
    receipts = Topic("receipts", "Receipts", opt_in=False, transactional=True)
    assert find_obstacle(LETTER, ERASED, Consent(True, 9.0), None, NOW) == "the address is suppressed: erased"
    assert find_obstacle(receipts, ERASED, None, None, NOW) is None
    assert find_obstacle(receipts, "bounced", None, None, NOW) == "the address is suppressed: bounced"


answers = st.none() | st.builds(Consent, st.booleans(), st.integers(0, 3).map(float), st.none())


@given(topic=st.sampled_from([OFFERS, LETTER]), consent=answers, every=answers)
def test_a_refusal_that_nobody_took_back_always_holds(topic, consent, every):
    obstacle = find_obstacle(topic, None, consent, every, NOW)
    latest_no = max((c.time for c in (consent, every) if c and not c.granted), default=None)
    latest_yes = consent.time if consent and consent.granted else None
    if latest_no is not None and (latest_yes is None or latest_yes <= latest_no):
        assert obstacle is not None
    assert find_obstacle(topic, "bounced", consent, every, NOW) is not None


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
    assert find_last_obstacle(LETTER, contact, "web", "c", suppression, said, NOW) == says

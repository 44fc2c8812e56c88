"""Who receives a mail, and how mails are counted by that."""

import pytest

from postroad.deliverability.domains import OTHER, PROVIDERS, provider_of
from postroad.sending.messages import BOUNCED, DELIVERED, QUEUED, SENT, Message
from postroad.stats import DOMAINS, MESSAGES, Cell, HourCounts, MessageCounts, add_hours, count_message, hour_of

T0 = 1_793_610_000.0


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("ana@gmail.com", "gmail"),
        ("ana@GoogleMail.com", "gmail"),
        ("ana@hotmail.co.uk", "outlook"),
        ("ana@live.fr", "outlook"),
        ("ana@yahoo.com.br", "yahoo"),
        ("ana@web.de", "gmx"),
        ("ana@me.com", "icloud"),
        ("ana@alive.fr", OTHER),
        ("ana@example.com", OTHER),
        ("", OTHER),
    ],
)
def test_c74_the_receiving_provider_is_known_by_the_domain(address, provider):
    assert provider_of(address) == provider
    assert provider in {*PROVIDERS, OTHER}


def a_message(state: str, **known: object) -> Message:
    said = ("m-1", "c1", "journey/welcome@1", "welcome", "enr-1", "email", "news", "welcome", 1, "", T0, state)
    return Message(*said, **known)  # type: ignore[arg-type]


def test_c74_a_mail_counts_in_the_hour_in_which_it_was_made_at_whoever_receives_it():
    hour = hour_of(T0)
    sent = a_message(SENT, address="ana@gmail.com", times={SENT: T0})
    gained = count_message(a_message(QUEUED), sent)
    assert {cell: n for cell, n in gained.items() if cell.definition == DOMAINS} == {
        Cell(DOMAINS, MESSAGES, hour, "gmail", SENT): 1
    }
    opened = count_message(sent, sent.with_(state=DELIVERED, times={"opened": T0 + 9_000}))
    assert {cell.counter: n for cell, n in opened.items() if cell.definition == DOMAINS} == {
        SENT: -1,
        DELIVERED: 1,
        "opened": 1,
    }
    text = sent.with_(channel="sms", address="+15550100")
    assert not [cell for cell in count_message(None, text) if cell.definition == DOMAINS]


def test_c74_hours_are_added_up_by_provider_those_with_most_mails_first():
    hours = [
        HourCounts("2026-11-23T14", {"gmail": MessageCounts(sent=5, delivered=4), "gmx": MessageCounts(sent=9)}),
        HourCounts("2026-11-23T15", {"gmail": MessageCounts(sent=6, bounced=1)}),
    ]
    assert add_hours(hours) == {
        "gmail": MessageCounts(sent=11, delivered=4, bounced=1),
        "gmx": MessageCounts(sent=9),
    }
    assert list(add_hours(hours)) == ["gmail", "gmx"]


def test_a_bounce_stays_with_the_hour_of_its_mail():
    sent = a_message(SENT, address="ana@gmail.com", times={SENT: T0})
    bounced = count_message(sent, sent.with_(state=BOUNCED, times={**sent.times, BOUNCED: T0 + 7_200}))
    assert {cell.day for cell in bounced if cell.definition == DOMAINS} == {hour_of(T0)}

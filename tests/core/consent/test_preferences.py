"""Preferences: what people choose, and the cap of their own."""

from dataclasses import replace

import pytest

from postroad import events as names
from postroad.consent.preferences import Wish, mask, read_wish, stricter
from postroad.contacts.contact import Contact
from postroad.contacts.merging import merge
from postroad.events import Event
from postroad.fold import begin, fold
from postroad.instants import DAY
from postroad.sending.messages import QUEUED, SKIPPED
from tests.books import FOOTER, Shelf

NOW = 1_793_610_000.0
SHELF = Shelf()
SHELF.publish(
    {
        "kind": "policy",
        "id": "policy",
        "postal_address": "1 High Street",
        "topics": [
            {"id": "news", "name": "News", "opt_in": False},
            {"id": "receipts", "opt_in": False, "transactional": True},
        ],
    },
    *(
        {
            "kind": "template",
            "id": key,
            "channel": "email",
            "topic": topic,
            "subject": "Hi",
            "html": "<p>Hi</p>" + FOOTER,
        }
        for key, topic in (("letter", "news"), ("receipt", "receipts"))
    ),
    *(
        {
            "kind": "journey",
            "id": key,
            "trigger": {"event": event},
            "reentry": "always",
            "steps": [{"id": "say", "send": {"template": key}}],
        }
        for key, event in (("letter", "Asked"), ("receipt", "Order Completed"))
    ),
)
BOOK = SHELF.book


def say(contact, name, at, **properties):
    event = Event(f"{name}-{at}", name, at, at, contact_id="ana", trusted=True, properties=properties)
    return fold(contact, event, BOOK, at)


def ana():
    return replace(begin("ana", BOOK, NOW), identities={"email:ana@example.com": NOW})


@pytest.mark.parametrize(("frequency", "days"), [("weekly", 7), ("monthly", 30)])
def test_whoever_wants_less_gets_one_message_in_that_time_and_each_receipt(frequency, days):
    contact = say(ana(), names.PREFERENCES_CHANGED, NOW, frequency=frequency).contact
    first = say(contact, "Asked", NOW + 60)
    assert [message.state for message in first.messages] == [QUEUED]
    second = say(first.contact, "Asked", NOW + DAY)
    assert [message.state for message in second.messages] == [SKIPPED]
    assert second.messages[0].reason.startswith("1 of at most 1 message within ")
    receipt = say(second.contact, "Order Completed", NOW + 2 * DAY)
    assert [(message.template, message.state) for message in receipt.messages] == [("receipt", QUEUED)]
    later = say(receipt.contact, "Asked", NOW + days * DAY + 120)
    assert [message.state for message in later.messages] == [QUEUED]
    free = say(second.contact, names.PREFERENCES_CHANGED, NOW + 3 * DAY, frequency="").contact
    assert [message.state for message in say(free, "Asked", NOW + 3 * DAY + 1).messages] == [QUEUED]


def test_a_pause_holds_at_once_and_ends_by_itself():
    paused = say(ana(), names.MESSAGES_PAUSED, NOW, topic="*", channel="email", until=NOW + 30 * DAY).contact
    during = say(paused, "Asked", NOW + 60)
    assert [(m.state, m.reason[:32]) for m in during.messages] == [(SKIPPED, "the contact asked for a pause un")]
    assert [message.state for message in say(paused, "Order Completed", NOW + 60).messages] == [QUEUED]
    assert [message.state for message in say(paused, "Asked", NOW + 30 * DAY).messages] == [QUEUED]
    resumed = say(paused, names.MESSAGES_RESUMED, NOW + DAY, topic="*", channel="email").contact
    assert [message.state for message in say(resumed, "Asked", NOW + DAY + 60).messages] == [QUEUED]


def test_two_who_are_one_person_keep_the_wish_for_less_and_the_longer_pause():
    one = say(ana(), names.MESSAGES_PAUSED, NOW, topic="*", channel="email", until=NOW + 90 * DAY).contact
    other = replace(Contact("ana2", created_at=NOW, frequency="monthly"), revision=BOOK.revision)
    other = say(other, names.MESSAGES_PAUSED, NOW + 5, topic="*", channel="email", until=NOW + 30 * DAY).contact
    merged, _ = merge(replace(one, frequency="weekly"), other, BOOK, NOW + 60)
    assert merged.frequency == "monthly"
    assert merged.consents["*"].until == NOW + 90 * DAY
    assert stricter("", "weekly") == stricter("weekly", "") == "weekly"


@pytest.mark.parametrize(
    ("values", "wish"),
    [
        ({"shown": "news,tips", "topic.news": "yes"}, Wish({"news": True, "tips": False})),
        ({"shown": "news", "topic.tips": "yes"}, Wish({"news": False})),
        ({"shown": "news,invented", "topic.invented": "yes"}, Wish({"news": False})),
        ({"shown": "", "frequency": "weekly", "pause": "60"}, Wish({}, "weekly", 60)),
        ({"shown": "", "frequency": "hourly", "pause": "61"}, Wish({})),
        ({"shown": "", "frequency": "", "pause": "0"}, Wish({}, "", 0)),
        ({"shown": "news", "do": "nothing"}, Wish({}, nothing=True)),
        ({}, Wish({})),
    ],
)
def test_only_what_was_shown_is_answered_and_what_cannot_be_read_changes_nothing(values, wish):
    assert read_wish(values, ["news", "tips"]) == wish


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ana@example.com", "a•••@e•••.com"), ("+351912345678", "•••678"), ("a@b.co.uk", "a•••@b•••.uk")],
)
def test_u7_an_address_is_shown_to_those_who_know_it_already(address, shown):
    assert mask(address) == shown

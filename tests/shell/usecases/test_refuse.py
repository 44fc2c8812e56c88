"""Unsubscribing: the refusal is in force before anybody is told so."""

from dataclasses import replace
from typing import Any

import pytest

from postroad.commits import Commit
from postroad.consent.rule import EVERY_TOPIC
from postroad.content.links import Unsubscribe
from postroad_aws.storage import contacts, refusals
from postroad_aws.usecases.refuse import subscribe_again, unsubscribe
from postroad_aws.usecases.send_message import send_message
from tests.account import ANA, PHONE, Account, Channel

EMAIL = f"email:{ANA}"


def refused(address: str = EMAIL, topic: str = "offers") -> bool:
    consent = refusals.find_consent(address, topic)
    return consent is not None and not consent.granted


def link_of(account: Account, channel: str = "email") -> Unsubscribe:
    message = account.sign_up()
    return Unsubscribe(message.contact_id, channel, "offers", message.message_id)


def test_it_holds_for_the_message_that_is_already_on_its_way(account):
    message = account.sign_up()
    unsubscribe(account.ports, Unsubscribe(message.contact_id, "email", "offers", message.message_id), {"by": "page"})
    assert send_message(account.ports, message.message_id) == "skipped"


def test_the_refusal_stands_even_when_the_event_cannot_be_queued(account):
    class Full:
        def send_events(self, messages: Any) -> Any:
            return messages

    link = link_of(account)
    with pytest.raises(ConnectionError):
        unsubscribe(replace(account.ports, queues=Full()), link, {"by": "one-click"})
    assert refused()


def test_the_address_that_the_mail_went_to_is_refused_although_the_contact_has_it_no_more(account):
    message = account.sign_up()
    send_message(account.ports, message.message_id)
    contact = account.contact(EMAIL)
    contact.identities = {"user:ana": 1.0}
    contacts.commit(Commit(contact))
    unsubscribe(account.ports, Unsubscribe(message.contact_id, "email", "offers", message.message_id), {})
    assert refused()


def test_nobody_refuses_for_an_address_that_they_only_claimed(account):
    theirs = "email:victim@example.com"
    account.fold(replace(account.event("Page Viewed", theirs, "anon:device", path="/"), trusted=False))
    account.fold(account.event("Identified", EMAIL, "anon:device", attributes={"email": ANA}))
    message = account.sign_up()
    assert theirs in account.contact(EMAIL).identities
    unsubscribe(account.ports, Unsubscribe(message.contact_id, "email", "offers", message.message_id), {})
    assert refused()
    assert not refused(theirs)


def test_of_a_contact_who_is_gone_the_messages_address_is_refused(account):
    message = account.sign_up()
    send_message(account.ports, message.message_id)
    unsubscribe(account.ports, Unsubscribe("erased", "email", "offers", message.message_id), {})
    assert refused()
    account.fold_arrived()
    assert "does not exist" in account.rejects()[0].reason


def test_a_refusal_by_text_leaves_mails_alone(account):
    account.fold(account.event("Signed Up", EMAIL, f"phone:{PHONE}", attributes={"email": ANA}))
    contact = account.contact(EMAIL)
    unsubscribe(account.ports, Unsubscribe(contact.contact_id, "sms", "offers", "none.none"), {})
    assert refused(f"phone:{PHONE}")
    assert not refused()
    account.fold_arrived()
    assert set(account.contact(EMAIL).consents) == {"sms:offers"}


def test_the_proof_says_how_it_was_said_and_names_no_address(account):
    link = link_of(account)
    unsubscribe(account.ports, link, {"by": "one-click"}, everything=True)
    (proof,) = refusals.list_proof(EMAIL, EVERY_TOPIC)
    assert proof.evidence == {"by": "one-click", "message_id": link.message_id}
    assert refusals.list_proof(EMAIL, "offers") == []


@pytest.mark.parametrize("everything", [False, True])
def test_who_comes_back_by_the_link_is_written_to_again(account, everything):
    message = account.sign_up()
    link = Unsubscribe(message.contact_id, "email", "offers", message.message_id)
    unsubscribe(account.ports, link, {"by": "page"}, everything=everything)
    account.fold_arrived()
    account.advance(1)
    subscribe_again(account.ports, link, {"by": "page"})
    account.fold_arrived()
    assert not refused()
    assert account.contact(EMAIL).consents["offers"].granted
    assert send_message(account.with_channels(email=Channel()), message.message_id) == "sent"
    assert [proof.granted for proof in refusals.list_proof(EMAIL, "offers")][-1] is True


def test_coming_back_to_one_topic_brings_no_other_back(account):
    link = link_of(account)
    unsubscribe(account.ports, link, {"by": "page"}, everything=True)
    account.advance(1)
    subscribe_again(account.ports, link, {"by": "page"})
    assert refused(topic=EVERY_TOPIC)


def test_who_leaves_comes_back_and_leaves_within_a_minute_has_left(account):
    message = account.sign_up()
    link = Unsubscribe(message.contact_id, "email", "offers", message.message_id)
    for answer in (unsubscribe, subscribe_again, unsubscribe):
        answer(account.ports, link, {"by": "page"})
        account.fold_arrived()
        account.advance(1)
    assert refused()
    assert send_message(account.ports, message.message_id) == "skipped"

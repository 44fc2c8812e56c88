"""A test of a mail goes to people of the account, as a contact would get it, and counts as nothing."""

from email import message_from_bytes, policy

import pytest

from postroad.content.rendering import compile_message_template
from postroad_aws.ports import Accepted, Refused
from postroad_aws.storage import tests_sent
from postroad_aws.usecases.preview_template import NOBODY, preview_template
from postroad_aws.usecases.send_test import MOST_AN_HOUR, TestError, send_test
from tests.account import ANA, Channel
from tests.books import FOOTER

MAIL = {
    "kind": "template",
    "id": "grinder",
    "channel": "email",
    "topic": "offers",
    "subject": 'For {{ contact.first_name | default("you") }}',
    "html": '<p>In {{ contact.city | default("town") }}: <a href="https://shop.example/">Look</a></p>' + FOOTER,
}
TEXT = {"kind": "template", "id": "text", "channel": "sms", "topic": "offers", "text": "Hi"}
HOME = "marta@tidewater.example"


def _send(account, channel, *addresses, contact=NOBODY, asker="", mail=MAIL):
    ports = account.with_channels(email=channel)
    return send_test(ports, tests_sent, compile_message_template(mail), contact, addresses, asker=asker)


def test_c12_a_test_is_what_the_contact_would_get_and_counts_as_nothing(account):
    account.sign_up(first_name="Ana")
    ana, channel, before = account.contact(f"email:{ANA}"), Channel(), account.messages(f"email:{ANA}")
    assert _send(account, channel, HOME, contact=ana) == [(HOME, "")]
    (sent,) = channel.sent
    read = message_from_bytes(sent.raw, policy=policy.SMTP)
    assert (read["subject"], read["to"]) == ("[Test] For Ana", HOME)
    html = read.get_body(("html",)).get_content()
    assert 'href="https://shop.example/"' in html
    assert "<img" not in html
    assert read["list-unsubscribe"] is None
    assert f"{account.ports.base_url}/u/test" in html
    assert account.messages(f"email:{ANA}") == before
    assert account.contact(f"email:{ANA}") == ana


@pytest.mark.parametrize("stranger", ["ana@elsewhere.example", "x@evil-tidewater.example", "a@tidewater.example.evil"])
def test_a_test_goes_to_nobody_outside(account, stranger):
    channel = Channel()
    with pytest.raises(TestError, match="Tests go to"):
        _send(account, channel, HOME, stranger)
    assert channel.sent == []


def test_who_asks_may_get_it_at_their_own_address(account):
    channel = Channel()
    assert _send(account, channel, "Marta@Gmail.example", asker="marta@gmail.example")[0].problem == ""
    assert [mail.to for mail in channel.sent] == ["marta@gmail.example"]


@pytest.mark.parametrize("addresses", [(), ("",), tuple(f"a{n}@tidewater.example" for n in range(6)), ("no address",)])
def test_a_test_names_a_few_addresses(account, addresses):
    with pytest.raises(TestError, match=r"addresses|no e-mail address"):
        _send(account, Channel(), *addresses)


def test_a_suppressed_address_gets_no_test(account):
    account.ports.refusals.save_suppression(f"email:{HOME}", "bounced", account.now(), {})
    channel = Channel()
    tried = _send(account, channel, HOME, "ben@tidewater.example")
    assert [each.problem for each in tried] == ["nothing may be sent there: it is suppressed", ""]
    assert [mail.to for mail in channel.sent] == ["ben@tidewater.example"]


def test_only_so_many_tests_leave_within_an_hour(account):
    assert tests_sent.take(MOST_AN_HOUR - 1, MOST_AN_HOUR, account.now())
    with pytest.raises(TestError, match="wait a little"):
        _send(account, Channel(), HOME, "ben@tidewater.example")
    assert _send(account, Channel(), HOME)[0].problem == ""
    account.advance(3_600)
    assert _send(account, Channel(), HOME, "ben@tidewater.example")


def test_what_the_channel_refuses_is_said_and_not_tried_again(account):
    channel = Channel(Refused("the identity is not verified", None), Accepted("1"))
    tried = _send(account, channel, HOME, "ben@tidewater.example")
    assert [each.problem for each in tried] == ["the identity is not verified", ""]


def test_a_mail_that_cannot_be_made_is_not_sent(account):
    channel = Channel()
    with pytest.raises(TestError, match="cannot be shown"):
        _send(account, channel, HOME, mail={**MAIL, "html": "<p>{{ 1 / 0 }}</p>"})
    assert channel.sent == []
    with pytest.raises(TestError, match="Only mails"):
        _send(account, channel, HOME, mail=TEXT)


def test_c12_a_preview_says_what_is_not_known_of_a_contact(account):
    account.sign_up(first_name="Ana")
    template = compile_message_template(MAIL)
    look = preview_template(account.ports.books, template, account.contact(f"email:{ANA}"), account.now())
    assert (look.preview.subject, look.missing) == ("For Ana", ("contact.city",))
    nobody = preview_template(account.ports.books, template, NOBODY, account.now())
    assert (nobody.preview.subject, nobody.missing) == ("For you", ("contact.city", "contact.first_name"))

"""Double opt-in, as the fold decides it: a mail asks, twice at most, and a yes counts once it is confirmed."""

from dataclasses import replace

import pytest

from postroad import events as names
from postroad.consent import confirmation
from postroad.contacts.contact import Consent
from postroad.contacts.identities import Identity
from postroad.content.rendering import compile_message_template
from postroad.events import Event
from postroad.fold import begin, fold
from postroad.instants import DAY
from postroad.sending.channels import USUAL
from postroad.sending.messages import QUEUED, SKIPPED
from tests.books import FOOTER, Shelf

NOW = 1_793_610_000.0
ANA = Identity("email", "ana@example.com")
SHELF = Shelf()
SHELF.publish(
    {
        "kind": "policy",
        "id": "policy",
        "postal_address": "1 High Street",
        "topics": [
            {"id": "letter", "name": "The letter", "opt_in": "double"},
            {"id": "digest", "name": "The digest", "opt_in": True, "expires_after": "P180D"},
        ],
    },
    {
        "kind": "template",
        "id": "hello",
        "channel": "email",
        "topic": "letter",
        "subject": "Hi",
        "html": "<p>Hi</p>" + FOOTER,
    },
    {
        "kind": "journey",
        "id": "welcome",
        "trigger": {"event": "Subscribed"},
        "reentry": "once",
        "steps": [{"id": "say", "send": {"template": "hello"}}],
    },
    {"kind": "segment", "id": "readers", "if": {"consent": "digest"}},
    {"kind": "segment", "id": "waiting", "if": {"not": {"consent": "letter"}}},
)
BOOK = SHELF.book


def asked(number=1, time=NOW):
    return Event(
        f"f-{number}",
        names.CONSENT_REQUESTED,
        time,
        time,
        identities=(ANA,),
        source="form/newsletter",
        properties={"topics": ["letter"], "channel": USUAL, "form": "newsletter"},
    )


def said(name, time, **properties):
    return Event(
        f"{name}-{time}", name, time, time, contact_id="ana", trusted=True, properties={"channel": USUAL, **properties}
    )


def ana(**parts):
    return replace(begin("ana", BOOK, NOW), identities={str(ANA): NOW}, claims=frozenset({str(ANA)}), **parts)


def wake(contact, at):
    return fold(contact, Event("w", names.WAKE, at, at, contact_id="ana"), BOOK, at)


def test_g4_a_yes_that_waits_for_its_confirmation_is_a_no_and_a_mail_asks():
    outcome = fold(ana(), asked(), BOOK, NOW)
    (message,) = outcome.messages
    assert (message.state, message.template, message.template_version) == (QUEUED, "confirmation", 0)
    assert (message.origin, message.step, message.topic) == ("form/newsletter", "letter", "")
    assert outcome.contact.consents == {}
    assert "waiting" in outcome.contact.segments


def test_whoever_does_not_answer_is_asked_once_more_and_never_again():
    contact = fold(ana(), asked(), BOOK, NOW).contact
    assert contact.wake_at == NOW + 2 * DAY
    again = wake(contact, NOW + 2 * DAY)
    assert [(m.state, m.message_id[-6:]) for m in again.messages] == [(QUEUED, "-again")]
    assert again.messages[0].expires_at == NOW + 7 * DAY
    assert again.contact.postponed == {}


@pytest.mark.parametrize("name", [names.SUBSCRIBED, names.UNSUBSCRIBED])
def test_whoever_has_answered_is_not_asked_again(name):
    contact = fold(ana(), asked(), BOOK, NOW).contact
    contact = fold(contact, said(name, NOW + 60, topic="letter"), BOOK, NOW + 60).contact
    late = [message for message in wake(contact, NOW + 2 * DAY).messages if message.template == "confirmation"]
    assert [(message.state, message.reason) for message in late] == [
        (SKIPPED, "nothing waits to be confirmed any more")
    ]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"suppressions": {str(ANA): "bounced"}}, "the address is suppressed: bounced"),
        ({"consents": {"*": Consent(False, NOW - DAY)}}, "the contact unsubscribed from everything"),
    ],
)
def test_a_refused_address_is_not_even_asked(parts, reason):
    outcome = fold(ana(**parts), asked(), BOOK, NOW)
    assert [(message.state, message.reason) for message in outcome.messages] == [(SKIPPED, reason)]
    assert outcome.contact.postponed == {}


def test_nobody_else_is_asked_in_the_place_of_an_address_that_was_typed():
    contact = replace(begin("bob", BOOK, NOW), identities={"email:bob@example.com": NOW, "anon:b": NOW})
    outcome = fold(contact, asked(), BOOK, NOW)
    assert outcome.messages == ()
    assert [d.verdict for d in outcome.decisions if d.definition == "form/newsletter"] == ["not asked"]


def test_c40_a_confirmed_subscriber_is_welcomed_once_in_their_life():
    contact = fold(ana(), asked(), BOOK, NOW).contact
    first = fold(contact, said(names.SUBSCRIBED, NOW + 60, topic="letter", confirmed=True), BOOK, NOW + 60)
    assert [(message.template, message.state) for message in first.messages] == [("hello", QUEUED)]
    left = fold(first.contact, said(names.UNSUBSCRIBED, NOW + DAY, topic="letter"), BOOK, NOW + DAY).contact
    again = fold(left, said(names.SUBSCRIBED, NOW + 2 * DAY, topic="letter"), BOOK, NOW + 2 * DAY)
    assert [message for message in again.messages if message.template == "hello"] == []


def test_an_expired_yes_leaves_the_segment_at_that_very_instant_and_can_be_given_anew():
    contact = fold(ana(), said(names.SUBSCRIBED, NOW, topic="digest"), BOOK, NOW).contact
    end = NOW + 180 * DAY
    assert "readers" in contact.segments
    assert contact.turns["segment/readers"] == end
    assert "readers" in wake(contact, end - 1).contact.segments
    expired = wake(contact, end).contact
    assert "readers" not in expired.segments
    renewed = fold(expired, said(names.SUBSCRIBED, end + 5, topic="digest"), BOOK, end + 5).contact
    assert renewed.turns["segment/readers"] == end + 5 + 180 * DAY


def test_f4_the_mail_says_nothing_that_was_typed():
    template = compile_message_template(confirmation.DOCUMENT)
    account = {"name": "Tidewater", "postal_address": "Rua do Cais 12"}
    topics = [("letter", "The letter")]
    urls = {name: f"https://m.example/{name}" for name in ("confirm_url", "unsubscribe_url", "preferences_url")}
    rendered = template.render(confirmation.values_of(topics, account, **urls))
    assert rendered.subject == "Please confirm your subscription to Tidewater"
    for told in ("<li>The letter</li>", 'href="https://m.example/confirm_url"', "Rua do Cais 12"):
        assert told in rendered.html
    assert template.variables <= {"account.name", "account.postal_address", "topics", "confirm_url", "unsubscribe_url"}

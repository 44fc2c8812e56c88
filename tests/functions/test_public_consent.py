"""Double opt-in and the preference centre over moto, from the form to the mail, to the page behind its link."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.public import app
from postroad.consent.rule import EVERY_TOPIC, find_last_obstacle
from postroad.contacts.contact import Consent
from postroad.content.links import Confirm, Open, Preferences, Unsubscribe
from postroad.envelopes.email import Email
from postroad.instants import DAY
from postroad.sending.channels import USUAL
from postroad.sending.messages import SENT, SKIPPED
from postroad_aws import ids
from postroad_aws.links import signer
from postroad_aws.ports import Ports
from postroad_aws.storage import definitions, refusals, visits
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.send_message import send_message
from postroad_aws.usecases.submit_form import Accepted, Post, submit_form
from tests.account import ANA, Account, Channel, forget, open_tables
from tests.books import FOOTER, by_key

EMAIL = f"email:{ANA}"
TOPICS = [
    {"id": "newsletter", "name": "The monthly letter", "opt_in": "double"},
    {"id": "offers", "name": "Offers and reminders", "opt_in": False},
    {"id": "receipts", "name": "Receipts", "opt_in": False, "transactional": True},
]
POLICY = {
    "kind": "policy",
    "id": "policy",
    "name": "Tidewater Coffee",
    "from": "Tidewater Coffee <hello@tidewater.example>",
    "postal_address": "Rua do Cais 12, Lisboa",
    "topics": TOPICS,
}
FORM = {
    "kind": "form",
    "id": "letter",
    "fields": [{"id": "email", "type": "email", "required": True}, {"id": "first_name"}],
    "consents": [{"topic": "newsletter", "text": "Yes, write to me."}],
}
LETTER = {
    "kind": "template",
    "id": "letter",
    "channel": "email",
    "topic": "newsletter",
    "subject": "The letter",
    "html": '<p>News. <a href="{{ preferences_url }}">What you get</a></p>' + FOOTER,
}
WELCOME = {
    "kind": "journey",
    "id": "welcome",
    "trigger": {"event": "Subscribed"},
    "reentry": "once",
    "steps": [{"id": "say", "send": {"template": "letter"}}],
}


class Runs:
    def start_rebuild(self, revision: int) -> None:
        """Nobody is there to be folded by the new book."""


@pytest.fixture
def shop(bare_account: Account) -> Account:
    def fill() -> None:
        publish_definitions(definitions, Runs(), bare_account.ports.clock, by_key(POLICY, FORM, LETTER, WELCOME))

    open_tables("consent", fill)
    return bare_account


def ask(account: Account, **values: str) -> None:
    """Somebody ticks the box of the form, on a site's own page."""
    form = account.ports.books.find_form("letter")
    answers = {"email": ANA, "consent.newsletter": form.consents[0].version, **values}
    outcome = submit_form(account.ports, visits, Post(form, answers, "203.0.113.7", "", "https://a.example/", ()))
    assert outcome == Accepted()
    account.fold_arrived()


def send(account: Account) -> list[Email]:
    """What leaves of all that is queued."""
    channel = Channel()
    ports: Ports = account.with_channels(email=channel)
    for message in account.messages(EMAIL).values():
        send_message(ports, message.message_id)
    return channel.sent


def html_of(mail: Email) -> str:
    body = message_from_bytes(mail.raw, policy=policy.default).get_body(("html",))
    assert body is not None
    return str(body.get_content())


def link_in(mail: Email, start: str) -> str:
    """The path of our link that a mail has."""
    found = re.search(rf'href="https://post\.tidewater\.example(/{start}/[^"]+)"', html_of(mail))
    assert found, html_of(mail)
    return unescape(found[1])


def call(method: str, path: str, **inputs: str) -> dict[str, Any]:
    name = {"p": "preferences", "y": "confirmation", "u": "token"}[path[1]]
    return app.handler(
        {
            "version": "2.0",
            "rawPath": path,
            "pathParameters": {name: path[3:]},
            "headers": {"content-type": "application/x-www-form-urlencoded"},
            "requestContext": {"http": {"method": method}},
            "body": urlencode(inputs),
            "isBase64Encoded": False,
        },
        None,
    )


def granted(topic: str = "newsletter") -> bool | None:
    found = refusals.find_consent(EMAIL, topic)
    return found.granted if found else None


# ---------------------------------------------------------------- double opt-in


def test_g4_a_yes_counts_from_the_press_of_the_button_and_not_before(shop):
    ask(shop, first_name="Ana")
    (mail,) = send(shop)
    assert mail.to == ANA
    assert granted() is None
    page = call("GET", link_in(mail, "y"))
    assert (page["statusCode"], granted()) == (200, None)
    assert "The monthly letter" in page["body"]
    assert 'method="post"' in page["body"]
    shop.fold_arrived()
    assert send(shop) == []
    answer = call("POST", link_in(mail, "y"))
    assert (answer["statusCode"], granted()) == (200, True)
    shop.fold_arrived()
    assert [mail.message_id for mail in send(shop)] == [shop.messages(EMAIL)["say"].message_id]


def test_the_proof_says_what_was_read_where_it_was_asked_and_how_it_was_confirmed(shop):
    asked = shop.now()
    ask(shop)
    (mail,) = send(shop)
    shop.advance(3_600)
    call("POST", link_in(mail, "y"))
    (proof,) = refusals.list_proof(EMAIL, "newsletter")
    said = dict(proof.evidence)
    assert (proof.granted, said["by"], said["how"], said["form"], said["text"]) == (
        True, "confirmation", "page", "letter", "Yes, write to me.",
    )  # fmt: skip
    assert said["page"] == "https://a.example/"
    assert said["asked_at"] == pytest.approx(asked, abs=5)
    assert proof.time - said["asked_at"] >= 3_600
    assert ANA not in str(proof)


def test_pressing_twice_is_one_yes(shop):
    ask(shop)
    (mail,) = send(shop)
    for _ in range(2):
        assert call("POST", link_in(mail, "y"))["statusCode"] == 200
    shop.fold_arrived()
    assert len(refusals.list_proof(EMAIL, "newsletter")) == 1
    assert shop.names(EMAIL).count("Subscribed") == 1


def test_the_link_runs_out_after_seven_days(shop):
    ask(shop)
    (mail,) = send(shop)
    shop.advance(7 * DAY + 60)
    for method in ("GET", "POST"):
        assert call(method, link_in(mail, "y"))["statusCode"] == 410
    assert granted() is None


def test_f3_an_address_is_asked_three_times_a_day_whatever_it_is_written_with_and_everybody_hears_the_same(shop):
    shop.advance(-shop.now() % DAY)  # five minutes that are of one day
    for number in range(5):
        shop.advance(60)
        ask(shop, email=ANA.replace("@", f"+{number}@") if number > 1 else ANA, first_name=str(number))
    wanted = [
        message
        for address in {ANA, *(ANA.replace("@", f"+{number}@") for number in range(2, 5))}
        for message in _mails(shop, f"email:{address}")
    ]
    assert len(wanted) == 3


def _mails(account: Account, identity: str) -> list[str]:
    from postroad_aws.storage import messages
    from postroad_aws.usecases.find_contact import find_owner

    owner = find_owner(account.ports.contacts, _identity(identity), account.ports.contact_key)
    return [m.message_id for m in messages.list_by_contact((owner.contact_id,)).items] if owner else []


def _identity(text: str) -> Any:
    from postroad.contacts.identities import parse_identity

    return parse_identity(text)


def test_f4_the_mail_that_asks_holds_nothing_that_was_typed(shop):
    ask(shop, first_name="Buy now http://spam.example")
    (mail,) = send(shop)
    assert b"spam" not in mail.raw
    assert "Buy now" not in html_of(mail)


def test_whoever_says_not_to_ask_again_is_not(shop):
    ask(shop)
    (mail,) = send(shop)
    call("POST", link_in(mail, "u"))
    shop.fold_arrived()
    shop.advance(60)
    ask(shop, first_name="again")
    assert [message.state for message in shop.messages(EMAIL).values()] == [SENT]


def test_an_own_template_takes_the_place_of_the_mail_that_asks(shop):
    own = {
        "kind": "template",
        "id": "confirmation",
        "channel": "email",
        "subject": "Still want it?",
        "html": '<p><a href="{{ confirm_url }}">Yes</a> {{ contact.first_name }}!</p>',
    }
    publish_definitions(definitions, Runs(), shop.ports.clock, by_key(own))
    forget()
    ask(shop, first_name="http://spam.example")
    (mail,) = send(shop)
    assert b"Subject: Still want it?" in mail.raw
    assert "spam" not in html_of(mail)
    assert call("POST", link_in(mail, "y"))["statusCode"] == 200


# ---------------------------------------------------------------- preferences


@pytest.fixture
def letter(shop: Account) -> Email:
    """Ana reads the letter that came after she had confirmed."""
    ask(shop)
    call("POST", link_in(send(shop)[0], "y"))
    shop.fold_arrived()
    (letter,) = send(shop)
    return letter


def save(letter: Email, **inputs: str) -> dict[str, Any]:
    answer = call("POST", link_in(letter, "p"), shown="newsletter,offers", do="save", **inputs)
    assert answer["statusCode"] == 200
    return answer


def test_the_page_shows_each_topic_and_not_the_address(shop, letter):
    page = call("GET", link_in(letter, "p"))
    assert page["statusCode"] == 200
    for topic in ("The monthly letter", "Offers and reminders"):
        assert topic in page["body"]
    assert page["body"].count(" checked") == 2
    assert "Receipts" not in page["body"]
    assert ANA not in page["body"]
    assert "<script" not in page["body"]
    assert shop.arrived() == []


def test_c80_what_is_saved_is_in_force_when_it_is_answered(shop, letter):
    save(letter, **{"topic.newsletter": "yes"})
    assert (granted(), granted("offers")) == (True, False)
    assert call("GET", link_in(letter, "p"))["body"].count(" checked") == 1
    shop.fold_arrived()
    assert shop.names(EMAIL)[-1] == "Unsubscribed"
    save(letter, **{"topic.newsletter": "yes"})
    assert shop.arrived() == []  # nothing has changed
    shop.advance(1)
    save(letter, **{"topic.newsletter": "yes", "topic.offers": "yes"})
    assert granted("offers") is True
    (proof, again) = refusals.list_proof(EMAIL, "offers")
    assert (proof.evidence["by"], proof.granted, again.granted) == ("preferences", False, True)


def test_a_pause_stops_what_is_on_its_way_and_leaves_the_topics_as_they_are(shop, letter):
    shop.fold(shop.event("Nothing", EMAIL))
    save(letter, **{"topic.newsletter": "yes", "topic.offers": "yes", "pause": "60"})
    every = refusals.find_consent(EMAIL, EVERY_TOPIC)
    assert (every.granted, every.until) == (False, pytest.approx(shop.now() + 60 * DAY, abs=5))
    page = call("GET", link_in(letter, "p"))["body"]
    assert page.count(" checked") == 2
    day = datetime.fromtimestamp(every.until, UTC)
    assert f"You asked for a pause until <b>{day.day} {day:%B %Y}</b>." in page
    shop.fold_arrived()
    shop.advance(10)
    save(letter, **{"topic.newsletter": "yes", "topic.offers": "yes", "pause": "0"})
    assert refusals.find_consent(EMAIL, EVERY_TOPIC).granted is True
    shop.fold_arrived()
    assert shop.names(EMAIL)[-2:] == ["Messages Paused", "Messages Resumed"]


def test_a_topic_that_is_chosen_during_a_pause_waits_for_its_end(shop, letter):
    save(letter, **{"topic.newsletter": "yes", "pause": "30"})
    shop.fold_arrived()
    shop.advance(60)
    save(letter, **{"topic.newsletter": "yes", "topic.offers": "yes"})
    answers = refusals.find_answers({EMAIL: ["offers", EVERY_TOPIC]})[EMAIL].consents
    assert answers["offers"].granted
    assert not answers[EVERY_TOPIC].granted
    assert answers[EVERY_TOPIC].time >= answers["offers"].time


def test_c80_what_is_queued_does_not_leave_during_a_pause(shop):
    ask(shop)
    call("POST", link_in(send(shop)[0], "y"))
    shop.fold_arrived()
    queued = shop.messages(EMAIL)["say"]
    token = signer().sign(Preferences(queued.contact_id, USUAL, queued.message_id))
    assert call("POST", f"/p/{token}", shown="", do="save", pause="30")["statusCode"] == 200
    assert send(shop) == []
    found = shop.messages(EMAIL)["say"]
    assert (found.state, found.reason[:36]) == (SKIPPED, "the contact asked for a pause until ")


def test_less_often_is_a_cap_of_their_own(shop, letter):
    page = save(letter, **{"topic.newsletter": "yes", "topic.offers": "yes", "frequency": "weekly"})["body"]
    assert '<option value="weekly" selected>' in page
    shop.fold_arrived()
    assert shop.contact(EMAIL).frequency == "weekly"
    assert '<option value="weekly" selected>' in call("GET", link_in(letter, "p"))["body"]


def test_nothing_any_more_is_one_press(shop, letter):
    call("POST", link_in(letter, "p"), shown="newsletter,offers", do="nothing")
    assert granted(EVERY_TOPIC) is False
    page = call("GET", link_in(letter, "p"))["body"]
    assert page.count(" checked") == 0
    save(letter, **{"topic.offers": "yes"})
    assert granted("offers") is True  # a newer yes to one topic outranks it


def test_who_left_everything_finds_the_way_back_to_receipts(shop, letter):
    call("POST", link_in(letter, "p"), shown="newsletter,offers", do="nothing")
    shop.fold_arrived()
    assert not mails_flow(shop, "receipts")
    assert "Receipts" in call("GET", link_in(letter, "p"))["body"]
    shop.advance(60)
    back = {"shown": "newsletter,offers,receipts", "topic.receipts": "yes"}
    call("POST", link_in(letter, "p"), do="save", **back)
    shop.fold_arrived()
    assert mails_flow(shop, "receipts")
    assert not mails_flow(shop, "offers")
    assert "Receipts" not in call("GET", link_in(letter, "p"))["body"]


def test_u5_a_link_of_two_years_ago_still_works(shop, letter):
    path = link_in(letter, "p")
    shop.advance(2 * 366 * DAY)
    assert call("GET", path)["statusCode"] == 200
    save(letter)
    assert granted() is False


@pytest.mark.parametrize("start", ["p", "y"])
def test_u7_a_link_of_another_kind_or_a_forged_one_opens_nothing(shop, letter, start):
    message = shop.messages(EMAIL)["say"]
    links = (
        Unsubscribe(message.contact_id, USUAL, "newsletter", message.message_id),
        Open(message.message_id, message.contact_id),
        Preferences(message.contact_id, USUAL, message.message_id),
        Confirm(message.contact_id, "offers", message.message_id, int(shop.now())),
    )
    tokens = [signer().sign(link) for link in links if link.purpose != start]
    whole = link_in(letter, "p")[3:]
    tokens += [whole[:-1] + ("B" if whole.endswith("A") else "A"), "1.x", "", ids.new_id()]
    for token in tokens:
        for method in ("GET", "POST"):
            answer = call(method, f"/{start}/{token}", do="nothing")
            assert answer["statusCode"] == 404
    assert granted(EVERY_TOPIC) is None


# ---------------------------------------------------------------- a no is never weakened


def mails_flow(account: Account, topic: str) -> bool:
    """Whether a sender would let a mail about it leave to Ana now."""
    found = account.ports.books.current_policy().find_topic(topic)
    said = refusals.find_answers({EMAIL: {EVERY_TOPIC, topic}})[EMAIL]
    contact = account.contact(EMAIL)
    return find_last_obstacle(found, contact, USUAL, ANA, said.suppression, said.consents, account.now()) is None


def test_a_pause_after_leaving_for_good_is_no_way_back(shop, letter):
    call("POST", link_in(letter, "p"), shown="newsletter,offers", do="nothing")
    shop.fold_arrived()
    shop.advance(3_600)
    save(letter, pause="30")
    shop.fold_arrived()
    shop.advance(31 * DAY)
    assert not mails_flow(shop, "newsletter")
    assert not mails_flow(shop, "offers")
    assert call("GET", link_in(letter, "p"))["body"].count(" checked") == 0


def test_who_left_for_good_and_chose_one_topic_pauses_that_one_and_comes_back_to_it_alone(shop, letter):
    call("POST", link_in(letter, "p"), shown="newsletter,offers", do="nothing")
    shop.fold_arrived()
    shop.advance(3_600)
    save(letter, **{"topic.newsletter": "yes"})
    shop.fold_arrived()
    assert mails_flow(shop, "newsletter")
    shop.advance(3_600)
    save(letter, **{"topic.newsletter": "yes", "pause": "30"})
    assert not mails_flow(shop, "newsletter")  # before the contact has heard of it
    shop.fold_arrived()
    assert not mails_flow(shop, "newsletter")
    shop.advance(31 * DAY)
    assert mails_flow(shop, "newsletter")
    assert not mails_flow(shop, "offers")


def test_a_no_that_ends_never_takes_the_place_of_one_that_stays(shop):
    now = shop.now()
    refusals.save_consent(EMAIL, EVERY_TOPIC, False, now, {})
    refusals.save_consent(EMAIL, EVERY_TOPIC, False, now + 1, {}, now + DAY)
    assert refusals.find_consent(EMAIL, EVERY_TOPIC) == Consent(False, now)
    refusals.save_consent(EMAIL, EVERY_TOPIC, True, now + 2, {})
    refusals.save_consent(EMAIL, EVERY_TOPIC, False, now + 3, {}, now + DAY)
    assert refusals.find_consent(EMAIL, EVERY_TOPIC) == Consent(False, now + 3, now + DAY)


def test_the_button_of_an_old_link_does_not_outrank_a_newer_no(shop):
    ask(shop)
    (mail,) = send(shop)
    call("POST", link_in(mail, "y"))
    shop.fold_arrived()
    (letter,) = send(shop)
    shop.advance(60)
    assert call("POST", link_in(letter, "u"))["statusCode"] == 200
    shop.fold_arrived()
    shop.advance(60)
    again = call("POST", link_in(mail, "y"))
    assert (again["statusCode"], "not once you have unsubscribed" in again["body"]) == (410, True)
    assert granted() is False
    assert shop.contact(EMAIL).consents["newsletter"].granted is False
    # What was theirs to say they say anew where they said it.
    save(letter, **{"topic.newsletter": "yes"})
    shop.fold_arrived()
    assert shop.contact(EMAIL).consents["newsletter"].granted is True


def test_u7_a_link_to_leave_takes_a_slip_back_and_grants_nothing_else(shop, letter):
    token = link_in(letter, "u")
    assert call("POST", token, scope="again")["statusCode"] == 410
    assert call("POST", token)["statusCode"] == 200
    assert call("POST", token, scope="again")["statusCode"] == 200
    assert granted() is True
    shop.advance(1)
    assert call("POST", token)["statusCode"] == 200
    shop.advance(DAY)
    answer = call("POST", token, scope="again")
    assert (answer["statusCode"], granted()) == (410, False)

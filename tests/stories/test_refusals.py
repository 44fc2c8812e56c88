"""What people refuse is not sent: unsubscribe, STOP, bounces, complaints; a channel that stumbles sends none twice."""

import json

import pytest

from tests.books import FOOTER
from tests.stories.client import fresh

UNSUBSCRIBED = "the contact unsubscribed from Offers and reminders"


@pytest.fixture
def ana(shop):
    """Somebody who has got one mail."""
    ana = shop.person("ana")
    ana.track("Signed Up")
    assert len(ana.inbox()) == 1
    return ana


def _gets_no_more(ana, reason):
    """The journeys go on, and each mail that they want to send is kept as skipped."""
    ana.track("Product Added", name="Mug")
    ana.shop.advance("P4D")
    assert len(ana.inbox()) == 1
    messages = ana.messages()
    for step in ("again", "reminder", "last"):
        assert (messages[step]["state"], messages[step]["reason"]) == ("skipped", reason)
    assert ("reachable", "else") in ana.verdicts("journey/abandoned-cart")


def test_looking_at_the_unsubscribe_page_changes_nothing(shop, ana):
    mail = ana.latest()
    for _ in range(2):
        page = shop.call("GET", mail.unsubscribe_path)
        assert page.status_code == 200
        assert "Unsubscribe from Offers and reminders" in page.text
    shop.call("HEAD", mail.unsubscribe_path)
    assert ana.contact()["consents"] == {}
    assert "Unsubscribed" not in [item["name"] for item in ana.timeline()]
    shop.advance("P3DT1M")
    assert len(ana.inbox()) == 2


def test_the_link_in_the_mail_leads_to_the_same_page(shop, ana):
    mail = ana.latest()
    path = next(mail._path(link) for words, link in mail.links().items() if "nsubscribe" in words)
    assert shop.call("GET", path).status_code == 200
    assert path == mail.unsubscribe_path


@pytest.mark.parametrize(
    "form",
    [{"data": {"List-Unsubscribe": "One-Click"}}, {"files": {"List-Unsubscribe": (None, "One-Click")}}],
    ids=["urlencoded", "multipart"],
)
def test_one_click_ends_the_topic(shop, ana, form):
    answer = ana.latest().unsubscribe_one_click(**form)
    assert answer.status_code == 200
    consent = ana.contact()["consents"]["offers"]
    assert consent["granted"] is False
    _gets_no_more(ana, UNSUBSCRIBED)
    event = next(item for item in ana.timeline() if item["name"] == "Unsubscribed")
    assert event["properties"]["topic"] == "offers"


def test_the_button_on_the_page_ends_the_topic_and_leaves_the_others(shop, ana):
    answer = shop.call("POST", ana.latest().unsubscribe_path, data={"scope": "topic"})
    assert "You are unsubscribed" in answer.text
    ana.visits("/plans/enterprise")
    shop.advance("PT13M")
    assert ana.subjects()[1:] == ["Coffee for your office"]
    ana.track("Product Added", name="Mug")
    shop.advance("PT61M")
    assert len(ana.inbox()) == 2


def test_the_other_button_ends_everything(shop, ana):
    shop.call("POST", ana.latest().unsubscribe_path, data={"scope": "everything"})
    ana.visits("/plans/enterprise")
    shop.advance("PT13M")
    assert ana.messages()["intro"]["reason"] == "the contact unsubscribed from everything"
    _gets_no_more(ana, "the contact unsubscribed from everything")


def test_unsubscribing_twice_is_unsubscribing_once(shop, ana):
    mail = ana.latest()
    for _ in range(3):
        assert mail.unsubscribe_one_click().status_code == 200
    assert [item["name"] for item in ana.timeline()].count("Unsubscribed") == 1
    _gets_no_more(ana, UNSUBSCRIBED)


def test_a_refusal_reaches_a_mail_that_is_already_on_its_way(shop, ana):
    topic = fresh("nudge")
    shop.publish(
        {
            "kind": "template",
            "id": topic,
            "channel": "email",
            "topic": "offers",
            "subject": "Nudge",
            "html": "<p>Hi</p>" + FOOTER,
        },
        {
            "kind": "journey",
            "id": topic,
            "trigger": {"event": topic},
            "steps": [{"id": "nudge", "send": {"template": topic}}],
        },
    )
    shop.mail_account(fail="TooManyRequestsException", times=1_000)
    ana.track(topic)
    waiting = ana.messages()["nudge"]
    assert waiting["state"] == "queued"
    ana.latest().unsubscribe_one_click()
    shop.mail_account(times=0)
    shop.advance("PT1M")
    message = ana.messages()["nudge"]
    assert (message["state"], message["reason"]) == ("skipped", UNSUBSCRIBED)
    assert len(ana.inbox()) == 1


def test_a_mail_that_the_channel_put_off_is_sent_once_a_little_later(shop):
    shop.mail_account(fail="TooManyRequestsException", times=1_000)
    ana = shop.person("ana")
    ana.track("Signed Up")
    assert ana.inbox() == []
    shop.mail_account(times=0)
    shop.advance("PT2M")
    assert ana.subjects() == ["Welcome aboard, Ana"]
    assert ana.messages()["welcome"]["state"] == "delivered"


def test_a_mail_whose_receipt_was_lost_is_not_sent_again(shop):
    shop.mail_account(lose=1)
    ana = shop.person("ana")
    ana.track("Signed Up")
    assert ana.subjects() == ["Welcome aboard, Ana"]
    assert ana.messages()["welcome"]["state"] == "delivered"
    shop.advance("PT3H")
    assert ana.subjects() == ["Welcome aboard, Ana"]


def test_a_mail_that_the_channel_refuses_for_good_fails_with_its_word(shop):
    shop.mail_account(fail="MessageRejected", times=1)
    ana = shop.person("ana")
    ana.track("Signed Up")
    message = ana.messages()["welcome"]
    assert (message["state"], message["reason"]) == ("failed", "MessageRejected")
    assert ana.is_in("welcome") == "first-open"
    shop.advance("P3DT1M")
    assert ana.subjects() == ["Your ten percent are still here"]


def _reply(shop, phone, text):
    stack = shop.aws("cloudformation").describe_stacks(StackName="postroad")["Stacks"][0]
    topic = next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "RepliesTopic")
    said = {
        "originationNumber": phone,
        "destinationNumber": "+351900000000",
        "messageBody": text,
        "messageKeyword": "X",
    }
    shop.aws("sns").publish(TopicArn=topic, Message=json.dumps(said))
    shop.advance("PT0S")


def test_stop_ends_texts_and_leaves_mails(shop):
    ana = shop.person("ana", phone="+351912000002")
    ana.track("Product Added", name="Mug")
    shop.advance("P1D")
    _reply(shop, ana.phone, "Stop.")
    shop.advance("P2D")
    assert ana.subjects() == ["Mug is waiting for you", "Tidewater Coffee"]
    assert ana.inbox()[-1].text.startswith("Tidewater Coffee: you get no more texts from us.")
    message = ana.messages()["text"]
    assert (message["state"], message["reason"]) == ("skipped", "the contact unsubscribed from everything")
    ana.track("Signed Up")
    assert ana.subjects() == ["Mug is waiting for you", "Tidewater Coffee", "Welcome aboard, Ana"]


def test_start_allows_texts_again_and_other_words_are_events(shop):
    ana = shop.person("ana", phone="+351912000003")
    _reply(shop, ana.phone, "STOP")
    _reply(shop, ana.phone, "start")
    _reply(shop, ana.phone, "Is the shop open on Sundays?")
    replied = next(item for item in ana.timeline() if item["name"] == "SMS Replied")
    assert replied["properties"] == {"text": "Is the shop open on Sundays?"}
    answers = [text.text for text in ana.inbox()]
    assert [answer[:29] for answer in answers] == [
        "Tidewater Coffee: you get no ", "Tidewater Coffee: you get our",
    ]  # fmt: skip
    ana.track("Product Added", name="Mug")
    shop.advance("P3D")
    assert ana.subjects() == ["Tidewater Coffee", "Tidewater Coffee", "Mug is waiting for you", "Tidewater Coffee"]


def test_an_address_that_bounced_gets_no_more_mail(shop):
    email = f"bounce-{fresh('ana')}@example.com"
    ana = shop.person("ana", email=email)
    ana.track("Signed Up")
    assert ana.messages()["welcome"]["state"] == "bounced"
    assert ana.contact()["suppressions"] == {f"email:{email}": "bounced (General)"}
    assert "Email Bounced" in [item["name"] for item in ana.timeline()]
    _gets_no_more(ana, "the address is suppressed: bounced (General)")


def test_who_complained_gets_no_more_mail(shop):
    email = f"complaint-{fresh('ana')}@example.com"
    ana = shop.person("ana", email=email)
    ana.track("Signed Up")
    assert ana.messages()["welcome"]["state"] == "complained"
    assert "Email Marked as Spam" in [item["name"] for item in ana.timeline()]
    _gets_no_more(ana, "the address is suppressed: reported as spam")


def test_a_suppressed_address_is_suppressed_for_whoever_has_it_later(shop):
    """The address outlives the contact's copy: the table is asked last."""
    email = f"bounce-{fresh('shared')}@example.com"
    device = fresh("device")
    shop.identify(None, anonymous=device, email=email)
    shop.track(None, "Signed Up", anonymous=device)
    assert len(shop.inbox(email)) <= 1
    shop.settle()
    first = len(shop.inbox(email))
    ana = shop.person("ana", email=email)
    ana.track("Product Added", name="Mug")
    shop.advance("PT61M")
    assert len(shop.inbox(email)) == first == 1

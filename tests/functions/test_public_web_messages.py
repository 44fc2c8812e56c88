"""Messages that wait on a site: who may see them, what a site is told, and what becomes of them."""

import json
from typing import Any

import pytest

from functions.public import app
from postroad.consent.rule import EVERY_TOPIC
from postroad.content.links import Unsubscribe, Visitor, Waiting
from postroad.envelopes.web import WebMessage
from postroad_aws import books, clock, ids, runs
from postroad_aws.links import signer
from postroad_aws.storage import definitions, keys, messages, web_messages
from postroad_aws.usecases.create_key import create_key
from postroad_aws.usecases.erase_contact import erase_contact
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.refuse import unsubscribe
from postroad_aws.usecases.send_message import send_message
from postroad_aws.wiring import removal_ports
from tests.account import Account

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
TEMPLATE = {
    "kind": "template",
    "id": "banner",
    "channel": "web",
    "topic": "offers",
    "title": "Welcome back, {{ contact.first_name | default('friend') }}",
    "text": "Your <b>cart</b> is still here.",
    "url": "https://tidewater.example/cart",
    "button": "To the cart",
}
JOURNEY = {
    "kind": "journey",
    "id": "banner",
    "trigger": {"event": "Cart Left"},
    "steps": [
        {"id": "show", "send": {"template": "banner", "channel": "web"}},
        {
            "id": "seen",
            "wait": {"opened": "show", "timeout": "P1D", "then": [{"id": "saw", "update": {"set": {"saw": True}}}]},
        },
        {
            "id": "gone",
            "wait": {"clicked": "show", "timeout": "P1D", "then": [{"id": "went", "update": {"set": {"went": True}}}]},
        },
    ],
}


def call(path: str, document: Any, agent: str = BROWSER) -> tuple[int, dict[str, Any]]:
    """A POST as a script makes one: JSON that says it is text."""
    parameters = {"waiting": path.removeprefix("/w/")} if path.startswith("/w/") else None
    event = {
        "version": "2.0",
        "rawPath": path,
        "pathParameters": parameters,
        "headers": {"Content-Type": "text/plain;charset=UTF-8", "User-Agent": agent},
        "requestContext": {"http": {"method": "POST"}},
        "body": document if isinstance(document, str) else json.dumps(document),
        "isBase64Encoded": False,
    }
    answer = app.handler(event, None)
    assert answer["headers"]["access-control-allow-origin"] == "*"
    assert answer["headers"]["cache-control"] == "no-store"
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def key(account: Account) -> str:
    publish_definitions(definitions, runs, clock, {"template/banner": TEMPLATE, "journey/banner": JOURNEY})
    books.forget()
    made, *_ = create_key(keys, ids, "browser", clock.now())
    return made


def leave_cart(account: Account, *who: str, **attributes: Any) -> str:
    """Somebody leaves a cart, and a message is put where it waits for them; its id."""
    account.fold(account.event("Cart Left", *who, attributes=attributes))
    message_id = account.messages(who[0])["show"].message_id
    assert send_message(account.ports, message_id) == "sent"
    assert send_message(account.ports, message_id) is None
    return message_id


def look(key: str, **asker: str) -> dict[str, Any]:
    status, found = call("/w", {"writeKey": key, **asker})
    assert status == 200, found
    return found


def admit(identity: str, seconds: float = 60.0) -> str:
    return signer().sign(Visitor(identity, int(clock.now() + seconds)))


def test_an_anonymous_visitor_sees_what_waits_by_the_id_that_only_their_browser_knows(account, key):
    message_id = leave_cart(account, "anon:browser-1")
    (shown,) = look(key, anonymousId="browser-1")["messages"]
    token = shown.pop("token")
    assert shown == {
        "id": message_id,
        "title": "Welcome back, friend",
        "text": "Your <b>cart</b> is still here.",
        "url": "https://tidewater.example/cart",
        "button": "To the cart",
    }
    assert signer().find(Waiting, token) == Waiting(message_id, account.contact_id("anon:browser-1"))
    assert look(key, anonymousId="browser-2") == {"messages": [], "needs_ticket": False}


def test_what_waits_for_somebody_with_a_name_takes_a_ticket(account, key):
    leave_cart(account, "user:42", "anon:browser-1", first_name="Ana")
    assert look(key, anonymousId="browser-1") == {"messages": [], "needs_ticket": True}
    (shown,) = look(key, anonymousId="browser-1", ticket=admit("user:42"))["messages"]
    assert shown["title"] == "Welcome back, Ana"
    assert look(key, anonymousId="browser-1", ticket=admit("user:43"))["messages"] == []


def test_who_says_in_a_browser_to_be_somebody_sees_nothing_of_theirs(account, key):
    leave_cart(account, "user:42", first_name="Ana")
    thief = account.event("Page Viewed", "user:42", "anon:thief")
    account.fold(type(thief)(**{name: getattr(thief, name) for name in thief.__slots__} | {"trusted": False}))
    assert look(key, anonymousId="thief")["messages"] == []
    status, answer = call("/w", {"writeKey": key, "anonymousId": "user:42"})
    assert (status, answer["messages"]) == (200, [])


@pytest.mark.parametrize("ticket", ["x", "1.abc", "unsubscribe", "old"])
def test_a_ticket_that_is_none_or_has_run_out_is_refused(account, key, ticket):
    made = {
        "unsubscribe": signer().sign(Unsubscribe("c", "web", "offers", "m")),
        "old": admit("user:42", -1.0),
    }.get(ticket, ticket)
    status, answer = call("/w", {"writeKey": key, "anonymousId": "browser-1", "ticket": made})
    assert (status, answer["message"]) == (
        403,
        "The ticket is none, or has run out; have your server ask for a new one.",
    )


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"anonymousId": "browser-1"}, 401),
        ({"writeKey": "bk_nobody", "anonymousId": "browser-1"}, 401),
        ({"writeKey": "KEY"}, 400),
        ({"writeKey": "KEY", "anonymousId": "undefined"}, 400),
        ({"writeKey": "KEY", "anonymousId": ["browser-1"]}, 400),
        ("not json", 400),
        ("[]", 400),
        ('{"writeKey": "' + "x" * 70_000 + '"}', 413),
        ("[" * 60_000, 400),
    ],
)
def test_a_request_that_cannot_be_answered_is_told_why(account, key, document, status):
    if isinstance(document, dict) and document.get("writeKey") == "KEY":
        document = {**document, "writeKey": key}
    found, answer = call("/w", document)
    assert found == status
    assert answer["message"].endswith(".")


def test_a_message_is_shown_once_and_the_journey_hears_what_was_done_with_it(account, key):
    message_id = leave_cart(account, "anon:browser-1")
    (shown,) = look(key, anonymousId="browser-1")["messages"]
    for what in ("opened", "opened", "clicked"):
        assert call(f"/w/{shown['token']}", {"what": what}) == (200, {"success": True})
    assert look(key, anonymousId="browser-1")["messages"] == []
    account.fold_arrived()
    assert [name for name in account.names("anon:browser-1") if name.startswith("Message")] == [
        "Message Opened",
        "Message Link Clicked",
    ]
    ana = account.contact("anon:browser-1")
    assert (ana.find_value("saw"), ana.find_value("went")) == (True, True)
    stored = messages.find_message(message_id)
    assert stored is not None
    assert {"opened", "clicked"} <= stored.times.keys()
    assert send_again(account, message_id) == []


def send_again(account: Account, message_id: str) -> list[WebMessage]:
    """What waits after a late delivery of the same message."""
    contact_id = account.contact_id("anon:browser-1")
    now = clock.now()
    web_messages.save_message(WebMessage(message_id, contact_id, "offers", "", "Again", "", "", now, now + 60))
    return web_messages.list_waiting([contact_id], now)


def test_a_machine_that_fetches_everything_opens_nothing(account, key):
    leave_cart(account, "anon:browser-1")
    (shown,) = look(key, anonymousId="browser-1")["messages"]
    call(f"/w/{shown['token']}", {"what": "opened"}, agent="Mozilla/5.0 (compatible; Googlebot/2.1)")
    account.fold_arrived()
    assert account.contact("anon:browser-1").find_value("saw") is None


@pytest.mark.parametrize(
    ("token", "what", "status"), [("x", "opened", 404), ("1.abc", "opened", 404), (None, "eaten", 400)]
)
def test_what_became_of_nothing_is_refused(account, key, token, what, status):
    leave_cart(account, "anon:browser-1")
    (shown,) = look(key, anonymousId="browser-1")["messages"]
    assert call(f"/w/{token or shown['token']}", {"what": what})[0] == status
    assert account.arrived() == []


def test_a_refusal_reaches_a_message_that_waits_already(account, key):
    message_id = leave_cart(account, "anon:browser-1")
    link = Unsubscribe(account.contact_id("anon:browser-1"), "web", EVERY_TOPIC, message_id)
    unsubscribe(account.ports, link, {"by": "test"}, everything=True)
    assert look(key, anonymousId="browser-1")["messages"] == []


def test_a_topic_that_needs_a_yes_is_shown_to_who_gave_it_by_mail(account, key):
    publish_definitions(definitions, runs, clock, {"template/banner": {**TEMPLATE, "topic": "newsletter"}})
    books.forget()
    account.fold(account.event("Cart Left", "user:42", "email:ana@example.com"))
    assert account.messages("user:42")["show"].reason == "The monthly letter needs an opt-in, and there is none"
    account.fold(account.event("Subscribed", "user:43", "email:bo@example.com", topic="newsletter"))
    leave_cart(account, "user:43")
    assert len(look(key, anonymousId="x", ticket=admit("user:43"))["messages"]) == 1


def test_a_message_that_nobody_came_for_waits_no_longer_than_a_month(account, key):
    leave_cart(account, "anon:browser-1")
    account.advance(29 * 86_400)
    assert len(look(key, anonymousId="browser-1")["messages"]) == 1
    account.advance(2 * 86_400)
    assert look(key, anonymousId="browser-1")["messages"] == []


def test_what_waited_for_two_who_are_one_person_waits_for_that_person(account, key):
    leave_cart(account, "anon:browser-1")
    leave_cart(account, "user:42")
    account.fold(account.event("Signed In", "user:42", "anon:browser-1"))
    assert len(look(key, anonymousId="browser-1", ticket=admit("user:42"))["messages"]) == 2


def test_what_waits_goes_with_the_person(account, key):
    leave_cart(account, "anon:browser-1")
    removal_ports.cache_clear()
    erase_contact(removal_ports(), account.contact_id("anon:browser-1"))
    removal_ports.cache_clear()
    assert web_messages.list_waiting([account.contact_id("anon:browser-1")], clock.now()) == []


def test_a_message_whose_url_is_none_fails_with_the_reason(account, key):
    publish_definitions(definitions, runs, clock, {"template/banner": {**TEMPLATE, "url": "{{ event.url }}"}})
    books.forget()
    account.fold(account.event("Cart Left", "anon:browser-1", url="javascript:alert(1)"))
    message_id = account.messages("anon:browser-1")["show"].message_id
    assert send_message(account.ports, message_id) == "failed"
    stored = messages.find_message(message_id)
    assert stored is not None
    assert stored.reason == "it could not be composed: its url is no http or https address"

"""Pushes: which device is whose, and what a phone gets."""

import json
from typing import Any

import pytest

from postroad.contacts.contact import Attribute, Contact
from postroad.contacts.devices import DEVICE, PLATFORMS, find_address, read_device
from postroad.content.links import Signer, Waiting
from postroad.content.rendering import compile_message_template
from postroad.envelopes import compose
from postroad.envelopes.push import LONGEST, SHAPES, TOKEN_KEY, Push, PushError
from postroad.envelopes.webhook import NowhereError
from postroad.errors import DefinitionError
from postroad.events import ADDRESS_SUPPRESSED, MESSAGE_CLICKED, MESSAGE_OPENED, Event
from postroad.fold import fold
from postroad.instants import DAY
from postroad.policy import Policy, parse_policy
from postroad.sending.messages import Message
from postroad.tracking.wire import Accepted, Request, Source, parse_request, read_events
from tests.books import Shelf

T0 = 1_793_610_000.0
PHONE = {"type": "ios", "token": "8f3a"}
APPS = {kind: f"arn:aws:sns:eu-west-1:123456789012:app/{name}/shop" for kind, name in
        {"ios": "APNS", "test": "APNS_SANDBOX", "android": "GCM", "fire": "ADM"}.items()}  # fmt: skip
SIGNER = Signer({"1": b"k" * 32}, "1")
POLICY = {
    "kind": "policy",
    "id": "policy",
    "topics": [{"id": "offers", "opt_in": False}],
    "apps": [{"id": "ios", "application": APPS["ios"]}],
}
TEMPLATE = {
    "kind": "template",
    "id": "cart-push",
    "channel": "push",
    "topic": "offers",
    "title": "Still there, {{ contact.first_name }}?",
    "text": "Your cart waits.",
}


# Which device is whose


@pytest.mark.parametrize(
    ("said", "is_read_as"),
    [
        (PHONE, PHONE),
        ({"type": " iOS ", "token": "8f3a", "id": "x", "manufacturer": "Apple"}, PHONE),
        ({"type": "ios"}, None),
        ({"token": "8f3a"}, None),
        ({"type": "ios", "token": "two words"}, None),
        ({"type": "ios", "token": "x" * 901}, None),
        ({"type": "i:os", "token": "8f3a"}, None),
        ({"type": 7, "token": 8}, None),
        ("8f3a", None),
        (None, None),
    ],
)
def test_a_device_is_what_has_a_type_and_a_token(said: Any, is_read_as: Any) -> None:
    assert read_device(said) == is_read_as
    assert find_address(said) == (None if is_read_as is None else "ios:8f3a")


def _say(context: dict[str, Any], **call: Any) -> dict[str, Any]:
    body = json.dumps({"type": "track", "event": "App Opened", "userId": "ana", "context": context, **call}).encode()
    request = parse_request("/v1/track", {}, {}, body)
    assert isinstance(request, Request)
    told = read_events(request, Source("app", trusted=True), T0)
    assert isinstance(told, Accepted)
    return dict(told.events[0].attributes)


def test_an_app_names_its_device_with_every_event_and_takes_it_back_with_an_empty_token() -> None:
    assert _say({"device": {"id": "1", "type": "iOS", "token": "8f3a"}}) == {DEVICE: PHONE}
    assert _say({"device": {"type": "ios", "token": ""}}) == {DEVICE: None}
    assert _say({"device": {"type": "ios", "token": None}}) == {DEVICE: None}
    for nothing in ({"id": "1", "type": "ios"}, {"type": "ios", "token": "no good"}, "ios", None, 7):
        assert _say({"device": nothing}) == {}


def _contact(confirmed: bool, identities: dict[str, float], claims: frozenset[str] = frozenset()) -> Contact:
    attributes = {DEVICE: Attribute(PHONE, T0, confirmed)}
    return Contact("c", identities=identities, claims=claims, attributes=attributes)


def test_a_device_that_only_a_browser_key_named_counts_while_nothing_of_the_contact_is_confirmed() -> None:
    known = {"user:ana": T0}
    assert _contact(True, known).find_address("push") == "ios:8f3a"
    assert _contact(False, {"anon:a": T0}).find_address("push") == "ios:8f3a"
    assert _contact(False, known, claims=frozenset(known)).find_address("push") == "ios:8f3a"
    # It may be anybody's who knows the user id.
    assert _contact(False, known).find_address("push") is None
    assert Contact("c").find_address("push") is None


def _fold(contact: Contact, event: Event, book: Any) -> Any:
    return fold(contact, event, book, event.time)


def _event(name: str, number: int, **facts: Any) -> Event:
    at = T0 + number
    return Event(f"e{number}", name, at, at, contact_id="c", trusted=facts.pop("trusted", True), **facts)


def test_the_device_that_was_named_last_gets_it_and_a_browser_never_takes_its_place() -> None:
    book, contact = Shelf().book, Contact("c", version=1, identities={"user:ana": T0})
    tablet, phone = ({"type": "ios", "token": token} for token in ("tablet", "phone"))
    for number, (device, trusted) in enumerate(((tablet, True), (phone, True), (tablet, False))):
        event = _event("App Opened", number, attributes={DEVICE: device}, trusted=trusted)
        contact = _fold(contact, event, book).contact
    assert contact.find_address("push") == "ios:phone"
    contact = _fold(contact, _event("Signed Out", 9, attributes={DEVICE: None}), book).contact
    assert contact.find_address("push") is None


def test_a_contact_remembers_only_the_latest_device_that_is_gone() -> None:
    book, contact = Shelf().book, Contact("c", version=1, suppressions={"email:ana@example.com": "bounced"})
    for number, token in enumerate(("one", "two", "three")):
        said = {"addresses": [f"{DEVICE}:ios:{token}"], "reason": "gone"}
        contact = _fold(contact, _event(ADDRESS_SUPPRESSED, number, properties=said), book).contact
    assert contact.suppressions == {"email:ana@example.com": "bounced", f"{DEVICE}:ios:three": "gone"}


@pytest.mark.parametrize(("channel", "learned"), [("push", {"push": "o"}), ("web", {})])
def test_opening_a_push_teaches_how_to_reach_somebody_and_what_waits_on_a_site_does_not(
    channel: str, learned: dict[str, str]
) -> None:
    book = Shelf(POLICY, TEMPLATE,
                 {"kind": "journey", "id": "j", "trigger": {"event": "X"},
                  "steps": [{"id": "s", "send": {"template": "cart-push", "channel": "push"}}]}).book  # fmt: skip
    contact = Contact("c", version=1, revision=book.revision, attributes={DEVICE: Attribute(PHONE, T0, True)})
    sent = _fold(contact, _event("X", 1), book)
    message_id = sent.messages[0].message_id
    said = {"message_id": message_id if channel == "push" else "other", "channel": channel, "actor": "human"}
    contact = _fold(sent.contact, _event(MESSAGE_OPENED, 2, properties=said), book).contact
    assert {way: sents[0].response for way, sents in contact.engagement.items() if sents[0].answered} == learned
    if channel == "push":
        contact = _fold(contact, _event(MESSAGE_CLICKED, 3, properties=said), book).contact
        assert contact.engagement["push"][0].response == "c"


# What a phone gets


def _message(**facts: Any) -> Message:
    return Message("e.s", "c", "journey/j@1", "s", "e", "push", "offers", "cart-push", 1, "k", T0, **facts)


def _compose(kind: str = "ios", message: Message | None = None, apps: Any = APPS, **parts: Any) -> Push:
    template = compile_message_template({**TEMPLATE, **parts})
    ana = Contact("c", attributes={"first_name": Attribute("Ana", T0, True)})
    made = compose(
        message or _message(), template, ana, f"{kind}:8f3a", {}, Policy(apps=apps), SIGNER, "https://x.example", T0
    )
    assert isinstance(made, Push)
    return made


def _shape(push: Push) -> Any:
    payload = json.loads(push.payload)
    assert payload["default"] == "Your cart waits."
    return json.loads(payload[push.platform])


def test_every_platform_that_a_policy_may_name_has_a_shape() -> None:
    assert set(SHAPES) == set(PLATFORMS) == {application.split("/")[1] for application in APPS.values()}


def test_apple_gets_what_it_shows_and_the_app_the_rest_beside_it() -> None:
    data = {"cart": ["a", 2], "aps": "nobody writes over it"}
    push = _compose(url="shop://cart/1", image="https://shop.example/1.png", data=data)
    shape = _shape(push)
    assert shape["aps"] == {
        "alert": {"title": "Still there, Ana?", "body": "Your cart waits."}, "sound": "default", "mutable-content": 1,
    }  # fmt: skip
    assert (shape["cart"], shape["url"], shape["image"]) == (["a", 2], "shop://cart/1", "https://shop.example/1.png")
    assert (push.to, push.application, push.platform) == ("8f3a", APPS["ios"], "APNS")
    assert "mutable-content" not in _shape(_compose("test"))["aps"]


def test_google_and_amazon_get_texts_only() -> None:
    message = _shape(_compose("android", data={"cart": ["a", 2], "name": "x"}))["fcmV1Message"]["message"]
    assert message["notification"] == {"title": "Still there, Ana?", "body": "Your cart waits."}
    assert (message["data"]["cart"], message["data"]["name"]) == ('["a", 2]', "x")
    data = _shape(_compose("fire", url="https://shop.example"))["data"]
    assert (data["title"], data["message"], data["url"]) == (
        "Still there, Ana?",
        "Your cart waits.",
        "https://shop.example",
    )


@pytest.mark.parametrize("kind", APPS)
def test_an_app_gets_the_token_with_which_it_says_that_a_message_was_opened(kind: str) -> None:
    shape = _shape(_compose(kind))
    data = {"ios": shape, "test": shape, "fire": shape.get("data")}.get(kind) or shape["fcmV1Message"]["message"][
        "data"
    ]
    assert SIGNER.find(Waiting, data[TOKEN_KEY]) == Waiting("e.s", "c", "push")


def test_a_push_that_expires_lives_as_long() -> None:
    assert _compose(message=_message(expires_at=T0 + 90.5)).lives == 90
    assert _compose(message=_message(expires_at=T0 + 90 * DAY)).lives == 28 * DAY
    assert _compose().lives is None


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"url": "javascript:alert(1)"}, "its url is no address of a page or of a place in the app"),
        ({"url": "cart"}, "its url is no address of a page or of a place in the app"),
        ({"image": "http://shop.example/1.png"}, "its image is no https address"),
        ({"data": ["a"]}, "its data is no object"),
        ({"data": {"message_type": "x"}}, "its data has the name 'message_type', which Google keeps for itself"),
        ({"text": "x" * LONGEST}, f"more than {LONGEST:,}"),
    ],
)
def test_what_no_phone_could_show_is_refused_with_a_sentence(parts: dict[str, Any], why: str) -> None:
    with pytest.raises(PushError, match=why):
        _compose(**parts)


def test_letters_of_every_script_count_as_the_bytes_that_they_are() -> None:
    assert "ж" in _compose(text="ж" * 1_500).payload
    assert "茶" in _compose(text="茶" * 1_000).payload


def test_a_device_of_no_app_of_the_policy_gets_nothing() -> None:
    with pytest.raises(NowhereError, match="the policy has no 'ios' among its apps"):
        _compose(apps={"android": APPS["android"]})


def test_a_policy_names_an_app_by_its_platform_application() -> None:
    def read(application: Any) -> Policy:
        apps = [{"id": "ios", "application": application}]
        return parse_policy({"kind": "policy", "id": "policy", "topics": [{"id": "news"}], "apps": apps})

    assert read(APPS["ios"]).apps == {"ios": APPS["ios"]}
    for wrong in (7, "shop", "arn:aws:sns:eu-west-1:123456789012:shop", APPS["ios"].replace("APNS", "BAIDU")):
        with pytest.raises(DefinitionError, match="platform application"):
            read(wrong)


def test_no_push_is_published_without_a_topic_or_before_the_policy_has_an_app() -> None:
    with pytest.raises(DefinitionError, match="the policy has no apps yet, through which a push goes"):
        Shelf({**POLICY, "apps": []}, TEMPLATE)
    with pytest.raises(DefinitionError, match="topic"):
        Shelf(POLICY, {**TEMPLATE, "topic": "nobody-knows"})

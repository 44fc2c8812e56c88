"""Composing a mail and a text."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest

from postroad.consent.rule import Topic
from postroad.contacts.contact import Attribute, Contact
from postroad.contacts.fetches import TRAP
from postroad.content.coupons import Coupon, NoCodeError, make_code
from postroad.content.links import Click, Open, Signer, Unsubscribe
from postroad.content.mime import MimeError
from postroad.content.rendering import RenderError, compile_message_template
from postroad.envelopes import compose, values_of
from postroad.envelopes.custom import Invocation
from postroad.envelopes.email import Email
from postroad.envelopes.sms import Text
from postroad.envelopes.webhook import Call, NowhereError, secret_of, sign
from postroad.policy import Policy
from postroad.sending.messages import Message

SIGNER = Signer({"1": b"k" * 32}, "1")
POLICY = Policy(name="Tide & Co", sender="Tide <hello@tide.example>", sms_sender="Tide", postal_address="Cais 12")
OWED = {"offers": Topic("offers", "Orders", opt_in=False, transactional=True)}
URL = "https://post.tide.example"
MESSAGE = Message("e.hi~2", "c1", "journey/w@1", "hi", "e", "email", "offers", "t", 1, "k", 1.0)
ANA = Contact("c1", attributes={"first_name": Attribute("<Ana>", 1.0, confirmed=True)})
HTML = """<body><p>Hello {{ contact.first_name }}</p><a href="https://a.example/?x=1&amp;y=2">A</a>
<a href="{{ unsubscribe_url }}">leave</a><a href="mailto:x@a.example">write</a>
{{ event.name }} {{ account.name }} {{ account.postal_address }}</body>"""


def template(**parts: Any) -> Any:
    document = {"kind": "template", "id": "t", "channel": "email", "topic": "offers", "subject": "Hi", "html": HTML}
    return compile_message_template({**document, **parts})


def mail(**parts: Any) -> tuple[Email, Any]:
    made = compose(MESSAGE, template(**parts), ANA, "ana@a.example", {"name": "Bag"}, POLICY, SIGNER, URL, 1.8e9)
    assert isinstance(made, Email)
    return made, message_from_bytes(made.raw, policy=policy.SMTP)


def test_c79_marketing_is_not_sent_without_a_postal_address():
    homeless = replace(POLICY, postal_address="")
    with pytest.raises(MimeError, match="no postal_address"):
        compose(MESSAGE, template(), ANA, "ana@a.example", {}, homeless, SIGNER, URL, 1.8e9)
    assert isinstance(compose(MESSAGE, template(), ANA, "ana@a.example", {}, replace(homeless, topics=OWED),
                              SIGNER, URL, 1.8e9), Email)  # fmt: skip


ADDRESS, LEAVE = "{{ account.postal_address }}", '<a href="{{ unsubscribe_url }}">leave</a>'
NEVER = "{% if contact.nobody is defined %}"


@pytest.mark.parametrize(
    ("html", "missing"),
    [
        (f"<body>{ADDRESS}{LEAVE}</body>", None),
        ("<body>{{ account.postal_address | upper | replace(' ', ' · ') }}" + LEAVE + "</body>", None),
        (f"<body>{NEVER}{ADDRESS}{{% endif %}} {LEAVE}</body>", "postal address is not in it"),
        (f"<body>{ADDRESS} {NEVER}{LEAVE}{{% endif %}}</body>", "there is no link to unsubscribe by"),
    ],
)
def test_c80_marketing_leaves_only_with_the_address_and_the_way_out_that_this_person_sees(html, missing):
    policy = replace(POLICY, postal_address="Tide & Co, Cais 12")

    def send(policy: Policy) -> Any:
        return compose(MESSAGE, template(html=html), ANA, "ana@a.example", {}, policy, SIGNER, URL, 1.8e9)

    assert isinstance(send(replace(policy, topics=OWED)), Email)
    if missing is None:
        assert isinstance(send(policy), Email)
    else:
        with pytest.raises(MimeError, match=missing):
            send(policy)


def test_a_mail_has_our_links_headers_and_both_parts():
    made, read = mail()
    assert (made.message_id, made.to, made.from_) == ("e.hi~2", "ana@a.example", POLICY.sender)
    (url,) = re.findall("<(.+)>", read["list-unsubscribe"])
    assert SIGNER.find(Unsubscribe, url.rpartition("/")[2]) == Unsubscribe("c1", "email", "offers", "e.hi~2")
    html = read.get_body(("html",)).get_content()
    assert "&lt;Ana&gt;" in html
    assert "Bag Tide &amp; Co" in html
    # Behind all that is to be seen stands a link that is not.
    *found, (_, trap) = re.findall(r'"https://post\.tide\.example/([cou])/([^"]+)"', html)
    tokens = dict(found)
    assert SIGNER.find(Click, trap) == Click("e.hi~2", TRAP, "https://post.tide.example/", "c1")
    assert SIGNER.find(Click, tokens["c"]) == Click("e.hi~2", 1, "https://a.example/?x=1&y=2", "c1")
    assert SIGNER.find(Open, tokens["o"]) == Open("e.hi~2", "c1")
    assert SIGNER.find(Unsubscribe, tokens["u"]) is not None
    assert "mailto:x@a.example" in html
    text = read.get_body(("plain",)).get_content()
    assert "Hello <Ana>" in text
    assert "/o/" not in text


def test_a_template_may_have_a_sender_of_its_own():
    made, read = mail(**{"from": "Bea <bea@tide.example>"})
    assert made.from_ == "Bea <bea@tide.example>"
    assert read["from"] == "Bea <bea@tide.example>"


def test_composing_twice_makes_the_same_bytes():
    assert mail()[0] == mail()[0]


def test_a_text_has_neither_links_nor_headers():
    words = {"kind": "template", "id": "t", "channel": "sms", "topic": "offers"}
    words["text"] = "Hi {{ contact.first_name }}, {{ contact.phone }}"
    text = compile_message_template(words)
    made = compose(MESSAGE.with_(channel="sms"), text, ANA, "+351912345678", {}, POLICY, SIGNER, URL, 1.8e9)
    assert made == Text("e.hi~2", "+351912345678", "Hi <Ana>, +351912345678", sender_id="Tide")


def test_a_hole_in_the_message_is_an_error_and_no_mail():
    with pytest.raises(RenderError):
        mail(subject="{{ contact.nobody }}")


@pytest.mark.parametrize(
    ("sender", "address"), [("", "ana@a.example"), (POLICY.sender, "ana@"), ("x", "ana@a.example")]
)
def test_without_a_sender_or_an_address_there_is_no_mail(sender, address):
    from dataclasses import replace

    with pytest.raises(MimeError):
        compose(MESSAGE, template(), ANA, address, {"name": "Bag"}, replace(POLICY, sender=sender), SIGNER, URL, 1.8e9)


def test_a_header_cannot_be_smuggled_in_through_a_value():
    ana = Contact("c1", attributes={"first_name": Attribute("A\r\nBcc: all@a.example", 1.0, confirmed=True)})
    made = compose(MESSAGE, template(subject="Hi {{ contact.first_name }}"), ana, "ana@a.example", {"name": ""}, POLICY,
                   SIGNER, URL, 1.8e9)  # fmt: skip
    assert isinstance(made, Email)
    read = message_from_bytes(made.raw, policy=policy.SMTP)
    assert read["bcc"] is None
    assert read["subject"] == "Hi A Bcc: all@a.example"


def test_a_template_may_speak_of_contact_event_and_account():
    values = values_of(ANA, "ana@a.example", MESSAGE, {"total": 5}, POLICY, "https://u", "https://p")
    assert values == {
        "contact": {"first_name": "<Ana>", "email": "ana@a.example"},
        "event": {"total": 5},
        "item": {"total": 5},
        "message": {
            "id": "e.hi~2",
            "template": "t",
            "origin": "journey/w@1",
            "step": "hi",
            "created_at": "1970-01-01T00:00:01.000Z",
        },
        "account": {"name": "Tide & Co", "postal_address": "Cais 12"},
        "coupon": {},
        "unsubscribe_url": "https://u",
        "preferences_url": "https://p",
    }


@pytest.mark.parametrize("written", ["{{ coupon.spring.code }}", "{{ coupon['spring'].code }}"])
def test_a_code_is_made_for_who_gets_a_mail_that_speaks_of_it(written: str) -> None:
    spring = Coupon("spring", "Spring", 30 * 86_400.0)
    policy_ = replace(POLICY, coupons={"spring": spring}, topics=OWED)
    message = replace(MESSAGE, trigger_key="")
    speaking = template(html="<body>{% if contact.first_name %}" + written + "{% endif %}</body>")
    made = compose(message, speaking, ANA, "ana@a.example", {}, policy_, SIGNER, URL, message.created_at + 60)
    assert isinstance(made, Email)
    text = message_from_bytes(made.raw, policy=policy.SMTP).get_body(("plain",)).get_content()
    with pytest.raises(NoCodeError, match="the policy no longer has its coupon spring"):
        compose(message, template(html=f"<body>{written}</body>"), ANA, "ana@a.example", {}, POLICY, SIGNER, URL, 1.0)
    with pytest.raises(NoCodeError, match="its coupon spring ran out on 1970-01-31 23:59 UTC"):
        compose(message, speaking, ANA, "ana@a.example", {}, policy_, SIGNER, URL, message.created_at + 31 * 86_400)
    silent = template(html="<body>Hello</body>")
    assert compose(message, silent, ANA, "ana@a.example", {}, policy_, SIGNER, URL, message.created_at + 31 * 86_400)
    assert text.strip() == make_code(spring, "c1", message.created_at, SIGNER).text


# Webhooks

HOOKED = Policy(webhooks={"crm": "https://hooks.example.com/crm"})
BEA = Contact(
    "c1",
    identities={"user:17": 1.0, "email:bea@a.example": 2.0},
    attributes={"first_name": Attribute('B"ea', 1.0, confirmed=True), "seats": Attribute(3, 1.0, confirmed=True)},
)


def call(template: dict[str, Any], policy: Policy = HOOKED, message: Message = MESSAGE) -> Call:
    compiled = compile_message_template({"kind": "template", "id": "t", "channel": "webhook", "to": "crm", **template})
    message = message.with_(channel="webhook", topic="")
    made = compose(message, compiled, BEA, "c1", {"total": 24.5}, policy, SIGNER, URL, 1.8e9)
    assert isinstance(made, Call)
    return made


def test_a_webhook_without_words_of_its_own_tells_of_the_contact_the_event_and_the_message():
    made = call({})
    assert (made.to, made.name) == ("https://hooks.example.com/crm", "crm")
    assert json.loads(made.body) == {
        "type": "t",
        "timestamp": "1970-01-01T00:00:01.000Z",
        "data": {
            "contact": {
                "first_name": 'B"ea', "seats": 3, "contact_id": "c1", "user_id": "17", "email": "bea@a.example",
            },
            "event": {"total": 24.5},
            "message": {
                "id": "e.hi~2", "template": "t", "origin": "journey/w@1", "step": "hi",
                "created_at": "1970-01-01T00:00:01.000Z",
            },
        },
    }  # fmt: skip


def test_a_placeholder_alone_keeps_its_type_and_a_text_never_changes_the_shape_of_a_document():
    body = {"text": 'Hi {{ contact.first_name }}, "{{ event.total }}"', "seats": "{{ contact.seats }}",
            "list": [1, None, True, "{{ contact.nothing }}", "{{ contact }}"]}  # fmt: skip
    said = json.loads(call({"body": body}).body)
    assert said["text"] == 'Hi B"ea, "24.5"'
    assert said["seats"] == 3
    assert said["list"][:4] == [1, None, True, None]
    assert said["list"][4]["user_id"] == "17"


def test_a_webhook_that_the_policy_does_not_have_goes_nowhere():
    with pytest.raises(NowhereError, match="the policy has no 'crm' among its webhooks"):
        call({}, Policy())


def test_a_signature_is_that_of_the_published_example():
    # github.com/standard-webhooks/standard-webhooks: what its reference libraries are tested with.
    key = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert sign("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', key, 1614265330.9) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert secret_of(key) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_id_of_a_webhook_has_no_dot_because_dots_part_what_is_signed():
    assert call({}).webhook_id == "e_dhi_t2"


# Functions


def test_a_function_gets_the_document_beside_the_id_by_which_it_knows_the_message():
    policy = Policy(functions={"whatsapp": "postroad-channel-whatsapp"})
    document = {
        "kind": "template",
        "id": "t",
        "channel": "custom",
        "to": "whatsapp",
        "body": {"n": "{{ contact.seats }}"},
    }
    message = MESSAGE.with_(channel="custom", topic="")
    made = compose(message, compile_message_template(document), BEA, "c1", {}, policy, SIGNER, URL, 1.8e9)
    assert isinstance(made, Invocation)
    assert made.to == "postroad-channel-whatsapp"
    assert json.loads(made.payload) == {"message_id": "e.hi~2", "contact_id": "c1", "body": {"n": 3}}

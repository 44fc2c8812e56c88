"""Forms over moto: the page, what is posted in every encoding, and what keeps robots and strangers out."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.public import app
from functions.public.bodies import MAX_BODY, MAX_INPUTS
from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.identities import Identity, claim_of
from postroad.forms import SLOWEST
from postroad_aws.storage import refusals
from postroad_aws.usecases.submit_form import MOST_FOREIGN, MOST_SHOWN, WINDOW
from tests.account import ANA, Account

EMAIL = f"email:{ANA}"
# Where the contact is stored whom only a form has named.
CLAIM = claim_of(Identity("email", ANA))
SITE = "https://tidewater.example"
ENCODED = "application/x-www-form-urlencoded"


def call(method: str, body: str = "", kind: str = ENCODED, *, form: str = "newsletter", **parts: Any) -> dict[str, Any]:
    """A request as the HTTP API hands it over."""
    headers = {"host": "post.tidewater.example", "content-type": kind, **parts.pop("headers", {})}
    event = {
        "version": "2.0",
        "rawPath": f"/f/{form}",
        "pathParameters": {"form": form},
        "queryStringParameters": parts.pop("query", {}),
        "headers": headers,
        "requestContext": {"http": {"method": method, "sourceIp": parts.pop("ip", "203.0.113.7")}},
        "body": body,
        "isBase64Encoded": False,
    }
    assert not parts
    return app.handler(event, None)


class Inputs(HTMLParser):
    """The inputs of a page with their values, as a browser would post them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.boxes: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "input" and found.get("type") == "checkbox":
            self.boxes[found["name"]] = found["value"]
            if "checked" in found:
                self.values[found["name"]] = found["value"]
        elif tag == "input":
            self.values[found["name"]] = found.get("value", "")


def open_page(account: Account, **parts: Any) -> dict[str, str]:
    """The inputs of the form, its box ticked, as somebody sees it who needs ten seconds to fill it in."""
    answer = call("GET", **parts)
    assert answer["statusCode"] == 200
    account.advance(10)
    inputs = Inputs(answer["body"])
    return {**inputs.values, **inputs.boxes}


def submit(account: Account, **values: str) -> dict[str, Any]:
    return call("POST", urlencode({**open_page(account), "email": ANA, **values}))


def foreign(**values: str) -> dict[str, str]:
    """What a site's own form posts; the value of the box was copied from the hosted page."""
    box = Inputs(call("GET")["body"]).boxes
    return {"email": ANA, **box, **values}


# ---------------------------------------------------------------- the page


def test_the_page_asks_what_the_form_says(account):
    page = call("GET")["body"]
    for text in ("Tidewater Coffee", "The monthly letter", "E-mail address", "So that we know how to greet you."):
        assert text in page
    assert page.count("(optional)") == 2
    for name in ("email", "first_name", "drink", "consent.newsletter"):
        control = re.search(rf'id="([^"]+)" name="{re.escape(name)}"', page)
        assert control, name
        assert f'<label for="{control[1]}">' in page


def test_the_page_runs_nothing_and_leads_only_to_the_forms_sites(account):
    for answer in (call("GET"), call("GET", form="nothing"), call("POST", "email=x")):
        headers = answer["headers"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script" not in answer["body"]
        assert " style=" not in answer["body"]
    assert "form-action 'self' https://tidewater.example " in call("GET")["headers"]["content-security-policy"]


def test_a_form_that_is_not_there_says_so(account):
    assert call("GET", form="nothing")["statusCode"] == 404
    assert call("POST", "email=x", form="nothing")["statusCode"] == 404


# ---------------------------------------------------------------- what it becomes


def test_a_form_becomes_a_contact_an_event_and_a_consent_with_its_proof(account):
    answer = submit(account, first_name="Ana", drink="Filter")
    assert answer["statusCode"] == 200
    assert "Welcome aboard" in answer["body"]
    account.fold_arrived()
    contact = account.contact(CLAIM)
    assert {name: word.value for name, word in contact.attributes.items()} == {
        "email": ANA,
        "first_name": "Ana",
        "drink": "Filter",
    }
    assert not any(word.confirmed for word in contact.attributes.values())
    assert sorted(account.names(CLAIM)) == ["Form Submitted", "Subscribed"]
    assert contact.consents["newsletter"].granted
    (proof,) = refusals.list_proof(EMAIL, "newsletter")
    assert proof.granted
    assert proof.evidence["by"] == "form"
    assert proof.evidence["text"].startswith("Yes, send me the monthly letter of Tidewater Coffee.")
    assert proof.evidence["text_version"] == Inputs(call("GET")["body"]).boxes["consent.newsletter"]
    assert ANA not in json.dumps(proof.evidence)


def test_the_consent_is_written_before_the_answer(account):
    submit(account)
    consent = refusals.find_consent(EMAIL, "newsletter")
    assert consent is not None
    assert consent.granted


def test_a_second_press_of_the_button_says_nothing_new(account):
    values = urlencode({**open_page(account), "email": ANA})
    for _ in range(3):
        assert call("POST", values)["statusCode"] == 200
        account.fold_arrived()
    assert sorted(account.names(CLAIM)) == ["Form Submitted", "Subscribed"]


def test_the_visitor_of_the_site_and_whoever_fills_in_the_form_are_one(account):
    account.fold(account.event("Page Viewed", "anon:device-1", path="/"))
    submit(account, _anonymous_id="device-1")
    account.fold_arrived()
    assert sorted(account.names(CLAIM)) == ["Form Submitted", "Page Viewed", "Subscribed"]


def test_what_a_form_says_never_overwrites_what_is_confirmed(account):
    account.fold(account.event("Identified", "user:ana", EMAIL, attributes={"email": ANA, "first_name": "Ana"}))
    submit(account, first_name="Mallory")
    account.fold_arrived()
    assert account.contact("user:ana").find_value("first_name") == "Ana"


MULTIPART = "multipart/form-data; boundary=xx"


def _multipart(values: dict[str, str]) -> str:
    parts = [f'--xx\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in values.items()]
    return "".join(parts) + "--xx--\r\n"


@pytest.mark.parametrize(
    ("kind", "encode"),
    [(ENCODED, urlencode), (MULTIPART, _multipart), ("application/json", json.dumps)],
    ids=["urlencoded", "multipart", "json"],
)
def test_a_sites_own_form_may_post_in_any_encoding(account, kind, encode):
    answer = call("POST", encode(foreign(first_name="Zoë")), kind, headers={"origin": SITE})
    assert answer["statusCode"] == 200, answer["body"]
    account.fold_arrived()
    assert account.contact(CLAIM).find_value("first_name") == "Zoë"
    assert account.contact(CLAIM).consents["newsletter"].granted


def test_the_proof_names_the_page_without_what_its_address_says_of_the_person(account):
    page = f"{SITE}/offer?email={ANA}#top"
    call("POST", urlencode(foreign()), headers={"origin": SITE, "referer": page})
    (proof,) = refusals.list_proof(EMAIL, "newsletter")
    assert proof.evidence["page"] == f"{SITE}/offer"
    assert all(ANA not in str(event.context) for event in account.arrived())


# ---------------------------------------------------------------- a refusal stays


@pytest.mark.parametrize("topic", ["newsletter", EVERY_TOPIC])
def test_a_form_does_not_lift_a_refusal_and_does_not_tell_that_there_is_one(account, topic):
    answer = submit(account)
    account.fold_arrived()
    refusals.save_consent(EMAIL, topic, False, account.now(), {"by": "one-click"})
    account.advance(60)
    again = submit(account)
    assert again["body"] == answer["body"]
    (event,) = account.fold_arrived()
    assert event.properties["consents"][0]["kept"] == "an earlier refusal"
    consent = refusals.find_consent(EMAIL, topic)
    assert consent is not None
    assert not consent.granted


def test_a_refusal_from_another_address_of_the_person_stays_too(account):
    other = "email:ana.other@example.com"
    account.fold(account.event("Identified", "user:ana", EMAIL, other, attributes={"email": ANA}))
    account.fold(account.event("Unsubscribed", "user:ana", topic="newsletter", channel="email"))
    submit(account)
    assert [event.name for event in account.fold_arrived()] == ["Form Submitted"]
    assert refusals.find_consent(EMAIL, "newsletter") is None


# ---------------------------------------------------------------- the way back


def test_after_the_form_one_is_led_back_to_the_site(account):
    answer = call("POST", urlencode(foreign(_back=f"{SITE}/thanks?from=form")), headers={"origin": SITE})
    assert (answer["statusCode"], answer["headers"]["location"]) == (303, f"{SITE}/thanks?from=form")


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", f"{SITE}@evil.example"]
)
def test_nobody_is_led_elsewhere(account, back):
    answer = call("POST", urlencode(foreign(_back=back)), headers={"origin": SITE})
    assert answer["statusCode"] == 200
    assert "location" not in answer["headers"]
    page = call("GET", query={"back": back})["body"]
    assert 'name="_back"' not in page


def test_the_hosted_page_carries_the_way_back(account):
    values = open_page(account, query={"back": f"{SITE}/shop"})
    answer = call("POST", urlencode({**values, "email": ANA}))
    assert answer["headers"]["location"] == f"{SITE}/shop"


# ---------------------------------------------------------------- mistakes


def test_mistakes_are_told_beside_what_was_typed(account):
    answer = submit(account, email="ana@", first_name='"><script>alert(1)</script>')
    assert answer["statusCode"] == 422
    page = answer["body"]
    assert "This is no e-mail address. Write it like ana@example.com." in page
    assert 'value="ana@"' in page
    assert "<script" not in page
    assert unescape(Inputs(page).values["first_name"]) == '"><script>alert(1)</script>'
    assert 'href="#input-email"' in page
    assert page.count('aria-invalid="true"') == 1
    assert account.arrived() == []
    # What was ticked stays ticked, and the mended form goes through at once.
    mended = {**Inputs(page).values, "email": ANA}
    assert "consent.newsletter" in mended
    assert call("POST", urlencode(mended))["statusCode"] == 200


def test_a_script_is_told_mistakes_as_json(account):
    answer = call("POST", '{"email": "ana@"}', "application/json", headers={"origin": SITE})
    assert answer["statusCode"] == 422
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert answer["headers"]["access-control-allow-origin"] == SITE
    errors = {error["input"]: error["detail"] for error in json.loads(answer["body"])["errors"]}
    assert errors.keys() == {"email", "consent.newsletter"}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("x" * (MAX_BODY + 1), ENCODED, 413),
        ("{", "application/json", 400),
        ("[1]", "application/json", 400),
        ('{"email": ["a"]}', "application/json", 400),
        ("[" * 50_000, "application/json", 400),
        ('{"email": NaN, "first_name": "\\ud800"}', "application/json", 422),
        ("&".join(f"a{n}=1" for n in range(MAX_INPUTS + 1)), ENCODED, 400),
        ("%ff%fe=%00", ENCODED, 422),
        ("", MULTIPART, 422),
        ("--xx\r\nnonsense", MULTIPART, 422),
    ],
)
def test_a_body_that_cannot_be_used_is_a_clear_no(account, body, kind, status):
    answer = call("POST", body, kind)
    assert answer["statusCode"] == status
    assert account.arrived() == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(max_size=200), kind=st.sampled_from([ENCODED, MULTIPART, "application/json", "", "text/plain"]))
def test_no_body_is_ever_answered_with_a_5xx(account, body, kind):
    assert call("POST", body, kind, ip="")["statusCode"] < 500


ODD = ["http://[", "https://[::1", "//[", "null", "\x00", "https://a:b@x/", "http://x:99999/", "javascript:1", "é", " "]


@pytest.mark.parametrize("odd", ODD)
def test_no_header_is_ever_answered_with_a_5xx(account, odd):
    for name in ("origin", "referer", "host", "content-type", "accept"):
        for method in ("GET", "POST", "OPTIONS"):
            answer = call(method, urlencode({"email": ANA}), headers={name: odd})
            assert answer["statusCode"] < 500, (name, method)
    assert call("GET", query={"back": odd})["statusCode"] == 200


@pytest.mark.parametrize("disposition", ["form-data; name*", "form-data; name*0*", 'form-data; name="', ";;=", ""])
def test_a_multipart_body_whose_headers_are_none_is_a_clear_no(account, disposition):
    body = f"--xx\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--xx--\r\n"
    assert 400 <= call("POST", body, MULTIPART)["statusCode"] < 500


def test_a_text_that_has_changed_must_be_read_again(account):
    answer = call("POST", urlencode(foreign(**{"consent.newsletter": "on"})), headers={"origin": SITE})
    assert answer["statusCode"] == 422
    assert "This text has changed" in answer["body"]
    assert "consent.newsletter" not in Inputs(answer["body"]).values


# ---------------------------------------------------------------- robots and strangers


def test_a_robot_that_fills_in_everything_is_asked_once_more(account):
    answer = submit(account, homepage="https://spam.example")
    assert answer["statusCode"] == 422
    assert Inputs(answer["body"]).values["homepage"] == ""
    assert account.arrived() == []


def test_who_is_too_quick_or_too_slow_is_asked_once_more_and_then_taken(account):
    for wait in (0.0, SLOWEST + 60):
        inputs = Inputs(call("GET")["body"])
        account.advance(wait)
        answer = call("POST", urlencode({**inputs.values, **inputs.boxes, "email": ANA}))
        assert answer["statusCode"] == 422
        assert "once more" in answer["body"]
        again = call("POST", urlencode(Inputs(answer["body"]).values | {"email": ANA}))
        assert again["statusCode"] == 200


def test_a_page_of_another_form_is_no_page_of_this_one(account):
    shop = open_page(account)
    forged = {**shop, "_seal": shop["_seal"][:-2] + "aa", "email": ANA}
    answer = call("POST", urlencode(forged), headers={"origin": "https://evil.example"})
    assert answer["statusCode"] == 403


def test_a_form_works_on_its_sites_and_nowhere_else(account):
    values = urlencode(foreign())
    assert call("POST", values, headers={"origin": "https://evil.example"})["statusCode"] == 403
    assert account.arrived() == []
    assert call("POST", values, headers={"origin": "https://www.tidewater.example"})["statusCode"] == 200
    assert call("POST", values, headers={"origin": "https://post.tidewater.example"})["statusCode"] == 200


def test_only_its_sites_may_post_by_script(account):
    allowed = call("OPTIONS", headers={"origin": SITE})
    assert (allowed["statusCode"], allowed["headers"]["access-control-allow-origin"]) == (204, SITE)
    assert "access-control-allow-origin" not in call("OPTIONS", headers={"origin": "https://evil.example"})["headers"]


def test_too_much_from_one_network_has_to_wait(account):
    def post(number: int, ip: str) -> int:
        values = foreign(email=f"ana{number}@example.com")
        return int(call("POST", urlencode(values), headers={"origin": SITE}, ip=ip)["statusCode"])

    account.advance(WINDOW - account.now() % WINDOW)
    assert [post(number, "203.0.113.7") for number in range(MOST_FOREIGN)] == [200] * MOST_FOREIGN
    answer = call("POST", urlencode(foreign()), headers={"origin": SITE})
    assert answer["statusCode"] == 429
    assert 0 < int(answer["headers"]["retry-after"]) <= WINDOW + 1
    assert post(99, "203.0.113.8") == 200
    assert MOST_SHOWN > MOST_FOREIGN
    account.advance(WINDOW)
    assert post(99, "203.0.113.7") == 200


def test_addresses_of_one_ipv6_network_are_one_visitor(account):
    account.advance(WINDOW - account.now() % WINDOW)
    found = [
        call("POST", urlencode(foreign(email=f"a{n}@example.com")), ip=f"2001:db8::{n:x}")["statusCode"]
        for n in range(1, MOST_FOREIGN + 2)
    ]
    assert found == [200] * MOST_FOREIGN + [429]


def test_a_queue_that_is_away_loses_nothing_that_was_typed(account, monkeypatch):
    from postroad_aws import queues

    values = {**open_page(account), "email": ANA, "first_name": "Ana"}
    monkeypatch.setattr(queues, "send_events", lambda messages: messages)
    answer = call("POST", urlencode(values))
    assert answer["statusCode"] == 503
    assert Inputs(answer["body"]).values["first_name"] == "Ana"
    monkeypatch.undo()

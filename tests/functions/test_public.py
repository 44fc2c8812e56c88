"""The unsubscribe page over moto: a GET changes nothing, a POST is in force when it is answered."""

import base64
from typing import Any

import pytest

from functions.public import app
from postroad.consent.rule import EVERY_TOPIC
from postroad.content.link_keys import add_key, withdraw_key
from postroad.content.links import Click, Open, Unsubscribe
from postroad.sending.messages import Message
from postroad_aws import books, links
from postroad_aws.clients import get_client
from postroad_aws.links import signer
from postroad_aws.storage import definitions, keys, refusals
from tests.account import ANA, Account

EMAIL = f"email:{ANA}"
FORM = "application/x-www-form-urlencoded"


def call(method: str, token: str | None, body: str | bytes | None = None, kind: str = FORM) -> dict[str, Any]:
    """A request as the HTTP API hands it over; bytes travel as base64."""
    return app.handler(
        {
            "version": "2.0",
            "rawPath": f"/u/{token}",
            "pathParameters": {"token": token} if token is not None else None,
            "headers": {"Content-Type": kind},
            "requestContext": {"http": {"method": method}},
            "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
            "isBase64Encoded": isinstance(body, bytes),
        },
        None,
    )


@pytest.fixture
def welcome(account: Account) -> Message:
    return account.sign_up()


@pytest.fixture
def token(welcome: Message) -> str:
    return signer().sign(Unsubscribe(welcome.contact_id, "email", "offers", welcome.message_id))


def refused(*topics: str) -> list[bool]:
    found = [refusals.find_consent(EMAIL, topic) for topic in topics or ("offers", EVERY_TOPIC)]
    return [consent is not None and not consent.granted for consent in found]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
def test_only_a_post_changes_anything(account, token, method):
    answer = call(method, token)
    assert answer["statusCode"] == 200
    assert "Unsubscribe from Offers and reminders" in answer["body"]
    assert 'method="post"' in answer["body"]
    assert refused() == [False, False]
    assert account.arrived() == []


def test_the_page_is_kept_by_nobody_and_runs_nothing(token):
    for answer in (call("GET", token), call("GET", "forged"), call("POST", token)):
        headers = answer["headers"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script" not in answer["body"]
        assert 'content="noindex"' in answer["body"]
        assert ANA not in answer["body"]


def test_a_post_unsubscribes_from_the_topic_of_the_mail_and_nothing_else(account, token, welcome):
    answer = call("POST", token, "scope=topic")
    assert answer["statusCode"] == 200
    assert "Offers and reminders" in answer["body"]
    assert refused() == [True, False]
    (proof,) = refusals.list_proof(EMAIL, "offers")
    assert proof.evidence == {"by": "page", "message_id": welcome.message_id}
    (event,) = account.fold_arrived()
    assert (event.name, event.properties["topic"], event.properties["channel"]) == ("Unsubscribed", "offers", "email")
    assert account.contact(EMAIL).consents["offers"].granted is False


def test_the_other_button_unsubscribes_from_everything(account, token):
    answer = call("POST", token, "scope=everything")
    assert "any more messages" in answer["body"]
    assert refused() == [False, True]
    account.fold_arrived()
    assert account.contact(EMAIL).consents[EVERY_TOPIC].granted is False


MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
    b'--b\r\nContent-Disposition: form-data; name="scope"\r\n\r\neverything\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("List-Unsubscribe=One-Click", FORM),
        (b"List-Unsubscribe=One-Click", FORM),
        ("List-Unsubscribe=One-Click&scope=everything", FORM + "; charset=utf-8"),
        (MULTIPART, "multipart/form-data; boundary=b"),
        (MULTIPART.decode(), 'Multipart/Form-Data; boundary="b"'),
    ],
)
def test_one_click_unsubscribes_from_the_topic_however_it_is_posted(account, token, body, kind):
    assert call("POST", token, body, kind)["statusCode"] == 200
    assert refused() == [True, False]
    assert refusals.list_proof(EMAIL, "offers")[0].evidence["by"] == "one-click"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(None, FORM), ("", ""), (b"\xff\xfe\x00", FORM), ("x" * 100_000, FORM), ("&&&=", FORM), ("\ud800", FORM),
     (b"--b", "multipart/form-data"), (b"junk", "multipart/form-data; boundary=" + "b" * 500),
     (MULTIPART[:60], "multipart/form-data; boundary=b"), ("{}", "application/json")],
)  # fmt: skip
def test_a_post_that_says_nothing_readable_is_still_a_refusal(account, token, body, kind):
    assert call("POST", token, body, kind)["statusCode"] == 200
    assert refused() == [True, False]


def test_a_multipart_form_can_choose_everything(token):
    everything = MULTIPART.replace(b"One-Click", b"no")
    assert call("POST", token, everything, "multipart/form-data; boundary=b")["statusCode"] == 200
    assert refused() == [False, True]


def test_a_body_that_says_it_is_base64_and_is_not_is_still_a_refusal(account, token):
    event = {"pathParameters": {"token": token}, "headers": {}, "requestContext": {"http": {"method": "POST"}},
             "body": "a", "isBase64Encoded": True}  # fmt: skip
    assert app.handler(event, None)["statusCode"] == 200
    assert refused() == [True, False]


def test_forged_cut_and_foreign_tokens_are_all_answered_alike(account, token, welcome):
    other = [signer().sign(Click(welcome.message_id, 1, "https://a.example/", welcome.contact_id)),
             signer().sign(Open(welcome.message_id, welcome.contact_id))]  # fmt: skip
    forged = [token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), token + "A", "x" + token, "", "1.", "1.AAAA",
              "ü", "\ud800", "x" * 9_000, "<script>", "../..", None, *other]  # fmt: skip
    bodies = set()
    for wrong in forged:
        for method in ("GET", "POST"):
            answer = call(method, wrong, "scope=everything")
            assert answer["statusCode"] == 404, wrong
            bodies.add(answer["body"])
    assert len(bodies) == 1
    assert refused() == [False, False]
    assert account.arrived() == []


def test_the_link_of_a_withdrawn_key_says_what_to_do_instead(account, token):
    """A new key signs, the old one has leaked: a page of 410, also for one click, and nothing changes."""
    first = keys.list_link_keys()
    both = add_key(first, b"n" * 32, account.now())
    keys.save_link_keys(both, first)
    links.forget()
    assert call("GET", token)["statusCode"] == 200
    account.advance(600)
    keys.save_link_keys(withdraw_key(both, "1", account.now()), both)
    links.forget()
    for method in ("GET", "POST"):
        answer = call(method, token, "List-Unsubscribe=One-Click")
        assert answer["statusCode"] == 410
        assert "hello@tidewater.example" in answer["body"]
    assert refused() == [False, False]
    newer = signer().sign(Unsubscribe(account.contact_id(EMAIL), "email", "offers", "m"))
    assert call("POST", newer)["statusCode"] == 200
    assert refused() == [True, False]


def test_unsubscribing_twice_says_the_same_and_is_one_event(account, token):
    first, second = call("POST", token), call("POST", token)
    assert first == second
    assert len(account.arrived()) == 1


def test_who_comes_back_and_leaves_again_has_left(account, token):
    call("POST", token)
    account.fold_arrived()
    account.advance(600)
    refusals.save_consent(EMAIL, "offers", True, account.now(), {})
    account.fold(account.event("Subscribed", EMAIL, topic="offers"))
    assert account.contact(EMAIL).consents["offers"].granted is True
    account.advance(600)
    call("POST", token)
    account.fold_arrived()
    assert refused() == [True, False]
    assert account.contact(EMAIL).consents["offers"].granted is False


def test_every_address_of_the_contact_is_refused(account, token):
    second = "email:ana.other@example.com"
    account.fold(account.event("Identified", EMAIL, "user:ana"), account.event("Identified", "user:ana", second))
    call("POST", token)
    consents = [refusals.find_consent(address, "offers") for address in (EMAIL, second)]
    assert [consent and consent.granted for consent in consents] == [False, False]


def test_the_link_of_a_contact_who_was_merged_away_still_works(account):
    account.fold(account.event("Page Viewed", "anon:device", path="/"))
    lost = account.contact("anon:device").contact_id
    account.fold(account.event("Signed Up", EMAIL, attributes={"email": ANA}))
    account.fold(account.event("Page Viewed", "anon:device", EMAIL, path="/"))
    token = signer().sign(Unsubscribe(lost, "email", "offers", "nothing.known"))
    assert call("POST", token)["statusCode"] == 200
    assert refused() == [True, False]


def test_markup_in_a_topics_name_is_shown_as_text(account, token):
    from dataclasses import replace

    policy = dict(definitions.get_version("policy", "policy", 1))
    policy["topics"] = [{"id": "offers", "name": "<img src=x onerror=alert(1)>", "opt_in": False}]
    manifest = definitions.find_manifest()
    live = manifest.live["policy/policy"]
    manifest = replace(manifest, revision=2, live={**manifest.live, live.key: live._replace(version=2, since=2)})
    definitions.publish({("policy", "policy", 2): policy}, manifest, account.now())
    books.forget()
    for answer in (call("GET", token), call("POST", token)):
        assert "<img src=x" not in answer["body"]
        assert "&lt;img" in answer["body"]


def test_a_topic_that_nobody_knows_any_more_can_still_be_refused(account, welcome):
    token = signer().sign(Unsubscribe(welcome.contact_id, "email", "gone", welcome.message_id))
    assert "gone" in call("GET", token)["body"]
    assert call("POST", token)["statusCode"] == 200
    assert refused("gone") == [True]


def test_leaving_does_not_wait_for_definitions_that_cannot_be_read(account, token, capsys):
    get_client("dynamodb").delete_table(TableName="Definitions")
    books.forget()
    assert call("GET", token)["statusCode"] == 200
    assert call("POST", token)["statusCode"] == 200
    assert refused() == [True, False]
    assert "ERROR" in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["Consents", "queue"])
def test_what_cannot_be_finished_is_said_and_can_be_tried_again(account, token, broken, capsys):
    if broken == "queue":
        get_client("sqs").delete_queue(QueueUrl=account.events_queue)
    else:
        get_client("dynamodb").delete_table(TableName=broken)
    answer = call("POST", token)
    assert answer["statusCode"] == 503
    assert "try again" in answer["body"].lower()
    printed = capsys.readouterr()
    assert "ERROR" in printed.out
    assert "marker" not in printed.out + printed.err + answer["body"]
    assert token not in printed.out


def test_a_refusal_can_be_taken_back_on_the_page_that_confirms_it(account, token):
    left = call("POST", token, "scope=everything")
    assert 'value="again"' in left["body"]
    account.advance(1)
    back = call("POST", token, "scope=again")
    assert "Welcome back" in back["body"]
    assert refused("offers", EVERY_TOPIC) == [False, True]
    consent = refusals.find_consent(EMAIL, "offers")
    assert consent is not None
    assert consent.granted


def test_one_click_never_brings_anybody_back(account, token):
    call("POST", token, "List-Unsubscribe=One-Click&scope=again")
    assert refused("offers") == [True]


@pytest.mark.parametrize("disposition", ["form-data; name*", "form-data; name*0*"])
def test_a_post_that_cannot_be_read_is_the_refusal_itself(account, token, disposition):
    body = f"--xx\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--xx--\r\n"
    assert call("POST", token, body, "multipart/form-data; boundary=xx")["statusCode"] == 200
    assert refused("offers") == [True]

"""Drafts: saved, read, checked."""

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from functions.api import app
from postroad.definitions import KINDS
from postroad_aws.storage import definitions
from tests.account import lambda_context
from tests.books import FOOTER
from tests.functions.api.client import MARKUP, WHATEVER, ask, call, paths, problem, segment


def test_a_draft_is_saved_read_and_listed(account):
    status, saved = call("PUT", "/api/v1/definitions/segment/vip", body=segment(name="VIP", description=MARKUP))
    assert status == 200
    assert (saved["edit"], saved["live_version"], saved["mistakes"]) == (1, None, [])
    status, shown = call("GET", "/api/v1/definitions/segment/vip")
    assert status == 200
    assert shown["document"] == {**segment(), "description": MARKUP, "id": "vip"}
    drafts = call("GET", "/api/v1/definitions", {"kind": "segment"})[1]
    assert drafts["items"] == [shown]


def test_the_address_says_what_a_draft_is_called(account):
    saved = call("PUT", "/api/v1/definitions/segment/vip", body={"kind": "journey", "id": "other", "if": {}})[1]
    assert (saved["document"]["kind"], saved["document"]["id"]) == ("segment", "vip")


def test_a_draft_may_have_mistakes_and_is_told_all_of_them(account):
    status, saved = call("PUT", "/api/v1/definitions/segment/vip", body={"iff": 1, "nam": MARKUP})
    assert status == 200
    assert {mistake["path"] for mistake in saved["mistakes"]} >= {"if", "iff", "nam"}


def test_two_people_who_change_a_draft_do_not_overwrite_each_other(account):
    path = "/api/v1/definitions/segment/vip"
    first = ask("PUT", path, body=segment())
    assert first["headers"]["etag"] == '"1"'
    assert ask("GET", path)["headers"]["etag"] == '"1"'
    assert call("PUT", path, body=segment(description="hers"), headers={"if-match": '"1"'})[1]["edit"] == 2
    for stale in ('"1"', '"7"', "2x", "", '""', "W/x", '"²"', "9" * 30):
        answer = call("PUT", path, body=segment(description="his"), headers={"if-match": stale})
        assert problem(answer)[0] in (400, 412), stale
    assert (
        "read it again" in problem(call("PUT", path, body=segment(description="his"), headers={"if-match": '"1"'}))[1]
    )
    assert call("GET", path)[1]["document"]["description"] == "hers"


def test_a_draft_is_not_replaced_by_who_has_not_read_it(account):
    path = "/api/v1/definitions/segment/vip"
    call("PUT", path, body=segment(description="hers"))
    status, sentence = problem(call("PUT", path, body=segment(description="his")))
    assert status == 428
    assert "If-Match" in sentence
    assert call("PUT", path, body=segment(description="his"), headers=WHATEVER)[1]["edit"] == 2


def test_the_same_draft_again_changes_nothing(account):
    for _ in range(2):
        status, saved = call("PUT", "/api/v1/definitions/segment/vip", body=segment())
        assert (status, saved["edit"]) == (200, 1)


def test_what_is_not_there_cannot_be_replaced(account):
    path = "/api/v1/definitions/segment/vip"
    for read in ("*", '"1"'):
        assert problem(call("PUT", path, body=segment(), headers={"if-match": read}))[0] == 412


def test_only_the_draft_that_was_read_is_published(account):
    path = "/api/v1/definitions/segment/vip"
    call("PUT", path, body=segment())
    call("PUT", path, body=segment(description="other"), headers={"if-match": '"1"'})
    assert problem(call("POST", f"{path}/publish", headers={"if-match": '"1"'}))[0] == 412
    assert call("POST", f"{path}/publish", headers={"if-match": '"2"'})[0] == 200


@pytest.mark.parametrize("kind", ["sausage", "manifest", "segment:draft", "SEGMENT", "ü", "segment\u200b"])
def test_an_unknown_kind_is_refused_with_those_there_are(account, kind):
    for method, path in (("PUT", ""), ("GET", ""), ("POST", "/validate"), ("POST", "/publish"), ("GET", "/versions")):
        assert problem(call(method, f"/api/v1/definitions/{kind}/live{path}", body={}))[0] == 404
    status, document = call("GET", "/api/v1/definitions", {"kind": kind})
    assert status == 400
    assert not kind.isprintable() or paths((status, document)) == ["kind"]
    assert problem(call("GET", "/api/v1/definitions"))[0] == 400


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_whose_id_is_none_is_not_saved(account, kind):
    for name in ("Welcome", "a b", "a.b", "x" * 65, "ü", "<b>", "-a"):
        status, document = call("PUT", f"/api/v1/definitions/{kind}/{name}", body={})
        assert status == 422
        assert "id" in paths((status, document))
        assert definitions.find_draft(kind, name) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        ('"x"', 400),
        ("1", 400),
        ('{"a": NaN}', 400),
        ('{"a": -Infinity}', 400),
        ('{"a": 1e999}', 400),
        ('{"a": ' + "9" * 5_000 + "}", 400),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", 200),
        ('{"a": ' + "[" * 70 + "]" * 70 + "}", 400),
        ('{"a": ' + "[" * 950 + "]" * 950 + "}", 400),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", 400),
        (b"\xff\xfe{}", 400),
        (b"", 400),
        ('{"a": "' + "x" * 400_000 + '"}', 413),
        ('{"a": "' + "é" * 200_000 + '"}', 413),
        ('{"a": "\\ud800"}', 400),
        ('{"a": "\ud800"}', 400),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_a_sentence(account, body, status):
    answer = call("PUT", "/api/v1/definitions/segment/vip", body=body)
    assert answer[0] == status
    if status >= 400:
        problem(answer)
    else:
        assert call("GET", "/api/v1/definitions/segment/vip")[0] == 200


def test_a_body_that_says_it_is_base64_and_is_not_is_refused(account):
    event = {
        "version": "2.0", "rawPath": "/api/v1/definitions/segment/vip", "rawQueryString": "", "body": "!!!x",
        "isBase64Encoded": True, "headers": {"authorization": "Bearer demo-api-key"},
        "requestContext": {"http": {"method": "PUT", "path": "/"}, "stage": "$default"},
    }  # fmt: skip
    assert app.handler(event, lambda_context())["statusCode"] == 400


WORDS = (  # noqa: SIM905
    "if steps trigger event where id send wait template channel html subject all any not attribute is at_least within "
    "rules stages topics points half_life goal timeout then else branch cases update set exit reentry topic text name"
).split()
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["email", "sms", "P1D", "welcome", "Order Completed", "offers", "opened", "send", "vip"])
)
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)


@hypothesis_settings(suppress_health_check=list(HealthCheck), max_examples=60, deadline=None)
@given(
    document=st.dictionaries(st.text(max_size=6), json_values, max_size=3) | json_values,
    kind=st.sampled_from(sorted(KINDS)),
)
def test_no_document_is_ever_answered_with_a_500(account, document, kind):
    # Of these there is but one, which has the name of its kind.
    name = kind if kind in ("policy", "handover") else "odd"
    document_text = json.dumps(document)
    status, answer = call("POST", f"/api/v1/definitions/{kind}/{name}/validate", body=document_text)
    assert status == (200 if isinstance(document, dict) else 400)
    if status == 200 and answer["mistakes"]:
        path = f"/api/v1/definitions/{kind}/{name}"
        known = WHATEVER if definitions.find_draft(kind, name) else {}
        assert call("PUT", path, body=document_text, headers=known)[0] == 200
        assert call("POST", f"{path}/publish")[0] == 422


def test_checking_says_what_a_definition_does_in_words(account):
    status, checked = call("POST", "/api/v1/definitions/segment/vip/validate", body=segment())
    assert status == 200
    assert (checked["valid"], checked["mistakes"]) == (True, [])
    assert "plan is vip" in " ".join(map(str, checked["description"]))
    assert definitions.find_draft("segment", "vip") is None


def test_c38_checking_a_text_says_how_many_parts_it_takes(account):
    text = {
        "channel": "sms",
        "topic": "offers",
        "text": "Tidewater: your coffee \u2615 {{ contact.city | default('') }}",
    }
    checked = call("POST", "/api/v1/definitions/template/ping/validate", body=text)[1]
    assert checked["description"] == ["contact.city", "1 part, 25 of UCS-2, because of '\u2615' besides what fills it"]


def test_checking_without_a_body_checks_the_draft(account):
    assert problem(call("POST", "/api/v1/definitions/segment/vip/validate"))[0] == 404
    call("PUT", "/api/v1/definitions/segment/vip", body={"if": {"segment": "nobody"}})
    checked = call("POST", "/api/v1/definitions/segment/vip/validate")[1]
    assert checked["valid"] is False
    assert "nobody" in checked["mistakes"][0]["detail"]


def test_what_is_found_in_a_mail_is_told_when_it_is_saved_and_when_it_is_checked(account):
    mail = {"channel": "email", "topic": "offers", "subject": "Re: a GRINDER", "preheader": "It is quiet.",
            "html": '<p>A grinder.</p>\n<a href="#">Look</a>' + FOOTER}  # fmt: skip
    saved = call("PUT", "/api/v1/definitions/template/grinder", body=mail)[1]
    checked = call("POST", "/api/v1/definitions/template/grinder/validate")[1]
    assert checked["look"] == saved["look"]
    assert [(each["rule"], each["level"], each["path"], each["line"]) for each in saved["look"]["findings"]] == [
        ("false_reply", "block", "subject", None),
        ("broken_links", "block", "html", 2),
        ("capitals", "warn", "subject", None),
        ("call", "warn", "html", None),
    ]
    assert (saved["look"]["score"], saved["look"]["scores"]["capitals"]) == (5, 5)
    assert [mistake["path"] for mistake in saved["mistakes"]] == ["subject", "html"]
    refused = call("POST", "/api/v1/definitions/template/grinder/publish")
    assert "line 2: a link that leads nowhere" in str(refused)
    assert call("POST", "/api/v1/definitions/segment/vip/validate", body=segment())[1]["look"] is None


def test_a_draft_is_looked_at_with_its_saved_blocks_filled_in(account):
    block = {"blocks": [{"button": {"text": "See it", "url": "http://shop.example/grinder"}}]}
    assert call("PUT", "/api/v1/definitions/block/hours", body=block)[0] == 200
    assert call("POST", "/api/v1/definitions/block/hours/publish")[0] == 200
    mail = {"channel": "email", "topic": "offers", "subject": "A grinder", "blocks": [{"saved": {"block": "hours"}}]}
    saved = call("PUT", "/api/v1/definitions/template/grinder", body=mail)[1]
    assert "plain_links" in [each["rule"] for each in saved["look"]["findings"]]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_live_in_the_demo_is_valid_and_describes_itself(account, kind):
    from demo.documents import load_definitions

    for key, document in load_definitions().items():
        if key.startswith(kind + "/"):
            status, checked = call("POST", f"/api/v1/definitions/{key}/validate", body=document)
            assert (status, checked["mistakes"]) == (200, [])

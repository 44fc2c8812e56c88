"""The JSON API over moto: what every route answers, and that nothing sent to it ends in a 500."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from functions.api import app
from postroad.definitions import KINDS
from postroad.messages import Message
from postroad.quarantine import reject_text
from postroad_aws import books
from postroad_aws.clients import get_client
from postroad_aws.storage import definitions, keys, quarantine
from tests.account import ANA, Account, lambda_context

EMAIL = f"email:{ANA}"
MARKUP = "<script>alert('Ana & Co')</script>"


def call(
    method: str,
    path: str,
    query: dict[str, str] | None = None,
    body: Any = None,
    *,
    key: str | None = "demo-api-key",
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    """A request as the HTTP API hands it over (payload version 2.0), and the status and document of the answer."""
    encoded = isinstance(body, bytes)
    sent = body if isinstance(body, str | bytes | None) else json.dumps(body)
    event = {
        "version": "2.0",
        "routeKey": "ANY /api/{proxy+}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}, errors="replace"),
        "queryStringParameters": query,
        "headers": {**({"authorization": f"Bearer {key}"} if key else {}), **(headers or {})},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default", "requestId": "r"},
        "body": base64.b64encode(body).decode() if encoded else sent,
        "isBase64Encoded": encoded,
    }
    answer = app.handler(event, lambda_context())
    content = answer.get("multiValueHeaders") or answer.get("headers") or {}
    kind = str({name.lower(): value for name, value in content.items()}.get("content-type"))
    assert ("problem+json" in kind) == (answer["statusCode"] >= 400)
    document = json.loads(answer["body"], parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return answer["statusCode"], document


def problem(answer: tuple[int, Any]) -> tuple[int, str]:
    """The status and the sentence of a problem (RFC 9457)."""
    status, document = answer
    assert document["status"] == status
    assert document["title"]
    assert document["detail"].endswith(".")
    return status, document["detail"]


def segment(name: str = "vip", **changes: Any) -> dict[str, Any]:
    return {"id": name, "kind": "segment", "if": {"attribute": "plan", "is": "vip"}, **changes}


@pytest.fixture
def ana(account: Account) -> Message:
    """Ana signed up and looked at a page; her welcome mail."""
    message = account.sign_up(first_name=MARKUP, plan="vip")
    account.fold(account.event("Page Viewed", EMAIL, path="/plans", note=MARKUP))
    return message


# --- keys


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Bearer nobody"}, 401),
        ({"authorization": "Basic ZGVtby1hcGkta2V5Og=="}, 401),
        ({"authorization": "demo-api-key"}, 401),
        ({"authorization": "Bearer " + "x" * 9_000}, 401),
        ({"authorization": "Bearer \ud800"}, 401),
        ({"authorization": "Bearer demo-write-key"}, 403),
    ],
)
def test_without_an_api_key_nothing_is_readable(ana, headers, status):
    for path in ("/api/v1/contacts", f"/api/v1/contacts/{ana.contact_id}", "/api/v1/quarantine", "/api/v1/definitions"):
        found, sentence = problem(call("GET", path, key=None, headers=headers))
        assert found == status
        assert "key" in sentence


def test_a_disabled_key_opens_nothing(account):
    keys.save_key("old-key", keys.Key("api", "old", disabled_at=1.0))
    assert problem(call("GET", "/api/v1/contacts", key="old-key"))[0] == 401


def test_a_bearer_is_known_in_any_case_and_spacing(account):
    headers = {"Authorization": "bearer  demo-api-key "}
    assert call("GET", "/api/v1/contacts", key=None, headers=headers)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1"), ("GET", "/api/v1/"), ("GET", "/api/v2/contacts"), ("POST", "/api/v1/contacts"),
     ("DELETE", "/api/v1/definitions/segment/vip"), ("GET", "/api/v1/contacts/a/b/c"), ("GET", "/api/v1/messages/")],
)  # fmt: skip
def test_what_is_no_route_is_404(account, method, path):
    assert problem(call(method, path))[0] == 404


# --- contacts


def test_a_contact_is_shown_with_all_that_is_known(account, ana):
    status, shown = call("GET", f"/api/v1/contacts/{ana.contact_id}")
    assert status == 200
    assert shown["contact_id"] == ana.contact_id
    assert shown["attributes"] == {"email": ANA, "first_name": MARKUP, "plan": "vip"}
    assert shown["identities"] == [EMAIL]
    assert shown["scores"] == {"engagement": 2.0}
    assert shown["stage"] == "lead"
    assert shown["segments"] == []
    ((journey),) = shown["journeys"]
    assert (journey["journey"], journey["step"]) == ("welcome", "first-open")
    assert shown["created_at"].endswith("Z")


def test_an_attribute_that_was_taken_away_is_not_shown(account, ana):
    account.fold(account.event("Identified", EMAIL, attributes={"plan": None}))
    assert "plan" not in call("GET", f"/api/v1/contacts/{ana.contact_id}")[1]["attributes"]


def test_a_contact_is_found_by_identity_in_any_writing(account, ana):
    for written in (EMAIL, f"email: {ANA.upper()} "):
        status, shown = call("GET", "/api/v1/contacts", {"identity": written})
        assert status == 200
        assert [item["contact_id"] for item in shown["items"]] == [ana.contact_id]
        assert shown["next"] is None
    assert call("GET", "/api/v1/contacts", {"identity": "user:nobody"}) == (200, {"items": [], "next": None})


@pytest.mark.parametrize(
    "written", ["ana", "email:", "email:ana", "fax:1", ":", "email:a@b c.d", "phone:12", "user:null"]
)
def test_what_is_no_identity_is_told_how_to_write_one(account, written):
    status, sentence = problem(call("GET", "/api/v1/contacts", {"identity": written}))
    assert status == 400
    assert "email:ana@example.com" in sentence


def test_a_merged_contact_is_found_under_every_id_it_had(account):
    account.fold(account.event("Page Viewed", "anon:device-1", path="/"))
    account.fold(account.event("Signed Up", EMAIL, attributes={"email": ANA}))
    account.fold(account.event("Page Viewed", "anon:device-1", EMAIL, path="/again"))
    shown = [call("GET", f"/api/v1/contacts/{account.contact_id(i)}")[1] for i in ("anon:device-1", EMAIL)]
    assert shown[0] == shown[1]
    assert shown[0]["identities"] == ["anon:device-1", EMAIL]
    assert len(shown[0]["merged_from"]) == 1
    for contact_id in (shown[0]["contact_id"], *shown[0]["merged_from"]):
        status, timeline = call("GET", f"/api/v1/contacts/{contact_id}/timeline")
        assert [item["name"] for item in timeline["items"]] == ["Page Viewed", "Signed Up", "Page Viewed"]
        assert status == 200
    assert len(call("GET", "/api/v1/contacts")[1]["items"]) == 1


def test_pages_of_contacts_show_everybody_once(account):
    for number in range(5):
        account.fold(account.event("Page Viewed", f"user:u{number}", path="/"))
    found, query = [], {"limit": "2"}
    while True:
        status, page = call("GET", "/api/v1/contacts", query)
        assert status == 200
        assert len(page["items"]) <= 2
        found += [item["identities"][0] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert sorted(found) == [f"user:u{number}" for number in range(5)]


def test_the_timeline_tells_what_happened_the_latest_first(ana):
    status, page = call("GET", f"/api/v1/contacts/{ana.contact_id}/timeline")
    assert status == 200
    assert page["next"] is None
    latest, first = page["items"]
    assert (latest["name"], latest["properties"]) == ("Page Viewed", {"path": "/plans", "note": MARKUP})
    assert (first["event_id"], first["source"]) == ("event-1", "demo-server")
    assert first["time"][10] == "T"
    assert first["time"].endswith("Z")
    assert "Journey Started" in [caused["name"] for caused in first["caused"]]
    page = call("GET", f"/api/v1/contacts/{ana.contact_id}/timeline", {"limit": "1"})[1]
    assert page["items"] == [latest]
    following = call("GET", f"/api/v1/contacts/{ana.contact_id}/timeline", {"limit": "1", "cursor": page["next"]})[1]
    assert following["items"] == [first]


def test_decisions_say_what_decided_and_why(ana):
    status, page = call("GET", f"/api/v1/contacts/{ana.contact_id}/decisions")
    assert status == 200
    started = next(item for item in page["items"] if item["verdict"] == "started")
    assert started["definition"] == "journey/welcome@1"
    assert started["event"] == "Signed Up"
    assert started["because"]


ODD_IDS = ["nobody", "ü-ñ", "a%2Fb", "a b", "..", "%00", "a'b\"c", "<b>", "-_.~", "x" * 900, "x" * 5_000, "é" * 2_000,
           "\ud800", "a\nb", "journey@3", "{}", "[]", "a+b", "a:b", "$default", "\u202e"]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    ["contacts/{}", "contacts/{}/timeline", "contacts/{}/decisions", "messages/{}", "definitions/segment/{}",
     "definitions/{}/x", "definitions/segment/{}/publish"],
)  # fmt: skip
def test_an_odd_id_is_found_nowhere(account, path):
    for odd in ODD_IDS:
        method = "POST" if path.endswith("publish") else "GET"
        assert problem(call(method, "/api/v1/" + path.format(odd)))[0] == 404, odd


def test_an_odd_id_in_the_query_is_found_nowhere_either(account):
    for odd in ODD_IDS:
        assert problem(call("GET", "/api/v1/messages", {"contact": odd}))[0] in (400, 404), odd
        assert call("GET", "/api/v1/messages", {"origin": odd})[0] in (200, 400), odd


# --- pages


LISTS = ["/api/v1/contacts", "/api/v1/quarantine", "/api/v1/messages?origin", "/api/v1/definitions?kind",
         "/api/v1/messages?contact", "timeline"]  # fmt: skip


def listed(path: str, ana: Message, query: dict[str, str]) -> tuple[int, Any]:
    name, _, parameter = path.partition("?")
    if name == "timeline":
        name = f"/api/v1/contacts/{ana.contact_id}/timeline"
    values = {"origin": "journey/welcome@1", "kind": "segment", "contact": ana.contact_id}
    return call("GET", name, {**query, **({parameter: values[parameter]} if parameter else {})})


LIMITS = ["0", "-1", "201", "x", "1.5", "\u0663", "000050999999", "1e2", "5,5", " 5", "0" * 5_000]


@pytest.mark.parametrize("path", LISTS)
def test_a_limit_is_a_number_up_to_200(ana, path):
    for limit in LIMITS:
        assert problem(listed(path, ana, {"limit": limit}))[0] == 400
    for limit in ("1", "200", "007"):
        assert listed(path, ana, {"limit": limit})[0] == 200


def forge(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


BAD_CURSORS = ["x", "%%%", "é", "\ud800", "a" * 5_000, forge({}), forge([]), forge([0]), forge("x"), forge([0, 0, 0]),
               forge([10**30, "x"]), forge([-5, "x"]), forge([99, None]), forge([0, ""]), forge([0, "x" * 700]),
               forge([0, "\ud800"]), forge([float("inf"), []]), forge([float("nan"), []]), forge([True, "x"]),
               forge(["", ""]), forge(["x", "\ud800"]), forge([1e300, []]), forge([0.5, [{}, [], None]]),
               forge([10**8, "x"]), base64.urlsafe_b64encode(b"[" * 3_000).decode()[:990]]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_somebody_elses_making_is_refused_or_finds_its_place(ana, path):
    for cursor in BAD_CURSORS:
        answer = listed(path, ana, {"cursor": cursor})
        if answer[0] != 200:
            assert problem(answer)[0] == 400, cursor


# --- messages


def test_messages_are_found_by_contact_by_origin_and_by_id(ana):
    for query in ({"contact": ana.contact_id}, {"origin": "journey/welcome@1"}):
        status, page = call("GET", "/api/v1/messages", query)
        assert status == 200
        assert [item["message_id"] for item in page["items"]] == [ana.message_id]
        assert page["next"] is None
    status, shown = call("GET", f"/api/v1/messages/{ana.message_id}")
    assert status == 200
    assert (shown["state"], shown["template"], shown["step"]) == ("queued", "welcome", "welcome")
    assert shown["reason"] is None
    assert set(shown["times"]) == {"queued"}
    assert ANA not in json.dumps(shown)


def test_every_character_of_a_message_id_passes_the_route(account, ana):
    from postroad.commits import Commit
    from postroad_aws.storage import contacts

    odd = ana.with_(message_id="abc-DEF_.welcome-again_2~2")
    contacts.commit(Commit(account.contact(EMAIL), messages=(odd,)))
    status, shown = call("GET", f"/api/v1/messages/{odd.message_id}")
    assert (status, shown["message_id"]) == (200, odd.message_id)


def test_messages_want_to_know_whose(account):
    assert problem(call("GET", "/api/v1/messages"))[0] == 400
    assert problem(call("GET", "/api/v1/messages", {"contact": ""}))[0] == 400


# --- definitions


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


def test_an_edit_older_than_the_stored_one_is_refused(account):
    path = "/api/v1/definitions/segment/vip"
    assert call("PUT", path, {"edit": "0"}, segment())[1]["edit"] == 1
    assert call("PUT", path, {"edit": "1"}, segment())[1]["edit"] == 2
    for old in ("0", "1", "7"):
        status, sentence = problem(call("PUT", path, {"edit": old}, segment(name="mine")))
        assert status == 409
        assert "read it again" in sentence
    assert call("PUT", path, None, segment())[1]["edit"] == 3
    for odd in ("x", "-1", "1.0", "9" * 20, "²"):
        assert problem(call("PUT", path, {"edit": odd}, segment()))[0] == 400


@pytest.mark.parametrize("kind", ["sausage", "manifest", "segment:draft", "SEGMENT", "ü", "segment\u200b"])
def test_an_unknown_kind_is_refused_with_those_there_are(account, kind):
    for answer in (call("PUT", f"/api/v1/definitions/{kind}/x", body={}),
                   call("POST", f"/api/v1/definitions/{kind}/x/validate", body={}),
                   call("GET", "/api/v1/definitions", {"kind": kind})):  # fmt: skip
        status, document = answer
        assert status in (400, 404, 422)
        if status == 422:
            assert "journey" in document["mistakes"][0]["detail"]
    assert problem(call("GET", f"/api/v1/definitions/{kind}/live", {"version": "1"}))[0] == 404
    assert problem(call("GET", "/api/v1/definitions"))[0] == 400


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_whose_id_is_none_is_not_saved(account, kind):
    for name in ("Welcome", "a b", "a.b", "x" * 65, "ü", "<b>", "-a"):
        status, document = call("PUT", f"/api/v1/definitions/{kind}/{name}", body={})
        assert status == 422
        assert "id" in [mistake["path"] for mistake in document["mistakes"]]
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
    name = "policy" if kind == "policy" else "odd"
    document_text = json.dumps(document)
    status, answer = call("POST", f"/api/v1/definitions/{kind}/{name}/validate", body=document_text)
    assert status == (200 if isinstance(document, dict) else 400)
    if status == 200 and answer["mistakes"]:
        assert call("PUT", f"/api/v1/definitions/{kind}/{name}", body=document_text)[0] == 200
        assert call("POST", f"/api/v1/definitions/{kind}/{name}/publish")[0] == 422


def test_checking_says_what_a_definition_does_in_words(account):
    status, checked = call("POST", "/api/v1/definitions/segment/vip/validate", body=segment())
    assert status == 200
    assert (checked["valid"], checked["mistakes"]) == (True, [])
    assert "plan is vip" in " ".join(map(str, checked["description"]))
    assert definitions.find_draft("segment", "vip") is None


def test_checking_without_a_body_checks_the_draft(account):
    assert problem(call("POST", "/api/v1/definitions/segment/vip/validate"))[0] == 404
    call("PUT", "/api/v1/definitions/segment/vip", body={"if": {"segment": "nobody"}})
    checked = call("POST", "/api/v1/definitions/segment/vip/validate")[1]
    assert checked["valid"] is False
    assert "nobody" in checked["mistakes"][0]["detail"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_live_in_the_demo_is_valid_and_describes_itself(account, kind):
    from demo.documents import load_definitions

    for key, document in load_definitions().items():
        if key.startswith(kind + "/"):
            status, checked = call("POST", f"/api/v1/definitions/{key}/validate", body=document)
            assert (status, checked["mistakes"]) == (200, [])


# --- publishing


def test_a_published_draft_is_live_and_folds_everybody_again(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    status, published = call("POST", "/api/v1/definitions/segment/vip/publish")
    assert (status, published) == (200, {"revision": 2, "versions": {"segment/vip": 1}})
    assert call("GET", "/api/v1/definitions/segment/vip")[1]["live_version"] == 1
    shown = call("GET", "/api/v1/definitions/segment/vip", {"version": "1"})[1]
    assert shown["document"]["if"] == segment()["if"]
    (run,) = get_client("stepfunctions").list_executions(stateMachineArn=account.machine)["executions"]
    run = get_client("stepfunctions").describe_execution(executionArn=run["executionArn"])
    assert json.loads(run["input"]) == {"revision": 2}
    assert call("POST", "/api/v1/definitions/segment/vip/publish")[1]["versions"] == {"segment/vip": 2}
    assert call("GET", "/api/v1/definitions/segment/vip", {"version": "1"})[0] == 200


@pytest.mark.parametrize(("version", "status"), [("2", 404), ("0", 404), ("x", 400), ("-1", 400), ("9" * 30, 400)])
def test_a_version_is_a_number_and_there(account, version, status):
    assert problem(call("GET", "/api/v1/definitions/segment/customers", {"version": version}))[0] == status


def test_a_broken_draft_is_not_published_and_every_mistake_has_its_path(account):
    call(
        "PUT", "/api/v1/definitions/journey/odd", body={"trigger": {"event": ""}, "steps": [{"wait": {"for": "soon"}}]}
    )
    status, document = call("POST", "/api/v1/definitions/journey/odd/publish")
    assert (status, document["status"]) == (422, 422)
    paths = [mistake["path"] for mistake in document["mistakes"]]
    assert any(path.startswith("trigger") for path in paths)
    assert any(path.startswith("steps[0]") for path in paths)
    assert all(mistake["detail"] for mistake in document["mistakes"])
    assert "journey/odd" not in definitions.find_manifest().live


def test_drafts_that_refer_to_one_another_are_published_together(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    call("PUT", "/api/v1/definitions/segment/silent-vip", body={"if": {"all": [{"segment": "vip"}]}})
    assert call("POST", "/api/v1/definitions/segment/silent-vip/publish")[0] == 422
    together = {"definitions": ["segment/silent-vip", "segment/vip"]}
    status, published = call("POST", "/api/v1/definitions/publish", body=together)
    assert (status, published["versions"]) == (200, {"segment/silent-vip": 1, "segment/vip": 1})


def test_of_several_the_broken_ones_are_named_and_none_is_published(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    call("PUT", "/api/v1/definitions/segment/odd", body={"iff": 1})
    status, document = call("POST", "/api/v1/definitions/publish", body={"definitions": ["segment/odd", "segment/vip"]})
    assert status == 422
    assert all(mistake["path"].startswith("segment/odd: ") for mistake in document["mistakes"])
    assert "segment/vip" not in definitions.find_manifest().live


@pytest.mark.parametrize(
    ("named", "status"),
    [
        (None, 400), ([], 400), ("segment/vip", 400), ([1], 400), (["vip"], 400), (["/vip"], 400), (["segment/"], 400),
        ([None], 400), (["segment/\ud800"], 400), (["segment/" + "x" * 3_000], 400), (["segment/nobody"], 404),
        (["sausage/x"], 404), (["segment/a/b"], 404), ([f"segment/s{n}" for n in range(200)], 400),
    ],
)  # fmt: skip
def test_what_names_no_drafts_cannot_be_published(account, named, status):
    assert problem(call("POST", "/api/v1/definitions/publish", body={"definitions": named}))[0] == status


def test_when_somebody_else_published_meanwhile_the_later_one_is_refused(account, monkeypatch):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    call("PUT", "/api/v1/definitions/segment/other", body=segment())
    load = definitions.load_versions

    def meanwhile(wanted):
        monkeypatch.setattr(definitions, "load_versions", load)
        assert call("POST", "/api/v1/definitions/segment/other/publish")[0] == 200
        return load(wanted)

    monkeypatch.setattr(definitions, "load_versions", meanwhile)
    status, sentence = problem(call("POST", "/api/v1/definitions/segment/vip/publish"))
    assert status == 409
    assert "try again" in sentence
    assert call("POST", "/api/v1/definitions/segment/vip/publish")[1]["revision"] == 3


def test_what_is_live_may_not_lose_what_it_refers_to(account):
    policy = definitions.get_version("policy", "policy", 1)
    topics = [topic for topic in policy["topics"] if topic["id"] != "business"]
    call("PUT", "/api/v1/definitions/policy/policy", body={**policy, "topics": topics})
    status, document = call("POST", "/api/v1/definitions/policy/policy/publish")
    assert status == 422
    assert {"template/enterprise-intro: topic"} <= {mistake["path"] for mistake in document["mistakes"]}


def test_a_second_policy_is_refused(account):
    status, document = call("PUT", "/api/v1/definitions/policy/other", body={"topics": [{"id": "a"}]})
    assert status == 422
    assert "one policy" in document["mistakes"][0]["detail"]


def test_a_withdrawn_definition_is_live_no_more_and_its_draft_and_versions_stay(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    call("POST", "/api/v1/definitions/segment/vip/publish")
    assert call("POST", "/api/v1/definitions/segment/vip/withdraw") == (200, {"revision": 3})
    assert call("GET", "/api/v1/definitions/segment/vip")[1]["live_version"] is None
    assert call("GET", "/api/v1/definitions/segment/vip", {"version": "1"})[0] == 200
    assert call("POST", "/api/v1/definitions/segment/vip/publish")[1]["versions"] == {"segment/vip": 2}


@pytest.mark.parametrize(
    "key", ["segment/nobody", "segment/customers", "sausage/x", "policy/policy", "template/welcome"]
)
def test_what_is_not_live_or_still_in_use_is_not_withdrawn(account, key):
    status, document = call("POST", f"/api/v1/definitions/{key}/withdraw")
    assert status == 422
    assert document["mistakes"]
    assert definitions.find_manifest().revision == 1


# --- quarantine


def test_quarantine_shows_what_could_not_be_taken_and_why(account):
    now = account.now()
    quarantine.save_rejects([reject_text(MARKUP, f"It is odd ({n}).", now + n, "demo-server") for n in range(3)])
    status, page = call("GET", "/api/v1/quarantine", {"limit": "2"})
    assert status == 200
    assert [item["reason"] for item in page["items"]] == ["It is odd (2).", "It is odd (1)."]
    assert page["items"][0]["raw"] == MARKUP
    assert page["items"][0]["source"] == "demo-server"
    following = call("GET", "/api/v1/quarantine", {"limit": "2", "cursor": page["next"]})[1]
    assert [item["reason"] for item in following["items"]] == ["It is odd (0)."]


# --- when AWS fails, and what the log tells


def test_when_aws_fails_the_answer_is_a_problem_and_the_log_names_nobody(account, ana, capsys):
    get_client("dynamodb").delete_table(TableName="Contacts")
    books.forget()
    status, sentence = problem(call("GET", "/api/v1/contacts", {"identity": EMAIL}))
    assert status == 500
    assert "log" in sentence
    printed = capsys.readouterr()
    assert "ERROR" in printed.out
    assert "marker" not in printed.out + printed.err


def test_neither_keys_nor_people_show_in_a_log(account, ana, capsys):
    call("GET", "/api/v1/contacts", {"identity": EMAIL})
    call("GET", "/api/v1/contacts", {"identity": f"{EMAIL} marker"})
    call("GET", "/api/v1/contacts", key="secret-marker-key")
    call("PUT", "/api/v1/definitions/segment/vip", body='{"marker": ')
    call("PUT", "/api/v1/definitions/segment/vip", body={"marker": 1})
    printed = capsys.readouterr()
    assert "marker" not in printed.out + printed.err

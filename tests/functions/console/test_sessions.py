"""Sessions that only this stack can write, and signing in through an OpenID Connect service."""

import base64
import hashlib
import io
import json
from email.message import Message as Headers
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from functions.console import sign_in
from functions.console.sessions import Session, find_session, highest_role, seal, seal_session, unseal

KEY = b"k" * 32
MARTA = Session("Marta Reis", "marta@tidewater.example", "marketer", 2_000.0)


def test_a_session_is_read_back_until_it_is_over():
    token = seal_session(MARTA, KEY)
    assert find_session(token, KEY, 1_999.0) == MARTA
    assert find_session(token, KEY, 2_000.0) is None


def test_a_session_that_somebody_has_touched_is_none():
    token = seal_session(MARTA, KEY)
    body, _, mac = token.partition(".")
    admin = base64.urlsafe_b64encode(json.dumps(MARTA._replace(role="admin")._asdict()).encode()).decode().rstrip("=")
    for forged in (f"{admin}.{mac}", body, f"{body}.", f".{mac}", "", ".", token + "x", "ä" + token, "x" * 10_000):
        assert find_session(forged, KEY, 0.0) is None
    assert find_session(token, b"o" * 32, 0.0) is None


def test_what_was_sealed_for_a_sign_in_is_no_session():
    assert find_session(seal({"state": "s", "expires": 2_000.0}, KEY), KEY, 0.0) is None
    assert unseal(seal({"state": "s", "expires": 2_000.0}, KEY), KEY, 0.0) == {"state": "s", "expires": 2_000.0}


def test_a_role_may_what_lesser_roles_may():
    assert MARTA.may("viewer")
    assert MARTA.may("marketer")
    assert MARTA.may(None)
    assert not MARTA.may("admin")


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["viewer", "admin"], "admin"), (["x", "marketer"], "marketer"), (["x"], None), ([], None)],
)
def test_the_highest_group_is_the_role(groups, role):
    assert highest_role(iter(groups)) == role


@pytest.mark.parametrize(
    ("back", "where"),
    [
        ("/console/contacts?q=a", "/console/contacts?q=a"),
        ("/console", "/console"),
        ("https://evil.example", "/console"),
        ("//evil.example", "/console"),
        ("/console//evil.example", "/console"),
        ("/console/\\evil.example", "/console"),
        ("/consoles", "/console"),
        ("/console/\n", "/console"),
    ],
)
def test_a_sign_in_comes_back_to_one_of_our_pages(back, where):
    assert sign_in.start(back).back == where


class Service:
    """The token endpoint: what it was asked, and what it answers."""

    def __init__(self, monkeypatch):
        self.asked, self.claims, self.failure, self.token = None, {}, None, None
        monkeypatch.setattr("urllib.request.urlopen", self._open)

    def _open(self, request, timeout):
        self.asked = (request.full_url, dict(parse_qsl(request.data.decode())))
        if self.failure:
            raise self.failure
        claims = base64.urlsafe_b64encode(json.dumps(self.claims).encode()).decode().rstrip("=")
        return io.BytesIO(json.dumps({"id_token": self.token or f"e30.{claims}.sig"}).encode())


@pytest.fixture
def service(monkeypatch):
    made = Service(monkeypatch)
    made.claims = {"aud": "client-1", "name": "Marta Reis", "email": "marta@t.example", "cognito:groups": ["marketer"]}
    return made


def _begin(browser, back="/console/contacts"):
    """A sign-in under way: the visitor with its cookie, and what the service was told."""
    answer = browser.anonymous().get(f"/console/sign-in?back={back}")
    assert answer.status == 303
    address = urlsplit(answer.headers["location"])
    told = {name: values[0] for name, values in parse_qs(address.query).items()}
    name, _, value = answer.cookies[0].partition(";")[0].partition("=")
    return browser.anonymous().with_cookies(**{name: value}), told, address, answer


def test_a_sign_in_goes_to_the_service_with_a_challenge(browser):
    _, told, address, answer = _begin(browser)
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://sign-in.example/oauth2/authorize"
    assert told["client_id"] == "client-1"
    assert told["redirect_uri"] == "https://post.tidewater.example/console/signed-in"
    assert told["code_challenge_method"] == "S256"
    assert answer.cookies[0].startswith("__Host-postroad-sign-in=")
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(answer.cookies[0].split("; "))


def test_a_sign_in_begins_at_the_address_to_which_it_comes_back(browser):
    elsewhere = browser.anonymous().with_headers(host="127.0.0.1:8080")
    answer = elsewhere.get("/console/sign-in?back=%2Fconsole%2Fsegments")
    assert answer.headers["location"] == (
        "https://post.tidewater.example/console/sign-in?moved=1&back=%2Fconsole%2Fsegments"
    )
    assert answer.cookies == []
    # Whatever stands before us may call us by another name: nobody is sent round and round.
    again = elsewhere.get("/console/sign-in?moved=1&back=%2Fconsole")
    assert again.headers["location"].startswith("https://sign-in.example/")


def test_a_code_becomes_a_session(browser, service):
    visitor, told, _, _ = _begin(browser)
    answer = visitor.get(f"/console/signed-in?code=c1&state={told['state']}")
    assert (answer.status, answer.headers["location"]) == (303, "/console/contacts")
    address, form = service.asked
    assert address == "https://sign-in.example/oauth2/token"
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == told["code_challenge"]
    assert (form["code"], form["redirect_uri"]) == ("c1", told["redirect_uri"])
    session, old = answer.cookies
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(session.split("; "))
    assert "Max-Age=0" in old
    name, _, value = session.partition(";")[0].partition("=")
    page = browser.anonymous().with_cookies(**{name: value}).get("/console")
    assert page.status == 200
    assert "Marta Reis" in page.text


@pytest.mark.parametrize(
    "query", ["code=c1&state=other", "code=c1", "state={state}", "error=access_denied", "code=&state={state}"]
)
def test_what_was_not_begun_here_is_not_finished(browser, service, query):
    visitor, told, _, _ = _begin(browser)
    answer = visitor.get(f"/console/signed-in?{query.format(**told)}")
    assert answer.status == 400
    assert "Try again" in answer.text
    assert service.asked is None
    assert answer.cookies == []


def test_a_sign_in_without_its_cookie_is_not_finished(browser, service):
    _, told, _, _ = _begin(browser)
    assert browser.anonymous().get(f"/console/signed-in?code=c1&state={told['state']}").status == 400
    assert service.asked is None


def test_a_sign_in_that_took_too_long_starts_again(account, browser, service):
    visitor, told, _, _ = _begin(browser)
    account.advance(601)
    assert visitor.get(f"/console/signed-in?code=c1&state={told['state']}").status == 400


def test_somebody_without_a_role_is_told_what_to_do(browser, service):
    for groups in ([], None, "admin", [{"a": 1}, "visitors"]):
        service.claims["cognito:groups"] = groups
        visitor, told, _, _ = _begin(browser)
        answer = visitor.get(f"/console/signed-in?code=c1&state={told['state']}")
        assert answer.status == 403
        assert "no role here yet" in answer.text
        assert answer.cookies == []


def test_a_token_for_another_client_is_not_taken(browser, service):
    service.claims["aud"] = "client-2"
    visitor, told, _, _ = _begin(browser)
    assert visitor.get(f"/console/signed-in?code=c1&state={told['state']}").status == 400


@pytest.mark.parametrize("token", ["", "abc", "a.b.c", "a.!!.c", "a.W10.c", "a.MQ.c"])
def test_a_token_that_says_nothing_is_not_taken(browser, service, token):
    service.token = token or "x"
    visitor, told, _, _ = _begin(browser)
    assert visitor.get(f"/console/signed-in?code=c1&state={told['state']}").status == 400


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (HTTPError("u", 400, "bad", Headers(), None), "did not confirm"),
        (HTTPError("u", 503, "busy", Headers(), None), "did not answer"),
        (URLError("no route"), "did not answer"),
        (TimeoutError(), "did not answer"),
    ],
)
def test_a_service_that_fails_is_said_to(browser, service, failure, sentence):
    service.failure = failure
    visitor, told, _, _ = _begin(browser)
    answer = visitor.get(f"/console/signed-in?code=c1&state={told['state']}")
    assert answer.status == 400
    assert sentence in answer.text


def test_signing_out_ends_both_sessions(browser):
    answer = browser.post("/console/sign-out")
    assert answer.status == 303
    assert answer.headers["location"].startswith(
        "https://sign-in.example/logout?client_id=client-1&logout_uri=https%3A"
    )
    assert answer.cookies[0].startswith("__Host-postroad-session=; ")
    assert "Max-Age=0" in answer.cookies[0]
    assert "You are signed out" in browser.anonymous().get("/console/signed-out").text


def test_a_session_that_is_over_asks_htmx_for_the_whole_page(account, browser):
    account.advance(3_601)
    answer = browser.fragment("/console")
    assert answer.status == 401
    assert answer.headers["hx-refresh"] == "true"
    assert browser.get("/console?x=1").headers["location"] == "/console/sign-in?back=%2Fconsole%3Fx%3D1"


def test_on_plain_http_the_cookie_goes_without_secure(account, browser, monkeypatch):
    from postroad_aws.settings import settings

    monkeypatch.setenv("BASE_URL", "http://localhost:8080")
    settings.cache_clear()
    _, told, _, answer = _begin(browser.with_headers(host="localhost:8080"))
    assert told["redirect_uri"] == "http://localhost:8080/console/signed-in"
    assert answer.cookies[0].startswith("postroad-sign-in=")
    assert "Secure" not in answer.cookies[0]

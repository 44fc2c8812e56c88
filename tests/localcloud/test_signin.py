"""The sign-in page as an OAuth client meets it: codes are good once, and only with their verifier."""

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from localcloud.gateway import Request, Route, event_of
from localcloud.signin import SignIn

PEOPLE = [
    {"name": "Marta <b>Reis", "email": "marta@shop.example", "groups": ["marketer"]},
    {"name": "Otto Lima", "email": "otto@shop.example", "groups": ["admin"]},
]
VERIFIER = "v" * 43
ASKED = {
    "response_type": "code",
    "client_id": "client-1",
    "redirect_uri": "http://localhost:8080/signed-in",
    "state": "s1",
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("="),
    "code_challenge_method": "S256",
}
GIVEN = {
    "grant_type": "authorization_code",
    "client_id": "client-1",
    "redirect_uri": "http://localhost:8080/signed-in",
    "code_verifier": VERIFIER,
}


class Clock:
    def __init__(self):
        self.time = 1_000.0

    def now(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sign_in(clock):
    return SignIn("Shop", PEOPLE, clock.now)


def _get(path, query):
    return Request("GET", f"{path}?{urlencode(query)}", [], b"", "127.0.0.1")


def _code(sign_in, **changes):
    answer = sign_in.authorize(_get("/authorize", {**ASKED, "person": 1, **changes}))
    assert answer.status == 302
    location = urlsplit(dict(answer.headers)["location"])
    found = parse_qs(location.query)
    assert found["state"] == ["s1"]
    return found["code"][0]


def _exchange(sign_in, **form):
    return sign_in.token(Request("POST", "/token", [], urlencode({**GIVEN, **form}).encode(), "127.0.0.1"))


def test_the_page_names_everybody_and_shows_markup_as_text(sign_in):
    page = sign_in.authorize(_get("/authorize", ASKED)).body.decode()
    assert "Continue as Marta, marketer" in page
    assert "Continue as Otto, admin" in page
    assert "<b>" not in page


def test_a_code_becomes_a_token_once(sign_in):
    code = _code(sign_in)
    answer = _exchange(sign_in, code=code)
    assert answer.status == 200
    claims = json.loads(base64.urlsafe_b64decode(json.loads(answer.body)["id_token"].split(".")[1] + "=="))
    assert (claims["email"], claims["cognito:groups"], claims["aud"]) == ("otto@shop.example", ["admin"], "client-1")
    assert _exchange(sign_in, code=code).status == 400


@pytest.mark.parametrize(
    "form",
    [
        {"code_verifier": "w" * 43},
        {"client_id": "client-2"},
        {"redirect_uri": "http://localhost:8080/other"},
        {"grant_type": "password"},
        {"code": "another"},
    ],
)
def test_a_code_is_good_only_for_whom_it_was_given_to(sign_in, form):
    assert _exchange(sign_in, **{"code": _code(sign_in), **form}).status == 400


def test_a_code_does_not_keep(sign_in, clock):
    code = _code(sign_in)
    clock.time += 301
    assert _exchange(sign_in, code=code).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/x"},
        {"redirect_uri": "http://localhost.evil.example/x"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "http://[bad"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"response_type": "token"},
        {"client_id": ""},
        {"person": "7"},
        {"person": "x"},
    ],
)
def test_what_cognito_would_refuse_is_refused(sign_in, changes):
    assert sign_in.authorize(_get("/authorize", {**ASKED, "person": 1, **changes})).status == 400


def test_a_logout_leads_back_to_this_machine_only(sign_in):
    def leads_to(uri):
        return dict(sign_in.logout(_get("/logout", {"logout_uri": uri})).headers)["location"]

    assert leads_to("http://localhost:8080/out") == "http://localhost:8080/out"
    assert leads_to("https://evil.example") == "/"


def test_an_event_carries_the_variables_of_its_stage():
    route = Route.parse("/pages", "GET", "front", {"SignInClient": "client-1"})
    event = event_of(Request("GET", "/pages", [], b"", "127.0.0.1"), route, "/pages", route.pattern.fullmatch("/pages"))
    assert event["stageVariables"] == {"SignInClient": "client-1"}
    bare = Route.parse("/pages", "GET", "front")
    event = event_of(Request("GET", "/pages", [], b"", "127.0.0.1"), bare, "/pages", bare.pattern.fullmatch("/pages"))
    assert "stageVariables" not in event

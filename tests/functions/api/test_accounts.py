"""Accounts: said, listed, reported, suppressed; who belongs to them; journeys that their members enter."""

import pytest

from postroad.events import ACCOUNT_JOINED, ENROLLMENT_REQUESTED
from postroad_aws.storage import accounts
from tests.functions.api.client import EMAIL, MARKUP, call, paths, problem

ACME = "/api/v1/accounts/acme"
BOB = "email:bob@example.com"


@pytest.fixture
def acme(account, ana):
    """Ana buys for Acme, where Bob uses it."""
    account.fold(account.event(ACCOUNT_JOINED, EMAIL, group_id="acme", name=MARKUP, plan="pro", role="Buyer"))
    account.fold(account.event(ACCOUNT_JOINED, BOB, group_id="acme", role="user"))
    return accounts.find_account("acme")


def test_an_account_says_what_a_group_call_said_of_it(acme):
    status, shown = call("GET", ACME)
    assert status == 200
    assert (shown["account_id"], shown["name"], shown["attributes"]) == (
        "acme",
        MARKUP,
        {"name": MARKUP, "plan": "pro"},
    )
    assert (shown["target"], shown["suppressed"]) == (False, None)
    assert call("GET", "/api/v1/accounts")[1] == {"items": [shown], "next": None}


def test_what_is_put_changes_what_is_named_and_nothing_else(acme):
    status, shown = call("PUT", ACME, body={"attributes": {"employees": 5, "plan": None}, "target": True})
    assert status == 200
    assert (shown["attributes"], shown["target"]) == ({"employees": 5, "name": MARKUP}, True)
    assert call("PUT", ACME, body={})[1]["updated_at"] == shown["updated_at"]
    assert [each["account_id"] for each in call("GET", "/api/v1/accounts", {"target": "true"})[1]["items"]] == ["acme"]
    call("PUT", ACME, body={"target": False})
    assert call("GET", "/api/v1/accounts", {"target": "true"})[1]["items"] == []


def test_an_account_begins_when_something_is_said_of_it(account):
    assert problem(call("GET", "/api/v1/accounts/zeta"))[0] == 404
    assert call("PUT", "/api/v1/accounts/zeta", body={"attributes": {"plan": "free"}})[0] == 200
    assert call("GET", "/api/v1/accounts/zeta")[1]["attributes"] == {"plan": "free"}


@pytest.mark.parametrize("name", ["undefined", "a%20b", "-x", "~short"])
def test_junk_begins_no_account(account, name):
    assert problem(call("PUT", f"/api/v1/accounts/{name}", body={"attributes": {}}))[0] == 404


def test_what_does_not_fit_is_refused_with_its_path_and_nothing_is_stored(acme):
    body = {"attributes": {"plan": "free", "about": "x" * 300, "a.b": 1}, "target": True}
    answer = call("PUT", ACME, body=body)
    assert (answer[0], paths(answer)) == (422, ["attributes.about", "attributes.a.b"])
    assert call("GET", ACME)[1]["attributes"]["plan"] == "pro"


def test_members_are_listed_with_their_roles_and_a_contact_says_where_it_belongs(acme, ana):
    items = call("GET", f"{ACME}/members")[1]["items"]
    assert sorted((item["role"], item["engaged"]) for item in items) == [("buyer", False), ("user", False)]
    seat = call("GET", f"/api/v1/contacts/{ana.contact_id}")[1]["accounts"]["acme"]
    assert (seat["role"], seat["engaged"]) == ("buyer", False)


def test_c49_the_report_adds_the_members_up(acme):
    shown = call("GET", f"{ACME}/report")[1]
    assert (shown["members"], shown["is_whole"], shown["roles"]) == (2, True, {"buyer": 1, "user": 1})
    scores = [call("GET", "/api/v1/contacts", {"identity": who})[1]["items"][0]["scores"] for who in (EMAIL, BOB)]
    for sheet, total in shown["scores"].items():
        assert total == {
            "total": pytest.approx(sum(score[sheet] for score in scores), abs=0.1),
            "best": pytest.approx(max(score[sheet] for score in scores), abs=0.1),
        }


def test_who_belongs_to_an_account_is_said_by_id_and_by_identity(account, acme, ana):
    body = {"add": [{"contact": "email:cy@example.com", "role": "Decision Maker"}], "remove": [ana.contact_id]}
    assert call("POST", f"{ACME}/members", body=body) == (202, {"adding": 1, "removing": 1})
    account.fold_arrived()
    items = call("GET", f"{ACME}/members")[1]["items"]
    assert sorted(item["role"] for item in items) == ["decision-maker", "user"]


def test_who_cannot_belong_to_it_is_told_with_the_path_before_anything_changes(account, acme):
    body = {"add": [{"contact": BOB}, {"contact": "nobody"}, {"contact": "email:x"}], "remove": ["nobody-else"]}
    assert paths(call("POST", f"{ACME}/members", body=body)) == ["add[2].contact"]
    body["add"].pop()
    assert paths(call("POST", f"{ACME}/members", body=body)) == ["add[1].contact", "remove[0]"]
    assert paths(call("POST", f"{ACME}/members", body={"add": [{"contact": BOB, "role": "//"}]})) == ["add[0].role"]
    assert paths(call("POST", f"{ACME}/members", body={})) == ["add"]
    assert account.arrived() == []


def test_c95_an_account_is_suppressed_with_a_reason_and_lifted_again(acme):
    shown = call("POST", f"{ACME}/suppress", body={"because": MARKUP})[1]
    assert shown["suppressed"]["because"] == MARKUP
    assert call("GET", "/api/v1/target-accounts/coverage")[1]["accounts"] == 0
    call("PUT", ACME, body={"target": True})
    coverage = call("GET", "/api/v1/target-accounts/coverage")[1]
    assert (coverage["accounts"], coverage["suppressed"], coverage["is_whole"]) == (1, 1, True)
    assert call("POST", f"{ACME}/lift")[1]["suppressed"] is None
    for path in ("suppress", "lift"):
        assert problem(call("POST", f"/api/v1/accounts/nowhere/{path}", body={"because": "x"}))[0] in (400, 404)


def test_c49_all_members_or_those_in_a_role_enter_a_journey(account, acme):
    document = {"trigger": {"api": True}, "reentry": "always", "steps": [{"id": "rest", "wait": {"for": "P1D"}}]}
    call("PUT", "/api/v1/definitions/journey/team", body=document)
    call("POST", "/api/v1/definitions/journey/team/publish")
    assert call("POST", f"{ACME}/enroll", body={"journey": "team"}) == (202, {"members": 2, "next": None})
    arrived = account.arrived()
    assert [event.name for event in arrived] == [ENROLLMENT_REQUESTED] * 2
    account.fold(*arrived)
    assert "team" in account.contact(EMAIL).active
    assert "team" in account.contact(BOB).active
    assert call("POST", f"{ACME}/enroll", body={"journey": "team", "roles": ["buyer"]})[1]["members"] == 1


def test_only_a_live_journey_that_starts_by_request_takes_members(acme):
    assert paths(call("POST", f"{ACME}/enroll", body={"journey": "nowhere"})) == ["journey"]
    assert problem(call("POST", f"{ACME}/enroll", body={"journey": "welcome"}))[0] == 409
    assert problem(call("POST", "/api/v1/accounts/nowhere/enroll", body={"journey": "welcome"}))[0] == 404
    assert problem(call("POST", f"{ACME}/enroll", body={"journey": "welcome", "cursor": "junk"}))[0] in (400, 409)

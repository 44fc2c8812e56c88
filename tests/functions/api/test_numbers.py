"""Segments, journeys and broadcasts: their people, and their live numbers."""

import pytest

from postroad.commits import MembershipChange
from postroad.stats import add_up, count_membership, count_message
from postroad_aws.storage import messages, stats
from postroad_aws.usecases.list_recipients import list_recipients
from tests.account import ANA
from tests.functions.api.client import EMAIL, WHATEVER, ask, call, paths, problem

SHOP = [f"p{number}@example.com" for number in range(5)]
LETTER = {"name": "Autumn", "segment": "customers", "template": "welcome"}


def count(account):
    """Add up what the streams would have brought."""
    from postroad_aws.storage.rows import MembershipRow

    people = [
        MembershipChange(row.place_shard.rpartition("#")[0], row.contact_id, row.since) for row in MembershipRow.scan()
    ]
    sent = list_recipients(messages, ["journey/welcome@1"], lambda message: True, enough=1_000).items
    now = account.now()
    stats.add(
        add_up([*(count_membership(None, each, now) for each in people), *(count_message(None, m) for m in sent)])
    )


@pytest.fixture
def shop(account):
    """Five people have signed up, and two of them have bought."""
    for address in SHOP:
        account.sign_up(address)
    for address in SHOP[:2]:
        account.fold(account.event("Order Completed", f"email:{address}", total=20))
    count(account)
    return account


def everybody(path, **query):
    found = []
    while True:
        status, page = call("GET", path, {"limit": "2", **query})
        assert status == 200
        found += page["items"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def test_the_members_of_a_segment_are_listed_and_counted(shop):
    members = everybody("/api/v1/segments/customers/members")
    assert sorted(member["contact"]["identities"][0] for member in members) == [f"email:{a}" for a in SHOP[:2]]
    assert all(member["since"].endswith("Z") for member in members)
    assert call("GET", "/api/v1/segments/customers/counts") == (200, {"here": 2, "entered": 2})


def test_a_journeys_steps_say_who_is_there_and_what_became_of_its_messages(shop):
    status, counts = call("GET", "/api/v1/journeys/welcome/counts")
    assert status == 200
    assert (counts["started"], counts["active"], counts["ended"]) == (5, 5, 0)
    steps = {step["step"]: step for step in counts["steps"]}
    assert steps["first-open"]["people"] == {"here": 5, "entered": 5}
    assert (steps["welcome"]["messages"]["total"], steps["welcome"]["messages"]["queued"]) == (5, 5)
    assert counts["messages"]["total"] == 5
    assert set(counts["outcomes"]) == {"goal", "completed", "exited", "failed"}
    people = everybody("/api/v1/journeys/welcome/contacts", step="first-open")
    assert sorted(each["contact"]["identities"][0] for each in people) == [f"email:{address}" for address in SHOP]
    assert everybody("/api/v1/journeys/welcome/contacts", outcome="goal") == []


def test_days_are_shown_one_by_one_and_end_today(shop):
    today = call("GET", "/api/v1/segments/customers/days")[1]["items"]
    assert len(today) == 31
    assert (today[-1]["entered"], today[0]["entered"]) == (2, 0)
    days = call("GET", "/api/v1/journeys/welcome/days", {"since": today[-3]["day"]})[1]["items"]
    assert [day["started"] for day in days] == [0, 0, 5]
    one = call("GET", "/api/v1/journeys/welcome/days", {"since": "2024-02-29", "until": "2024-02-29"})[1]["items"]
    assert [(day["day"], day["started"]) for day in one] == [("2024-02-29", 0)]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"since": "soon"}, "since"),
        ({"until": "2026-02-30"}, "until"),
        ({"since": "9999-01-01"}, "since"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "since"),
        ({"since": "2024-01-01", "until": "2026-01-01"}, "since"),
        ({"until": "0001-01-01"}, "until"),
        ({"since": "2026-1-1 "}, "since"),
        ({"days": "3"}, "days"),
    ],
)
def test_days_that_are_none_are_refused(account, query, path):
    for resource in ("segments/customers", "journeys/welcome"):
        answer = call("GET", f"/api/v1/{resource}/days", query)
        assert (problem(answer)[0], paths(answer)) == (400, [path])


@pytest.mark.parametrize(
    "path",
    ["segments/nobody/members", "segments/nobody/counts", "segments/nobody/days", "journeys/nobody/counts",
     "journeys/nobody/days", "journeys/nobody/contacts", "broadcasts/nobody", "broadcasts/nobody/counts"],
)  # fmt: skip
def test_what_is_not_published_has_no_numbers(account, path):
    assert problem(call("GET", f"/api/v1/{path}"))[0] == 404


@pytest.mark.parametrize("query", [{}, {"step": "first-open", "outcome": "goal"}, {"outcome": "won"}, {"step": ""}])
def test_people_of_a_journey_are_asked_for_at_one_place(account, query):
    assert problem(call("GET", "/api/v1/journeys/welcome/contacts", query))[0] == 400


def test_a_withdrawn_journey_keeps_its_numbers_while_somebody_is_in_it(shop):
    assert call("POST", "/api/v1/definitions/journey/welcome/withdraw")[0] == 200
    assert call("GET", "/api/v1/journeys/welcome/counts")[1]["active"] == 5


# Broadcasts


@pytest.fixture
def letter(shop):
    assert call("PUT", "/api/v1/definitions/broadcast/autumn", body={**LETTER, "at": "2999-01-01T09:00:00Z"})[0] == 200
    return shop


def test_a_broadcast_is_drafted_scheduled_and_cancelled(letter):
    answer = ask("GET", "/api/v1/broadcasts/autumn")
    assert answer["headers"]["etag"] == '"1"'
    status, drafted = call("GET", "/api/v1/broadcasts/autumn")
    assert (status, drafted["state"], drafted["run"]) == (200, "draft", None)
    status, scheduled = call("POST", "/api/v1/broadcasts/autumn/schedule", headers={"if-match": '"1"'})
    assert (status, scheduled["state"]) == (200, "scheduled")
    assert scheduled["run"]["at"] == "2999-01-01T09:00:00.000Z"
    assert scheduled["run"]["tally"] is None
    assert [each["state"] for each in call("GET", "/api/v1/broadcasts")[1]["items"]] == ["scheduled"]
    assert call("GET", "/api/v1/broadcasts/autumn/counts")[1]["total"] == 0
    status, cancelled = call("POST", "/api/v1/broadcasts/autumn/cancel")
    assert (status, cancelled["state"]) == (200, "cancelled")
    assert call("POST", "/api/v1/broadcasts/autumn/schedule")[1]["state"] == "scheduled"


def test_only_the_draft_that_was_read_is_scheduled(letter):
    changed = {**LETTER, "name": "Winter", "at": "2999-01-01T09:00:00Z"}
    call("PUT", "/api/v1/definitions/broadcast/autumn", body=changed, headers=WHATEVER)
    assert problem(call("POST", "/api/v1/broadcasts/autumn/schedule", headers={"if-match": '"1"'}))[0] == 412
    assert call("GET", "/api/v1/broadcasts/autumn")[1]["state"] == "draft"


def test_a_broadcast_is_scheduled_once(letter):
    assert call("POST", "/api/v1/broadcasts/autumn/schedule")[0] == 200
    status, sentence = problem(call("POST", "/api/v1/broadcasts/autumn/schedule"))
    assert (status, "already" in sentence) == (409, True)


def test_a_broadcast_with_mistakes_is_not_scheduled(account):
    call("PUT", "/api/v1/definitions/broadcast/odd", body={"segment": "nobody", "template": "none", "when": 1})
    answer = call("POST", "/api/v1/broadcasts/odd/schedule")
    assert problem(answer)[0] == 422
    assert "when" in paths(answer)
    past = {**LETTER, "at": "2020-01-01T00:00:00Z"}
    call("PUT", "/api/v1/definitions/broadcast/odd", body=past, headers=WHATEVER)
    answer = call("POST", "/api/v1/broadcasts/odd/schedule")
    assert (problem(answer)[0], paths(answer)) == (422, ["at"])
    assert problem(call("POST", "/api/v1/broadcasts/odd/cancel"))[0] == 404


def test_a_broadcast_is_not_published(letter):
    status, sentence = problem(call("POST", "/api/v1/definitions/broadcast/autumn/publish"))
    assert status == 422
    assert "schedule" in sentence


def test_a_merged_contact_is_shown_once(shop):
    shop.fold(shop.event("Identified", f"email:{SHOP[0]}", f"email:{ANA}", "user:ana"))
    assert EMAIL in str(everybody("/api/v1/segments/customers/members"))

"""Experiments, their winners, and what becomes of the people under way when a journey is published."""

import json

import pytest

from functions.judge_experiments.app import handler
from postroad.contacts.places import outcome_place, split_place, step_place, variant_place
from postroad.stats import ENTERED, HERE, PLACES, Cell, Increments, day_of
from postroad_aws.clients import get_client
from postroad_aws.storage import definitions, stats
from tests.functions.api.client import WHATEVER, call, paths, problem

BASE = "/api/v1/journeys/trial"
TRIAL = {
    "trigger": {"event": "Trial Started"},
    "goal": {"event": "Order Completed", "within": "P7D"},
    "holdout": 10,
    "steps": [
        {
            "id": "length",
            "experiment": {
                "variants": [
                    {"name": "short", "weight": 1, "then": [{"id": "one", "send": {"template": "welcome"}}]},
                    {"name": "long", "weight": 1, "then": [{"id": "two", "send": {"template": "welcome"}}]},
                ]
            },
        },
        {"id": "think", "wait": {"for": "P3D"}},
    ],
}


def publish(document=TRIAL, body=None):
    call("PUT", "/api/v1/definitions/journey/trial", body=document, headers=WHATEVER)
    call("PUT", "/api/v1/definitions/journey/trial", body=document)
    return call("POST", "/api/v1/definitions/journey/trial/publish", body=body)


def shown(account, **numbers):
    """Live numbers as the streams would have brought them: variant_shown=…, variant_converted=…"""
    found = Increments()
    for name, number in numbers.items():
        variant, _, what = name.rpartition("_")
        variant = variant.replace("held_out", "held-out")
        step = "" if variant in ("treated", "held-out") else "length"
        place = variant_place(f"trial/{step}", variant, converted=what == "converted")
        found[Cell(*_cell(place, account), ENTERED)] = number
    stats.add(found)


def _cell(place, account):
    definition, spot = split_place(place)
    return definition, PLACES, day_of(account.now()), spot


@pytest.fixture
def trial(account):
    assert publish()[0] == 200
    return account


def test_an_experiment_shows_the_numbers_of_its_variants_and_what_they_mean(trial):
    status, page = call("GET", f"{BASE}/experiments")
    assert status == 200
    holdout, length = page["items"]
    assert (holdout["step"], [each["name"] for each in holdout["variants"]]) == ("", ["treated", "held-out"])
    assert (length["state"], length["winner"], length["about"]) == ("running", None, "Order Completed")
    assert length["verdict"] == "Too early: a verdict takes 100 people in each variant and 10 conversions"
    shown(trial, short_shown=1000, short_converted=150, long_shown=1010, long_converted=101)
    _, length = call("GET", f"{BASE}/experiments")[1]["items"]
    assert length["state"] == "decided"
    assert length["verdict"].startswith("short is the best: short 15.0 % of 1000, long 10.0 % of 1010; ")
    assert [each["rate"] for each in length["variants"]] == [0.15, 0.1]
    assert length["variants"][0]["chance_to_be_best"] > 0.999
    assert length["variants"][1]["uplift"][1] < 0


def test_a_holdout_says_what_the_journey_brings(trial):
    shown(trial, treated_shown=9_000, treated_converted=1_800, held_out_shown=1_000, held_out_converted=100)
    holdout, _ = call("GET", f"{BASE}/experiments")[1]["items"]
    assert holdout["verdict"].startswith("The journey works: treated 20.0 % of 9000, held-out 10.0 % of 1000; ")
    low, high = holdout["variants"][0]["uplift"]
    assert 0 < low < 0.1 < high


def test_numbers_that_cannot_be_right_are_called_so(trial):
    shown(trial, short_shown=1000, short_converted=150, long_shown=700, long_converted=70)
    _, length = call("GET", f"{BASE}/experiments")[1]["items"]
    assert (length["state"], length["sample_ratio"]) == ("uneven", 0.0)
    assert "cannot be compared" in length["verdict"]
    assert handler({}, None) == {}


def test_c34_a_verdict_makes_newcomers_get_the_winner_by_itself(trial):
    assert handler({}, None) == {}
    shown(trial, short_shown=1000, short_converted=150, long_shown=1010, long_converted=101)
    assert handler({}, None) == {"trial/length": "short"}
    assert handler({}, None) == {}
    _, length = call("GET", f"{BASE}/experiments")[1]["items"]
    assert (length["state"], length["winner"]) == ("won", "short")
    assert length["verdict"].startswith("Newcomers get short since ")
    for number in range(6):
        newcomer = f"email:new{number}@example.com"
        trial.fold(trial.event("Trial Started", newcomer))
        assert trial.contact(newcomer).exposures.keys() <= {"trial/"}
        assert "two" not in trial.messages(newcomer)


def test_a_person_may_choose_a_winner_and_take_it_back(trial):
    status, chosen = call("PUT", f"{BASE}/experiments/length/winner", body={"variant": "long"})
    assert status == 200
    assert chosen["revision"] == definitions.find_revision()
    assert call("GET", f"{BASE}/experiments")[1]["items"][1]["winner"] == "long"
    assert call("PUT", f"{BASE}/experiments/length/winner", body={"variant": None})[0] == 200
    assert call("GET", f"{BASE}/experiments")[1]["items"][1]["winner"] is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("length", {"variant": "medium"}, 422),
        ("length", {}, 422),
        ("length", {"variant": 1}, 422),
        ("think", {"variant": "long"}, 404),
        ("%20", {"variant": "long"}, 404),
    ],
)
def test_what_is_no_variant_cannot_win(trial, path, body, status):
    assert problem(call("PUT", f"{BASE}/experiments/{path}/winner", body=body))[0] == status


def test_a_journey_that_is_not_live_has_no_experiments(account):
    assert problem(call("GET", "/api/v1/journeys/nothing/experiments"))[0] == 404
    assert call("GET", "/api/v1/journeys/welcome/experiments") == (200, {"items": [], "next": None})


def test_a_running_experiment_is_not_changed(trial):
    variants = [{**variant, "weight": 3} for variant in TRIAL["steps"][0]["experiment"]["variants"]]
    other = {**TRIAL, "steps": [{"id": "length", "experiment": {"variants": variants}}]}
    status, document = publish(other)
    assert status == 422
    assert paths((status, document)) == ["steps"]
    assert "give the step a new id" in document["errors"][0]["detail"]


# People under way


@pytest.fixture
def people(account):
    """Numbers of the journey welcome: 40 wait at `look`, some have ended."""
    found = Increments()
    for place, counter, number in (
        (step_place("welcome", "look"), HERE, 40),
        (step_place("welcome", "rest"), HERE, 2),
        (outcome_place("welcome", "goal"), HERE, 7),
    ):
        found[Cell(*_cell(place, account), counter)] = number
    stats.add(found)
    return account


NEW = {
    "trigger": {"event": "Signed Up"},
    "steps": [{"id": "look", "wait": {"for": "P9D"}}, {"id": "hello", "send": {"template": "welcome"}}],
}


def test_what_would_become_of_the_people_under_way_is_told_beforehand(people):
    call("PUT", "/api/v1/definitions/journey/welcome", body=NEW)
    status, plan = call("POST", "/api/v1/journeys/welcome/plan", body={"under_way": "move", "gone": {"rest": "look"}})
    assert (status, plan["version"], plan["people"]) == (200, 2, 42)
    assert [(fate["step"], fate["people"], fate["fate"], fate["to"]) for fate in plan["fates"]] == [
        ("look", 40, "goes on", "look"),
        ("rest", 2, "moves", "look"),
    ]
    assert plan["fates"][0]["sentence"] == "40 people at 'look' go on at the same step of the new version"
    stays = call("POST", "/api/v1/journeys/welcome/plan", body={"under_way": "stay"})[1]
    assert {fate["fate"] for fate in stays["fates"]} == {"stays"}
    assert definitions.find_manifest().live["journey/welcome"].version == 1


def test_publishing_takes_people_along_when_it_is_told_to(account):
    account.sign_up()
    call("PUT", "/api/v1/definitions/journey/welcome", body=NEW)
    body = {"under_way": "move", "gone": {"look": "look"}}
    answer = call("POST", "/api/v1/definitions/journey/welcome/publish", body=body)
    assert problem(answer)[0] == 422
    assert paths(answer) == ["gone.look"]
    status, published = call("POST", "/api/v1/definitions/journey/welcome/publish", body={"under_way": "move"})
    assert (status, published["versions"]) == (200, {"journey/welcome": 2})
    (transfer,) = definitions.find_manifest().transfers.values()
    assert (transfer.version, transfer.under_way, dict(transfer.gone)) == (2, "move", {})
    (run,) = get_client("stepfunctions").list_executions(stateMachineArn=account.machine)["executions"]
    run = get_client("stepfunctions").describe_execution(executionArn=run["executionArn"])
    assert json.loads(run["input"]) == {"revision": published["revision"]}


def test_only_a_journey_has_people_under_way(account):
    answer = call("POST", "/api/v1/definitions/segment/customers/publish", body={"under_way": "move"})
    assert problem(answer)[0] in (404, 422)

"""Scores and the life cycle through the API: reasons, contributions, suggestions, leads, funnel and coverage."""

import csv
import io

import pytest

from postroad.scoring.learning import Lesson
from postroad_aws.storage import contacts
from tests.functions.api.client import WHATEVER, ask, call, problem
from tests.functions.api.test_numbers import count

OFFICES = [f"office{number}@example.com" for number in range(4)]
HOMES = [f"home{number}@example.com" for number in range(3)]


@pytest.fixture
def shop(account):
    """Four people of offices, who look at what offices pay, and three who buy for home."""
    for number, address in enumerate(OFFICES):
        known = {"email": address, "company_size": 40, "role": "office manager", "phone": f"+35191234567{number}"}
        account.fold(account.event("Signed Up", f"email:{address}", attributes=known))
        for _ in range(number):
            account.fold(account.event("Page Viewed", f"email:{address}", path="/plans/enterprise"))
    for address in HOMES:
        account.fold(account.event("Signed Up", f"email:{address}", attributes={"email": address}))
        account.fold(account.event("Order Completed", f"email:{address}", total=20))
    account.fold(account.event("Page Viewed", "anon:device-7", path="/"))
    count(account)
    return account


def contact_of(account, address):
    return call("GET", f"/api/v1/contacts/{account.contact_id(f'email:{address}')}")[1]


def test_c36_the_funnel_reconciles_with_the_contacts(shop):
    status, funnel = call("GET", "/api/v1/funnel")
    assert status == 200
    here = {stage["stage"]: stage["here"] for stage in funnel["stages"]}
    assert here == {"visitor": 1, "lead": 4, "qualified": 0, "customer": 3, "regular": 0}
    everybody = contacts.list_contacts(limit=100).items
    assert funnel["people"] == sum(here.values()) == len(everybody) == 8
    assert funnel["stages"][1]["when"] == "email is known"
    members = call("GET", "/api/v1/stages/customer/members")[1]["items"]
    assert sorted(member["contact"]["identities"][0] for member in members) == [f"email:{a}" for a in HOMES]
    days = call("GET", "/api/v1/stages/customer/days")[1]["items"]
    assert sum(day["entered"] for day in days) == 3
    assert problem(call("GET", "/api/v1/stages/boss/members"))[0] == 404


def test_c36_a_contact_shows_its_stages_with_dates_and_reasons(shop):
    shown = contact_of(shop, HOMES[0])
    assert [(stage["stage"], stage["because"]) for stage in shown["stages"]] == [
        ("lead", "email is known"),
        ("customer", "did Order Completed"),
    ]
    assert all(stage["since"].endswith("Z") for stage in shown["stages"])


def test_c89_personas_are_shown_with_their_confidence_and_counted(shop):
    office, home = contact_of(shop, OFFICES[0])["persona"], contact_of(shop, HOMES[0])["persona"]
    assert (office["persona"], home["persona"]) == ("office-manager", "home-brewer")
    assert 0 < office["confidence"] <= 1
    counts = {each["persona"]: each["here"] for each in call("GET", "/api/v1/personas")[1]["items"]}
    # Somebody of whom nothing is known but a page is, by what is not known, a home brewer of little certainty: none.
    assert counts == {"office-manager": 4, "home-brewer": 3}
    members = call("GET", "/api/v1/personas/office-manager/members")[1]["items"]
    assert len(members) == 4
    assert problem(call("GET", "/api/v1/personas/nobody/members"))[0] == 404


def test_a_contact_shows_its_grade_its_cell_and_the_reasons_for_each_total(shop):
    shown = contact_of(shop, OFFICES[3])
    assert shown["grades"] == {"fit": "A"}
    assert shown["cells"] == {"readiness": ["A2", "hot"]}
    totals = call("GET", f"/api/v1/contacts/{shown['contact_id']}/reasons")[1]["items"]
    by_sheet = {total["sheet"]: total for total in totals}
    assert by_sheet.keys() == {"score/engagement", "grade/fit"}
    score = by_sheet["score/engagement"]
    assert score["name"] == "warm"
    assert score["total"] == pytest.approx(sum(reason["points"] for reason in score["reasons"]), abs=0.01)
    assert all(reason["because"] and reason["time"].endswith("Z") for reason in score["reasons"])
    assert by_sheet["grade/fit"]["total"] == 100
    assert contact_of(shop, HOMES[0])["grades"] == {"fit": None}


def test_c68_who_is_hot_and_fits_is_at_sales_with_an_owner_and_counted_by_day(shop):
    handed = contact_of(shop, OFFICES[3])["handed"]
    assert handed["to"] == "sales"
    assert handed["owner"] in ("ines@tidewater.example", "tomas@tidewater.example")
    assert contact_of(shop, OFFICES[0])["handed"]["to"] == "nurture"
    counts = call("GET", "/api/v1/handover")[1]
    assert (counts["sales"]["here"], counts["nurture"]["here"]) == (2, 5)
    assert len(call("GET", "/api/v1/handover/sales/members")[1]["items"]) == 2
    days = call("GET", "/api/v1/handover/sales/days")[1]["items"]
    assert sum(day["entered"] for day in days) == 2
    assert call("GET", "/api/v1/handover/elsewhere/days")[0] == 404


def test_c98_the_activity_that_adds_most_to_the_score_comes_first(shop):
    status, shown = call("GET", "/api/v1/scores/engagement/contributions")
    assert status == 200
    assert (shown["people"], shown["is_whole"]) == (8, True)
    assert [rule["rule"] for rule in shown["rules"]][:2] == ["order", "enterprise-page"]
    assert shown["rules"][0]["people"] == 3
    assert sum(rule["share"] for rule in shown["rules"]) == pytest.approx(1, abs=0.01)
    assert problem(call("GET", "/api/v1/scores/charm/contributions"))[0] == 404


LEADS = {"score": "engagement", "grade": "fit", "place": "stage/lead"}


def test_c37_the_hottest_leads_come_first_with_their_owner(shop):
    status, shown = call("GET", "/api/v1/leads", LEADS)
    assert status == 200
    assert (shown["compared"], shown["is_whole"]) == (4, True)
    assert [lead["contact"]["identities"][0] for lead in shown["items"]] == [
        f"email:{address}" for address in reversed(OFFICES[1:])
    ]
    hottest = shown["items"][0]
    assert hottest["grade"] == "A"
    assert hottest["owner"] == contact_of(shop, OFFICES[3])["handed"]["owner"]
    assert hottest["because"].startswith("score ")
    assert len(call("GET", "/api/v1/leads", {**LEADS, "limit": "1"})[1]["items"]) == 1


def test_c37_the_hot_list_is_exported_as_a_table(shop):
    shop.fold(shop.event("Identified", f"email:{OFFICES[3]}", attributes={"first_name": '=HYPERLINK("x")'}))
    answer = ask("GET", "/api/v1/leads.csv", LEADS)
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer["body"])))
    assert [row["email"] for row in rows] == list(reversed(OFFICES[1:]))
    # What people write is shown by a spreadsheet, and never run.
    assert rows[0]["first_name"] == '\'=HYPERLINK("x")'
    assert rows[0]["phone"] == "'+351912345673"
    assert rows[0]["stage"] == "lead"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"score": "charm"}, "score is no published score"),
        ({"grade": "charm"}, "grade is no published grade"),
        ({"place": "everywhere"}, "place must be a place such as segment/hot-leads"),
    ],
)
def test_leads_are_asked_of_what_is_there(account, change, sentence):
    status, said = problem(call("GET", "/api/v1/leads", {**LEADS, **change}))
    assert status == 400
    assert sentence in said


def test_c67_weights_are_suggested_from_the_accounts_own_conversions_and_only_drafted(account, monkeypatch):
    for number in range(44):
        address = f"p{number}@example.com"
        account.fold(account.event("Signed Up", f"email:{address}", attributes={"email": address}))
        if number < 22:
            account.fold(account.event("Demo Watched", f"email:{address}"))
            account.fold(account.event("Product Added", f"email:{address}"))
            account.fold(account.event("Order Completed", f"email:{address}", total=20))
    status, shown = call("GET", "/api/v1/scores/engagement/suggestions", {"goal": "order completed"})
    assert status == 200
    assert (shown["converted"], shown["others"]) == (22, 22)
    weights = {weight["rule"] or weight["event"]: weight for weight in shown["weights"]}
    assert weights["cart"]["given"] == 15
    assert weights["cart"]["points"] > 15
    assert (weights["Demo Watched"]["converted"], weights["Demo Watched"]["others"]) == (22, 0)
    assert "Signed Up" in weights
    assert abs(weights["Signed Up"]["log_odds"]) < 0.01
    assert [band["id"] for band in shown["bands"]] in ([], ["hot", "warm", "cold"])

    body = {"goal": "Order Completed", "rules": ["cart", "Demo Watched"]}
    status, draft = call("POST", "/api/v1/scores/engagement/suggestions/draft", body=body)
    assert status == 200
    rules = {rule["id"]: rule for rule in draft["document"]["rules"]}
    assert rules["cart"]["points"] == weights["cart"]["points"]
    assert rules["demo-watched"] == {
        "id": "demo-watched",
        "event": "Demo Watched",
        "points": weights["Demo Watched"]["points"],
    }
    live = call("GET", "/api/v1/definitions/score/engagement/versions/1")[1]["document"]
    assert {rule["id"]: rule["points"] for rule in live["rules"]}["cart"] == 15
    checked = call("POST", "/api/v1/definitions/score/engagement/validate")[1]
    assert checked["valid"] is True

    status, sentence = problem(
        call("POST", "/api/v1/scores/engagement/suggestions/draft", body={**body, "rules": ["charm"]})
    )
    assert status == 422
    assert "there is no suggestion for 'charm'" in sentence


def test_too_few_conversions_are_told_and_nothing_is_suggested(shop):
    shown = call("GET", "/api/v1/scores/engagement/suggestions", {"goal": "Order Completed", "converted": "customers"})[
        1
    ]
    assert shown["weights"] == []
    assert shown["sentence"].startswith("3 of the 8 people looked at did Order Completed")
    assert Lesson(3, 5, (), shown["sentence"])
    wrong = call("GET", "/api/v1/scores/engagement/suggestions", {"goal": "x", "converted": "nowhere"})
    assert problem(wrong) == (400, "converted is no published segment.")


def test_c53_the_coverage_map_shows_the_stages_that_have_no_message(account):
    status, shown = call("GET", "/api/v1/coverage")
    assert status == 200
    cells = {(cell["stage"], cell["channel"]): cell["templates"] for cell in shown["items"]}
    assert {stage for stage, _ in cells} == {"visitor", "lead", "qualified", "customer", "regular", None}
    welcome = call("GET", "/api/v1/definitions/template/welcome/versions/1")[1]["document"]
    before = cells["qualified", "email"]
    call("PUT", "/api/v1/definitions/template/welcome", body={**welcome, "stage": "qualified"})
    assert call("POST", "/api/v1/definitions/template/welcome/publish")[0] == 200
    after = {(c["stage"], c["channel"]): c["templates"] for c in call("GET", "/api/v1/coverage")[1]["items"]}
    assert after["qualified", "email"] == sorted([*before, "welcome"])
    assert after["regular", "sms"] == []
    wrong = call("PUT", "/api/v1/definitions/template/welcome", body={**welcome, "stage": "boss"}, headers=WHATEVER)[1]
    assert [mistake["path"] for mistake in wrong["mistakes"]] == ["stage"]


def test_c90_a_life_cycle_to_begin_with_can_be_saved_and_published(account):
    status, document = call("GET", "/api/v1/stages/default")
    assert status == 200
    assert [stage["id"] for stage in document["stages"]] == ["attract", "capture", "nurture", "convert", "expand"]
    checked = call("POST", "/api/v1/definitions/stages/lifecycle/validate", body=document)[1]
    assert checked == {"valid": True, "mistakes": [], "description": checked["description"], "look": None}

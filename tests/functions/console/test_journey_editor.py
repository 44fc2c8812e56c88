"""Drawing a journey: forms mean what is typed in them, every change is kept, and nothing that cannot be read is."""

import pytest

from functions.console import segment_form
from functions.console.start_form import TRIGGERS, form_of_journey, write_journey
from functions.console.step_form import FORMS, conditions_of, find_form, typed_fields, write_step
from postroad.journeys import describe_journey, parse_journey
from postroad.journeys.editing import settle_ids
from postroad_aws.storage import definitions
from tests.core.journeys.test_editing import JOURNEYS
from tests.core.journeys.test_steps import ROWS

SENDS = [("first", "first"), ("reminder", "reminder")]
CONDITIONS = conditions_of(SENDS)
DAYS = {"timeout": "2", "timeout.unit": "D"}
LATER = {"timeout": "P2D"}

# Of each kind of step its fields, and what they mean.
MEANT = {
    "send": [
        ({"message": "email:cart-offer"}, {"template": "cart-offer", "channel": "email"}),
        (
            {"message": "sms:cart-text", "at": "yes", "any_time": "yes", "expires": "6", "expires.unit": "H"},
            {"template": "cart-text", "channel": "sms", "expires": "PT6H", "at": "best", "any_time": True},
        ),
    ],
    "wait": [({"for": "3", "for.unit": "D", "spread": "30", "spread.unit": "M"}, {"for": "P3D", "spread": "PT30M"})],
    "wait-until": [
        ({"until": "09:00", "weekdays": "weekend"}, {"until": "09:00", "weekdays": ["sat", "sun"]}),
        ({"until": "10:30", "weekdays": ""}, {"until": "10:30"}),
    ],
    "wait-date": [
        (
            {"date": "birthday", "yearly": "yes", "when": "before", "days": "7", "at": "09:00"},
            {"date": "birthday", "yearly": True, "before": "P7D", "at": "09:00"},
        )
    ],
    "wait-moment": [({"moment": "2026-12-24T09:00"}, {"moment": "2026-12-24T09:00"})],
    "wait-open": [({}, {"open": True})],
    "wait-message": [({"how": "clicked", "send": "first", **DAYS}, {"clicked": "first", **LATER})],
    "wait-event": [
        ({"event": "Order Completed", **DAYS}, {"event": "Order Completed", **LATER}),
        (
            {"event": "Page Left", "property": "path", "how": "starts_with", "value": "/plans", **DAYS},
            {"event": "Page Left", "where": {"property": "path", "starts_with": "/plans"}, **LATER},
        ),
    ],
    "wait-form": [({"form": "newsletter", **DAYS}, {"form": "newsletter", **LATER})],
    "wait-segment": [({"how": "left", "segment": "customers", **DAYS}, {"left": "customers", **LATER})],
    "branch": [
        (
            {
                "way0.was": "", "way0.name": "has a phone", "way0.match": "all", "way0.row0.kind": "attribute",
                "way0.row0.what": "phone", "way0.row0.how": "known", "way0.row0.value": "",
                "way1.was": "", "way1.name": "read it", "way1.match": "any", "way1.row0.kind": "mark",
                "way1.row0.how": "opened", "way1.row0.what": "first",
            },
            {"cases": [
                {"name": "has a phone", "if": {"all": [{"attribute": "phone", "exists": True}]}, "then": []},
                {"name": "read it", "if": {"any": [{"opened": "first"}]}, "then": []},
            ]},
        )
    ],
    "match": [
        (
            {"attribute": "country", "way0.was": "", "way0.is": "ES, PT", "way0.name": "Iberia"},
            {"attribute": "country", "cases": [{"is": ["ES", "PT"], "name": "Iberia", "then": []}]},
        )
    ],
    "language": [({"way0.was": "", "way0.is": "pt-BR", "way0.name": ""}, {"cases": [{"is": "pt-BR", "then": []}]})],
    "split": [
        (
            {"way0.was": "", "way0.name": "a", "way0.percent": "50", "way1.was": "", "way1.name": "b",
             "way1.percent": "50"},
            {"ways": [{"name": "a", "percent": 50, "then": []}, {"name": "b", "percent": 50, "then": []}]},
        )
    ],
    "experiment": [
        (
            {"goal": "Order Completed", "within": "7", "within.unit": "D", "winner": "manual", "way0.was": "",
             "way0.name": "plain", "way0.weight": "2", "way1.was": "", "way1.name": "loud", "way1.weight": "1"},
            {"goal": {"event": "Order Completed"}, "within": "P7D", "winner": "manual", "variants": [
                {"name": "plain", "weight": 2, "then": []}, {"name": "loud", "weight": 1, "then": []}]},
        )
    ],
    "holdout": [({"percent": "10"}, {"percent": 10})],
    "task": [
        (
            {"kind": "call", "title": "Ask", "note": "", "assignee": "", "due": "1", "due.unit": "D", "timeout": ""},
            {"kind": "call", "title": "Ask", "due": "P1D"},
        )
    ],
    "update": [({"attribute": "plan", "value": "pro", "stage": ""}, {"set": {"plan": "pro"}})],
    "list": [({"add": "guests", "remove": ""}, {"add": ["guests"]})],
    "tag": [({"add": "fair, vip", "remove": "new"}, {"add": ["fair", "vip"], "remove": ["new"]})],
    "points": [({"score": "engagement", "add": "-5"}, {"score": "engagement", "add": -5})],
    "owner": [({"is": "mia@example.com, tom@example.com"}, {"is": ["mia@example.com", "tom@example.com"]})],
    "event": [({"name": "Seen", "property": "round", "value": "2"}, {"name": "Seen", "properties": {"round": 2}})],
    "goto": [({"step": "first", "most": "3"}, {"step": "first", "most": 3})],
    "goal": [({"name": "booked"}, {"name": "booked"})],
    "exit": [({"reason": "no interest"}, {"reason": "no interest"})],
}  # fmt: skip
TYPED = [(kind, fields, meant) for kind, pairs in MEANT.items() for fields, meant in pairs]


def test_every_kind_of_step_is_tried_here():
    assert MEANT.keys() == FORMS.keys()


@pytest.mark.parametrize(("kind", "fields", "meant"), TYPED)
def test_what_is_typed_is_the_step_that_it_means_and_comes_back(kind, fields, meant):
    form = FORMS[kind]
    step, problems = write_step(typed_fields(form, fields, CONDITIONS), {}, CONDITIONS)
    assert (problems, step) == ({}, {form.type: meant})
    found = find_form(step, CONDITIONS)
    assert found is not None
    assert found.form is form
    assert write_step(found, step, CONDITIONS) == (step, {})


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_that_is_empty_is_refused_with_a_sentence_or_means_a_step(kind):
    form = FORMS[kind]
    step, problems = write_step(typed_fields(form, {}, CONDITIONS), {}, CONDITIONS)
    assert all(sentence.endswith(".") for sentence in problems.values())
    assert problems or step == {"wait": {"open": True}}


def test_nearly_every_step_of_the_gallery_has_a_form_and_one_that_has_none_is_left_alone():
    from postroad.journeys.definition import find_places
    from postroad.journeys.editing import find_step

    steps = [
        (find_step(document, each), conditions_of([(each, each) for each in find_places(document).steps]))
        for document in JOURNEYS
        for each in find_places(document).steps
    ]
    found = [(step, typed) for step, conditions in steps if (typed := find_form(step, conditions))]
    assert len(found) == len(steps)
    assert find_form({"id": "x", "wait": {"between": {"from": "13:00", "to": "17:00"}}}, CONDITIONS) is None
    assert find_form(ROWS["update"][0], CONDITIONS) is None


@pytest.mark.parametrize("document", JOURNEYS, ids=lambda document: document["id"])
def test_how_a_journey_starts_comes_back_as_it_was(document):
    written, problems = write_journey(form_of_journey(document), document)
    assert not problems
    before, after = parse_journey(document), parse_journey(written)
    assert [each.describe() for each in after.triggers] == [each.describe() for each in before.triggers]
    assert after.reentry == before.reentry
    assert (after.goal and after.goal.describe()) == (before.goal and before.goal.describe())
    assert (after.exit_if and after.exit_if.describe()) == (before.exit_if and before.exit_if.describe())
    assert after.outline == before.outline


@pytest.mark.parametrize(
    "step",
    [
        {"match": {"attribute": "country", "cases": [{"is": f"C{n}", "then": []} for n in range(21)]}},
        {"task": {"kind": "call", "title": "Ask", "note": "x" * 2_001}},
        {"branch": {"cases": [{"name": "a", "if": {"attribute": "a", "is": "x" * 201}, "then": []}]}},
    ],
)
def test_what_a_form_cannot_hold_it_does_not_touch(step):
    found = find_form(step, CONDITIONS)
    if found is not None:  # its condition is kept as it is
        assert found.ways[0].condition is None
        assert write_step(found, step, CONDITIONS) == (step, {})


@pytest.mark.parametrize("rule", [{"after": "P1DT12H"}, {"after": "PT90S", "most": 2}, {"most": 3}, "always", "once"])
def test_a_rule_for_coming_back_is_kept_whatever_it_says(rule):
    document = {"name": "A", "trigger": {"api": True}, "reentry": rule, "description": "x" * 1_200}
    written, problems = write_journey(form_of_journey(document), document)
    assert not problems
    assert written.get("reentry", "once") == rule
    assert written["description"] == document["description"]


def test_what_is_chosen_and_not_published_stays_chosen(account, browser):
    live = definitions.get_version("journey", "abandoned-cart", 1)
    gone = {**live, "exit_if": {"all": [{"segment": "gamma"}]}}
    definitions.save_draft("journey", "abandoned-cart", gone, edit=0, now=1.0)
    page = browser.get(f"{EDIT}?step=:start").text
    assert '<option value="gamma" selected>gamma (not published)</option>' in page


def test_every_kind_of_start_has_its_form():
    said = {
        "event": {"event": "Signed Up"}, "form": {"form": "newsletter"}, "segment": {"segment": "customers"},
        "left": {"left": "customers"}, "date": {"date": "birthday", "yearly": True, "before": "P7D"},
        "every": {"every": "week", "weekdays": ["mon"], "at": "09:30", "segment": "customers"},
        "journey": {"journey": "welcome", "ended": "goal"}, "api": {"api": True},
    }  # fmt: skip
    assert said.keys() == TRIGGERS.keys()
    for kind, trigger in said.items():
        start = form_of_journey({"trigger": trigger})
        assert [row.kind for row in start.triggers] == [kind]
        assert write_journey(start, {"trigger": trigger})[0]["trigger"] == trigger


# ------------------------------------------------------------------------------------------------------------ the pages

EDIT = "/console/journeys/abandoned-cart/edit"


def document():
    draft = definitions.find_draft("journey", "abandoned-cart")
    return settle_ids(draft.document if draft else definitions.get_version("journey", "abandoned-cart", 1))


def edit():
    draft = definitions.find_draft("journey", "abandoned-cart")
    return str(draft.edit if draft else 0)


def ids_of(steps):
    return [step.get("id") for step in steps]


def test_a_marketer_begins_a_journey_with_a_name(account, browser):
    answer = browser.post("/console/journeys", {"name": "Spring sale"})
    assert (answer.status, answer.headers["location"]) == (303, "/console/journeys/spring-sale/edit?step=:start")
    page = browser.get(answer.headers["location"])
    assert page.status == 200
    assert "How it starts" in page.text
    again = browser.post("/console/journeys", {"name": "Spring sale"})
    assert again.headers["location"] == "/console/journeys/spring-sale-2/edit?step=:start"
    assert (
        browser.post("/console/journeys", {"name": "日本"}).headers["location"].startswith("/console/journeys/journey/")
    )
    assert browser.post("/console/journeys", {"name": " "}).status == 400


def test_c13_a_step_is_put_in_changed_moved_and_removed_and_live_once_published(account, browser):
    before = document()
    put = browser.post(EDIT, {
        "edit": edit(), "kind": "wait", "owner": "", "arm": "", "number": "1", "then": "save", "step": "", "for": "2",
        "for.unit": "H",
    })  # fmt: skip
    assert (put.status, put.headers["location"]) == (303, f"{EDIT}?step=wait#card-wait")
    assert ids_of(document()["steps"]) == ["grace", "wait", "reminder", "reaction"]
    assert document()["steps"][1] == {"id": "wait", "wait": {"for": "PT2H"}}
    assert 'value="2"' in browser.get(f"{EDIT}?step=wait").text
    browser.post(EDIT, {"edit": edit(), "step": "wait", "kind": "wait", "then": "save", "for": "3", "for.unit": "D"})
    assert document()["steps"][1]["wait"] == {"for": "P3D"}
    moved = browser.post(EDIT, {"edit": edit(), "step": "wait", "then": "move", "slot": "reaction|then|0"})
    assert moved.status == 303
    assert ids_of(document()["steps"][2]["wait"]["then"])[0] == "wait"
    assert browser.post(EDIT, {"edit": edit(), "step": "wait", "then": "remove"}).status == 303
    after = document()
    assert describe_journey(parse_journey(after)) == describe_journey(parse_journey(before))
    browser.post(EDIT, {"edit": edit(), "step": "grace", "kind": "wait", "then": "save", "for": "45", "for.unit": "M"})
    published = browser.post("/console/journeys/abandoned-cart/publish", {"edit": edit()})
    assert published.status == 303
    assert "Wait for 45 minutes" in browser.get("/console/journeys/abandoned-cart").text


def test_the_ways_of_a_branch_keep_their_steps_when_the_form_is_kept(account, browser):
    page = browser.get(f"{EDIT}?step=reachable").text
    assert 'value="has a phone"' in page
    browser.post(EDIT, {
        "edit": edit(), "step": "reachable", "kind": "branch", "then": "save", "way0.was": "0",
        "way0.name": "can be called", "way0.match": "all", "way0.row0.kind": "attribute", "way0.row0.what": "phone",
        "way0.row0.how": "known", "way0.row0.value": "",
    })  # fmt: skip
    branch = parse_journey(document()).steps["reachable"]
    assert branch.arms["can be called"] == ("text",)
    assert branch.arms["else"] == ("last",)


def test_a_way_with_steps_in_it_is_not_lost_by_a_form(account, browser):
    answer = browser.post(EDIT, {"edit": edit(), "step": "reachable", "kind": "branch", "then": "save"})
    assert answer.status == 422
    fields = {
        "edit": edit(), "step": "reachable", "kind": "branch", "then": "save", "way0.was": "", "way0.name": "new",
        "way0.match": "all", "way0.row0.kind": "attribute", "way0.row0.what": "phone", "way0.row0.how": "known",
    }  # fmt: skip
    answer = browser.post(EDIT, {**fields, "way0.row0.value": ""})
    assert (answer.status, "Move or remove them first" in answer.text) == (422, True)
    assert "text" in parse_journey(document()).steps


def test_what_cannot_be_read_afterwards_is_refused_with_a_sentence_and_changes_nothing(account, browser):
    before = document()
    asked = browser.post(EDIT, {"edit": edit(), "step": "reminder", "then": "remove"})
    assert (asked.status, "reminder" in asked.text) == (422, True)
    inside = browser.post(EDIT, {"edit": edit(), "step": "reaction", "then": "move", "slot": "reaction|then|0"})
    assert (inside.status, "into one of its own ways" in inside.text) == (422, True)
    typed = browser.post(EDIT, {"edit": edit(), "step": "grace", "kind": "wait", "then": "save", "for": "soon"})
    assert (typed.status, "whole number" in typed.text, 'value="soon"' in typed.text) == (422, True, True)
    assert document() == before


@pytest.mark.parametrize(
    "fields",
    [
        {"then": "save", "kind": "nonsense"}, {"then": "save", "kind": "wait", "number": "x"},
        {"then": "move", "step": "grace", "slot": "a|b|c"}, {"then": "save", "step": "gone", "kind": "wait"},
        {"then": "move", "step": "gone", "slot": "||0"}, {"then": "remove", "step": "gone"},
        {"then": "save", "kind": "wait", "owner": "gone", "arm": "then", "number": "0", "for": "1"},
        {"then": "row-add.9", "kind": "branch", "number": "0"},
        {"then": "way-remove.", "kind": "branch", "number": "0"},
    ],
)  # fmt: skip
def test_nonsense_is_refused(account, browser, fields):
    assert browser.post(EDIT, {"edit": edit(), **fields}).status in (200, 400, 422)


def test_whoever_was_slower_is_told_and_overwrites_nobody(account, browser):
    stale = edit()
    browser.post(EDIT, {"edit": stale, "step": "grace", "kind": "wait", "then": "save", "for": "2", "for.unit": "H"})
    answer = browser.post(EDIT, {"edit": stale, "step": "grace", "then": "remove"})
    assert (answer.status, "Somebody else has changed this journey" in answer.text) == (409, True)
    assert document()["steps"][0]["wait"] == {"for": "PT2H"}
    typed = {"edit": stale, "step": "grace", "kind": "wait", "then": "save", "for": "77", "for.unit": "M"}
    again = browser.post(EDIT, typed)
    assert (again.status, 'value="77"' in again.text) == (409, True)
    assert browser.post(EDIT, {**typed, "edit": edit()}).status == 303


def test_how_it_starts_is_changed_and_conditions_come_and_go(account, browser):
    fields = {
        "edit": edit(), "step": ":start", "name": "Cart", "reentry": "after", "again": "2", "again.unit": "D",
        "trigger0.was": "0", "trigger0.kind": "event", "trigger0.event": "Product Added", "goal": "Order Completed",
        "within": "7", "within.unit": "D", "exit.match": "any",
    }  # fmt: skip
    more = browser.post(EDIT, {**fields, "then": "trigger-add", "add": "segment"})
    assert (more.status, "Coming into a segment</legend>" in more.text) == (200, True)
    row = browser.post(EDIT, {**fields, "then": "row-add", "exit.add": "stage"})
    assert "Their stage</legend>" in row.text
    left = {"exit.row0.kind": "segment", "exit.row0.how": "yes", "exit.row0.what": "customers"}
    kept = browser.post(EDIT, {**fields, **left, "then": "save"})
    assert kept.status == 303
    journey = parse_journey(document())
    assert journey.name == "Cart"
    assert journey.reentry.after == 2 * 86_400
    assert journey.exit_if is not None
    read = {"exit.row0.kind": "mark", "exit.row0.how": "clicked", "exit.row0.what": "reminder"}
    assert browser.post(EDIT, {**fields, **read, "edit": edit(), "then": "save"}).status == 303
    assert document()["exit_if"] == {"any": [{"clicked": "reminder"}]}
    wrong = browser.post(EDIT, {**fields, "edit": edit(), "then": "save", "name": "", "trigger0.event": ""})
    assert (wrong.status, "Give it a name" in wrong.text, "Name an event" in wrong.text) == (422, True, True)


def test_a_way_and_its_conditions_are_added_and_taken_away(account, browser):
    slot = {"edit": edit(), "kind": "branch", "owner": "", "arm": "", "number": "0", "step": ""}
    page = browser.post(EDIT, {**slot, "then": "way-add"})
    assert "Way 1</legend>" in page.text
    way = {"way0.was": "", "way0.name": "a", "way0.match": "all"}
    row = browser.post(EDIT, {**slot, **way, "then": "row-add.0", "way0.add": "score"})
    assert "Their score</legend>" in row.text
    assert "Way 1</legend>" not in browser.post(EDIT, {**slot, **way, "then": "way-remove.0"}).text


def test_every_kind_of_step_is_offered_at_an_opening_and_has_its_page(account, browser):
    palette = browser.fragment(f"{EDIT}?owner=&arm=&number=1").text
    for form in FORMS.values():
        assert form.title in palette
        assert browser.fragment(f"{EDIT}?owner=&arm=&number=1&kind={form.key}").status == 200
    assert segment_form.CONDITIONS.keys() < CONDITIONS.keys()


def test_a_draft_that_cannot_be_read_says_so(account, browser):
    live = definitions.get_version("journey", "welcome", 1)
    definitions.save_draft("journey", "welcome", {**live, "steps": [{"wait": {}}]}, edit=0, now=1.0)
    answer = browser.get("/console/journeys/welcome/edit")
    assert (answer.status, "cannot be drawn" in answer.text) == (400, True)
    assert browser.get("/console/journeys/nowhere/edit").status == 404

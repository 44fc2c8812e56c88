"""Score sheets: what gives points, what people's own past suggests, and drafts that a person publishes."""

import re

import pytest

from postroad.scoring.learning import Lesson, Weight
from postroad_aws.storage import definitions

SHEET = "/console/scores/engagement"


@pytest.fixture
def lesson(monkeypatch):
    """What conversions say, learned elsewhere."""
    weights = (
        Weight("cart", "Product Added", "Product Added", 30, 4, 2.1, 30.0, 15.0),
        Weight(None, "Demo Watched", "Demo Watched", 12, 1, 1.4, 20.0, None),
    )
    monkeypatch.setattr(
        "functions.console.routes.scores.learn_weights", lambda *_: Lesson(40, 60, weights, "from 40 people")
    )


def test_the_list_has_sheets_grades_and_matrices(browser):
    text = browser.get("/console/scores").text
    assert f'href="{SHEET}"' in text
    assert "Grade Fit by the bands of score Engagement, 1 for the highest." in text
    assert "company size is at least 20" in text


def test_without_scores_the_list_says_what_one_is(bare_browser):
    assert "No scores yet" in bare_browser.get("/console/scores").text


def test_a_sheet_says_what_gives_points(browser):
    text = browser.get(SHEET).text
    assert "+30 for Order Completed." in text
    assert "Points fade to a half in 2 weeks." in text
    assert "Publish this draft" not in text
    assert browser.get("/console/scores/charm").status == 404


def test_a_sample_of_people_says_which_activity_brings_most_and_how_bands_might_be(account, browser):
    for number in range(25):
        address = f"user:u{number}"
        account.fold(*(account.event("Product Added", address, product="x") for _ in range(2)))
        if number < 5:
            account.fold(account.event("Order Completed", address, total=9))
    text = browser.fragment(f"{SHEET}/people").text
    assert "Which activity brings most" in text
    assert re.search(r"Product Added</span>.*?<b>750</b>.*?from 25 people", text, re.DOTALL)
    assert "of all 25 contacts" in text
    assert 'name="band.hot"' in text
    form = dict(re.findall(r'name="(band\.\w+)" value="([^"]*)"', text))
    assert browser.post(f"{SHEET}/bands", form).status == 303
    draft = definitions.find_draft("score", "engagement")
    assert draft.document["bands"] == [
        {"id": "hot", "from": float(form["band.hot"])},
        {"id": "warm", "from": float(form["band.warm"])},
        {"id": "cold"},
    ]
    page = browser.get(SHEET).text
    assert "The draft differs from what is live." in page
    assert "no longer: bands: hot from 60, warm from 20, cold" in page


def test_suggestions_say_how_many_did_what(browser, lesson):
    text = browser.fragment(f"{SHEET}/suggestions?goal=Order+Completed").text
    assert "Of 40 converted" in text
    assert 'name="weight.Demo Watched"' in text
    assert "no rule yet" in text
    assert '+15 → <b class="up">+30</b>' in text


def test_few_people_are_told_apart_from_none(account, browser):
    account.fold(account.event("Order Completed", "user:ana", total=1))
    text = browser.fragment(f"{SHEET}/suggestions?goal=Order+Completed&converted=customers").text
    assert "Nothing to suggest yet" in text
    assert "1 of the 1 people looked at did Order Completed" in text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "which event is a conversion"),
        ("goal=" + "x" * 201, "which event is a conversion"),
        ("goal=Order+Completed&converted=nobody", "This segment is not published any more"),
    ],
)
def test_what_cannot_be_learned_is_said(browser, query, sentence):
    answer = browser.fragment(f"{SHEET}/suggestions?{query}")
    assert (answer.status, sentence in answer.text) == (400, True)


def test_what_was_chosen_is_drafted_and_counts_only_when_somebody_publishes_it(browser, lesson):
    form = {"goal": "Order Completed", "converted": "", "weight.Demo Watched": "on"}
    assert browser.as_role("viewer").post(f"{SHEET}/weights", form).status == 403
    assert browser.post(f"{SHEET}/weights", form).status == 303
    page = browser.get(SHEET).text
    assert "from then on: +20 for Demo Watched" in page
    assert "+15 for Product Added, at most 30 in all." in page
    edit = re.search(r'name="edit" value="(\d+)"', page)[1]
    assert browser.post(f"{SHEET}/publish", {"edit": "99"}).status == 409
    assert browser.post(f"{SHEET}/publish", {"edit": edit}).status == 303
    text = browser.get(SHEET).text
    assert "+20 for Demo Watched." in text
    assert "The draft differs" not in text


@pytest.mark.parametrize(
    ("path", "form", "sentence"),
    [
        ("weights", {"goal": "Order Completed"}, "Choose at least one"),
        ("weights", {"goal": "Order Completed", "weight.nothing": "on"}, "Choose at least one"),
        ("bands", {}, "There are no bands in this form"),
        ("bands", {"band.hot": "soon"}, "begins at a number"),
        ("bands", {"band.hot": "1e300"}, "between minus and plus a million"),
        ("bands", {"band.hot": "nan"}, "between minus and plus a million"),
    ],
)
def test_half_a_form_is_refused_with_a_sentence(browser, lesson, path, form, sentence):
    answer = browser.post(f"{SHEET}/{path}", form)
    assert (answer.status, sentence in answer.text) == (400, True)


def test_bands_that_are_none_are_drafted_and_cannot_be_published(browser):
    assert browser.post(f"{SHEET}/bands", {"band.not an id": "5"}).status == 303
    text = browser.get(SHEET).text
    assert "The draft cannot be published yet." in text
    assert "Publish this draft" not in text

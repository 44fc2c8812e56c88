"""Learning: what an account's own people say about weights and bands."""

from math import inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import Attribute, Contact, Points
from postroad.events import Event
from postroad.scoring.learning import PRIOR, Contribution, _log_odds, add_up, apply_weights, learn, suggest_bands
from postroad.scoring.sheet import Band, parse_score
from tests.books import Shelf

NOW = 1_793_610_840.0
DOCUMENT = {
    "kind": "score",
    "id": "engagement",
    "rules": [
        {"id": "pricing", "event": "Page Viewed", "where": {"property": "path", "is": "/pricing"}, "points": 1},
        {"id": "blog", "event": "Page Viewed", "where": {"property": "path", "is": "/blog"}, "points": 1},
        {"id": "big", "if": {"attribute": "size", "gte": 20}, "points": 15},
    ],
}
SHEET = parse_score(DOCUMENT)


def did(name: str, at: float = 0.0, **said: object) -> Event:
    return Event(f"{name}{at}", name, NOW + at, NOW + at, properties=said)


def looked(path: str, at: float = 0.0) -> Event:
    return did("Page Viewed", at, path=path)


BUYER = [looked("/pricing"), did("Demo Watched", 1), did("Order Completed", 2), looked("/blog", 3)]
WINDOW_SHOPPER = [looked("/blog")]


def test_c67_what_buyers_did_before_they_bought_is_suggested_to_weigh_more() -> None:
    lesson = learn([BUYER] * 40 + [WINDOW_SHOPPER] * 160, "order completed", SHEET)
    assert (lesson.converted, lesson.others) == (40, 160)
    by_rule = {weight.rule or weight.event: weight for weight in lesson.weights}
    assert by_rule.keys() == {"pricing", "blog", "Demo Watched"}
    pricing, blog, demo = by_rule["pricing"], by_rule["blog"], by_rule["Demo Watched"]
    assert (pricing.converted, pricing.others, pricing.given) == (40, 0, 1)
    # What comes after the order tells nothing of it.
    assert (blog.converted, blog.others) == (0, 160)
    assert pricing.points > 10 > 0 > -10 > blog.points
    assert demo.rule is None
    assert demo.given is None
    assert demo.points == pricing.points
    assert lesson.sentence.startswith("from 40 people who did order completed and 160 who did not")


def test_a_weight_is_the_log_odds_drawn_towards_everybodys_share_and_ten_points_double_the_odds() -> None:
    share = (30 + 40) / (50 + 200)
    one, other = (30 + PRIOR * share) / (50 + PRIOR), (40 + PRIOR * share) / (200 + PRIOR)
    expected = log(one / (1 - one)) - log(other / (1 - other))
    people = (
        [[looked("/pricing"), did("Order Completed", 1)]] * 30
        + [[did("Order Completed")]] * 20
        + [[looked("/pricing")]] * 40
        + [[]] * 160
    )
    (weight,) = learn(people, "Order Completed", SHEET).weights
    assert weight.log_odds == round(expected, 3)
    assert weight.points == round(expected / log(2) * 10)


def test_few_people_are_told_so_and_nothing_is_suggested() -> None:
    lesson = learn([BUYER] * 3 + [WINDOW_SHOPPER] * 500, "Order Completed", SHEET)
    assert lesson.weights == ()
    assert lesson.sentence == (
        "3 of the 503 people looked at did Order Completed; it takes at least 20 who did and 20 who did not"
    )


def test_what_postroad_says_itself_and_what_machines_do_teaches_nothing() -> None:
    noise = [did("Segment Entered"), did("Identified"), did("Email Opened", actor="machine")]
    human = [did("Email Opened", actor="human")]
    people = [[*noise, *human, did("Order Completed", 1)]] * 30 + [noise] * 30
    assert [weight.event for weight in learn(people, "Order Completed", SHEET).weights] == ["Email Opened"]


@given(st.integers(0, 60), st.integers(20, 60), st.integers(0, 200), st.integers(20, 200))
def test_what_many_did_tells_more_than_what_few_did_and_equal_shares_tell_nothing(
    did: int, of: int, did_too: int, of_others: int
) -> None:
    did, did_too = min(did, of), min(did_too, of_others)
    tells = _log_odds(did, of, did_too, of_others)
    assert -10 < tells < 10
    shares = did / of - did_too / of_others
    if shares == 0:
        assert abs(tells) < 1e-9
    elif abs(shares) > 0.2:
        assert (tells > 0) is (shares > 0)
    tenfold = _log_odds(did * 10, of * 10, did_too * 10, of_others * 10)
    if abs(shares) > 0.2:
        assert abs(tenfold) >= abs(tells) - 1e-9


def test_suggested_weights_are_written_into_a_document_that_can_be_read() -> None:
    weights = learn([BUYER] * 40 + [WINDOW_SHOPPER] * 160, "Order Completed", SHEET).weights
    applied = apply_weights(DOCUMENT, weights)
    parsed = parse_score(applied)
    points = {weight.rule or "demo-watched": weight.points for weight in weights}
    assert {rule.id: rule.points for rule in parsed.rules} == {**points, "big": 15}
    assert DOCUMENT["rules"][0]["points"] == 1  # type: ignore[index]
    assert apply_weights(applied, ()) == applied
    # Learning again, the new rule is one of the sheet.
    assert all(
        weight.rule for weight in learn([BUYER] * 40 + [WINDOW_SHOPPER] * 160, "Order Completed", parsed).weights
    )


def test_c21_bands_are_suggested_by_how_scores_are_spread() -> None:
    bands = suggest_bands([float(n) for n in range(1, 101)])
    assert bands == (Band("hot", 90.0), Band("warm", 60.0), Band("cold", -inf))
    assert suggest_bands([5.0] * 19) == ()
    assert suggest_bands([7.0] * 100) == ()
    assert suggest_bands([0.0] * 500) == ()


@given(st.lists(st.floats(0, 1e4), max_size=200))
def test_suggested_bands_are_taken_as_the_bands_of_a_sheet(scores: list[float]) -> None:
    bands = suggest_bands(scores)
    if bands:
        written = [{"id": band.id, **({"from": band.least} if band.least > -inf else {})} for band in bands]
        assert parse_score({**DOCUMENT, "bands": written}).bands == bands


def test_c98_the_activity_that_adds_most_comes_first() -> None:
    book = Shelf(DOCUMENT).book
    sheet = book.scores["engagement"]

    def a_contact(pricing: float, blog: float, size: int) -> Contact:
        held = {"pricing": Points(pricing, NOW), "blog": Points(blog, NOW)}
        return Contact("c", attributes={"size": Attribute(size, NOW, True)}, scores={"engagement": held})

    people = [a_contact(20.0, 1.0, 40), a_contact(40.0, 4.0, 1), a_contact(0.0, 0.0, 1)]
    assert add_up(people, book, sheet, NOW) == (
        Contribution("pricing", "Page Viewed (path is /pricing)", 60.0, 2, 0.75),
        Contribution("big", "size is at least 20", 15.0, 1, 0.188),
        Contribution("blog", "Page Viewed (path is /blog)", 5.0, 2, 0.062),
    )
    assert add_up([], book, sheet, NOW) == ()


@pytest.mark.parametrize("goal", ["Order Completed", " order completed "])
def test_the_goal_is_found_whatever_its_case(goal: str) -> None:
    assert learn([BUYER] * 30 + [WINDOW_SHOPPER] * 30, goal, SHEET).converted == 30


@pytest.mark.parametrize("goal", ["Handed Over", "Stage Changed", "Task Completed"])
def test_the_goal_may_be_what_only_postroad_says(goal: str) -> None:
    reached = [looked("/pricing"), did(goal, 1)]
    lesson = learn([reached] * 30 + [WINDOW_SHOPPER] * 30, goal, SHEET)
    assert (lesson.converted, lesson.others) == (30, 30)
    assert {weight.rule: weight.converted for weight in lesson.weights} == {"pricing": 30, "blog": 0}

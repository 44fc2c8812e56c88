"""Lots: a chance that is decided for ever."""

from collections import Counter

import pytest

from postroad.lots import choose, draw, is_among

PEOPLE = [f"contact-{number}" for number in range(20_000)]


def test_the_same_names_always_draw_the_same_lot():
    assert draw("welcome", "ana") == draw("welcome", "ana")
    assert draw("welcome", "ana") != draw("other", "ana")
    assert all(0.0 <= draw("x", person) < 1.0 for person in PEOPLE)


@pytest.mark.parametrize("percent", [0, 5, 50, 100])
def test_a_share_of_all_is_among_them(percent):
    found = sum(is_among(percent, "holdout", person) for person in PEOPLE)
    assert found == pytest.approx(len(PEOPLE) * percent / 100, abs=300)


def test_each_key_comes_up_in_proportion_to_its_weight():
    found = Counter(choose({"a": 1.0, "b": 2.0, "never": 0.0, "c": 1.0}, "subject", person) for person in PEOPLE)
    assert found["never"] == 0
    assert found["b"] == pytest.approx(10_000, abs=300)
    assert found["a"] == pytest.approx(found["c"], abs=400)


def test_two_draws_of_one_person_have_nothing_to_do_with_each_other():
    both = sum(is_among(50, "one", person) and is_among(50, "two", person) for person in PEOPLE)
    assert both == pytest.approx(5_000, abs=250)

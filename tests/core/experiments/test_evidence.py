"""Evidence: what the numbers of an experiment say, however often one looks at them."""

import random
from math import sqrt

import pytest

from postroad.experiments.evidence import (
    ALPHA,
    SUSPICIOUS,
    Arm,
    chances_to_be_best,
    compare,
    difference,
    find,
    sample_ratio,
)

EVEN = {"a": 1.0, "b": 1.0}


def played(dice, rate, people):
    return sum(dice.random() < rate for _ in range(people))


def is_significant(one, other):
    """The fixed test: two proportions differ by more than 1.96 standard errors."""
    rate = (one.converted + other.converted) / (one.shown + other.shown)
    return 0 < rate < 1 and abs(one.rate - other.rate) > 1.96 * sqrt(
        rate * (1 - rate) * (1 / one.shown + 1 / other.shown)
    )


def looked_at(seed, rates, *, looks=20, people=100):
    """Whether (the verdict, a fixed test) ever finds a winner in an experiment that is looked at so often."""
    dice, arms = random.Random(seed), {name: Arm(0, 0) for name in rates}
    found = fixed = False
    for _ in range(looks):
        arms = {n: Arm(arm.shown + people, arm.converted + played(dice, rates[n], people)) for n, arm in arms.items()}
        found = found or find(arms, dict.fromkeys(rates, 1.0)).winner is not None
        first, *others = arms.values()
        fixed = fixed or any(is_significant(first, other) for other in others)
    return found, fixed


def test_c34_twenty_looks_give_hardly_a_false_winner_where_a_fixed_test_gives_one_in_four():
    runs = [looked_at(seed, {"a": 0.1, "b": 0.1}) for seed in range(400)]
    found, fixed = (sum(column) / len(runs) for column in zip(*runs, strict=True))
    assert found <= ALPHA
    assert 0.18 <= fixed <= 0.32


def test_of_three_variants_without_a_difference_hardly_one_wins():
    runs = [looked_at(seed, {"a": 0.1, "b": 0.1, "c": 0.1})[0] for seed in range(150)]
    assert sum(runs) / len(runs) <= ALPHA


def test_c34_a_real_difference_is_found():
    runs = [looked_at(seed, {"a": 0.10, "b": 0.15})[0] for seed in range(40)]
    assert sum(runs) >= 38


@pytest.mark.parametrize(
    ("one", "other", "evidence"),
    [
        (Arm(0, 0), Arm(0, 0), 0.0),
        (Arm(99, 50), Arm(500, 50), 0.0),  # too few people
        (Arm(500, 4), Arm(500, 5), 0.0),  # too few conversions
        (Arm(500, 500), Arm(500, 500), 1.0),
        (Arm(1000, 150), Arm(1000, 100), 47.75),
    ],
)
def test_evidence_is_how_much_likelier_a_difference_makes_the_numbers(one, other, evidence):
    assert compare(one, other) == pytest.approx(evidence, rel=1e-3)
    assert compare(other, one) == compare(one, other)


def test_the_bounds_of_a_difference_leave_out_no_difference_exactly_when_there_is_a_winner():
    for converted in range(100, 200):
        one, other = Arm(1_000, converted), Arm(1_000, 100)
        low, high = difference(one, other)
        assert (low > 0 or high < 0) is (compare(one, other) > 1 / ALPHA)
        assert low <= one.rate - other.rate <= high
    assert difference(Arm(3, 1), Arm(3, 0)) == (-1.0, 1.0)


def test_the_chance_to_be_best_is_what_rates_drawn_at_random_say():
    arms = {"a": Arm(1_000, 100), "b": Arm(1_000, 120), "c": Arm(400, 38)}
    dice = random.Random(7)
    wins = dict.fromkeys(arms, 0)
    for _ in range(20_000):
        drawn = {n: dice.betavariate(1 + arm.converted, 1 + arm.shown - arm.converted) for n, arm in arms.items()}
        wins[max(drawn, key=drawn.__getitem__)] += 1
    best = chances_to_be_best(arms)
    assert sum(best.values()) == pytest.approx(1.0)
    for name in arms:
        assert best[name] == pytest.approx(wins[name] / 20_000, abs=0.012)


def test_without_any_numbers_all_have_the_same_chance():
    assert chances_to_be_best({"a": Arm(0, 0), "b": Arm(0, 0)}) == {"a": pytest.approx(0.5), "b": pytest.approx(0.5)}


@pytest.mark.parametrize(
    ("shown", "weights", "chance"),
    [
        ([500, 500], [1, 1], 1.0),
        ([520, 480], [50, 50], 1.0),
        ([600, 400], [1, 1], 4.6e-8),
        ([300, 100], [75, 25], 1.0),
        ([110, 90, 100], [1, 1, 1], 1.0),
        ([0, 0], [1, 1], 1.0),
        ([0, 1], [99, 1], 0.02),
        ([10, 1], [1, 0], 0.0),
    ],
)
def test_the_sample_ratio_says_how_likely_chance_ever_deals_so(shown, weights, chance):
    assert sample_ratio(shown, weights) == pytest.approx(chance, rel=0.02)


@pytest.mark.parametrize("weights", [[1, 1], [90, 10], [95, 5]])
def test_looking_after_every_person_hardly_ever_calls_uneven_what_chance_has_dealt(weights):
    """A test for one look calls one experiment in ten uneven where few are held out, mostly its first few people."""
    lots, alarms = random.Random(7), 0
    for _ in range(400):
        shown = [0, 0]
        for _ in range(120):
            shown[lots.choices((0, 1), weights)[0]] += 1
            if sample_ratio(shown, weights) < SUSPICIOUS:
                alarms += 1
                break
    assert alarms <= 2


def test_nobody_wins_where_people_were_not_dealt_out_as_they_should():
    good, bad = {"a": Arm(1000, 150), "b": Arm(1000, 100)}, {"a": Arm(1000, 150), "b": Arm(700, 70)}
    assert find(good, EVEN).winner == "a"
    assert not find(bad, EVEN).is_dealt_well
    assert find(bad, EVEN).winner is None


def test_the_leader_has_to_beat_every_other():
    arms = {"a": Arm(2_000, 300), "b": Arm(2_000, 295), "c": Arm(2_000, 100)}
    finding = find(arms, dict.fromkeys(arms, 1.0))
    assert (finding.leader, finding.winner, finding.needed) == ("a", None, pytest.approx(60))

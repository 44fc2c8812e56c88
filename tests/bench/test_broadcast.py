"""What smaller broadcasts foretell of large ones."""

import pytest

from tests.bench.broadcast import Bill, foretell

RUN, PERSON = 0.0058, 5.3e-6


def bill(people: int, each: float = PERSON) -> Bill:
    return Bill(people, RUN + each * people)


def test_what_a_run_takes_is_shared_by_its_people():
    found = foretell(bill(1_000), bill(2_000), bill(4_000))
    assert {name: measured.value for name, measured in found.items()} == {
        "1k": pytest.approx(11.1),
        "10k": pytest.approx(5.88),
        "100k": pytest.approx(5.358),
    }


def test_growth_is_held_against_a_broadcast_to_the_fewest():
    found = foretell(Bill(1_000, 0.005), Bill(2_000, 0.011), Bill(4_000, 0.023))  # the larger, the dearer
    assert found["1k"].growth is None
    assert found["100k"].growth == pytest.approx(0.599 / 100_000 / (0.005 / 1_000))


def test_nothing_is_foretold_when_each_of_more_people_costs_more():
    with pytest.raises(RuntimeError, match=r"4,000 people costs \$0\.02906, and not \$0\.02700"):
        foretell(bill(1_000), bill(2_000), bill(4_000, each=PERSON * 1.097))

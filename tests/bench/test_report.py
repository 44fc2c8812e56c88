"""The table of goals says what is met and what is not."""

from tests.bench.report import GOALS, Goal, Measured


def test_a_figure_should_stay_under_its_goal_and_a_rate_over_it() -> None:
    cost = Goal("cost", ("cost",), "{:.2f}", 1.0, None)
    rate = Goal("rate", ("rate",), "{:.0f}", 5_000, None, is_floor=True)

    assert cost.is_met(0.9, cost.goal)
    assert not cost.is_met(1.1, cost.goal)
    assert rate.is_met(5_100, rate.goal)
    assert not rate.is_met(4_900, rate.goal)


def test_what_has_no_goal_is_only_reported() -> None:
    assert [goal.text for goal in GOALS if goal.goal is None] == [
        "20 people at once",
        "one event a request while quiet",
        "addressing 1,000 in a broadcast, a million",
        "addressing 10,000 in a broadcast, a million",
        "addressing 100,000 in a broadcast, a million",
    ]


def test_of_processor_time_the_least_run_counts_and_of_all_else_the_median() -> None:
    runs = [3.0, 1.0, 2.0, 9.0, 4.0]
    assert Measured(runs, is_cpu=True).value == 1.0
    assert Measured(runs).value == 3.0

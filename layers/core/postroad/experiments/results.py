"""Results: what has come of an experiment so far, from its live numbers, and what that means in words."""

from collections.abc import Mapping
from typing import NamedTuple

from postroad.book import Book, Winner
from postroad.contacts.places import split_place, variant_place
from postroad.experiments.evidence import LEAST_CONVERSIONS, LEAST_PEOPLE, Arm, Finding, difference, find
from postroad.instants import stamp
from postroad.journeys.experiments import HELD_OUT, TREATED, Experiment
from postroad.stats import Counts

# How far an experiment is.
RUNNING, DECIDED, WON, UNEVEN = "running", "decided", "won", "uneven"


class Result(NamedTuple):
    """An experiment with its numbers by variant, what they say, and the winner that newcomers get already."""

    experiment: Experiment
    arms: Mapping[str, Arm]
    finding: Finding
    winner: Winner | None

    @property
    def state(self) -> str:
        """`won`: newcomers get the winner. `decided`: there is a verdict. `uneven`: people were not dealt out as they
        should be, so there is none. Else `running`."""
        if self.winner:
            return WON
        if not self.finding.is_dealt_well:
            return UNEVEN
        return DECIDED if self.finding.winner else RUNNING

    def uplift(self, variant: str) -> tuple[float, float]:
        """The bounds of how much better a variant's rate is than that of the first one (of a holdout: of those held
        out)."""
        first = HELD_OUT if self.is_holdout else next(iter(self.arms))
        return difference(self.arms[variant], self.arms[first])

    @property
    def is_holdout(self) -> bool:
        return not self.experiment.step

    @property
    def verdict(self) -> str:
        """What the numbers mean, in a sentence."""
        if self.winner:
            return f"Newcomers get {self.winner.variant} since {stamp(self.winner.at)}: {self.winner.because}"
        if not self.finding.is_dealt_well:
            return (
                "People were dealt out less evenly than chance would do it; something drops some of them, "
                "so the numbers cannot be compared"
            )
        shown = min(arm.shown for arm in self.arms.values())
        if shown < LEAST_PEOPLE or sum(arm.converted for arm in self.arms.values()) < LEAST_CONVERSIONS:
            return (
                f"Too early: a verdict takes {LEAST_PEOPLE} people in each variant and {LEAST_CONVERSIONS} conversions"
            )
        if self.finding.winner is None:
            return (
                f"No verdict yet: {self.finding.leader} is ahead, with evidence {self.finding.evidence:.1f} "
                f"of the {self.finding.needed:.0f} that it takes"
            )
        return self.praise

    @property
    def praise(self) -> str:
        """Why the leader has won."""
        leader = self.finding.leader
        rates = ", ".join(f"{name} {_percent(arm)}" for name, arm in sorted(self.arms.items(), key=_by_rate))
        if self.is_holdout:
            low, high = self.uplift(TREATED)
            what = "The journey works" if leader == TREATED else "The journey does harm"
            return f"{what}: {rates}; the difference is between {100 * low:+.1f} and {100 * high:+.1f} points"
        return f"{leader} is the best: {rates}; so much is luck in less than 5 of 100 such experiments"


def _by_rate(pair: tuple[str, Arm]) -> tuple[float, str]:
    return -pair[1].rate, pair[0]


def _percent(arm: Arm) -> str:
    return f"{100 * arm.rate:.1f} % of {arm.shown}"


def read_results(journey_id: str, book: Book, counts: Counts) -> list[Result]:
    """The results of a live journey's experiments in the order of its steps, its holdout first."""
    journey = book.journeys[journey_id]
    return [_read(each, counts, book.manifest.winners.get(each.key)) for each in journey.experiments.values()]


def _read(experiment: Experiment, counts: Counts, winner: Winner | None) -> Result:
    def entered(variant: str, *, converted: bool = False) -> int:
        return counts.place(split_place(variant_place(experiment.key, variant, converted=converted))[1]).entered

    arms = {name: Arm(entered(name), min(entered(name), entered(name, converted=True))) for name in experiment.weights}
    return Result(experiment, arms, find(arms, experiment.weights), winner)

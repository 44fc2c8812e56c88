"""Evidence: what the numbers of an experiment say, however often one looks at them.

A test that is made for one look gives false winners when it is looked at again and again: in one of four experiments
without any difference, at twenty looks. The verdict here is a mixture sequential probability ratio test, which holds at
all looks together (R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Always Valid Inference: Continuous Monitoring of A/B
Tests", Operations Research 70 (2022), 1806-1821, section 4; the idea is H. Robbins', 1970). The chance to be best
stands beside it, for people to read; nothing is decided by it.
"""

from collections.abc import Mapping, Sequence
from math import exp, lgamma, log, sqrt
from typing import NamedTuple

# So often at most does an experiment without any difference end with a winner.
ALPHA = 0.05
# Differences that one expects, in standard deviations of a single person's outcome: most are smaller than this.
EXPECTED = 0.1
# Below this the normal distribution, on which the test rests, is no good likeness.
LEAST_PEOPLE, LEAST_CONVERSIONS = 100, 10
# The shares that variants got are called wrong when chance alone would do that once in so many experiments.
SUSPICIOUS = 0.001


class Arm(NamedTuple):
    """How many people a variant was shown to, and how many of them reached the goal."""

    shown: int
    converted: int

    @property
    def rate(self) -> float:
        return self.converted / self.shown if self.shown else 0.0


class Finding(NamedTuple):
    """What the numbers say: the variant that is ahead, and whether it has won.

    `evidence` is how many times likelier the numbers are if it differs from the best of the others than if it does not;
    it has won at `needed`. `best` is each variant's chance to be the best. `ratio` is how likely chance alone ever
    deals people out so unevenly; `is_dealt_well` says that this is no wonder.
    """

    leader: str
    evidence: float
    needed: float
    best: Mapping[str, float]
    ratio: float

    @property
    def is_dealt_well(self) -> bool:
        return self.ratio >= SUSPICIOUS

    @property
    def winner(self) -> str | None:
        return self.leader if self.evidence >= self.needed and self.is_dealt_well else None


def find(arms: Mapping[str, Arm], weights: Mapping[str, float]) -> Finding:
    """What the numbers of an experiment say now; `weights` are the shares that were to be dealt."""
    leader = max(arms, key=lambda name: (arms[name].rate, arms[name].shown))
    others = [arm for name, arm in arms.items() if name != leader]
    pairs = len(arms) * (len(arms) - 1) / 2
    return Finding(
        leader,
        min((compare(arms[leader], other) for other in others), default=0.0),
        pairs / ALPHA,
        chances_to_be_best(arms),
        sample_ratio([arms[name].shown for name in weights], list(weights.values())),
    )


def compare(one: Arm, other: Arm) -> float:
    """How many times likelier the numbers are if two variants differ than if they do not; 0 while it is too early.

    With V = p(1 - p) of both together, v = V(1/n1 + 1/n2) and differences expected from N(0, t), t = EXPECTED² · V:

        sqrt(v / (v + t)) · exp(t · (p1 - p2)² / (2 · v · (v + t)))

    It starts at 1 and is, if there is no difference, expected to stay there: at 1/ALPHA or more, ever, with a
    probability of at most ALPHA (Ville's inequality).
    """
    if min(one.shown, other.shown) < LEAST_PEOPLE or one.converted + other.converted < LEAST_CONVERSIONS:
        return 0.0
    spread = _spread(one, other)
    if spread <= 0.0:  # everybody, or nobody, has converted
        return 1.0
    v, t = spread * (1 / one.shown + 1 / other.shown), EXPECTED**2 * spread
    exponent = t * (one.rate - other.rate) ** 2 / (2 * v * (v + t))
    return sqrt(v / (v + t)) * exp(min(exponent, 700.0))


def difference(one: Arm, other: Arm) -> tuple[float, float]:
    """The bounds of the difference of two rates, which hold at all looks together with probability 1 - ALPHA.

    They are the differences that the test of `compare` does not refuse.
    """
    spread = _spread(one, other)
    if min(one.shown, other.shown) < LEAST_PEOPLE or spread <= 0.0:
        return -1.0, 1.0
    v, t = spread * (1 / one.shown + 1 / other.shown), EXPECTED**2 * spread
    reach = sqrt(2 * v * (v + t) / t * (log(1 / ALPHA) + log((v + t) / v) / 2))
    return max(-1.0, one.rate - other.rate - reach), min(1.0, one.rate - other.rate + reach)


def _spread(one: Arm, other: Arm) -> float:
    rate = (one.converted + other.converted) / max(1, one.shown + other.shown)
    return rate * (1 - rate)


def chances_to_be_best(arms: Mapping[str, Arm], steps: int = 400) -> dict[str, float]:
    """Each variant's chance to have the highest rate: rates as Beta(1 + converted, 1 + others), integrated in steps.

    The chance that a variant is best is the integral of its density times the probabilities that each other is below.
    """
    bounds = [_likely(arm) for arm in arms.values()]
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    width = (high - low) / steps
    points = [low + (number + 0.5) * width for number in range(steps)]
    logs = [(log(x), log(1 - x)) for x in points]
    densities = {name: [part * width for part in _densities(arm, logs)] for name, arm in arms.items()}
    below: dict[str, list[float]] = {}
    for name, density in densities.items():
        total, running = sum(density) or 1.0, 0.0
        densities[name] = [part / total for part in density]
        below[name] = []
        for part in densities[name]:
            below[name].append(running + part / 2)
            running += part
    best = dict.fromkeys(arms, 0.0)
    for number in range(steps):
        for name in arms:
            chance = densities[name][number]
            for other in arms:
                chance *= below[other][number] if other != name else 1.0
            best[name] += chance
    total = sum(best.values()) or 1.0
    return {name: chance / total for name, chance in best.items()}


def _likely(arm: Arm) -> tuple[float, float]:
    """Bounds that a rate is almost certainly within: eight standard deviations to both sides."""
    a, b = 1 + arm.converted, 1 + arm.shown - arm.converted
    mean, deviation = a / (a + b), sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    return max(0.0, mean - 8 * deviation), min(1.0, mean + 8 * deviation)


def _densities(arm: Arm, logs: Sequence[tuple[float, float]]) -> list[float]:
    """The density of a rate at each x; `logs` are log(x) and log(1 - x)."""
    a, b = 1 + arm.converted, 1 + arm.shown - arm.converted
    whole = lgamma(a + b) - lgamma(a) - lgamma(b)
    return [exp(whole + (a - 1) * x + (b - 1) * rest) for x, rest in logs]


def sample_ratio(shown: Sequence[int], weights: Sequence[float]) -> float:
    """How likely chance alone ever deals people out as unevenly as this, however often one looks.

    How much likelier the numbers are by these weights than by any others, of which each are as likely (M. Lindon,
    A. Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022): it falls to 1/x, ever, with a
    probability of at most 1/x, however few people there are.
    """
    whole = sum(weights)
    if any(not weight and seen for weight, seen in zip(weights, shown, strict=True)):
        return 0.0
    by_weights = sum(seen * log(weight / whole) for weight, seen in zip(weights, shown, strict=True) if seen)
    by_any = lgamma(len(shown)) - lgamma(len(shown) + sum(shown)) + sum(lgamma(1 + seen) for seen in shown)
    return exp(min(0.0, by_weights - by_any))

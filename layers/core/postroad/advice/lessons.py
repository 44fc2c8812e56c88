"""What an account's people teach about each other: when they read, and how many of them have habits of their own.

Let n be how much was read in an hour of the day, and m how much is to be expected if people read as is usual, by how
long messages lay there. An hour's weight is that of the usual rhythm times

    (n + 0.5 f) / (m + f)    where f is 1/v, but at least 10,
                             and v by how much n/m varies over the hours, beyond what chance does:
                             v = sum((n - m)^2 - n) / sum(m^2)

As long as it varies no more than by chance, nothing is learned of the hours. And where little was to be expected, an
hour is taken to be worth half. So chance moves nobody from the usual hour, not to speak of everybody at once.

The share p of people who have habits is the most likely one, from how much likelier a habit makes what each of them did
(`estimates.weigh_habit`), held at HABITS as if by HELD people more. It is found by going round: each has a habit with
the probability that p and their deeds give, and p is the mean of these.
"""

from collections.abc import Sequence
from datetime import tzinfo

from postroad.advice.estimates import Deeds, by_hour, count, weigh_habit
from postroad.advice.rhythm import FLAT, HABITS, Learned, Rhythm
from postroad.contacts.engagement import Sent

# From so many openings on the hours are learned.
ENOUGH = 100
FIRM, UNSEEN = 10.0, 0.5
HELD = 10.0
_ROUNDS = 40


def learn(people: Sequence[tuple[Sequence[Sent], tzinfo]], now: float) -> Learned:
    """What is learned of people, each of whom did this with the latest messages, on their own clock."""
    deeds = [count(sents, zone, now) for sents, zone in people]
    openings = sum(sent.answered for sents, _ in people for sent in sents)
    weights = _learn_weights(deeds) if openings >= ENOUGH else ()
    habits = _learn_share([weigh_habit(each, Rhythm(weights=weights)) for each in deeds])
    return Learned(weights, round(habits, 3), openings, len(people))


def _learn_weights(deeds: Sequence[Deeds]) -> tuple[float, ...]:
    usual = Rhythm().shares
    read = [sum(hour) for hour in zip(*(by_hour(each.read) for each in deeds), strict=True)]
    lay = [sum(hour) for hour in zip(*(by_hour(each.lay) for each in deeds), strict=True)]
    level = sum(read) / sum(share * hours for share, hours in zip(usual, lay, strict=True))
    expected = [level * share * hours for share, hours in zip(usual, lay, strict=True)]
    excess = sum((n - m) ** 2 - n for n, m in zip(read, expected, strict=True))
    if excess <= 0:
        return ()
    firm = max(FIRM, sum(m * m for m in expected) / excess)
    weights = [share * (n + UNSEEN * firm) / (m + firm) for share, n, m in zip(usual, read, expected, strict=True)]
    # `Rhythm.shares` makes them flatter again.
    steep = [max(0.0, 24 * weight / sum(weights) - FLAT) for weight in weights]
    return tuple(round(24 * weight / sum(steep), 2) for weight in steep)


def _learn_share(evidence: Sequence[float]) -> float:
    share = HABITS
    for _ in range(_ROUNDS):
        likely = [share * each / (share * each + 1 - share) for each in evidence]
        share = (sum(likely) + HABITS * HELD) / (len(evidence) + HELD)
    return share

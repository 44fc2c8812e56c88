"""Learning: what an account's own people say about scoring, for somebody to judge; nothing here is applied by itself.

Weights come from conversions. Of an activity it is counted how many of those who have converted did it before, and how
many of the others did it at all. The odds of the first by the odds of the second, as a logarithm, is how much the
activity tells. Both shares are drawn towards that of everybody, as if PRIOR more people of each kind had been like
everybody; so what few people did tells little. Ten points stand for a doubling of the odds.

Bands come from how scores are spread: a tenth of the people is to be hot, three tenths warm.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import inf, log
from typing import Any, NamedTuple

from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.events import CLICKS, IDENTIFIED, OPENINGS, RESERVED, SMS_REPLIED, TASK_COMPLETED, Event
from postroad.predicates.conditions import EventPattern
from postroad.scoring.sheet import GIVEN_BY_NAME, Band, EventRule, LastingRule, Score

PRIOR = 10
SUREST = 0.002
POINTS_PER_DOUBLING = 10
MOST_SUGGESTED = 100
# Below so many of either kind nothing is suggested, and of an activity when fewer people did it.
FEWEST_PEOPLE, FEWEST_ACTIVE = 20, 5
# So many activities that no rule knows yet are looked at: the commonest.
MOST_NEW = 20
HOT, WARM = 0.1, 0.4

# What Postroad itself says, and what is nevertheless something that people do.
_TELLING = frozenset((*OPENINGS, *CLICKS, SMS_REPLIED))
_SILENT = (RESERVED | {IDENTIFIED, TASK_COMPLETED}) - _TELLING


class Weight(NamedTuple):
    """What an activity tells of conversion. `rule` is the rule of the sheet that it is, or None; `points` are those
    that are suggested, `given` those that the rule gives now. `converted` and `others` are how many did it."""

    rule: str | None
    event: str
    because: str
    converted: int
    others: int
    log_odds: float
    points: float
    given: float | None


class Lesson(NamedTuple):
    """What was learnt of how many; `sentence` says how far it can be trusted."""

    converted: int
    others: int
    weights: tuple[Weight, ...]
    sentence: str


def learn(people: Iterable[Sequence[Event]], goal: str, sheet: Score) -> Lesson:
    """What the timelines of people, each in the order of time, say about the weights of a sheet.

    Of who converted only what was before the first conversion counts; what machines did never does.
    """
    wanted = goal.strip().lower()
    converted: list[list[Event]] = []
    others: list[list[Event]] = []
    for timeline in people:
        done = [event for event in timeline if _is_telling(event)]
        # What only Postroad says may well be the goal, such as a hand-over.
        reached = (event.time for event in timeline if event.name.lower() == wanted and not _is_by_machine(event))
        at = next(reached, None)
        (others if at is None else converted).append([event for event in done if at is None or event.time < at])
    if min(len(converted), len(others)) < FEWEST_PEOPLE:
        few = (
            f"{len(converted)} of the {len(converted) + len(others)} people looked at did {goal}; it takes at least "
            f"{FEWEST_PEOPLE} who did and {FEWEST_PEOPLE} who did not"
        )
        return Lesson(len(converted), len(others), (), few)
    weights = [
        weight
        for rule, pattern, given in _list_activities(sheet, wanted, [*converted, *others])
        if (weight := _weigh(rule, pattern, given, converted, others))
    ]
    weights.sort(key=lambda weight: (-abs(weight.log_odds), weight.event, weight.rule or ""))
    trust = (
        f"from {len(converted)} people who did {goal} and {len(others)} who did not; the fewer did something, the less "
        "it is said to tell"
    )
    return Lesson(len(converted), len(others), tuple(weights), trust)


def _is_telling(event: Event) -> bool:
    return event.name not in _SILENT and not _is_by_machine(event)


def _is_by_machine(event: Event) -> bool:
    return event.properties.get("actor") == "machine"


def _list_activities(
    sheet: Score, goal: str, timelines: Iterable[Sequence[Event]]
) -> Iterable[tuple[str | None, EventPattern, float | None]]:
    """The rules of the sheet that give points for events, then the commonest events that none of them knows."""
    rules: list[EventRule | LastingRule] = [*sheet.event_rules, *sheet.lasting_rules]
    yield from ((rule.id, rule.pattern, rule.points) for rule in rules if rule.pattern.key != goal)
    known = {goal, *(rule.pattern.key for rule in rules)}
    names: Counter[str] = Counter()
    for timeline in timelines:
        names.update({event.name: 1 for event in timeline if event.name.lower() not in known})
    for name, _ in sorted(names.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_NEW]:
        yield None, EventPattern(name, name.lower()), None


def _weigh(
    rule: str | None,
    pattern: EventPattern,
    given: float | None,
    converted: Sequence[Sequence[Event]],
    others: Sequence[Sequence[Event]],
) -> Weight | None:
    did, did_too = (sum(any(map(pattern.matches, done)) for done in people) for people in (converted, others))
    if did + did_too < FEWEST_ACTIVE:
        return None
    tells = _log_odds(did, len(converted), did_too, len(others))
    points = max(-MOST_SUGGESTED, min(MOST_SUGGESTED, round(tells / log(2) * POINTS_PER_DOUBLING)))
    return Weight(rule, pattern.name, pattern.describe(), did, did_too, round(tells, 3), points, given)


def _log_odds(did: int, of: int, did_too: int, of_others: int) -> float:
    share = (did + did_too) / (of + of_others)
    drawn = ((number + PRIOR * share) / (people + PRIOR) for number, people in ((did, of), (did_too, of_others)))
    # At 0 and 1 odds have no logarithm.
    one, other = (max(SUREST, min(1 - SUREST, each)) for each in drawn)
    return log(one / (1 - one)) - log(other / (1 - other))


def apply_weights(document: Mapping[str, Any], weights: Iterable[Weight]) -> dict[str, Any]:
    """A score's document with these weights: rules that are there get their points, the others become new rules.

    What tells nothing changes nothing.
    """
    rules = [dict(rule) for rule in document.get("rules") or ()]
    by_id = {rule.get("id"): rule for rule in rules}
    for weight in weights:
        if weight.rule in by_id and weight.rule is not None:
            by_id[weight.rule]["points"] = weight.points
        elif weight.points:
            name = _free_id(weight.event, by_id)
            by_id[name] = {"id": name, "event": weight.event, "points": weight.points}
            rules.append(by_id[name])
    return {**document, "rules": rules}


def _free_id(event: str, taken: Mapping[Any, Any]) -> str:
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in event.lower())
    name = "-".join(filter(None, plain.split("-")))[:50] or "activity"
    number = 1
    while (found := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return found


# Bands


def suggest_bands(scores: Sequence[float]) -> tuple[Band, ...]:
    """Hot, warm and cold by how these scores are spread; none when fewer than FEWEST_PEOPLE people have any."""
    ranked = sorted((score for score in scores if score > 0), reverse=True)
    if len(ranked) < FEWEST_PEOPLE:
        return ()
    hot, warm = (_round_off(ranked[int(len(ranked) * share)]) for share in (HOT, WARM))
    if warm >= hot:
        return ()
    return (Band("hot", hot), Band("warm", warm), Band("cold", -inf))


def apply_bands(document: Mapping[str, Any], bands: Iterable[Band]) -> dict[str, Any]:
    """A score's document with these bands in place of its own."""
    said = [{"id": band.id, **({"from": band.least} if band.least > -inf else {})} for band in bands]
    return {**document, "bands": said}


def _round_off(score: float) -> float:
    """A number that people can remember: whole up to 20, by fives up to 100, by tens above."""
    step = 1 if score < 20 else 5 if score < 100 else 10
    return max(1.0, float(round(score / step) * step))


# Contributions


class Contribution(NamedTuple):
    """What one rule of a sheet adds up to over people: `share` is its part of all points that count for something."""

    rule: str
    because: str
    points: float
    people: int
    share: float


def add_up(contacts: Iterable[Contact], book: Book, sheet: Score, now: float) -> tuple[Contribution, ...]:
    """Which rule brings most, over these contacts, at this moment; the weightiest first."""
    points: dict[str, float] = {}
    people: Counter[str] = Counter()
    for contact in contacts:
        for reason in sheet.reasons(book.view(contact, now)):
            points[reason.rule_id] = points.get(reason.rule_id, 0.0) + reason.points
            people[reason.rule_id] += 1
    whole = sum(map(abs, points.values())) or 1.0
    sentences = {rule.id: rule.describe() for rule in sheet.rules}
    found = [
        Contribution(
            rule, sentences.get(rule, GIVEN_BY_NAME), round(total, 1), people[rule], round(abs(total) / whole, 3)
        )
        for rule, total in points.items()
    ]
    return tuple(sorted(found, key=lambda each: (-abs(each.points), each.rule)))

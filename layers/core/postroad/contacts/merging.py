"""Two contacts turn out to be one person.

Merging is symmetric: whichever side one starts from, the same contact comes out. The id of the known, then of the
older one stays. Facts go to the later word, a confirmed one before an unconfirmed; refusals and suppressions outrank
everything; of two enrollments in one journey the further one stays, so that nobody gets the same step twice.
"""

import json
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Protocol

from postroad.consent.preferences import stricter
from postroad.contacts import engagement, fetches
from postroad.contacts.contact import (
    MAX_ACCOUNTS,
    MAX_ATTRIBUTES,
    MAX_UNCONFIRMED,
    Attribute,
    Consent,
    Contact,
    Enrollment,
    Exposure,
    Passage,
    Points,
    Seat,
    latest_identities,
)
from postroad.decisions import Decision
from postroad.scoring.handovers import SALES
from postroad.sending.caps import merge_spent
from postroad.stages import join

# How many merged-away enrollments are remembered, so that their messages still on the way are not sent.
MAX_DROPPED = 50


def order(a: Contact, b: Contact) -> tuple[Contact, Contact]:
    """(the one whose id stays, the one that becomes a forward).

    Somebody known stays before somebody anonymous, whom a browser may join to anybody known, then the older one: so
    forwards hardly ever lead to forwards.
    """
    first, second = sorted((a, b), key=lambda c: (not c.is_known, c.created_at, c.contact_id))
    return first, second


class Memories(Protocol):
    """What merging asks of the book: how the memories of one definition join."""

    def merge_memory(self, tracker_id: str, a: Any, b: Any, now: float) -> Any: ...

    def merge_scores(self, sheet: str, a: Mapping[str, Points], b: Mapping[str, Points]) -> Mapping[str, Points]: ...

    def enters_once(self, journey_id: str) -> bool: ...

    def rank_stage(self, name: str) -> int: ...


def merge(a: Contact, b: Contact, book: Memories, now: float) -> tuple[Contact, tuple[Decision, ...]]:
    """One contact out of two, with the decisions about their journeys.

    The result carries the staying contact's id and version. Its revision is the older one, so that what only one of the
    two has seen of the book is folded again.
    """
    winner, loser = order(a, b)
    merged = winner.copy()
    merged.created_at = min(a.created_at, b.created_at)
    merged.revision = min(a.revision, b.revision)
    merged.last_seen = max(a.last_seen, b.last_seen)
    merged.last_sign = max(a.last_sign, b.last_sign)
    merged.events_folded = a.events_folded + b.events_folded
    merged.wake_at = min((at for at in (a.wake_at, b.wake_at) if at is not None), default=None)
    earlier = sorted({*a.merged_from, *b.merged_from} - {loser.contact_id})
    merged.merged_from = (*earlier, loser.contact_id)
    merged.ring = a.ring.merge(b.ring)
    merged.identities = latest_identities(_join(a.identities, b.identities, lambda _, x, y: min(x, y)))
    merged.claims = ((a.claims | b.claims) - a.confirmed - b.confirmed) & merged.identities.keys()
    attributes = _join(a.attributes, b.attributes, lambda _, x, y: max(x, y, key=_weight_of_word))
    room = sum(word.confirmed for word in attributes.values()) + MAX_UNCONFIRMED
    merged.attributes = _best(
        attributes, min(room, MAX_ATTRIBUTES), lambda name, word: (not word.confirmed, -word.time, name)
    )
    merged.consents = _join(a.consents, b.consents, lambda _, x, y: max(x, y, key=_weight_of_answer))
    merged.suppressions = _join(a.suppressions, b.suppressions, lambda _, x, y: min(x, y))
    merged.behaviour = _join(a.behaviour, b.behaviour, lambda tracker, x, y: book.merge_memory(tracker, x, y, now))
    merged.scores = _join(a.scores, b.scores, lambda sheet, x, y: dict(book.merge_scores(sheet, x, y)))
    stages = [stage for stage in (a.stage, b.stage) if stage]
    merged.stage = max(stages, key=lambda stage: (book.rank_stage(stage.name), stage.since, stage), default=None)
    merged.stages_before = join((*a.stages_before, *b.stages_before, *stages), merged.stage)
    merged.persona = max((p for p in (a.persona, b.persona) if p), key=lambda p: (p.since, p), default=None)
    # Who is at sales stays there; of two who are, the owner of the earlier one.
    handed = [each for each in (a.handed, b.handed) if each]
    merged.handed = min(handed, key=lambda each: (each.to != SALES, each.since), default=None)
    merged.segments = _join(a.segments, b.segments, lambda _, x, y: min(x, y))
    merged.turns = _join(a.turns, b.turns, lambda _, x, y: min(x, y))
    erased = [each.erased_at for each in (a, b) if each.erased_at is not None]
    merged.erased_at = max(erased, default=None)
    merged.frequency = stricter(a.frequency, b.frequency)
    merged.spent = merge_spent(a.spent, b.spent)
    merged.postponed = _join(a.postponed, b.postponed, lambda _, x, y: min(x, y, key=lambda c: (c.since, c.at)))
    merged.engagement = engagement.merge(a.engagement, b.engagement)
    merged.fetches = fetches.merge(a.fetches, b.fetches)
    merged.exposures = _join(a.exposures, b.exposures, lambda _, x, y: _merge_exposures(x, y))
    seats = _join(a.accounts, b.accounts, lambda _, x, y: _merge_seats(x, y))
    merged.accounts = _best(seats, MAX_ACCOUNTS, lambda account_id, seat: (-seat.since, account_id))
    decisions = _merge_journeys(merged, a, b, book)
    going_on = {f"journey/{journey}" for journey in merged.active}
    merged.turns = {k: at for k, at in merged.turns.items() if k in going_on or not k.startswith("journey/")}
    return merged, decisions


def _weight_of_answer(answer: Consent) -> tuple[bool, float, float]:
    """A no outweighs a yes, and one that stays outweighs one that ends."""
    return not answer.granted, inf if answer.until is None else answer.until, answer.time


def _join(a: Mapping[str, Any], b: Mapping[str, Any], choose: Callable[[str, Any, Any], Any]) -> dict[str, Any]:
    """Every key of either side; `choose(key, x, y)` where both have it."""
    return {
        key: choose(key, a[key], b[key]) if key in a and key in b else a[key] if key in a else b[key]
        for key in sorted({*a, *b})
    }


def _best(found: dict[str, Any], most: int, rank: Callable[[str, Any], Any]) -> dict[str, Any]:
    """At most so many entries: those that rank first."""
    if len(found) <= most:
        return found
    kept = set(sorted(found, key=lambda key: rank(key, found[key]))[:most])
    return {key: value for key, value in found.items() if key in kept}


def _merge_exposures(a: Exposure, b: Exposure) -> Exposure:
    """The first part in an experiment is the one that counts; in the same variant, with the first conversion."""
    first = min(a, b, key=lambda x: (x.at, x.variant, x.until))
    found = [x.converted for x in (a, b) if x.variant == first.variant and x.converted is not None]
    return first._replace(converted=min(found, default=None))


def _merge_seats(a: Seat, b: Seat) -> Seat:
    """The role that was said last, and the newer copy of the account."""
    role = max(a, b, key=lambda seat: (seat.role_said, seat.role))
    return max(a, b, key=lambda seat: (seat.version, json.dumps(seat[5:], sort_keys=True)))._replace(
        role=role.role, role_said=role.role_said, since=min(a.since, b.since), is_engaged=a.is_engaged or b.is_engaged
    )


def _weight_of_word(word: Attribute) -> tuple[bool, float, str]:
    return word.confirmed, word.time, json.dumps(word.value, sort_keys=True)


def _progress(enrollment: Enrollment) -> tuple[int, float, str]:
    return sum(enrollment.visits.values()), -enrollment.entered, enrollment.enrollment_id


def _merge_journeys(merged: Contact, a: Contact, b: Contact, book: Memories) -> tuple[Decision, ...]:
    """Keep one enrollment a journey; of two persons' passages through it make one."""
    decisions = []
    dropped: set[str] = set()
    merged.active = {}
    merged.passages = _join(a.passages, b.passages, lambda _, x, y: _merge_passages(x, y))
    for journey in sorted({*a.active, *b.active}):
        mine, theirs = a.active.get(journey), b.active.get(journey)
        if mine and theirs:
            keep, drop = sorted((mine, theirs), key=_progress, reverse=True)
            merged.active[journey] = keep
            because = "the other contact of this person is further in this journey"
        else:
            present, other = (mine, b) if mine else (theirs, a)
            assert present is not None
            past = other.passages.get(journey)
            ended = past.last_ended if past else None
            if ended is None or (ended < present.entered and not book.enters_once(journey)):
                merged.active[journey] = present
                continue
            drop, because = present, "the other contact of this person has been through this journey"
        dropped.add(drop.enrollment_id)
        decisions.append(Decision(f"journey/{drop.journey}@{drop.version}", drop.step, "merged", because))
    for journey in sorted({*a.passages, *b.passages} - {*a.active, *b.active}):
        mine_ended, theirs_ended = a.passages.get(journey), b.passages.get(journey)
        if mine_ended and theirs_ended and book.enters_once(journey):
            # Both have ended, yet messages of theirs may be on the way: those of the later one will not leave.
            dropped.add(
                max(mine_ended, theirs_ended, key=lambda p: (p.last_entered, p.last_enrollment)).last_enrollment
            )
    # The newest last: when there are too many, the oldest are forgotten.
    before = {*a.dropped, *b.dropped} - dropped
    merged.dropped = (*sorted(before), *sorted(dropped - {""}))[-MAX_DROPPED:]
    return tuple(decisions)


def _merge_passages(a: Passage, b: Passage) -> Passage:
    last = max(a, b, key=lambda p: (p.last_ended or 0.0, p.last_enrollment, p.last_state))
    return last._replace(times=a.times + b.times, last_entered=max(a.last_entered, b.last_entered))

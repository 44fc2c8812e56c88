"""Estimate how many a predicate would hold for, before it is published: from a bounded sample of contacts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from postroad.book import Book
from postroad.estimates import Estimate, estimate, late_trackers, unknown_trackers
from postroad.events import Event
from postroad.predicates.behaviour import recompute
from postroad.predicates.predicate import Predicate
from postroad_aws.ports import Sample

# Rows of the contacts table that are read. Where timelines must be read too, fewer, because each is a call.
ROWS, ROWS_WITH_HISTORY = 2_000, 800


class Sampled(Protocol):
    def sample_contacts(self, rows: int) -> Sample: ...

    def count_rows(self) -> int:
        """About how many rows the table has, forwards among them; some hours old."""


class Timeline(Protocol):
    def list_history(self, contact_ids: Sequence[str]) -> Iterable[Event]: ...


@dataclass(frozen=True, slots=True)
class EstimatePorts:
    """What estimating touches."""

    contacts: Sampled
    timeline: Timeline


def estimate_segment(
    ports: EstimatePorts, predicate: Predicate, book: Book, now: float, has_time: Callable[[], bool]
) -> Estimate:
    """Ask the predicate about a sample; when the time is up, about what was looked at by then."""
    unknown = unknown_trackers(predicate, book)
    sample = ports.contacts.sample_contacts(ROWS_WITH_HISTORY if unknown else ROWS)
    looked_at = matching = 0
    for contact in sample.contacts:
        if looked_at and not has_time():
            break
        needed = {**late_trackers(predicate.trackers, contact, book), **unknown}
        known = contact.copy()
        if needed:
            history = list(ports.timeline.list_history((contact.contact_id, *contact.merged_from)))
            for tracker_id, tracker in needed.items():
                memory = recompute(tracker, history, now, known=contact.behaviour.get(tracker_id))
                if memory is not None:
                    known.behaviour[tracker_id] = memory
        looked_at += 1
        matching += predicate.evaluate(book.view(known, now)).truth
    is_exact = sample.is_whole and looked_at == len(sample.contacts)
    total = round(ports.contacts.count_rows() * len(sample.contacts) / sample.rows) if sample.rows else 0
    return estimate(looked_at, matching, total, is_exact)

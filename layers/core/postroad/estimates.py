"""Estimates: how many would be in a segment, told from a sample before it is published."""

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.predicates.behaviour import Tracker, combine_trackers
from postroad.predicates.predicate import Predicate

# How sure the bounds are: 19 times out of 20 the truth lies between them.
_Z = 1.959964


class Share(NamedTuple):
    """A share of a whole, from 0 to 1, and the bounds within which the truth lies."""

    share: float
    low: float
    high: float


class Estimate(NamedTuple):
    """How many of a sample a predicate holds for, and what that says of all contacts.

    `total` is how many contacts there are, about; with `is_exact` all of them were looked at, and nothing is guessed.
    """

    sampled: int
    matching: int
    share: Share
    total: int
    is_exact: bool

    @property
    def members(self) -> tuple[int, int, int]:
        """How many it would be: likely, at least and at most."""
        likely, low, high = (round(each * self.total) for each in self.share)
        # Those in the sample are certain, and so are those who are not.
        return max(likely, self.matching), max(low, self.matching), min(high, self.total - self.sampled + self.matching)

    def describe(self) -> str:
        """A sentence for people."""
        likely, low, high = self.members
        if self.is_exact:
            return f"{likely:,} of {self.total:,} contacts"
        share, least, most = (f"{each:.1%}" for each in self.share)
        return (
            f"about {likely:,} of {self.total:,} contacts, probably between {low:,} and {high:,}"
            f" ({share}, between {least} and {most}; {self.sampled:,} were looked at)"
        )


def estimate(sampled: int, matching: int, total: int, is_exact: bool) -> Estimate:
    """What a sample says of all."""
    if is_exact:
        share = matching / sampled if sampled else 0.0
        return Estimate(sampled, matching, Share(share, share, share), sampled, True)
    return Estimate(sampled, matching, share_of(matching, sampled), max(total, sampled), False)


def share_of(matching: int, sampled: int) -> Share:
    """The share with its bounds (Wilson's score interval, which also holds for few and for none)."""
    if not sampled:
        return Share(0.0, 0.0, 1.0)
    share, z2 = matching / sampled, _Z * _Z
    centre = (share + z2 / (2 * sampled)) / (1 + z2 / sampled)
    half = _Z * sqrt(share * (1 - share) / sampled + z2 / (4 * sampled * sampled)) / (1 + z2 / sampled)
    return Share(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def unknown_trackers(predicate: Predicate, book: Book) -> dict[str, Tracker]:
    """What the predicate asks contacts to remember, and nothing live does yet, or not so far back."""
    found = {}
    for tracker_id, tracker in combine_trackers(predicate.trackers).items():
        kept = book.trackers.get(tracker_id)
        if kept is None or kept.keep < tracker.keep or (kept.window or 0.0) < (tracker.window or 0.0):
            found[tracker_id] = tracker
    return found


def late_trackers(trackers: Iterable[Tracker], contact: Contact, book: Book) -> dict[str, Tracker]:
    """Those that the book keeps, and this contact does not yet, since nothing has touched it."""
    late = {tracker.tracker_id for tracker in book.trackers_since(contact.revision)}
    return {tracker.tracker_id: book.trackers[tracker.tracker_id] for tracker in trackers if tracker.tracker_id in late}

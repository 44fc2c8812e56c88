"""How mail is received: by provider, what holds it, what a new domain may send today, and what the list is worth."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from postroad.deliverability.breakers import sum_window
from postroad.deliverability.list_quality import Quality, rate
from postroad.deliverability.sunset import Preview, Sunset, preview, silence_of
from postroad.instants import DAY
from postroad.policy import Policy
from postroad.sending.holds import Hold
from postroad.stats import HourCounts, MessageCounts, add_counts, add_hours, day_of
from postroad_aws.ports import Sample

# Over so many seconds a list is judged, and within so many somebody is active.
MONTH, ACTIVE = 28 * DAY, 90 * DAY
# So many rows of the contacts table are looked at.
ROWS = 2_000


class Stats(Protocol):
    def list_hours(self, since: float, until: float, /) -> Sequence[HourCounts]: ...


class Holds(Protocol):
    def list_holds(self) -> Sequence[Hold]: ...


class Sampled(Protocol):
    def sample_contacts(self, rows: int) -> Sample: ...

    def count_rows(self) -> int: ...


class Room(NamedTuple):
    """How many mails may leave on a day of a new domain's plan, and how many have."""

    day: str
    room: int
    sent: int


class Report(NamedTuple):
    """What mails of the last `days` have come to, all together and by provider, those with most first."""

    days: int
    together: MessageCounts
    providers: Mapping[str, MessageCounts]
    holds: Sequence[Hold]
    room: Room | None


def report_deliverability(stats: Stats, holds: Holds, policy: Policy, now: float, days: int) -> Report:
    """The numbers are some seconds old."""
    hours = stats.list_hours(now - days * DAY, now)
    providers = add_hours(hours)
    today = day_of(now)
    room = policy.warm_up.room(today) if policy.warm_up else None
    return Report(
        days,
        add_counts(providers.values()),
        providers,
        holds.list_holds(),
        None if room is None else Room(today, room, sum_window(hours, now // DAY * DAY).sent),
    )


class ListReport(NamedTuple):
    """What a list is worth, and whom a sunset would concern; told from `looked_at` of about `total` contacts."""

    looked_at: int
    total: int
    quality: Quality | None
    preview: Preview


def report_list(stats: Stats, contacts: Sampled, sunset: Sunset, now: float) -> ListReport:
    """Look at a sample of the contacts with a mail address, and at the mails of four weeks."""
    sample = contacts.sample_contacts(ROWS)
    people = [contact for contact in sample.contacts if contact.find_address("email")]
    rows = len(sample.contacts) if sample.is_whole else contacts.count_rows()
    total = round(rows * len(people) / len(sample.contacts)) if sample.contacts else 0
    active = sum(silence_of(contact, now) < ACTIVE for contact in people)
    sent = add_counts(add_hours(stats.list_hours(now - MONTH, now)).values())
    return ListReport(len(people), total, rate(active, len(people), sent), preview(sunset, people, total, now))

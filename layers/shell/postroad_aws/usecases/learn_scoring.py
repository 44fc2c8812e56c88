"""Learn from an account's own people what a score sheet might say; somebody has to judge and publish it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from postroad.commits import Row
from postroad.contacts.contact import Contact
from postroad.events import Event
from postroad.scoring.learning import Lesson, learn
from postroad.scoring.sheet import Score
from postroad_aws.ports import Sample
from postroad_aws.storage import Page
from postroad_aws.usecases.find_contact import Items, find_contacts
from postroad_aws.usecases.list_leads import Memberships

# So many people are looked at, and of each the latest so many events: about a call for each of them.
PEOPLE, EVENTS = 300, 300


class Sampled(Items, Protocol):
    def sample_contacts(self, rows: int) -> Sample: ...


class Timeline(Protocol):
    def list_rows(self, contact_ids: Sequence[str], *, limit: int) -> Page[Row]: ...


def learn_weights(
    contacts: Sampled,
    memberships: Memberships,
    timeline: Timeline,
    sheet: Score,
    goal: str,
    place: str | None,
    has_time: Callable[[], bool],
) -> Lesson:
    """What people's past says about a sheet's weights.

    People are taken as chance has them; when a place is named, half of them are there, so that a rare conversion is
    seen often enough. When the time is up, only those count who were looked at by then.
    """
    found = {contact.contact_id: contact for contact in contacts.sample_contacts(2 * PEOPLE).contacts}
    if place:
        ids = [member.contact_id for member in memberships.list_members(place, cursor=None, limit=PEOPLE // 2).items]
        there = find_contacts(contacts, ids)
        found = {**there, **dict(list(found.items())[: PEOPLE - len(there)])}
    timelines: list[Sequence[Event]] = []
    for contact in list(found.values())[:PEOPLE]:
        if timelines and not has_time():
            break
        timelines.append(_read(timeline, contact))
    return learn(timelines, goal, sheet)


def _read(timeline: Timeline, contact: Contact) -> list[Event]:
    rows = timeline.list_rows((contact.contact_id, *contact.merged_from), limit=EVENTS).items
    return sorted((event for row in rows for event in (row.event, *row.caused)), key=lambda event: event.time)

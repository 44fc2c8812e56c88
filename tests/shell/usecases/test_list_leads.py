"""Leads, and what is learnt from people: however many there are, a bounded number is read."""

from collections.abc import Collection, Mapping, Sequence

import pytest

from postroad.commits import Row
from postroad.contacts.contact import Contact, Points
from postroad.events import Event
from postroad.scoring.leads import MOST_COMPARED
from postroad_aws.ports import Forward, Sample
from postroad_aws.storage import Page
from postroad_aws.storage.memberships import Membership
from postroad_aws.usecases.learn_scoring import EVENTS, PEOPLE, learn_weights
from postroad_aws.usecases.list_leads import list_leads
from tests.books import Shelf

NOW = 1_793_610_840.0
BOOK = Shelf({"kind": "score", "id": "engagement", "rules": [{"id": "page", "event": "Page Viewed", "points": 1}]}).book


class Crowd:
    """Very many people at one place; each has points by its number."""

    def __init__(self, number: int, merged: Collection[int] = ()) -> None:
        self.number, self.merged = number, merged
        self.read = 0
        self.timelines: list[str] = []

    def list_members(self, *places: str, cursor: str | None, limit: int) -> Page[Membership]:
        start = int(cursor or 0)
        end = min(self.number, start + limit)
        members = [Membership(f"c{number:06}", NOW) for number in range(start, end)]
        return Page(members, str(end) if end < self.number else None)

    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Contact | Forward]:
        self.read += len(ids)
        found: dict[str, Contact | Forward] = {}
        for contact_id in ids:
            number = int(contact_id[1:])
            held = {"engagement": {"page": Points(float(number), NOW)}}
            found[contact_id] = (
                Forward("c000000") if number in self.merged else Contact(contact_id, last_seen=NOW, scores=held)
            )
        return found

    def sample_contacts(self, rows: int) -> Sample:
        contacts = [Contact(f"s{number:06}") for number in range(min(rows, self.number))]
        return Sample(contacts, rows, self.number <= rows)

    def list_rows(self, contact_ids: Sequence[str], *, limit: int) -> Page[Row]:
        assert limit == EVENTS
        (contact_id,) = contact_ids
        self.timelines.append(contact_id)
        return Page([Row(contact_id, Event("e", "Page Viewed", NOW, NOW))], None)


def test_c37_no_more_than_so_many_people_are_ever_read() -> None:
    crowd = Crowd(1_000_000)
    found = list_leads(crowd, crowd, BOOK, NOW, "segment/everybody", "engagement", None)
    assert (found.compared, found.is_whole, crowd.read) == (MOST_COMPARED, False, MOST_COMPARED)
    assert found.leads[0].contact.contact_id == f"c{MOST_COMPARED - 1:06}"


def test_all_are_compared_when_they_are_few_and_nobody_twice() -> None:
    crowd = Crowd(450, merged=(7, 8))
    found = list_leads(crowd, crowd, BOOK, NOW, "segment/few", "engagement", None)
    assert (found.compared, found.is_whole) == (448, True)
    ids = [lead.contact.contact_id for lead in found.leads]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("place", "there"), [(None, 0), ("segment/customers", PEOPLE // 2)])
def test_c67_so_many_timelines_are_read_and_of_a_place_half_of_them(place: str | None, there: int) -> None:
    crowd = Crowd(1_000_000)
    sheet = BOOK.scores["engagement"]
    lesson = learn_weights(crowd, crowd, crowd, sheet, "Order Completed", place, lambda: True)
    assert len(crowd.timelines) == PEOPLE == lesson.converted + lesson.others
    assert sum(contact_id.startswith("c") for contact_id in crowd.timelines) == there


def test_when_the_time_is_up_only_those_count_who_were_looked_at() -> None:
    crowd = Crowd(1_000_000)
    left = iter([True] * 9 + [False])
    lesson = learn_weights(crowd, crowd, crowd, BOOK.scores["engagement"], "x", None, lambda: next(left))
    assert lesson.others == len(crowd.timelines) == 10

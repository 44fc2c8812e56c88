"""Who is in a segment."""

import pytest

from postroad.commits import MembershipChange
from postroad_aws.storage import CursorError, memberships
from tests.shell.port_contract import T0, MembershipsContract, at


class TestMemberships(MembershipsContract):
    """The table passes what memory passes."""


def listed(segment: str, limit: int) -> list[tuple[str, float]]:
    found, cursor = [], None
    while True:
        page = memberships.list_members(segment, cursor=cursor, limit=limit)
        found += [(member.contact_id, member.since) for member in page.items]
        cursor = page.next
        if cursor is None:
            return found


def test_members_are_listed_once_whatever_the_size_of_a_page(aws):
    memberships.apply([MembershipChange("segment/vip", f"c-{number}", at(number)) for number in range(70)])
    memberships.apply([MembershipChange("segment/vip-2", "somebody", T0)])
    expected = {(f"c-{number}", at(number)) for number in range(70)}
    for limit in (9, 70, 100):
        found = listed("segment/vip", limit)
        assert len(found) == 70
        assert set(found) == expected


def test_several_places_are_listed_one_after_the_other(aws):
    memberships.apply([MembershipChange("journey/w/:exited", f"a-{number}", T0) for number in range(5)])
    memberships.apply([MembershipChange("journey/w/:exited.bought", f"b-{number}", T0) for number in range(5)])
    found, cursor = [], None
    while cursor is not None or not found:
        page = memberships.list_members("journey/w/:exited", "journey/w/:exited.bought", cursor=cursor, limit=3)
        found += [member.contact_id for member in page.items]
        cursor = page.next
    assert {each[0] for each in found[:5]} == {"a"}
    assert sorted(found) == [f"{letter}-{number}" for letter in "ab" for number in range(5)]


def test_leaving_takes_effect_and_the_last_word_of_a_batch_counts(aws):
    memberships.apply([MembershipChange("segment/vip", "ana", T0), MembershipChange("segment/vip", "bob", T0)])
    memberships.apply(
        [
            MembershipChange("segment/vip", "ana", None),
            MembershipChange("segment/vip", "bob", None),
            MembershipChange("segment/vip", "bob", at(5)),
            MembershipChange("segment/vip", "never there", None),
        ]
    )
    assert listed("segment/vip", 10) == [("bob", at(5))]


@pytest.mark.parametrize("cursor", ["WzY0LCJhIl0", "Wy0xLCJhIl0", "nonsense"])
def test_a_foreign_cursor_is_refused(aws, cursor):
    with pytest.raises(CursorError, match="start again"):
        memberships.list_members("segment/vip", cursor=cursor)

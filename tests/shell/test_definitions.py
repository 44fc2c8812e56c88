"""Definitions: drafts guarded by their edit, versions that never change, and one manifest."""

from itertools import pairwise

import pytest

from postroad.book import Manifest, Published
from postroad_aws.storage import CursorError, NotFoundError, VersionConflictError, definitions
from postroad_aws.storage.paging import encode_cursor
from tests.shell.port_contract import T0, at

VIP = {"kind": "segment", "id": "vip", "name": "Very important", "if": {"attribute": "plan", "is": "pro"}}


def a_manifest(revision: int, **versions: int) -> Manifest:
    live = {f"segment/{i}": Published("segment", i, version, revision) for i, version in versions.items()}
    return Manifest(revision, live, (Published("journey", "welcome", 1, 1),), {"t1": (1, 3, 86_400.0)})


def test_a_draft_is_read_as_it_was_saved(aws):
    saved = definitions.save_draft("segment", "vip", VIP, edit=0, now=T0)
    assert saved.edit == 1
    assert definitions.get_draft("segment", "vip") == saved
    assert definitions.find_draft("score", "vip") is None
    with pytest.raises(NotFoundError, match="no draft of score/vip"):
        definitions.get_draft("score", "vip")


def test_nobody_saves_over_a_draft_that_they_have_not_read(aws):
    definitions.save_draft("segment", "vip", VIP, edit=0, now=T0)
    with pytest.raises(VersionConflictError, match="segment/vip"):
        definitions.save_draft("segment", "vip", {**VIP, "name": "Mine"}, edit=0, now=at(1))
    definitions.save_draft("segment", "vip", {**VIP, "name": "Ours"}, edit=1, now=at(2))
    with pytest.raises(VersionConflictError):
        definitions.save_draft("segment", "vip", {**VIP, "name": "Late"}, edit=1, now=at(3))
    assert definitions.get_draft("segment", "vip").document["name"] == "Ours"
    with pytest.raises(VersionConflictError):
        definitions.save_draft("segment", "gone", VIP, edit=4, now=at(3))


def test_drafts_of_a_kind_are_listed_by_id_and_versions_are_not_among_them(aws):
    for number in range(7):
        definitions.save_draft("segment", f"s-{number}", VIP, edit=0, now=T0)
    definitions.save_draft("score", "engagement", VIP, edit=0, now=T0)
    definitions.publish({("segment", "s-1", 1): VIP}, a_manifest(1), T0)
    found, cursor = [], None
    while True:
        page = definitions.list_drafts("segment", cursor=cursor, limit=3)
        found += [draft.definition_id for draft in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == [f"s-{number}" for number in range(7)]


def test_versions_are_listed_the_newest_first_and_those_of_other_ids_are_not_among_them(aws):
    for number in range(1, 13):
        published = {("segment", "vip", number): VIP, ("segment", "vip-2", number): VIP, ("score", "vip", number): VIP}
        definitions.publish(published, a_manifest(number), T0 + number)
    found, cursor = [], None
    while True:
        page = definitions.list_versions("segment", "vip", cursor=cursor, limit=5)
        found += [(each.definition_id, each.version, each.saved_at) for each in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == [("vip", number, T0 + number) for number in range(12, 0, -1)]
    assert definitions.list_versions("segment", "nobody").items == []


@pytest.mark.parametrize("after", ["", "0", "x", "1000000000", "-1", "²"])
def test_a_cursor_of_versions_that_nobody_gave_out_is_refused(aws, after):
    with pytest.raises(CursorError):
        definitions.list_versions("segment", "vip", cursor=encode_cursor(0, after))


def test_an_empty_stack_has_an_empty_manifest(aws):
    assert definitions.find_manifest() == Manifest()


def test_publishing_stores_the_versions_and_the_manifest(aws):
    for before, after in pairwise([0, 1, 2]):
        assert definitions.find_manifest().revision == before
        definitions.publish({("segment", "vip", after): {**VIP, "name": str(after)}}, a_manifest(after, vip=after), T0)
    assert definitions.find_manifest() == a_manifest(2, vip=2)
    wanted = [("segment", "vip", 1), ("segment", "vip", 2)]
    assert definitions.load_versions(wanted) == {key: {**VIP, "name": str(key[2])} for key in wanted}
    assert definitions.get_version("segment", "vip", 1)["name"] == "1"


def test_a_manifest_that_does_not_follow_the_stored_one_publishes_nothing(aws):
    definitions.publish({("segment", "vip", 1): VIP}, a_manifest(1, vip=1), T0)
    for stale in (1, 3):
        with pytest.raises(VersionConflictError, match="published in the meantime"):
            definitions.publish({("segment", "vip", 2): VIP}, a_manifest(stale, vip=2), T0)
    with pytest.raises(NotFoundError):
        definitions.get_version("segment", "vip", 2)
    assert definitions.find_manifest() == a_manifest(1, vip=1)


def test_a_published_version_never_changes(aws):
    definitions.publish({("segment", "vip", 1): VIP}, a_manifest(1, vip=1), T0)
    with pytest.raises(VersionConflictError):
        definitions.publish({("segment", "vip", 1): {**VIP, "name": "Other"}}, a_manifest(2, vip=1), T0)
    assert definitions.get_version("segment", "vip", 1) == VIP
    assert definitions.find_manifest().revision == 1


def test_more_versions_than_one_batch_are_loaded_and_a_missing_one_is_named(aws):
    keys = [("segment", f"s-{number}", 1) for number in range(99)]
    definitions.publish(dict.fromkeys(keys, VIP), a_manifest(1), T0)
    definitions.publish({("segment", f"t-{n}", 1): VIP for n in range(5)}, a_manifest(2), T0)
    keys += [("segment", f"t-{n}", 1) for n in range(5)]
    assert set(definitions.load_versions(keys)) == set(keys)
    with pytest.raises(NotFoundError, match="no version 9 of segment/vip"):
        definitions.load_versions([*keys, ("segment", "vip", 9)])
    assert definitions.load_versions([]) == {}

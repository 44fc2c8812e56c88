"""Rebuilds: how far a run through all contacts is."""

import pytest

from postroad.contacts.contact import SHARD_NAMES
from postroad.rebuilds import Rebuild, ShardProgress, add_up, describe

NOW = 1_793_610_840.0


def shards(done=10, of=10, is_done=True, names=SHARD_NAMES, touched_at=NOW):
    return [ShardProgress(name, done, of, is_done, touched_at) for name in names]


@pytest.mark.parametrize(
    ("known", "rebuild", "sentence"),
    [
        ([], Rebuild(7, "waiting", 0, None, None), "Nobody has been looked at anew yet"),
        (shards(3, names=["00", "07"], is_done=False), Rebuild(7, "running", 6, None, NOW),
         "6 contacts have been looked at anew"),
        (shards(100, 1_000, is_done=False), Rebuild(7, "running", 1_600, 16_000, NOW),
         "1,600 of 16,000 contacts have been looked at anew"),
        (shards(), Rebuild(7, "done", 160, 160, NOW), "All 160 contacts have been looked at anew"),
        # Fifteen are done: it is not.
        ([*shards(names=SHARD_NAMES[1:]), *shards(4, is_done=False, names=["00"])],
         Rebuild(7, "running", 154, 160, NOW), "154 of 160 contacts have been looked at anew"),
        (shards(4, is_done=False, touched_at=NOW - 601), Rebuild(7, "stalled", 64, 160, NOW - 601),
         "It stands still: 64 of 160 contacts have been looked at anew"),
        (shards(touched_at=NOW - 86_400), Rebuild(7, "done", 160, 160, NOW - 86_400),
         "All 160 contacts have been looked at anew"),
    ],
)  # fmt: skip
def test_a_run_is_what_its_shards_are(known, rebuild, sentence):
    assert add_up(7, known, NOW) == rebuild
    assert describe(rebuild) == sentence

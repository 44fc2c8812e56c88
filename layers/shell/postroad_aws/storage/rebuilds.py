"""How far rebuilds are: items of the stats table that go after a month.

("rebuild", "000000007") says that there is one of revision 7, ("rebuild/7", "03") how far its fourth shard is.
"""

from itertools import islice
from typing import Any

from postroad.instants import DAY
from postroad.rebuilds import Rebuild, ShardProgress, add_up
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import contacts
from postroad_aws.storage.paging import read_items

Item = dict[str, Any]

KEPT = 30 * DAY
_LISTED = 10


def count_contacts(shard: str) -> int:
    """How many contacts a shard has."""
    return contacts.count_ids(shard)


def save_progress(revision: int, progress: ShardProgress) -> None:
    """Say how far a shard is; the last word counts."""
    expires_at = {"expires_at": {"N": str(int(progress.touched_at + KEPT))}}
    if progress.done == 0:
        known = {"definition": {"S": "rebuild"}, "period": {"S": f"{revision:09d}"}, **expires_at}
        get_client("dynamodb").put_item(TableName=_table(), Item=known)
    item = {
        "definition": {"S": f"rebuild/{revision}"},
        "period": {"S": progress.shard},
        "done": {"N": str(progress.done)},
        "of": {"N": str(progress.of)},
        "is_done": {"BOOL": progress.is_done},
        "touched_at": {"N": repr(progress.touched_at)},
        **expires_at,
    }
    get_client("dynamodb").put_item(TableName=_table(), Item=item)


def find_rebuild(revision: int, now: float) -> Rebuild:
    """How far the run of this revision is."""
    return add_up(revision, [_read(item) for item in _query(f"rebuild/{revision}")], now)


def list_rebuilds(now: float, limit: int = _LISTED) -> list[Rebuild]:
    """The latest runs, the newest first."""
    found = _query("rebuild", limit, ScanIndexForward=False)
    return [find_rebuild(int(item["period"]["S"]), now) for item in found]


def _read(item: Item) -> ShardProgress:
    return ShardProgress(
        item["period"]["S"],
        int(item["done"]["N"]),
        int(item["of"]["N"]),
        item["is_done"]["BOOL"],
        float(item["touched_at"]["N"]),
    )


def _query(definition: str, limit: int | None = None, **query: Any) -> list[Item]:
    found = read_items(
        _table(),
        limit,
        KeyConditionExpression="#definition = :definition",
        ExpressionAttributeNames={"#definition": "definition"},
        ExpressionAttributeValues={":definition": {"S": definition}},
        **query,
    )
    return list(islice(found, limit))


def _table() -> str:
    return settings().require("stats_table")

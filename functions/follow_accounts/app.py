"""Keeps accounts and their members in step, behind the streams of the accounts and of the memberships."""

from collections.abc import Mapping
from typing import Any

from postroad_aws.observability import logger
from postroad_aws.storage import accounts, memberships
from postroad_aws.usecases.follow_accounts import Touched, follow_accounts, has_news, touch
from postroad_aws.wiring import keyless


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Stream records of one table. A batch that fails raises, and comes again."""
    touched: dict[str, Touched] = {}
    for record in event["Records"]:
        try:
            _read(record["dynamodb"], touched)
        except Exception:  # a row that we did not write, or wrote wrongly, must not hold up all others
            logger.exception("a change of a row could not be followed")
    follow_accounts(keyless(), memberships, touched)
    return {"batchItemFailures": []}


def _read(change: Mapping[str, Any], touched: dict[str, Touched]) -> None:
    before, after = change.get("OldImage"), change.get("NewImage")
    if "place_shard" in change["Keys"]:
        membership = memberships.parse_item(after or before or {})
        touch(touched, membership.place, membership.contact_id)
    elif after and has_news(before and accounts.parse_item(before), accounts.parse_item(after)):
        touched.setdefault(change["Keys"]["account_id"]["S"], Touched()).has_changed = True

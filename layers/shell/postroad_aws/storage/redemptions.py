"""Coupons that were redeemed: each once, in the requests table, until nobody can show it any more."""

from typing import NamedTuple

from botocore.exceptions import ClientError

from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage.batches import code_of


class Redemption(NamedTuple):
    """When a coupon was redeemed (epoch seconds), for which order ("" when none was named), and who said so."""

    at: float
    order: str
    source: str


def find_redemption(coupon_id: str, code: str) -> Redemption | None:
    """How a coupon was redeemed, read consistently; None when it was not."""
    answer = get_client("dynamodb").get_item(TableName=_table(), Key=_key(coupon_id, code), ConsistentRead=True)
    return _read(answer["Item"]) if "Item" in answer else None


def redeem(coupon_id: str, code: str, redemption: Redemption, until: float) -> Redemption:
    """Redeem a coupon that can be shown until then; answers how it was redeemed, by this call or before."""
    item = {
        **_key(coupon_id, code),
        "at": {"N": repr(redemption.at)},
        "order": {"S": redemption.order},
        "source": {"S": redemption.source},
        "expires_at": {"N": str(int(until) + 1)},
    }
    try:
        get_client("dynamodb").put_item(
            TableName=_table(),
            Item=item,
            ConditionExpression="attribute_not_exists(request_id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return _read(error.response["Item"])
    return redemption


def _read(item: dict[str, dict[str, str]]) -> Redemption:
    return Redemption(float(item["at"]["N"]), item["order"]["S"], item["source"]["S"])


def _key(coupon_id: str, code: str) -> dict[str, dict[str, str]]:
    return {"request_id": {"S": f"coupon#{coupon_id}#{code}"}}


def _table() -> str:
    return settings().require("requests_table")

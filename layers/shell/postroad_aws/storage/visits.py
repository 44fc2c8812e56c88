"""How often somebody has come lately: counters in the requests table that go by themselves."""

from postroad_aws.clients import get_client
from postroad_aws.settings import settings


def count_visit(visitor: str, window: float, now: float) -> int:
    """Count one visit; returns how many there were in this window of so many seconds, this one included."""
    number = int(now // window)
    answer = get_client("dynamodb").update_item(
        TableName=settings().require("requests_table"),
        Key={"request_id": {"S": f"visits#{visitor}#{number}"}},
        UpdateExpression="ADD visits :one SET expires_at = :end",
        ExpressionAttributeValues={":one": {"N": "1"}, ":end": {"N": str(int((number + 2) * window))}},
        ReturnValues="UPDATED_NEW",
    )
    return int(answer["Attributes"]["visits"]["N"])

"""How many tests were sent within an hour: one row of the requests table for each hour, kept for a day."""

from postroad.instants import DAY
from postroad_aws.clients import get_client
from postroad_aws.settings import settings

HOUR = 3_600


def take(count: int, most: int, now: float) -> bool:
    """Count so many more in this hour; False, and nothing is counted, when they would be more than `most`."""
    client = get_client("dynamodb")
    try:
        client.update_item(
            TableName=settings().require("requests_table"),
            Key={"request_id": {"S": f"tests#{int(now // HOUR)}"}},
            UpdateExpression="SET expires_at = :end ADD sent :count",
            ConditionExpression="attribute_not_exists(sent) OR sent <= :room",
            ExpressionAttributeValues={
                ":count": {"N": str(count)},
                ":room": {"N": str(most - count)},
                ":end": {"N": str(int(now + DAY))},
            },
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True

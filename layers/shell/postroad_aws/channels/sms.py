"""Text messages through SNS. Neither idempotency key nor tag: a call without an answer stays unknown."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from postroad.envelopes.sms import Text
from postroad_aws.channels import LATER, SOON, read_error
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Refused, Unclear

# SNS API, Publish, errors.
_ANSWERS = {
    "Throttled": SOON,
    "AuthorizationError": LATER,
    "InvalidParameter": None,
    "InvalidParameterValue": None,
    "ValidationException": None,
    "OptedOut": None,
}


def send(text: Text) -> Accepted | Refused | Unclear:
    """Hand a text to SNS, once; a timeout after ten seconds."""
    attributes: dict[str, Any] = {
        "AWS.SNS.SMS.SMSType": _string("Promotional" if text.promotional else "Transactional")
    }
    if text.sender_id:
        attributes["AWS.SNS.SMS.SenderID"] = _string(text.sender_id)
    try:
        answer = get_client("sns", retries=0, timeout=10.0).publish(
            PhoneNumber=text.to, Message=text.body, MessageAttributes=attributes
        )
    except (ClientError, BotoCoreError) as error:
        return read_error(error, _ANSWERS)
    return Accepted(answer["MessageId"])


def _string(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}

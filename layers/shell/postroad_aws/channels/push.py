"""Pushes through SNS: the device's endpoint is made or found, then it gets the notification, once.

SNS hears from Apple and Google which devices are gone, and disables their endpoints. Making an endpoint that exists
gives its name, so none has to be remembered; as long as it is asked for in the same way, it is the same one.
"""

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from postroad.envelopes.push import Push
from postroad_aws.channels import LATER, MUCH_LATER, SOON, read_error
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Refused, Unclear

# SNS API, CreatePlatformEndpoint and Publish, errors.
_ANSWERS = {
    "Throttled": SOON,
    "NotFound": LATER,
    "AuthorizationError": LATER,
    "PlatformApplicationDisabled": MUCH_LATER,
    "InvalidParameter": None,
    "InvalidParameterValue": None,
    "ValidationException": None,
}
_GONE = Refused("the device takes no more: its app was removed, or has a new token", None, is_gone=True)
_NO_TOKEN = Refused("the device's token is none", None, is_gone=True)
# Somebody else has made the endpoint, and has written something beside it.
_KNOWN = re.compile(r"Endpoint (arn:\S+) already exists with the same Token")


_TTL_NAMES = {"GCM": "FCM"}


def send(push: Push) -> Accepted | Refused | Unclear:
    """Hand a notification to SNS, once; a timeout after ten seconds."""
    endpoint = _find_endpoint(push)
    if isinstance(endpoint, Refused):
        return endpoint
    try:
        answer = get_client("sns", retries=0, timeout=10.0).publish(
            TargetArn=endpoint, MessageStructure="json", Message=push.payload, MessageAttributes=_attributes(push)
        )
    except (ClientError, BotoCoreError) as error:
        return _GONE if _code(error) == "EndpointDisabled" else read_error(error, _ANSWERS)
    return Accepted(answer["MessageId"])


def _find_endpoint(push: Push) -> str | Refused:
    """What SNS calls the device; nothing has left when it does not say."""
    try:
        answer = get_client("sns", retries=0, timeout=10.0).create_platform_endpoint(
            PlatformApplicationArn=push.application, Token=push.to
        )
    except (ClientError, BotoCoreError) as error:
        if known := _KNOWN.search(str(error)):
            return known[1]
        if _code(error) == "InvalidParameter" and "Token" in str(error):
            return _NO_TOKEN
        said = read_error(error, _ANSWERS)
        return said if isinstance(said, Refused) else Refused(said.reason, SOON)
    return str(answer["EndpointArn"])


def _code(error: ClientError | BotoCoreError) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _attributes(push: Push) -> dict[str, Any]:
    if push.lives is None:
        return {}
    # SNS has a newer name for Google here than elsewhere (SNS Developer Guide, "Using the TTL message attribute").
    name = f"AWS.SNS.MOBILE.{_TTL_NAMES.get(push.platform, push.platform)}.TTL"
    return {name: {"DataType": "String", "StringValue": str(push.lives)}}

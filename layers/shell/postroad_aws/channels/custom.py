"""A channel of the operator's own: one call of a Lambda function that the policy names, answered within ten seconds.

A function that throws, or takes longer, is called again later; it knows a message again by its id.
"""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from postroad.envelopes.custom import Invocation
from postroad_aws.channels import LATER, SOON, judge_status, read_error, tell_answer
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Refused, Unclear

# Lambda API, Invoke, errors. A function that is not there yet may be there soon.
_ANSWERS = {
    "TooManyRequestsException": SOON,
    "EC2ThrottledException": SOON,
    "ServiceException": SOON,
    "ResourceNotReadyException": SOON,
    "ResourceNotFoundException": LATER,
    "AccessDeniedException": LATER,
    "RequestTooLargeException": None,
}


def send(invocation: Invocation) -> Accepted | Refused | Unclear:
    """Call the function, once. Its answer may have a `statusCode`, which is judged as a webhook's is."""
    try:
        answer = get_client("lambda", retries=0, timeout=10.0).invoke(
            FunctionName=invocation.to, InvocationType="RequestResponse", Payload=invocation.payload
        )
        body = answer["Payload"].read()
    except (ClientError, BotoCoreError) as error:
        return read_error(error, _ANSWERS)
    if answer.get("FunctionError"):
        return Refused(f"{invocation.to} failed: {_name_of(body)}", SOON)
    said = _parse(body)
    status = said.get("statusCode", 200) if isinstance(said, dict) else 200
    if not isinstance(status, int):
        return Refused(f"{invocation.to} answered a statusCode that is no number", None)
    return judge_status(invocation.to, status) or Accepted("", {"status": status, **tell_answer(body)})


def _name_of(body: bytes) -> str:
    """What kind of error it was; what it says may be about a person, and is left out."""
    said = _parse(body)
    return str(said.get("errorType", "Error"))[:80] if isinstance(said, dict) else "Error"


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body or b"null")
    except (ValueError, RecursionError):
        return None

"""The ways in which messages travel: each module has `send`, one call to its provider and no retries."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from postroad.documents import Reader
from postroad_aws.ports import Refused, Unclear

# Seconds until it is worth asking again.
SOON = 10.0
LATER = 300.0
MUCH_LATER = 3_600.0
# Bytes of what a machine answers that are told to the contact.
MOST_TOLD = 1_000
# These mean "not now" (RFC 9110, 6585, 8470); what else begins with 4 means "not like this".
_NOT_NOW = (408, 425, 429)


def read_error(error: ClientError | BotoCoreError, answers: Mapping[str, float | None]) -> Refused | Unclear:
    """What an error says about the message. `answers` maps the provider's codes to `Refused.retry_after`.

    Without an answer nobody knows, unless no connection was made. The account's own troubles (powers, credentials) are
    never the message's fault, so it waits.
    """
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return Refused("the channel could not be reached", SOON)
    if not isinstance(error, ClientError):
        return Unclear(f"no answer came: {type(error).__name__}")
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in answers:
        return Refused(code, answers[code])
    if "Throttl" in code or "TooManyRequests" in code:
        return Refused(code, SOON)
    if status >= 500:
        return Unclear(f"the channel failed: {code}")
    return Refused(code, LATER)


def judge_status(who: str, status: int, retry_after: str = "") -> Refused | None:
    """What the status of a machine's answer says; None when it took the message."""
    if 200 <= status < 300:
        return None
    reason = f"{who} answered {status}"
    if 300 <= status < 400:
        return Refused(f"{reason}, and redirects are not followed", None)
    if status in _NOT_NOW or status >= 500:
        return Refused(reason, float(retry_after) if retry_after.isdecimal() else SOON)
    return Refused(reason, None)


def tell_answer(body: bytes) -> dict[str, Any]:
    """What a small JSON object in an answer says, for a journey to decide by."""
    try:
        reader = Reader({"answer": json.loads(body)})
    except (ValueError, RecursionError):
        return {}
    said = reader.anything("answer")
    is_small = isinstance(said, dict) and not reader.mistakes and len(body) <= MOST_TOLD
    return {"answer": said} if is_small else {}

"""The ways in which messages travel: each module has `send`, one call to its provider and no retries."""

from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from postroad_aws.ports import Refused, Unclear

# Seconds until it is worth asking again.
SOON = 10.0
LATER = 300.0
MUCH_LATER = 3_600.0


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

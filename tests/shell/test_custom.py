"""Channels of the operator's own: what a Lambda function is called with, and what its answers mean for the message."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from postroad.envelopes.custom import Invocation
from postroad_aws.channels import LATER, SOON, custom
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Channel, Refused, Unclear
from tests.shell.faults import fail_calls

PORT: Channel[Invocation] = custom
NAME = "postroad-channel-whatsapp"
CALL = Invocation("enr-1.hello", NAME, b'{"message_id":"enr-1.hello","body":{"text":"Hello"}}')


@pytest.fixture
def client(aws: Any) -> Any:
    return get_client("lambda", retries=0, timeout=10.0)


@pytest.fixture
def answers(client: Any) -> Iterator[Callable[..., None]]:
    """Have the function answer with these bytes, when it is called as it should be."""
    with Stubber(client) as stub:

        def answer(payload: bytes, **more: Any) -> None:
            body = StreamingBody(io.BytesIO(payload), len(payload))
            asked = {"FunctionName": NAME, "InvocationType": "RequestResponse", "Payload": CALL.payload}
            stub.add_response("invoke", {"StatusCode": 200, "Payload": body, **more}, asked)

        yield answer
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("payload", "result"),
    [
        (b"null", Accepted("", {"status": 200})),
        (b"", Accepted("", {"status": 200})),
        (b'"sent"', Accepted("", {"status": 200})),
        (b'{"id": 7}', Accepted("", {"status": 200, "answer": {"id": 7}})),
        (b'{"statusCode": 202}', Accepted("", {"status": 202, "answer": {"statusCode": 202}})),
        (b'{"statusCode": 400, "body": "no such number"}', Refused(f"{NAME} answered 400", None)),
        (b'{"statusCode": 503}', Refused(f"{NAME} answered 503", SOON)),
        (b'{"statusCode": "two"}', Refused(f"{NAME} answered a statusCode that is no number", None)),
    ],
)
def test_what_a_function_returns_is_a_delivery_unless_its_status_says_otherwise(answers, payload, result):
    answers(payload)
    assert custom.send(CALL) == result


def test_a_function_that_throws_is_called_again_and_what_it_says_of_a_person_is_not_kept(answers):
    error = {"errorType": "KeyError", "errorMessage": "ana@example.com", "stackTrace": ["…"]}
    answers(json.dumps(error).encode(), FunctionError="Unhandled")
    assert custom.send(CALL) == Refused(f"{NAME} failed: KeyError", SOON)


@pytest.mark.parametrize(
    ("code", "status", "result"),
    [
        ("TooManyRequestsException", 429, Refused("TooManyRequestsException", SOON)),
        ("ResourceNotFoundException", 404, Refused("ResourceNotFoundException", LATER)),
        ("AccessDeniedException", 403, Refused("AccessDeniedException", LATER)),
        ("RequestTooLargeException", 413, Refused("RequestTooLargeException", None)),
        ("InternalFailure", 500, Unclear("the channel failed: InternalFailure")),
    ],
)
def test_what_lambda_itself_refuses_says_whether_to_try_again(client, code, status, result):
    with Stubber(client) as stub:
        stub.add_client_error("invoke", code, "", status)
        assert custom.send(CALL) == result


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ReadTimeoutError(endpoint_url="https://lambda"), Unclear),
        (EndpointConnectionError(endpoint_url="https://lambda"), Refused),
    ],
)
def test_a_call_that_was_not_answered_is_unclear_unless_nothing_was_sent(client, error, kind):
    fail_calls(client, "Invoke", error)
    assert isinstance(custom.send(CALL), kind)

"""Pushes through SNS: what is sent, and what its answers mean for the message and for the device."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from postroad.envelopes.push import Push
from postroad_aws.channels import LATER, MUCH_LATER, SOON, push
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Channel, Refused, Unclear
from tests.shell.faults import fail_calls

PORT: Channel[Push] = push
ENDPOINT = "arn:aws:sns:us-east-1:123456789012:endpoint/GCM/shop/1"
PAYLOAD = json.dumps({"default": "Your cart waits.", "GCM": json.dumps({"notification": {"title": "Ana"}})})


@pytest.fixture
def sns(aws: Any) -> Any:
    return get_client("sns", retries=0, timeout=10.0)


@pytest.fixture
def application(sns: Any) -> str:
    made = sns.create_platform_application(Name="shop", Platform="GCM", Attributes={"PlatformCredential": "x"})
    return str(made["PlatformApplicationArn"])


def note(application: str, lives: int | None = None) -> Push:
    return Push("enr-1.reminder", "8f3a", application, PAYLOAD, lives)


def endpoints() -> list[Any]:
    return list(sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].platform_endpoints.values())


def test_a_push_reaches_its_device_and_a_device_has_one_endpoint_however_often_it_is_written_to(sns, application):
    answers = [push.send(note(application)) for _ in range(2)]
    (endpoint,) = endpoints()
    assert endpoint.token == "8f3a"
    assert {answer.provider_id: PAYLOAD for answer in answers if isinstance(answer, Accepted)} == endpoint.messages
    assert len(endpoint.messages) == 2


def test_a_push_that_expires_says_so_in_the_words_of_its_platform(sns, application):
    asked: list[dict[str, Any]] = []
    sns.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: asked.append(params))
    push.send(note(application, lives=90))
    push.send(note(application))
    assert asked[0]["MessageAttributes"] == {"AWS.SNS.MOBILE.FCM.TTL": {"DataType": "String", "StringValue": "90"}}
    assert asked[1]["MessageAttributes"] == {}
    assert asked[1]["MessageStructure"] == "json"


def test_a_device_whose_app_was_removed_is_gone(sns, application):
    push.send(note(application))
    (endpoint,) = endpoints()
    sns.set_endpoint_attributes(EndpointArn=endpoint.arn, Attributes={"Enabled": "false"})
    answer = push.send(note(application))
    assert isinstance(answer, Refused)
    assert (answer.is_gone, answer.retry_after) == (True, None)
    assert len(endpoint.messages) == 1


def test_an_endpoint_that_somebody_else_has_made_is_used(sns, application):
    made = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="8f3a", CustomUserData="ours")
    assert isinstance(push.send(note(application)), Accepted)
    (endpoint,) = endpoints()
    assert (endpoint.arn, len(endpoint.messages)) == (made["EndpointArn"], 1)


@pytest.mark.parametrize(
    ("operation", "code", "status", "answer"),
    [
        ("publish", "EndpointDisabled", 400, push._GONE),
        ("publish", "PlatformApplicationDisabled", 400, Refused("PlatformApplicationDisabled", MUCH_LATER)),
        ("publish", "Throttled", 429, Refused("Throttled", SOON)),
        ("publish", "InvalidParameter", 400, Refused("InvalidParameter", None)),
        ("publish", "AuthorizationError", 403, Refused("AuthorizationError", LATER)),
        ("publish", "InternalError", 500, Unclear("the channel failed: InternalError")),
        ("create_platform_endpoint", "NotFound", 404, Refused("NotFound", LATER)),
        ("create_platform_endpoint", "Throttled", 429, Refused("Throttled", SOON)),
        # Nothing has left, so it may be asked again.
        ("create_platform_endpoint", "InternalError", 500, Refused("the channel failed: InternalError", SOON)),
    ],
)
def test_every_answer_of_sns_has_its_meaning(sns, operation, code, status, answer):
    with Stubber(sns) as stubber:
        if operation == "publish":
            stubber.add_response("create_platform_endpoint", {"EndpointArn": ENDPOINT})
        stubber.add_client_error(operation, code, http_status_code=status)
        assert push.send(note("arn:aws:sns:us-east-1:123456789012:app/GCM/shop")) == answer


def test_a_token_that_is_none_is_gone_and_another_mistake_is_not(sns):
    for sentence, is_gone in (("Invalid parameter: Token Reason: iOS device tokens", True), ("Reason: other", False)):
        with Stubber(sns) as stubber:
            stubber.add_client_error("create_platform_endpoint", "InvalidParameter", sentence, http_status_code=400)
            answer = push.send(note("arn:aws:sns:us-east-1:123456789012:app/APNS/shop"))
        assert isinstance(answer, Refused)
        assert (answer.is_gone, answer.retry_after) == (is_gone, None)


@pytest.mark.parametrize(
    ("operation", "error", "answer"),
    [
        ("Publish", EndpointConnectionError(endpoint_url="x"), Refused("the channel could not be reached", SOON)),
        ("Publish", ReadTimeoutError(endpoint_url="x"), Unclear("no answer came: ReadTimeoutError")),
        ("CreatePlatformEndpoint", ReadTimeoutError(endpoint_url="x"),
         Refused("no answer came: ReadTimeoutError", SOON)),
    ],
)  # fmt: skip
def test_without_an_answer_sns_is_asked_once_and_never_again(sns, application, operation, error, answer):
    calls = fail_calls(sns, operation, error)
    assert push.send(note(application)) == answer
    assert calls() == 1

"""Text messages through SNS: what is sent, and what its answers mean for the message."""

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from postroad.envelopes.sms import Text
from postroad_aws.channels import LATER, SOON, sms
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Channel, Refused, Unclear
from tests.shell.faults import fail_calls

PORT: Channel[Text] = sms
TEXT = Text("enr-1.reminder", "+34600111222", "Your basket is waiting: https://shop.example.com/c/1")


@pytest.fixture
def sns(aws: Any) -> Any:
    return get_client("sns", retries=0, timeout=10.0)


def requests(client: Any) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: asked.append(params))
    return asked


def test_a_text_reaches_its_number(sns):
    answer = sms.send(TEXT)
    sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sms_messages
    ((message_id, (number, body)),) = sent.items()
    assert answer == Accepted(message_id)
    assert (number, body) == (TEXT.to, TEXT.body)


@pytest.mark.parametrize(("promotional", "kind"), [(True, "Promotional"), (False, "Transactional")])
def test_a_text_says_of_what_kind_it_is(sns, promotional, kind):
    asked = requests(sns)
    sms.send(Text("a.1", "+34600111222", "Hi", promotional=promotional))
    assert asked[0]["MessageAttributes"] == {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": kind}}


def test_a_sender_id_is_shown_when_there_is_one(sns):
    asked = requests(sns)
    sms.send(Text("a.1", "+34600111222", "Hi", sender_id="SHOP"))
    attributes = asked[0]["MessageAttributes"]
    assert attributes["AWS.SNS.SMS.SenderID"] == {"DataType": "String", "StringValue": "SHOP"}


@pytest.mark.parametrize(
    ("code", "status", "answer"),
    [
        ("Throttled", 429, Refused("Throttled", SOON)),
        ("Throttling", 400, Refused("Throttling", SOON)),
        ("InvalidParameter", 400, Refused("InvalidParameter", None)),
        ("ValidationException", 400, Refused("ValidationException", None)),
        ("OptedOut", 400, Refused("OptedOut", None)),
        ("AuthorizationError", 403, Refused("AuthorizationError", LATER)),
        ("InternalError", 500, Unclear("the channel failed: InternalError")),
    ],
)
def test_every_answer_of_sns_has_its_meaning(sns, code, status, answer):
    with Stubber(sns) as stubber:
        stubber.add_client_error("publish", code, http_status_code=status)
        assert sms.send(TEXT) == answer


def test_a_number_that_is_none_is_refused_for_good(sns):
    assert sms.send(Text("a.1", "not a number", "Hi")) == Refused("InvalidParameter", None)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (EndpointConnectionError(endpoint_url="https://sns"), Refused("the channel could not be reached", SOON)),
        (ReadTimeoutError(endpoint_url="https://sns"), Unclear("no answer came: ReadTimeoutError")),
    ],
)
def test_without_an_answer_sns_is_asked_once_and_never_again(sns, error, answer):
    calls = fail_calls(sns, "Publish", error)
    assert sms.send(TEXT) == answer
    assert calls() == 1

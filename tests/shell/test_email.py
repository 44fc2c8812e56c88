"""E-mail through SES: what is sent, and what its answers mean for the message."""

from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import Stubber
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from postroad.envelopes.email import Email
from postroad.sending.feedback import parse_tag
from postroad_aws.channels import LATER, MUCH_LATER, SOON, email
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Channel, Refused, Unclear
from tests.shell.faults import fail_calls

PORT: Channel[Email] = email
RAW = b"From: Shop <shop@example.com>\r\nTo: ana@example.com\r\nSubject: Hello\r\nX-Ours: 1\r\n\r\nHello\r\n"
MAIL = Email("Zm9v_YmFy.first_mail~2", "ana@example.com", "Müller & Söhne <shop@example.com>", RAW)


@pytest.fixture
def ses(aws: Any) -> Any:
    client = get_client("sesv2", retries=0, timeout=10.0)
    client.create_email_identity(EmailIdentity="shop@example.com")
    return client


def test_a_mail_leaves_as_it_was_written(ses):
    answer = email.send(MAIL)
    (sent,) = ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages
    assert answer == Accepted(sent.id)
    assert sent.source == "shop@example.com"
    assert sent.raw_data.encode() == RAW


def test_the_request_names_the_configuration_set_and_the_message(ses):
    asked: list[dict[str, Any]] = []
    ses.meta.events.register("provide-client-params.sesv2.SendEmail", lambda params, **_: asked.append(params))
    email.send(MAIL)
    (request,) = asked
    assert request["ConfigurationSetName"] == "ConfigurationSet"
    assert request["Destination"] == {"ToAddresses": ["ana@example.com"]}
    ((tag),) = request["EmailTags"]
    assert tag["Name"] == "message_id"
    assert parse_tag(tag["Value"]) == MAIL.message_id


def test_an_international_domain_goes_over_the_wire_in_ascii(ses):
    asked: list[dict[str, Any]] = []
    ses.meta.events.register("provide-client-params.sesv2.SendEmail", lambda params, **_: asked.append(params))
    email.send(Email("a.1", "ana@müller.example", "shop@example.com", RAW))
    assert asked[0]["Destination"] == {"ToAddresses": ["ana@xn--mller-kva.example"]}


@pytest.mark.parametrize(
    ("code", "status", "answer"),
    [
        ("TooManyRequestsException", 429, Refused("TooManyRequestsException", SOON)),
        ("ThrottlingException", 400, Refused("ThrottlingException", SOON)),
        ("LimitExceededException", 400, Refused("LimitExceededException", MUCH_LATER)),
        ("SendingPausedException", 400, Refused("SendingPausedException", MUCH_LATER)),
        ("AccountSuspendedException", 400, Refused("AccountSuspendedException", MUCH_LATER)),
        ("MailFromDomainNotVerifiedException", 400, Refused("MailFromDomainNotVerifiedException", LATER)),
        ("MessageRejected", 400, Refused("MessageRejected", None)),
        ("BadRequestException", 400, Refused("BadRequestException", None)),
        ("NotFoundException", 404, Refused("NotFoundException", None)),
        ("AccessDeniedException", 403, Refused("AccessDeniedException", LATER)),
        ("InternalFailure", 500, Unclear("the channel failed: InternalFailure")),
        ("ServiceUnavailable", 503, Unclear("the channel failed: ServiceUnavailable")),
    ],
)
def test_every_answer_of_ses_has_its_meaning(ses, code, status, answer):
    with Stubber(ses) as stubber:
        stubber.add_client_error("send_email", code, http_status_code=status)
        assert email.send(MAIL) == answer


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (EndpointConnectionError(endpoint_url="https://ses"), Refused("the channel could not be reached", SOON)),
        (ConnectTimeoutError(endpoint_url="https://ses"), Refused("the channel could not be reached", SOON)),
        (ReadTimeoutError(endpoint_url="https://ses"), Unclear("no answer came: ReadTimeoutError")),
        (ConnectionClosedError(endpoint_url="https://ses"), Unclear("no answer came: ConnectionClosedError")),
        (SSLError(endpoint_url="https://ses", error="cut"), Unclear("no answer came: SSLError")),
    ],
)
def test_without_an_answer_ses_is_asked_once_and_never_again(ses, error, answer):
    calls = fail_calls(ses, "SendEmail", error)
    assert email.send(MAIL) == answer
    assert calls() == 1


def test_a_slow_ses_is_given_up_after_ten_seconds(ses):
    assert ses.meta.config.read_timeout == 10.0
    assert ses.meta.config.retries["total_max_attempts"] == 1

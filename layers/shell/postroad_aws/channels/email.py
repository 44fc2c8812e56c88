"""E-mail through SES v2, as raw MIME, so that every header arrives as we wrote it.

SES has no idempotency key: the client asks once, and a call without an answer is never repeated. SES's own events carry
the message id as a tag and say later what became of it.
"""

from botocore.exceptions import BotoCoreError, ClientError

from postroad.content.mime import parse_mailbox, wire_address
from postroad.envelopes.email import Email
from postroad.sending.feedback import MESSAGE_TAG, tag_of
from postroad_aws.channels import LATER, MUCH_LATER, SOON, read_error
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Refused, Unclear
from postroad_aws.settings import settings

# SES API v2, SendEmail, errors; and what IAM and the front door answer.
_ANSWERS = {
    "TooManyRequestsException": SOON,
    "LimitExceededException": MUCH_LATER,
    "SendingPausedException": MUCH_LATER,
    "AccountSuspendedException": MUCH_LATER,
    "MailFromDomainNotVerifiedException": LATER,
    "MessageRejected": None,
    "BadRequestException": None,
    "NotFoundException": None,
}


def send(email: Email) -> Accepted | Refused | Unclear:
    """Hand a mail to SES, once; a timeout after ten seconds."""
    try:
        answer = get_client("sesv2", retries=0, timeout=10.0).send_email(
            FromEmailAddress=wire_address(parse_mailbox(email.from_).address),
            Destination={"ToAddresses": [wire_address(email.to)]},
            Content={"Raw": {"Data": email.raw}},
            ConfigurationSetName=settings().require("configuration_set"),
            EmailTags=[{"Name": MESSAGE_TAG, "Value": tag_of(email.message_id)}],
        )
    except (ClientError, BotoCoreError) as error:
        return read_error(error, _ANSWERS)
    return Accepted(answer["MessageId"])

"""Messages on a site: they are put where the site asks for them, and wait. Putting one again changes nothing."""

from botocore.exceptions import BotoCoreError, ClientError

from postroad.envelopes.web import WebMessage
from postroad_aws.ports import Accepted, Refused, Unclear
from postroad_aws.storage import web_messages


def send(message: WebMessage) -> Accepted | Refused | Unclear:
    """Have it wait for its contact."""
    try:
        web_messages.save_message(message)
    except (ClientError, BotoCoreError) as error:
        return Unclear(f"it could not be put where it waits: {type(error).__name__}")
    return Accepted("")

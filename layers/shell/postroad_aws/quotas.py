"""What the providers of channels say that may leave: of mail, SES's rate and quota."""

from botocore.exceptions import BotoCoreError, ClientError

from postroad.sending.quotas import Quota
from postroad_aws.clients import get_client
from postroad_aws.observability import logger


def find_quota(channel: str) -> Quota | None:
    """What the account may send by this channel; None when it has no quota that we know, or nobody says."""
    if channel != "email":
        return None
    try:
        said = get_client("sesv2").get_account()["SendQuota"]
    except (ClientError, BotoCoreError) as error:
        # SES answers this once a second, and a broadcast has several workers; without it they go by the queue alone.
        logger.info("SES did not say its quota", error=type(error).__name__)
        return None
    return Quota(said["MaxSendRate"], said["Max24HourSend"], said["SentLast24Hours"])

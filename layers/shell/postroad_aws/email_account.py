"""What SES says of the account and of the identity that mail comes from."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from postroad.deliverability.doctor import Facts
from postroad_aws.clients import get_client
from postroad_aws.observability import logger
from postroad_aws.settings import settings


def find_facts() -> Facts:
    """What can be found out; what SES does not tell, or this function may not ask, stays None."""
    name = settings().email_identity
    account = _ask("the account", lambda ses: ses.get_account())
    identity = _ask("the identity", lambda ses: ses.get_email_identity(EmailIdentity=name)) if name else {}
    events = _ask(
        "the configuration set",
        lambda ses: ses.get_configuration_set_event_destinations(ConfigurationSetName=settings().configuration_set),
    )
    dkim, mail_from = identity.get("DkimAttributes", {}), identity.get("MailFromAttributes")
    quota = account.get("SendQuota", {})
    destinations = events.get("EventDestinations")
    return Facts(
        identity=name,
        is_verified=identity.get("VerifiedForSendingStatus"),
        dkim=dkim.get("Status"),
        dkim_bits=dkim.get("CurrentSigningKeyLength"),
        mail_from=None if mail_from is None else mail_from.get("MailFromDomain", ""),
        mail_from_state=(mail_from or {}).get("MailFromDomainStatus"),
        is_in_production=account.get("ProductionAccessEnabled"),
        is_sending=account.get("SendingEnabled"),
        enforcement=account.get("EnforcementStatus"),
        quota=quota.get("Max24HourSend"),
        rate=quota.get("MaxSendRate"),
        sent=quota.get("SentLast24Hours"),
        suppresses=_suppresses(account),
        events=None if destinations is None else _events(destinations),
    )


def lift_suppression(address: str) -> None:
    """Take an address off the account's own list of suppressed ones, where it may be after a bounce or a complaint."""
    ses = get_client("sesv2")
    with suppress(ses.exceptions.NotFoundException):
        ses.delete_suppressed_destination(EmailAddress=address)


def _suppresses(account: dict[str, Any]) -> frozenset[str] | None:
    known = account.get("SuppressionAttributes")
    return None if known is None else frozenset(known.get("SuppressedReasons", ()))


def _events(destinations: list[dict[str, Any]]) -> frozenset[str]:
    """The kinds of events that come to EventBridge."""
    ours = [each for each in destinations if each.get("Enabled") and "EventBridgeDestination" in each]
    return frozenset(kind for each in ours for kind in each["MatchingEventTypes"])


def _ask(what: str, call: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    try:
        return call(get_client("sesv2", retries=1))
    except Exception as error:  # whatever keeps it from telling: then that is not known
        logger.info("SES did not tell of something", what=what, error=type(error).__name__)
        return {}

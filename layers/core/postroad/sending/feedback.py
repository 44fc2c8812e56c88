"""Reading what SES says about a mail, as it arrives through EventBridge.

Source of the shapes: Amazon SES developer guide, "Examples of event data that Amazon SES publishes to EventBridge".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postroad.instants import parse_instant
from postroad.sending.messages import BOUNCED, COMPLAINED, DEFERRED, DELIVERED, FAILED, SENT

# The reason of a suppression after a complaint.
REPORTED = "reported as spam"

# SES did not even try: it keeps a list of its own, from which lifting a suppression takes an address as well.
ON_SES_LIST = "on SES's list of suppressed addresses"
_ON_THE_ACCOUNTS_LIST = "OnAccountSuppressionList"

# The tag by which a mail carries its message's id through SES.
MESSAGE_TAG = "message_id"

# A tag's value takes letters, digits, "-" and "_" only (SES API v2, MessageTag); a message id has "." and "~" too.
_ESCAPES = {"_": "__", ".": "_d", "~": "_t"}
_UNESCAPES = {escape: sign for sign, escape in _ESCAPES.items()}


def tag_of(message_id: str) -> str:
    """A message's id as the value of a tag."""
    return "".join(_ESCAPES.get(sign, sign) for sign in message_id)


def parse_tag(value: str) -> str:
    """The message id in the value of a tag."""
    return re.sub("_[_dt]", lambda found: _UNESCAPES[found[0]], value)


@dataclass(frozen=True, slots=True)
class Feedback:
    """`state` is what the message becomes (DEFERRED changes nothing); `suppressed` are the addresses that must not be
    written to again."""

    message_id: str
    state: str
    time: float
    provider_id: str
    reason: str = ""
    suppressed: tuple[str, ...] = ()


def find_feedback(detail: Mapping[str, Any], received: float) -> Feedback | None:
    """The feedback in an event's detail; None when it is not about a message of ours, or says nothing of interest.

    Addresses are suppressed after a permanent bounce and after a complaint. A transient bounce means that SES has given
    up, and the next mail may get through ("soft bounces are only included when SES fails to deliver the email after
    retrying for a period of time"). What stands on the account's own list of suppressed addresses never left, so it is
    no bounce in SES's numbers nor in ours.
    """
    kind = str(detail.get("eventType", ""))
    mail = detail.get("mail")
    if not isinstance(mail, Mapping):
        return None
    tags = mail.get("tags")
    named = tags.get(MESSAGE_TAG) if isinstance(tags, Mapping) else None
    if not isinstance(named, list) or not named or not isinstance(named[0], str):
        return None
    message_id = parse_tag(named[0])
    part = detail.get({"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower()))
    part = part if isinstance(part, Mapping) else {}
    time = _time_of(part, mail, received)
    provider_id = str(mail.get("messageId", ""))
    if kind == "Send":
        return Feedback(message_id, SENT, time, provider_id)
    if kind == "Delivery":
        return Feedback(message_id, DELIVERED, time, provider_id)
    if kind == "Bounce":
        subtype, addresses = part.get("bounceSubType", "General"), _addresses(part.get("bouncedRecipients"))
        if subtype == _ON_THE_ACCOUNTS_LIST:
            return Feedback(message_id, FAILED, time, provider_id, ON_SES_LIST, addresses)
        if part.get("bounceType") == "Permanent":
            return Feedback(message_id, BOUNCED, time, provider_id, f"bounced ({subtype})", addresses)
        return Feedback(message_id, FAILED, time, provider_id, f"SES gave up for now ({subtype})")
    if kind == "Complaint":
        return Feedback(
            message_id, COMPLAINED, time, provider_id, REPORTED, _addresses(part.get("complainedRecipients"))
        )
    if kind == "DeliveryDelay":
        return Feedback(message_id, DEFERRED, time, provider_id, f"put off ({part.get('delayType', 'General')})")
    if kind in ("Reject", "Rendering Failure"):
        reason = str(part.get("reason") or part.get("errorMessage") or kind)
        return Feedback(message_id, FAILED, time, provider_id, f"SES refused it: {reason}")
    return None


def _time_of(part: Mapping[str, Any], mail: Mapping[str, Any], received: float) -> float:
    for text in (part.get("timestamp"), mail.get("timestamp")):
        try:
            return parse_instant(text)
        except ValueError:
            continue
    return received


def _addresses(recipients: object) -> tuple[str, ...]:
    found = []
    for recipient in recipients if isinstance(recipients, list) else ():
        address = recipient.get("emailAddress") if isinstance(recipient, Mapping) else None
        if isinstance(address, str) and "@" in address:
            found.append(address.rpartition("<")[2].rstrip(">").strip().lower())
    return tuple(found)

"""Reading what SES says about a mail, as it arrives through EventBridge.

Source of the shapes: Amazon SES developer guide, "Examples of event data that Amazon SES publishes to EventBridge".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postroad.instants import parse_instant
from postroad.messages import BOUNCED, COMPLAINED, DELIVERED, FAILED, SENT

# The tag by which a mail carries its message's id through SES.
MESSAGE_TAG = "message_id"


@dataclass(frozen=True, slots=True)
class Feedback:
    """`state` is what the message becomes; `suppressed` are the addresses that must not be written to again."""

    message_id: str
    state: str
    time: float
    provider_id: str
    reason: str = ""
    suppressed: tuple[str, ...] = ()


def find_feedback(detail: Mapping[str, Any], received: float) -> Feedback | None:
    """The feedback in an event's detail; None when it is not about a message of ours, or says nothing of interest.

    A transient bounce is no bounce: SES goes on trying, or says so later. Addresses are suppressed after a permanent
    bounce and after a complaint.
    """
    kind = str(detail.get("eventType", ""))
    mail = detail.get("mail")
    if not isinstance(mail, Mapping):
        return None
    tags = mail.get("tags")
    named = tags.get(MESSAGE_TAG) if isinstance(tags, Mapping) else None
    if not isinstance(named, list) or not named or not isinstance(named[0], str):
        return None
    part = detail.get({"Rendering Failure": "failure"}.get(kind, kind.lower()))
    part = part if isinstance(part, Mapping) else {}
    time = _time_of(part, mail, received)
    provider_id = str(mail.get("messageId", ""))
    if kind == "Send":
        return Feedback(named[0], SENT, time, provider_id)
    if kind == "Delivery":
        return Feedback(named[0], DELIVERED, time, provider_id)
    if kind == "Bounce" and part.get("bounceType") == "Permanent":
        reason = f"bounced ({part.get('bounceSubType', 'General')})"
        return Feedback(named[0], BOUNCED, time, provider_id, reason, _addresses(part.get("bouncedRecipients")))
    if kind == "Complaint":
        reason = "reported as spam"
        return Feedback(named[0], COMPLAINED, time, provider_id, reason, _addresses(part.get("complainedRecipients")))
    if kind in ("Reject", "Rendering Failure"):
        reason = str(part.get("reason") or part.get("errorMessage") or kind)
        return Feedback(named[0], FAILED, time, provider_id, f"SES refused it: {reason}")
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

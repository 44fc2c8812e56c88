"""Events: what happened to a contact, in the past tense, never changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from postroad.contacts.identities import Identity
from postroad.instants import format_instant

# The largest value of an attribute, in bytes. 200 of them stay below what one item of DynamoDB can hold.
ATTRIBUTE_LIMIT = 1_000

# What Postroad itself says, in the words of the Segment e-mail vocabulary where there is one.
IDENTIFIED = "Identified"
PAGE_VIEWED = "Page Viewed"
SCREEN_VIEWED = "Screen Viewed"
ACCOUNT_JOINED = "Account Joined"
# The published name; who is named has left.
ACCOUNT_LEFT = "Account Removed User"
ACCOUNT_CHANGED = "Account Changed"
ALIASED = "Aliased"
WAKE = "Wake"
SEGMENT_ENTERED = "Segment Entered"
SEGMENT_LEFT = "Segment Left"
STAGE_CHANGED = "Stage Changed"
PERSONA_CHANGED = "Persona Changed"
HANDED_OVER = "Handed Over"
POINTS_GIVEN = "Points Given"
ATTRIBUTES_UPDATED = "Attributes Updated"
JOURNEY_STARTED = "Journey Started"
JOURNEY_ENDED = "Journey Ended"
# What starts a journey by itself, or by a request.
DATE_REACHED = "Date Reached"
SCHEDULE_REACHED = "Schedule Reached"
ENROLLMENT_REQUESTED = "Enrollment Requested"
EMAIL_OPENED = "Email Opened"
EMAIL_CLICKED = "Email Link Clicked"
EMAIL_BOUNCED = "Email Bounced"
EMAIL_COMPLAINED = "Email Marked as Spam"
UNSUBSCRIBED = "Unsubscribed"
SUBSCRIBED = "Subscribed"
SMS_REPLIED = "SMS Replied"
ADDRESS_SUPPRESSED = "Address Suppressed"
ADDRESS_RELEASED = "Address Released"
# A yes that a mail asks to confirm; a pause from everything, and its end before its time; how often to write.
CONSENT_REQUESTED = "Consent Requested"
MESSAGES_PAUSED = "Messages Paused"
MESSAGES_RESUMED = "Messages Resumed"
PREFERENCES_CHANGED = "Preferences Changed"
MESSAGE_SKIPPED = "Message Skipped"
MESSAGE_FAILED = "Message Failed"
MESSAGE_SENT = "Message Sent"
EMAIL_DELIVERED = "Email Delivered"
# What people do with messages that are no mails.
MESSAGE_OPENED = "Message Opened"
MESSAGE_CLICKED = "Message Link Clicked"
MESSAGE_DISMISSED = "Message Dismissed"
# What a machine that got a message answered.
MESSAGE_DELIVERED = "Message Delivered"
BROADCAST_ADDRESSED = "Broadcast Addressed"
TASK_COMPLETED = "Task Completed"
COUPON_REDEEMED = "Coupon Redeemed"
EXPERIMENT_ENTERED = "Experiment Entered"
# Our forms say it, and whoever has forms of their own may say it too.
FORM_SUBMITTED = "Form Submitted"

# What says that a message was opened, and that a link in it was followed, on whatever channel.
OPENINGS, CLICKS = (EMAIL_OPENED, MESSAGE_OPENED), (EMAIL_CLICKED, MESSAGE_CLICKED)

# What every message comes to, if all goes well: contacts hear of it only while something that is live listens.
ON_DEMAND = (MESSAGE_SENT, EMAIL_DELIVERED, MESSAGE_DELIVERED)
# How somebody is put into a static segment, and taken out of it again: only a trusted source is believed.
SEGMENT_ADDED = "Added to Segment"
SEGMENT_REMOVED = "Removed from Segment"

# Only Postroad may say these: a client that sends one of these names is not believed.
RESERVED = frozenset(
    (WAKE, SEGMENT_ENTERED, SEGMENT_LEFT, STAGE_CHANGED, PERSONA_CHANGED, HANDED_OVER, POINTS_GIVEN, ACCOUNT_CHANGED,
     ATTRIBUTES_UPDATED, JOURNEY_STARTED, JOURNEY_ENDED,
     DATE_REACHED, SCHEDULE_REACHED, ENROLLMENT_REQUESTED,
     EMAIL_OPENED, EMAIL_CLICKED, EMAIL_BOUNCED, EMAIL_COMPLAINED, UNSUBSCRIBED, SUBSCRIBED, SMS_REPLIED,
     CONSENT_REQUESTED, MESSAGES_PAUSED, MESSAGES_RESUMED, PREFERENCES_CHANGED,
     ADDRESS_SUPPRESSED, ADDRESS_RELEASED, MESSAGE_SENT, EMAIL_DELIVERED, MESSAGE_DELIVERED,
     MESSAGE_OPENED, MESSAGE_CLICKED, MESSAGE_DISMISSED, MESSAGE_SKIPPED, MESSAGE_FAILED, BROADCAST_ADDRESSED,
     TASK_COMPLETED, COUPON_REDEEMED, EXPERIMENT_ENTERED)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a contact did, or that happened to one.

    `time` is when it happened (clock-corrected); `key_time` comes only from the event's own bytes, so that a retry has
    the same timeline key. `contact_id` is set when the sender already knows whose event it is (feedback, wakes).
    `trusted` says that a server or the person confirmed it, not a browser. `previous` is the old id of an alias call.
    """

    event_id: str
    name: str
    time: float
    key_time: float
    identities: tuple[Identity, ...] = ()
    contact_id: str | None = None
    previous: Identity | None = None
    trusted: bool = False
    source: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def author(self) -> str:
        """Whose word its id is: its source. A public one stands apart: no browser uses up a server's ids."""
        return self.source if self.trusted else f"~{self.source}"

    @property
    def key(self) -> str:
        """Its sort key in the timeline: sortable time, the id, and whose word that is."""
        return _key_of(self.key_time, self.event_id, self.author)

    @property
    def short_hash(self) -> bytes:
        """Six bytes by which a contact remembers it."""
        return _short_hash_of(self.event_id, self.author)

    def to_document(self) -> dict[str, Any]:
        """A JSON document that `parse_event` reads back; empty parts are left out."""
        return {
            "id": self.event_id,
            "name": self.name,
            "time": self.time,
            **({"key_time": self.key_time} if self.key_time != self.time else {}),
            **({"identities": [list(identity) for identity in self.identities]} if self.identities else {}),
            **({"contact_id": self.contact_id} if self.contact_id else {}),
            **({"previous": list(self.previous)} if self.previous else {}),
            **({"trusted": True} if self.trusted else {}),
            **({"source": self.source} if self.source else {}),
            **({"attributes": dict(self.attributes)} if self.attributes else {}),
            **({"properties": dict(self.properties)} if self.properties else {}),
            **({"context": dict(self.context)} if self.context else {}),
        }


@lru_cache(maxsize=1024)  # folding one event asks ten times
def _key_of(key_time: float, event_id: str, author: str) -> str:
    return f"{format_instant(key_time)}#{event_id}" + (f"#{author}" if author else "")


@lru_cache(maxsize=1024)
def _short_hash_of(event_id: str, author: str) -> bytes:
    return hashlib.sha256(f"{author}\n{event_id}".encode()).digest()[:6]


def parse_event(document: Mapping[str, Any]) -> Event:
    """The event of a document that `to_document` wrote; our own queues and tables are trusted."""
    return Event(
        event_id=document["id"],
        name=document["name"],
        time=document["time"],
        key_time=document.get("key_time", document["time"]),
        identities=tuple(Identity(*pair) for pair in document.get("identities", ())),
        contact_id=document.get("contact_id"),
        previous=Identity(*document["previous"]) if "previous" in document else None,
        trusted=document.get("trusted", False),
        source=document.get("source", ""),
        attributes=document.get("attributes", {}),
        properties=document.get("properties", {}),
        context=document.get("context", {}),
    )


def attribute_size(value: Any) -> int:
    """Bytes of an attribute's value: of the text itself, of anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return len(text.encode(errors="surrogatepass"))


def content_id(document: Mapping[str, Any]) -> str:
    """The id of an event whose sender gave none: a hash of all that it says."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return "c-" + hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()[:32]

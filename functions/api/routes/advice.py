"""Advice: when to write to a person, and by which channel, with what it rests on."""

from typing import Annotated, TypedDict

from functions.api.routes.contacts import read_contact
from functions.api.routing import Routes
from functions.api.schemas import Example, OneOf
from postroad.advice.channels import WAYS, Way
from postroad.advice.report import advise
from postroad.advice.send_times import DAYS, HIGH, LOW, MEDIUM, NONE, SendTime
from postroad_aws import books, clock
from postroad_aws.storage import contacts
from postroad_aws.usecases.learn_rhythm import learn_rhythm

routes = Routes("Advice")


class SendTimeView(TypedDict):
    """The best hour to write to somebody, on their own clock."""

    channel: str
    weekday: Annotated[str | None, Example("Thursday"), "Null when any day will do."]
    hour: Annotated[int, Example(20), "0 to 23."]
    timezone: Annotated[str, Example("Europe/Lisbon")]
    openings: Annotated[int, "How many of the latest messages the person has read."]
    messages: Annotated[int, "How many messages that are."]
    near: Annotated[int, "How many openings lie within an hour of that time."]
    confidence: Annotated[str, OneOf((NONE, LOW, MEDIUM, HIGH)), "`none`: it is the account's usual hour."]
    gain: Annotated[float, "How many times likelier a message is read soon than at the usual hour."]
    sentence: Annotated[str, Example("20:00 from 14 openings, 12 of them within an hour of it, confidence high (UTC)")]


class WayView(TypedDict):
    """One way to reach somebody."""

    channel: Annotated[str, OneOf(WAYS)]
    response: Annotated[float, "What comes of a message or a call: 0 to 1, shrunk towards what is usual."]
    messages: Annotated[int, "From how many messages or calls."]
    preferred: Annotated[bool, "Whether the attribute `preferred_channel` names it."]
    obstacle: Annotated[str | None, "Why it cannot be used."]
    sentence: str


class AdviceView(TypedDict):
    """When and how to reach somebody."""

    contact_id: str
    send_times: Annotated[list[SendTimeView], "By channel, of those that have an address."]
    channels: Annotated[list[WayView], "All ways, the best first."]
    best_channel: Annotated[str | None, "Null when nothing reaches the contact."]


class RhythmView(TypedDict):
    """At which hours of the day the account's people read."""

    rhythm: Annotated[list[float], "24 numbers, on average 1, as `send_times.rhythm` of the policy takes them."]
    openings: Annotated[int, "From how many openings."]
    people: Annotated[int, "Of how many people."]


@routes.get("/contacts/{contact_id}/advice")
def get_advice(contact_id: str) -> AdviceView:
    """When and by which channel to reach a contact, and what that rests on.

    Only what people do is learned from: what machines open or click counts for nothing.
    """
    contact = read_contact(contact_id)
    found = advise(contact, books.current().policy, clock.now())
    return {
        "contact_id": contact.contact_id,
        "send_times": [_show_time(channel, time) for channel, time in found.send_times.items()],
        "channels": [_show_way(way) for way in found.ways],
        "best_channel": found.best_channel,
    }


@routes.get("/advice/rhythm")
def get_rhythm() -> RhythmView:
    """At which hours of the day people read, learned from the newest contacts.

    Publish it in the policy, as `send_times.rhythm`, and advice begins with it for everybody of whom little is known.
    """
    learned = learn_rhythm(contacts, books.current().policy)
    return {"rhythm": list(learned.weights), "openings": learned.openings, "people": learned.people}


def _show_time(channel: str, time: SendTime) -> SendTimeView:
    return {
        "channel": channel,
        "weekday": None if time.weekday is None else DAYS[time.weekday],
        "hour": time.hour,
        "timezone": time.zone,
        "openings": time.read,
        "messages": time.sent,
        "near": time.near,
        "confidence": time.confidence,
        "gain": round(time.gain, 2),
        "sentence": time.describe(),
    }


def _show_way(way: Way) -> WayView:
    return {
        "channel": way.channel,
        "response": round(way.response, 3),
        "messages": way.messages,
        "preferred": way.is_preferred,
        "obstacle": way.obstacle or None,
        "sentence": way.describe(),
    }

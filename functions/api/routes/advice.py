"""Advice: when to write to a person, and by which channel, with what it rests on."""

from typing import Annotated, TypedDict

from functions.api.routes.contacts import read_contact
from functions.api.routing import Routes
from functions.api.schemas import Example, Instant, OneOf
from postroad.advice.channels import WAYS, Way
from postroad.advice.confidence import HIGH, LOW, MEDIUM, NONE
from postroad.advice.report import advise
from postroad.advice.send_times import DAYS, HABIT, PEOPLE, TRIAL, USUAL, Choice, SendTime
from postroad.instants import format_instant
from postroad_aws import books, clock
from postroad_aws.storage import contacts
from postroad_aws.usecases.learn_rhythm import look_at_people

routes = Routes("Advice")


class SendTimeView(TypedDict):
    """The best hour to write to somebody, on their own clock."""

    channel: str
    weekday: Annotated[str | None, Example("Thursday"), "Null when any day will do."]
    hour: Annotated[int, Example(20), "0 to 23."]
    minute: Annotated[int, Example(0), "0, save where a time zone is half or a quarter of an hour off."]
    basis: Annotated[
        str,
        OneOf((HABIT, PEOPLE, USUAL, TRIAL)),
        "The person's own habit, when the account's people read, the account's usual hour; or it is tried, to learn.",
    ]
    timezone: Annotated[str, Example("Europe/Lisbon")]
    openings: Annotated[int, "How many of the latest messages the person has read."]
    messages: Annotated[int, "How many messages that are."]
    near: Annotated[int, "How many openings lie within an hour of that time."]
    confidence: Annotated[str, OneOf((NONE, LOW, MEDIUM, HIGH)), "Of the habit; `none` on any other basis."]
    gain: Annotated[float, "How many times likelier a message is read soon than at the usual hour."]
    sentence: Annotated[str, Example("20:00 from 14 openings, 12 of them within an hour of it, confidence high (UTC)")]
    next_at: Annotated[Instant, "When a message leaves that wants to leave now and may wait a day."]
    next_sentence: Annotated[str, "Why then."]


class WayView(TypedDict):
    """One way to reach somebody."""

    channel: Annotated[str, OneOf(WAYS)]
    response: Annotated[float, "What comes of a message or a call: 0 to 1, shrunk towards what is usual."]
    messages: Annotated[int, "From how many messages or calls."]
    confidence: Annotated[
        str, OneOf((NONE, LOW, MEDIUM, HIGH)), "How sure it is that it brings more than the next way."
    ]
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
    """When the account's people read."""

    rhythm: Annotated[
        list[float],
        "24 numbers, on average 1, as `send_times.rhythm` of the policy takes them. "
        "None as long as the hours differ no more than by chance.",
    ]
    habits: Annotated[float, Example(0.6), "The share of the people who have habits of their own: 0 to 1."]
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
        "send_times": [_show_time(channel, *times) for channel, times in found.send_times.items()],
        "channels": [_show_way(way) for way in found.ways],
        "best_channel": found.best_channel,
    }


@routes.get("/advice/rhythm")
def get_rhythm() -> RhythmView:
    """At which hours of the day people read, and how many of them at hours of their own, learned from a sample of them.

    It is looked at each day by itself, and advice begins with it for everybody of whom little is known, unless the
    policy says another `send_times.rhythm`.
    """
    learned = look_at_people(contacts, books.current().policy, clock.now())
    return {
        "rhythm": list(learned.weights),
        "habits": learned.habits,
        "openings": learned.openings,
        "people": learned.people,
    }


def _show_time(channel: str, time: SendTime, following: Choice) -> SendTimeView:
    return {
        "channel": channel,
        "weekday": None if time.weekday is None else DAYS[time.weekday],
        "hour": time.hour,
        "minute": time.minute,
        "basis": time.basis,
        "timezone": time.zone,
        "openings": time.read,
        "messages": time.sent,
        "near": time.near,
        "confidence": time.confidence,
        "gain": round(time.gain, 2),
        "sentence": time.describe(),
        "next_at": format_instant(following.at),
        "next_sentence": following.because,
    }


def _show_way(way: Way) -> WayView:
    return {
        "channel": way.channel,
        "response": round(way.response, 3),
        "messages": way.messages,
        "confidence": way.confidence,
        "preferred": way.is_preferred,
        "obstacle": way.obstacle or None,
        "sentence": way.describe(),
    }

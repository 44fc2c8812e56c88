"""Fetches: the latest opens and clicks of a contact, kept for an hour: seen together they show machines.

A scanner that hides looks like a browser, request by request. But it follows a link before anybody could have read the
mail, several links at once, or one that no person can see. What it did before it showed was taken for a person's: that
is exposed, and taken back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from postroad.contacts.engagement import short_name
from postroad.events import EMAIL_CLICKED, EMAIL_OPENED, Event
from postroad.sending.messages import DELIVERED, SENT, Message

# Nobody reads a mail and follows a link in it faster than so many seconds after it arrived, unless it was seen opened.
SOONEST = 10.0
# Nobody follows so many different links of one mail within so many seconds.
MANY, AT_ONCE = 3, 5.0
# For so long fetches are kept; whoever followed the hidden link did all that came within.
KEPT_FOR = 3_600.0
A_MINUTE = 60.0
# So many are kept.
MOST = 8
# Somebody who opens a mail and sees what they want takes at least so many seconds.
GLANCE = 1.5
# An open that came sooner after the mail arrived vouches for nobody: scanners show its pictures before anything else.
FOUND = 3.0
# What stands for a link: those of a mail are counted from 1, the pixel is 0, and the hidden link is this.
PIXEL, TRAP = 0, -1

MACHINE = "machine"


class Fetch(NamedTuple):
    """One fetch: when, of which message (`engagement.short_name`), which link of it, and the id of its event."""

    time: float
    message: str
    link: int
    event_id: str


class Unmasked(NamedTuple):
    """It was a machine; `because` says by what that is told. `exposed` were its doing, too."""

    because: str
    exposed: tuple[Fetch, ...] = ()


def fetch_of(event: Event) -> Fetch | None:
    """The fetch that an open or a click in a mail tells of; None for any other event: on a site, and on a phone, people
    answer at once."""
    message_id, link = event.properties.get("message_id"), event.properties.get("link")
    if event.name not in (EMAIL_OPENED, EMAIL_CLICKED) or not isinstance(message_id, str):
        return None
    number = link if isinstance(link, int) and event.name == EMAIL_CLICKED else PIXEL
    return Fetch(event.time, short_name(message_id), number, event.event_id)


def key_of(fetch: Fetch) -> str:
    """The key under which the timeline has its event."""
    return Event(fetch.event_id, "", fetch.time, fetch.time, trusted=True, source="postroad").key


def by_machine(event: Event, because: str) -> Event:
    """An open or a click that turned out to be a machine's."""
    return replace(event, properties={**event.properties, "actor": MACHINE, "actor_because": because})


def judge_by_ledger(event: Event, message: Message) -> str:
    """Why a click is a machine's by what the ledger says of its message; "" when it may be a person's."""
    known = (message.times.get(state) for state in (SENT, DELIVERED))
    left = [at for at in known if at is not None and at <= event.time]
    since = max(left, default=message.claimed_at)
    opened = message.times.get("opened", event.time)
    if event.name != EMAIL_CLICKED or event.properties.get("actor") == MACHINE or since is None:
        return ""
    if not 0 <= event.time - since < SOONEST or since + FOUND <= opened <= event.time - GLANCE:
        return ""
    return f"a link was followed {event.time - since:.0f} s after the mail arrived"


def unmask(kept: Sequence[Fetch], fetch: Fetch) -> Unmasked | None:
    """What a fetch shows together with those that are kept; None when it may be a person's."""
    if fetch.link == TRAP:
        return Unmasked(
            "a link that no person can see was followed",
            tuple(each for each in kept if abs(fetch.time - each.time) <= KEPT_FOR),
        )
    if any(each.link == TRAP and abs(fetch.time - each.time) <= A_MINUTE for each in kept):
        return Unmasked("a link that no person can see was followed within the same minute")
    near = [each for each in kept if each.message == fetch.message and abs(fetch.time - each.time) <= AT_ONCE]
    if len({each.link for each in (*near, fetch) if each.link > PIXEL}) >= MANY:
        # The pictures that were shown at the same time were shown to the same one.
        return Unmasked(f"{MANY} links were followed within {AT_ONCE:.0f} s", tuple(near))
    return None


def keep(kept: Sequence[Fetch], fetch: Fetch) -> tuple[Fetch, ...]:
    """What is kept with one more; in the order of time."""
    return merge(kept, (fetch,))


def merge(one: Iterable[Fetch], other: Iterable[Fetch]) -> tuple[Fetch, ...]:
    """What two contacts keep who are one person."""
    found = sorted({*one, *other})
    return tuple(each for each in found if found[-1].time - each.time <= KEPT_FOR)[-MOST:]


def unmask_together(events: Sequence[Event]) -> list[Event]:
    """The same events; of those that arrive together each that shows to be a machine's says so before any is folded."""
    kept: dict[str | None, tuple[Fetch, ...]] = {}
    found: dict[str, str] = {}
    for event in events:
        fetch = fetch_of(event)
        if fetch is None:
            continue
        before = kept.get(event.contact_id, ())
        if unmasked := unmask(before, fetch):
            found |= {each.event_id: unmasked.because for each in (fetch, *unmasked.exposed)}
        kept[event.contact_id] = keep(before, fetch)
    return [_say(event, found) if event.event_id in found else event for event in events]


def _say(event: Event, found: Mapping[str, str]) -> Event:
    is_known = event.properties.get("actor") == MACHINE
    return event if is_known or fetch_of(event) is None else by_machine(event, found[event.event_id])

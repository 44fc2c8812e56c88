"""Preferences: what people say themselves about how they want to be written to, in the preference centre.

Which topics they want, and a pause, are answers (see `consent`). How often they want to hear from us is a cap of their
own, which stands beside those of the policy.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from postroad.contacts.contact import Contact
from postroad.instants import DAY
from postroad.policy import Policy
from postroad.sending.caps import Cap

# How often, in the words of the preference centre; "" is as often as there is something.
FREQUENCIES: Mapping[str, str] = {
    "": "Whenever there is something",
    "weekly": "Once a week at most",
    "monthly": "Once a month at most",
}
_CAPS: Mapping[str, tuple[Cap, ...]] = {
    "weekly": (Cap(7 * DAY, 1),),
    "monthly": (Cap(30 * DAY, 1),),
}
# For how many days somebody may want to hear nothing.
PAUSES = (30, 60, 90)


def caps_of(policy: Policy, contact: Contact) -> tuple[Cap, ...]:
    """The caps that count for this contact: the policy's and its own."""
    own = _CAPS.get(contact.frequency)
    return (*policy.caps, *own) if own else policy.caps


def stricter(one: str, other: str) -> str:
    """Of two wishes how often, the one for less."""
    return max(one, other, key=lambda wish: max((cap.per for cap in _CAPS.get(wish, ())), default=0.0))


class Choice(NamedTuple):
    """A topic in the preference centre: whether it is wanted, and whether that has yet to be confirmed."""

    topic_id: str
    name: str
    wanted: bool
    pending: bool = False


class Wish(NamedTuple):
    """What somebody chose: a yes or no for each topic that was shown, how often (None: as before), how many days of
    pause (0: none, None: as before), or nothing at all any more."""

    topics: Mapping[str, bool]
    frequency: str | None = None
    pause: int | None = None
    nothing: bool = False


def read_wish(values: Mapping[str, str], topics: Collection[str]) -> Wish:
    """What the inputs of the page say. What cannot be read changes nothing."""
    if values.get("do") == "nothing":
        return Wish({}, nothing=True)
    shown = set(values.get("shown", "").split(",")) & set(topics)
    frequency, pause = values.get("frequency"), values.get("pause", "")
    return Wish(
        {topic: values.get(f"topic.{topic}") == "yes" for topic in topics if topic in shown},
        frequency if frequency in FREQUENCIES else None,
        int(pause) if pause in ("0", *map(str, PAUSES)) else None,
    )


def mask(address: str) -> str:
    """An address of which its owner knows the rest: `a•••@e•••.com`."""
    user, at, host = address.partition("@")
    if not at:
        return f"•••{address[-3:]}"
    name, dot, top = host.rpartition(".")
    return f"{user[:1]}•••@{name[:1]}•••{dot}{top}"

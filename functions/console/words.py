"""How the console says times, numbers and people."""

import re
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from postroad.contacts.contact import Contact
from postroad.instants import DAY, format_instant, parse_instant

NOTHING = "\N{EN DASH}"

_STEPS = ((60.0, "minute"), (3_600.0, "hour"), (DAY, "day"), (7 * DAY, "week"))
# How sentences of the core say an instant.
_STAMP = re.compile(r"\b(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC\b")
_NAMES = (("firstName", "lastName"), ("first_name", "last_name"), ("name",), ("username",))


def relative(time: float, now: float) -> str:
    """A time as people say it: `just now`, `3 hours ago`, `in 2 days`; beyond a month, in days, months and years."""
    distance = abs(time - now)
    if distance < 60:
        return "just now" if time <= now else "in a moment"
    if distance >= 365 * DAY:
        amount, unit = distance / (365 * DAY), "year"
    elif distance >= 60 * DAY:
        amount, unit = distance / (30 * DAY), "month"
    elif distance >= 21 * DAY:
        amount, unit = distance / (7 * DAY), "week"
    else:
        size, unit = next((step for step in reversed(_STEPS[:3]) if distance >= step[0]), _STEPS[0])
        amount = distance / size
    count = int(amount)
    text = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{text} ago" if time <= now else f"in {text}"


def absolute(time: float, zone: tzinfo) -> str:
    """A time in full, where the business is: `Mon 2 Nov 2026, 09:14`."""
    moment = datetime.fromtimestamp(time, zone)
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M}"


def day(time: float, zone: tzinfo) -> str:
    """A day: `2 Nov 2026`."""
    moment = datetime.fromtimestamp(time, zone)
    return f"{moment.day} {moment:%b %Y}"


def local(text: str, zone: tzinfo) -> str:
    """A sentence with the instants in it said where the business is."""

    def say(found: re.Match[str]) -> str:
        try:
            return absolute(parse_instant(f"{found[1]}T{found[2]}Z"), zone)
        except ValueError:
            return found[0]

    return _STAMP.sub(say, text)


def label(name: str) -> str:
    """The name of an attribute, a stage or an outcome in words: `company_size` is a company size."""
    return name.replace("_", " ").strip() or name


def machine(time: float) -> str:
    """A time for the `datetime` attribute."""
    return format_instant(time)


def number(value: float) -> str:
    """A number with its thousands apart, and no decimals that say nothing: `12,480`, `0.5`."""
    return f"{value:,.1f}".removesuffix(".0")


def percent(part: float, whole: float) -> str:
    """A share: `42 %`; nothing of nothing is a dash."""
    if not whole:
        return NOTHING
    share = 100 * part / whole
    return f"{share:.1f} %" if 0 < share < 10 and not float(share).is_integer() else f"{share:.0f} %"


def plural(count: float, one: str, many: str = "") -> str:
    """`1 contact`, `2,400 contacts`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def value(thing: Any) -> str:
    """A value of an attribute or property, for people: no quotes, no braces."""
    if thing is None:
        return NOTHING
    if isinstance(thing, bool):
        return "yes" if thing else "no"
    if isinstance(thing, int | float):
        return f"{thing:g}" if isinstance(thing, float) else str(thing)
    if isinstance(thing, dict):
        return ", ".join(f"{name}: {value(each)}" for name, each in thing.items()) or NOTHING
    if isinstance(thing, list | tuple):
        return "; ".join(value(each) for each in thing) or NOTHING
    return str(thing)


def sentence(text: str) -> str:
    """A description with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""


class Person(NamedTuple):
    """How a contact is called: `name`, what stands under it, two letters, and one of eight colours."""

    name: str
    detail: str
    initials: str
    colour: int


def person(contact: Contact) -> Person:
    """A contact's name: what they are called, else the best identity, else a visitor."""
    addresses = [address for kind in ("email", "phone", "user") for address in contact.identity_values(kind)[:1]]
    said = (" ".join(str(contact.find_value(n) or "").strip() for n in names).strip() for names in _NAMES)
    name = next((text for text in said if text), "")
    title = name or (addresses[0] if addresses else "Anonymous visitor")
    rest = [address for address in addresses if address != title]
    letters = [word[0] for word in title.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    initials = "".join(letters[:2]).upper() if name else title[:1].upper()
    return Person(title, rest[0] if rest else "", initials or "?", sum(contact.contact_id.encode()) % 8)

"""People behind a number, and live numbers, as several resources show them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypedDict

from functions.api.routes.contacts import ContactView, show_contacts
from functions.api.schemas import Example, Instant, Listed, ParameterError, Text
from postroad.instants import format_instant
from postroad.stats import DayCounts, MessageCounts, PlaceCounts
from postroad_aws import clock
from postroad_aws.storage import contacts, memberships, stats
from postroad_aws.usecases.find_contact import find_contacts

USUAL_DAYS, MOST_DAYS = 30, 366

Day = Annotated[str, Text(10, format="date"), Example("2026-11-02")]
Since = Annotated[Day | None, f"The first day, in UTC; {USUAL_DAYS} days before the last one when it is left out."]
Until = Annotated[Day | None, f"The last day, today when it is left out. At most {MOST_DAYS} days are shown."]


class MemberView(TypedDict):
    """Somebody who is there."""

    since: Instant
    contact: ContactView


class PlaceCountsView(TypedDict):
    """How many people."""

    here: Annotated[int, "Those who are there now; of a day, by how many that changed."]
    entered: Annotated[int, "Those who came, so far; of a day, on that day."]


class MessageCountsView(TypedDict):
    """How many messages; `total` is `queued` + `sent` + `skipped` + `failed` + `unknown`."""

    total: int
    queued: Annotated[int, "On the way."]
    sent: Annotated[int, "Left; `delivered` and `bounced` are among them."]
    delivered: Annotated[int, "Arrived; `complained` are among them."]
    bounced: int
    complained: int
    skipped: int
    failed: int
    unknown: int
    opened: Annotated[int, "Opened, by people as far as one can tell."]
    clicked: int
    machine_opened: Annotated[int, "Opened by scanners and privacy proxies, whether or not by a person as well."]
    machine_clicked: int
    unsubscribed: Annotated[int, "Their readers left by a link in them."]
    converted: Annotated[int, "The passage through the journey reached its goal, and this was the message before."]
    deferred: Annotated[int, "Put off at least once by who receives mail there."]


def list_members(place: str, cursor: str | None, limit: int) -> Listed[MemberView]:
    """Who is at a place now, in no order."""
    page = memberships.list_members(place, cursor=cursor, limit=limit)
    found = find_contacts(contacts, [member.contact_id for member in page.items])
    members = [(member.since, found[member.contact_id]) for member in page.items if member.contact_id in found]
    shown = show_contacts(contact for _, contact in members)
    items: list[MemberView] = [
        {"since": format_instant(since), "contact": contact} for (since, _), contact in zip(members, shown, strict=True)
    ]
    return {"items": items, "next": page.next}


def list_days(definition: str, since: str | None, until: str | None) -> list[DayCounts]:
    """What each day has added to a definition's numbers. Raises ParameterError."""
    today = datetime.fromtimestamp(clock.now(), UTC)
    last = _read_day("until", until) if until else today
    first = _read_day("since", since) if since else last - timedelta(days=USUAL_DAYS)
    if not 0 <= (last - first).days < MOST_DAYS:
        raise ParameterError(("since", f"must be a day before {last:%Y-%m-%d}, by less than {MOST_DAYS} days"))
    return stats.list_days(definition, f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}")


def _read_day(name: str, text: str) -> datetime:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year < 3000:
        raise ParameterError((name, "must be a day such as 2026-11-02"))
    return day


def show_place(counts: PlaceCounts) -> PlaceCountsView:
    return {"here": counts.here, "entered": counts.entered}


def show_messages(counts: MessageCounts) -> MessageCountsView:
    return MessageCountsView(**counts._asdict())  # type: ignore[typeddict-item]

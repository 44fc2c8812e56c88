"""Deliverability: how mail is received, what holds it back, whether all is set up, and what a list is worth."""

from typing import Annotated, Literal, NotRequired, TypedDict

from functions.api.routes.numbers import MessageCountsView, show_messages
from functions.api.routing import Routes
from functions.api.schemas import BodyError, Example, Instant, Text, Within
from postroad.deliverability.breakers import BREAKERS, find_own
from postroad.deliverability.doctor import examine, is_healthy
from postroad.deliverability.list_check import MOST_BYTES, ListError, Source, check_list
from postroad.deliverability.list_quality import describe
from postroad.deliverability.sunset import Sunset
from postroad.instants import format_instant
from postroad.sending.holds import Hold
from postroad.stats import MessageCounts
from postroad_aws import books, clock, email_account
from postroad_aws.storage import contacts, holds, stats
from postroad_aws.usecases.judge_sending import resume_sending
from postroad_aws.usecases.report_deliverability import report_deliverability, report_list

routes = Routes("Deliverability")

USUAL_DAYS, MOST_DAYS = 7, 35

Share = Annotated[float, "From 0 to 1."]


class RatesView(TypedDict):
    """What became of mails, as shares of what was sent. `opened` and `clicked` are people's; the `raw` ones hold what
    machines fetched as well."""

    bounced: Share
    complained: Share
    unsubscribed: Share
    deferred: Share
    opened: Share
    clicked: Share
    raw_opened: Share
    raw_clicked: Share


class ReceivedView(TypedDict):
    """How mails were received."""

    messages: MessageCountsView
    rates: RatesView


class ProviderView(ReceivedView):
    """How mails were received by one provider."""

    provider: Annotated[str, Example("gmail"), "`other` for all that have no row of their own."]


class HoldView(TypedDict):
    """What keeps messages from leaving."""

    scope: Annotated[str, "`all`, `marketing`, or a journey or broadcast."]
    kind: Literal["pause", "slow", "stop"]
    by: Annotated[str, "Who or what put it: `people`, `breaker`, `refusals`, `warm-up`."]
    since: Instant
    note: str


class RoomView(TypedDict):
    """What a new domain may send on a day."""

    day: Annotated[str, Text(10, format="date")]
    room: int
    sent: int


class DeliverabilityView(TypedDict):
    """How mail is received."""

    days: int
    together: ReceivedView
    providers: Annotated[list[ProviderView], "Those with most mails first."]
    holds: list[HoldView]
    warm_up: Annotated[RoomView | None, "Null when no new domain warms up today."]


class QualityView(TypedDict):
    """What a list is worth."""

    number: Annotated[int, Within(0, 100)]
    active: Annotated[float, "The share of people with a sign of life within 90 days."]
    bounced: Share
    complained: Share
    formula: str


class SunsetView(TypedDict):
    """About how many people stand where."""

    lively: int
    fewer: Annotated[int, "Would hear less."]
    ask: Annotated[int, "Would only be asked whether they want to hear more."]
    stop: Annotated[int, "Would be left alone."]


class ListView(TypedDict):
    """What the list is worth, and whom a sunset concerns."""

    looked_at: Annotated[int, "Contacts with a mail address, as chance has it."]
    total: Annotated[int, "About how many there are."]
    quality: QualityView | None
    sunset: SunsetView
    is_on: Annotated[bool, "Whether the policy has a `sunset`; else this is what the usual one would do."]


class CheckView(TypedDict):
    """One thing that has to be so for mail to arrive."""

    id: str
    state: Literal["ok", "bad", "unknown"]
    finding: str
    mend: Annotated[str, "What to do; empty when there is nothing."]


class DoctorView(TypedDict):
    """Whether all is set up. DNS is looked at by `postroad doctor`."""

    healthy: Annotated[bool, "Whether nothing is known to be wrong."]
    identity: Annotated[str, "What mail is sent from."]
    mail_from: Annotated[str, "The domain to which bounces go; empty while there is none, or it is not known."]
    checks: list[CheckView]


class ResumeBody(TypedDict):
    """Why marketing may go on."""

    note: Annotated[str, Text(500), Example("the bad list is gone")]


class ListBody(TypedDict):
    """A list that is to be taken in."""

    csv: Annotated[
        str,
        Text(MOST_BYTES, lines=True),
        Example("email,name\nana@example.com,Ana\n"),
        "CSV with a heading; at most 10,000 rows.",
    ]
    consent: Annotated[str, Text(500), Example("the form on our site, since 2024"), "Where these people said yes."]
    days_since_mail: NotRequired[
        Annotated[int, Within(0, 100_000), "How many days ago they last got mail; left out when nobody knows."]
    ]
    column: NotRequired[Annotated[str, Text(100), "The column of addresses; `email`."]]


class RemarkView(TypedDict):
    """What is wrong with a row."""

    row: Annotated[int, "From 1, below the heading."]
    kind: Annotated[str, Example("typo")]
    address: str
    suggestion: Annotated[str, "What may have been meant; empty for nothing."]


class ListReportView(TypedDict):
    """What a list looks like."""

    accepted: Annotated[bool, "Whether it may be taken in."]
    obstacles: Annotated[list[str], "Why not, in sentences."]
    rows: int
    good: Annotated[int, "Rows with which nothing is wrong."]
    kinds: Annotated[dict[str, int], "How many rows of each kind of fault."]
    remarks: Annotated[list[RemarkView], "At most 200 of them."]
    ramp: Annotated[bool, "Whether the first mails should go to a part of it: it has not been written to lately."]


@routes.get("/deliverability")
def get_deliverability(days: Annotated[int, Within(1, MOST_DAYS)] = USUAL_DAYS) -> DeliverabilityView:
    """How mails of the last days were received, by provider, and what holds marketing back.

    The numbers are some seconds old.
    """
    report = report_deliverability(stats, holds, books.current_policy(), clock.now(), days)
    return {
        "days": days,
        "together": _show_received(report.together),
        "providers": [{"provider": name, **_show_received(counts)} for name, counts in report.providers.items()],
        "holds": [_show_hold(hold) for hold in report.holds],
        "warm_up": None if report.room is None else RoomView(**report.room._asdict()),  # type: ignore[typeddict-item]
    }


@routes.get("/deliverability/list")
def get_list() -> ListView:
    """What the list is worth, in one number with its parts, and whom a sunset concerns.

    Told from a sample of the contacts, and from the mails of four weeks.
    """
    sunset = books.current_policy().sunset
    report = report_list(stats, contacts, sunset or Sunset(), clock.now())
    found = report.quality
    quality = QualityView(**{**found._asdict(), "formula": describe()}) if found else None  # type: ignore[typeddict-item]
    return {
        "looked_at": report.looked_at,
        "total": report.total,
        "quality": quality,
        "sunset": SunsetView(**{band: report.preview.people(band) for band in report.preview.bands}),  # type: ignore[typeddict-item]
        "is_on": sunset is not None,
    }


@routes.get("/deliverability/checks")
def list_checks() -> DoctorView:
    """Whether all is set up so that mail arrives, as far as SES and the policy tell, and how to mend what is not."""
    facts = email_account.find_facts()
    checks = examine(facts, books.current_policy())
    return {
        "healthy": is_healthy(checks),
        "identity": facts.identity,
        "mail_from": facts.mail_from or "",
        "checks": [CheckView(**check._asdict()) for check in checks],  # type: ignore[typeddict-item]
    }


@routes.post("/deliverability/resume")
def resume_sending_again(body: ResumeBody) -> DeliverabilityView:
    """Let marketing go on that a breaker has held.

    What has happened until now trips it no more. Messages that were held leave within the hour. While no breaker holds
    anything, nothing is done.
    """
    present = holds.list_holds()
    if any(find_own(present, by) for by in BREAKERS):
        resume_sending(stats, holds, body["note"], clock.now())
    return get_deliverability()


@routes.post("/imports/check")
def check_import(body: ListBody) -> ListReportView:
    """Look at a list of addresses before it is taken in: whether it may be, and what is wrong with which rows.

    Nothing is stored, and nothing is changed by itself: what looks like a slip of the finger is suggested.
    """
    source = Source(body["consent"], body.get("days_since_mail"))
    try:
        report = check_list(body["csv"], source, body.get("column", "email"))
    except ListError as error:
        raise BodyError(("csv", str(error))) from error
    return {
        "accepted": not report.is_refused,
        "obstacles": list(report.obstacles),
        "rows": report.rows,
        "good": report.good,
        "kinds": report.kinds,
        "remarks": [RemarkView(**remark._asdict()) for remark in report.remarks],  # type: ignore[typeddict-item]
        "ramp": report.ramp,
    }


def _show_received(counts: MessageCounts) -> ReceivedView:
    return {"messages": show_messages(counts), "rates": _rates_of(counts)}


def _rates_of(counts: MessageCounts) -> RatesView:
    return {name: round(getattr(counts, name) / counts.sent, 6) if counts.sent else 0.0 for name in _RATES}  # type: ignore[return-value]


_RATES = tuple(RatesView.__annotations__)


def _show_hold(hold: Hold) -> HoldView:
    return {
        "scope": hold.scope,
        "kind": hold.kind,  # type: ignore[typeddict-item]
        "by": hold.by,
        "since": format_instant(hold.since),
        "note": hold.note,
    }

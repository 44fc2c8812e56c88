"""Deliverability: who receives mail and how, what holds it back, what the list is worth, and whether all is set up."""

from typing import Any, NamedTuple

from functions.console.pages import page
from functions.console.requests import Request, RequestError, is_storable
from functions.console.responses import Response, redirect
from postroad.deliverability.breakers import BREAKERS, RESUMED
from postroad.deliverability.breakers import describe as describe_breakers
from postroad.deliverability.doctor import examine
from postroad.deliverability.domains import OTHER
from postroad.deliverability.list_quality import describe as describe_quality
from postroad.deliverability.sunset import Sunset
from postroad.sending.holds import PAUSE
from postroad.stats import MessageCounts
from postroad_aws import books, clock, email_account
from postroad_aws.storage import broadcasts, contacts, holds, stats
from postroad_aws.usecases.judge_sending import resume_sending
from postroad_aws.usecases.report_deliverability import report_deliverability, report_list

DAYS = 7
LONGEST_NOTE = 500
_MOST_RESULTS = 20

_NAMES = {"gmail": "Gmail", "outlook": "Outlook", "yahoo": "Yahoo", "icloud": "iCloud", "gmx": "GMX", "qq": "QQ"}

# What people call each check.
_TITLES = {
    "identity": "The sender is verified",
    "dkim": "Mails are signed (DKIM)",
    "mail_from": "Bounces come to a domain of yours",
    "spf": "That domain names SES (SPF)",
    "dmarc": "The domain says how to treat its mail (DMARC)",
    "sandbox": "Everybody may be written to",
    "health": "SES is content",
    "events": "SES tells what becomes of mails",
    "suppression": "The account keeps bounces and complaints",
    "sender": "Mails come from the verified domain",
    "postal_address": "There is a postal address",
}


class Received(NamedTuple):
    """How mail was received by one provider."""

    name: str
    counts: MessageCounts


class Result(NamedTuple):
    """A broadcast: to how many it went, and what they did."""

    broadcast_id: str
    name: str
    counts: MessageCounts


def show(request: Request) -> Response:
    policy, now = books.current_policy(), request.now
    report = report_deliverability(stats, holds, policy, now, DAYS)
    listed = report_list(stats, contacts, policy.sunset or Sunset(), now)
    values: dict[str, Any] = {
        "days": DAYS,
        "together": report.together,
        "providers": [Received(_name_of(key), counts) for key, counts in report.providers.items()],
        "held": [hold for hold in report.holds if hold.scope != RESUMED],
        "resumed": next((hold for hold in report.holds if hold.scope == RESUMED), None),
        "is_tripped": any(hold.by in BREAKERS and hold.scope != RESUMED for hold in report.holds),
        "paused": PAUSE,
        "rules": describe_breakers(),
        "room": report.room,
        "plan": policy.warm_up,
        "listed": listed,
        "formula": describe_quality(),
        "sunset": policy.sunset,
        "results": _list_results(),
    }
    return page(request, "deliverability/deliverability.html", fragment="live", **values)


def _list_results() -> list[Result]:
    """The latest broadcasts, the smallest first: whether more people make more of it."""
    runs = broadcasts.list_runs(limit=_MOST_RESULTS).items
    counts = stats.find_counts([run.broadcast.origin for run in runs])
    found = [Result(run.broadcast.id, run.broadcast.name, counts[run.broadcast.origin].all_messages) for run in runs]
    return sorted((each for each in found if each.counts.sent), key=lambda each: each.counts.sent)


def show_checks(request: Request) -> Response:
    """What SES says, asked for by itself because it takes a moment."""
    checks = examine(email_account.find_facts(), books.current_policy())
    return page(request, "deliverability/checks.html", fragment="checks", checks=checks, titles=_TITLES)


def resume(request: Request) -> Response:
    """Let marketing go on that a breaker has held."""
    note = request.form().get("note", "").strip()
    if not note or len(note) > LONGEST_NOTE or not is_storable(note):
        raise RequestError(f"Say why it may go on, in a line of at most {LONGEST_NOTE} characters.")
    resume_sending(stats, holds, note, clock.now())
    return redirect("/console/deliverability")


def _name_of(provider: str) -> str:
    return "All others" if provider == OTHER else _NAMES.get(provider, provider.capitalize())

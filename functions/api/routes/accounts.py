"""Accounts: the companies of contacts, who belongs to them, and what they come to together."""

import json
from http import HTTPStatus
from typing import Annotated, Any, NotRequired, TypedDict

from functions.api.problems import RefusedError
from functions.api.routes.contacts import ContactView, show_contacts
from functions.api.routes.journeys import LONGEST_PROPERTIES
from functions.api.routing import Caller, Routes
from functions.api.schemas import BodyError, Cursor, Example, Instant, Limit, Listed, Text, Within
from postroad.accounts import Account, Report, begin, cover, find_account_id, find_role, say, values_of
from postroad.contacts.identities import Identity, parse_identity
from postroad.events import ENROLLMENT_REQUESTED
from postroad.instants import format_instant
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, contacts, memberships
from postroad_aws.storage import accounts as storage
from postroad_aws.usecases import change_account as changing
from postroad_aws.usecases import report_account as reporting
from postroad_aws.usecases.enroll_account import enroll_account
from postroad_aws.usecases.seat_members import seat_members
from postroad_aws.usecases.tell_members import UnknownMembersError
from postroad_aws.wiring import production

routes = Routes("Accounts")

MOST_MEMBERS = 500
# So many target accounts are counted for their report.
MOST_TARGETS = 500

Role = Annotated[str, Text(64), Example("decision-maker"), "Becomes an id: `Decision Maker` is `decision-maker`."]
Who = Annotated[
    str,
    Text(300),
    Example("email:ana@example.com"),
    "The id of a contact, or an identity: `email:`, `phone:`, `user:` or `anon:` and the value.",
]


class AccountSuppressionView(TypedDict):
    """Why an account gets no marketing."""

    because: str
    since: Instant


class AccountView(TypedDict):
    """An account: a company to which contacts belong."""

    account_id: Annotated[str, Example("acme")]
    group_id: Annotated[str, "What sources call it."]
    name: Annotated[str, "Its attribute `name`, else what sources call it."]
    attributes: Annotated[dict[str, Any], "By name."]
    target: Annotated[bool, "Whether it is on the list of target accounts."]
    suppressed: Annotated[AccountSuppressionView | None, "Null while its members get marketing."]
    members: Annotated[int, "How many contacts belong to it; some seconds old, as is `engaged`."]
    engaged: Annotated[dict[str, int], "Engaged members by role.", Example({"buyer": 1})]
    created_at: Instant
    updated_at: Instant


class ScoreTotalView(TypedDict):
    """A score of an account."""

    total: Annotated[float, "The sum of its members' scores, as they stand now."]
    best: Annotated[float, "The highest of them."]


class AccountReportView(TypedDict):
    """What the members of an account come to."""

    members: Annotated[int, f"How many were counted, at most {reporting.MOST_COUNTED}."]
    is_whole: Annotated[bool, "Whether these are all."]
    roles: Annotated[dict[str, int], "Members by role."]
    engaged: Annotated[dict[str, int], "Engaged members by role."]
    scores: Annotated[dict[str, ScoreTotalView], "By score."]
    stages: Annotated[dict[str, int], "Members by stage."]
    last_seen: Annotated[Instant | None, "When any of them was heard of last."]


class CoverageView(TypedDict):
    """How far the list of target accounts is."""

    accounts: Annotated[int, f"How many were counted, at most {MOST_TARGETS}."]
    is_whole: Annotated[bool, "Whether these are all."]
    reached: Annotated[int, "Those with a member."]
    engaged: Annotated[int, "Those with an engaged member."]
    engaged_in_two: Annotated[int, "Those with engaged members in two roles or more."]
    suppressed: Annotated[int, "Those that get no marketing."]


class AccountMemberView(TypedDict):
    """A contact in an account."""

    role: str
    since: Instant
    engaged: bool
    contact: ContactView


class AccountBody(TypedDict):
    """What is known of an account. What is left out stays as it is."""

    attributes: NotRequired[
        Annotated[dict[str, Any], Example({"plan": "pro", "employees": 120}), "Null takes an attribute away."]
    ]
    target: NotRequired[Annotated[bool, "Put it on the list of target accounts, or take it off."]]


class SuppressBody(TypedDict):
    """Why an account is suppressed."""

    because: Annotated[str, Text(200), Example("in talks with sales")]


class JoiningBody(TypedDict):
    """Somebody who belongs to an account."""

    contact: Who
    role: NotRequired[Role]


class SeatsBody(TypedDict):
    """Who belongs to an account, and who does no longer."""

    add: NotRequired[Annotated[list[JoiningBody], Within(0, MOST_MEMBERS)]]
    remove: NotRequired[Annotated[list[Who], Within(0, MOST_MEMBERS)]]


class SeatsView(TypedDict):
    """How many are on their way in and out; who is there already, or never was, changes nothing."""

    adding: int
    removing: int


class EnrollAccountBody(TypedDict):
    """The journey that members are to enter."""

    journey: Annotated[str, Text(64), Example("welcome-team")]
    roles: NotRequired[Annotated[list[Role], Within(1, 20), "Only members in these roles."]]
    properties: NotRequired[Annotated[dict[str, Any], "Of the event that starts the journey; templates see it."]]
    cursor: NotRequired[Annotated[str, Text(), "The `next` of the answer before."]]


class AskedView(TypedDict):
    """Who was asked in."""

    members: int
    next: Annotated[str | None, "When there are more members, the cursor of the others; null at the end."]


@routes.get("/accounts")
def list_accounts(
    target: Annotated[bool, "Only target accounts."] = False, cursor: Cursor | None = None, limit: Limit = 50
) -> Listed[AccountView]:
    """Accounts in the order of their ids."""
    page = storage.list_accounts(target=target, cursor=cursor, limit=limit)
    return {"items": [_show(account) for account in page.items], "next": page.next}


@routes.get("/target-accounts/coverage")
def get_account_coverage() -> CoverageView:
    """How far the list of target accounts is."""
    accounts: list[Account] = []
    cursor: str | None = None
    while True:
        page = storage.list_accounts(target=True, cursor=cursor, limit=100)
        accounts += page.items
        cursor = page.next
        if cursor is None or len(accounts) >= MOST_TARGETS:
            break
    found = cover(accounts)
    return {
        "accounts": found.accounts,
        "is_whole": cursor is None,
        "reached": found.reached,
        "engaged": found.engaged,
        "engaged_in_two": found.engaged_in_two,
        "suppressed": found.suppressed,
    }


@routes.get("/accounts/{account_id}")
def get_account(account_id: str) -> AccountView:
    """One account."""
    return _show(_find_account(account_id))


@routes.put("/accounts/{account_id}")
def put_account(account_id: str, body: AccountBody) -> AccountView:
    """Say what is known of an account, which begins with it when nobody has named it yet.

    Its members carry it within seconds, and conditions that ask for it are asked again.
    """
    attributes, now = body.get("attributes", {}), clock.now()
    known = storage.find_account(account_id)
    if known is None and find_account_id(account_id) != account_id:
        raise NotFoundError("There is no account with this id, and none can begin with it.")
    _, refused = say(known or begin(account_id, now), attributes, now)
    if refused:
        raise BodyError(*((f"attributes.{name[:40]}", because) for name, because in refused.items()))
    told = changing.tell_account(storage, account_id, account_id, attributes, now, now, body.get("target"))
    return _show(told.account)


@routes.get("/accounts/{account_id}/report")
def get_account_report(account_id: str) -> AccountReportView:
    """What the members of an account come to: roles, scores, stages."""
    _find_account(account_id)
    found = reporting.report_account(contacts, memberships, books.newest(), clock.now(), account_id)
    return _show_report(found.report, found.is_whole)


@routes.get("/accounts/{account_id}/members")
def list_account_members(account_id: str, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[AccountMemberView]:
    """Who belongs to an account now, in no order."""
    _find_account(account_id)
    page = reporting.list_seats(contacts, memberships, account_id, cursor=cursor, limit=limit)
    shown = show_contacts(seated.contact for seated in page.items)
    items: list[AccountMemberView] = [
        {
            "role": seated.seat.role,
            "since": format_instant(seated.seat.since),
            "engaged": seated.seat.is_engaged,
            "contact": contact,
        }
        for seated, contact in zip(page.items, shown, strict=True)
    ]
    return {"items": items, "next": page.next}


@routes.post("/accounts/{account_id}/members", status=HTTPStatus.ACCEPTED)
def change_account_members(account_id: str, body: SeatsBody, caller: Caller) -> SeatsView:
    """Say who belongs to an account, in which role, and who does no longer.

    It is done within seconds. Somebody named by an identity that nobody has becomes a contact. A contact belongs to at
    most five accounts. Doing it again changes nothing.
    """
    account = _find_account(account_id)
    joining = {
        _read_who(f"add[{number}].contact", each["contact"]): _read_role(f"add[{number}].role", each.get("role"))
        for number, each in enumerate(body.get("add", []))
    }
    leaving = [_read_who(f"remove[{number}]", each) for number, each in enumerate(body.get("remove", []))]
    if not joining and not leaving:
        raise BodyError(("add", "names nobody, and neither does remove"))
    try:
        changed = seat_members(production(), account, joining, leaving, caller.source)
    except UnknownMembersError as error:
        unknown = {f"add[{n}].contact": each["contact"] for n, each in enumerate(body.get("add", []))}
        unknown |= {f"remove[{n}]": each for n, each in enumerate(body.get("remove", []))}
        raise BodyError(
            *((path, "is the id of no contact") for path, member in unknown.items() if member in error.args[0])
        ) from None
    return {"adding": changed.adding, "removing": changed.removing}


@routes.post("/accounts/{account_id}/suppress")
def suppress_account(account_id: str, body: SuppressBody) -> AccountView:
    """Send no marketing to an account's members, until that is lifted.

    Members hear of it within seconds. Messages that wait for a gate are given up; what is on its way to a channel in
    this moment leaves.
    """
    return _show(changing.suppress_account(storage, account_id, body["because"], clock.now()))


@routes.post("/accounts/{account_id}/lift")
def lift_account(account_id: str) -> AccountView:
    """Send marketing to an account's members again."""
    return _show(changing.suppress_account(storage, account_id, None, clock.now()))


@routes.post("/accounts/{account_id}/enroll", status=HTTPStatus.ACCEPTED)
def enroll_members(account_id: str, body: EnrollAccountBody, caller: Caller) -> AskedView:
    """Let an account's members enter a live journey that has the trigger `{api: true}`, 200 members a request.

    The journey's own rules decide about each of them within seconds.
    """
    _find_account(account_id)
    journey = books.newest().journeys.get(body["journey"])
    if journey is None:
        raise BodyError(("journey", "is no published journey"))
    if all(trigger.key != ENROLLMENT_REQUESTED.lower() for trigger in journey.triggers):
        raise RefusedError("This journey does not start by request; give it the trigger {api: true} and publish it.")
    properties = body.get("properties", {})
    if len(json.dumps(properties)) > LONGEST_PROPERTIES:
        raise BodyError(("properties", f"take at most {LONGEST_PROPERTIES} characters together"))
    roles = tuple(_read_role(f"roles[{number}]", role) for number, role in enumerate(body.get("roles", [])))
    asked = enroll_account(
        production(), memberships, account_id, journey.id, roles, properties, caller.source, body.get("cursor")
    )
    return {"members": asked.members, "next": asked.next}


def _find_account(account_id: str) -> Account:
    account = storage.find_account(account_id)
    if account is None:
        raise NotFoundError("There is no account with this id.")
    return account


def _read_who(path: str, text: str) -> Identity | str:
    try:
        return parse_identity(text) if ":" in text else text
    except ValueError as error:
        raise BodyError((path, str(error))) from None


def _read_role(path: str, text: str | None) -> str:
    role = find_role(text) if text is not None else ""
    if role is None:
        raise BodyError((path, "must hold a letter or a digit"))
    return role


def _show(account: Account) -> AccountView:
    suppression = account.suppression
    return {
        "account_id": account.account_id,
        "group_id": account.group_id,
        "name": account.name,
        "attributes": dict(sorted(values_of(account).items())),
        "target": account.is_target,
        "suppressed": {"because": suppression.because, "since": format_instant(suppression.since)}
        if suppression
        else None,
        "members": account.members,
        "engaged": dict(sorted(account.engaged.items())),
        "created_at": format_instant(account.created_at),
        "updated_at": format_instant(account.updated_at),
    }


def _show_report(found: Report, is_whole: bool) -> AccountReportView:
    return {
        "is_whole": is_whole,
        "members": found.members,
        "roles": dict(found.roles),
        "engaged": dict(found.engaged),
        "scores": {sheet: {"total": total.total, "best": total.best} for sheet, total in found.scores.items()},
        "stages": dict(found.stages),
        "last_seen": format_instant(found.last_seen) if found.last_seen else None,
    }

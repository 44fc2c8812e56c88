"""Accounts: the companies of contacts, how far the list of targets is, and one with its people."""

from typing import Any

from functions.console.pages import page
from functions.console.requests import Request, RequestError, is_storable
from functions.console.responses import Response, redirect
from postroad import demo
from postroad.accounts import Account, cover, values_of
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, accounts, contacts, memberships
from postroad_aws.usecases import change_account as changing
from postroad_aws.usecases.report_account import list_seats, rank_members, report_account

_PAGE = 50
# So many target accounts are counted for the cards above the list.
_MOST_TARGETS = 500
LONGEST_REASON = 200


def show_list(request: Request) -> Response:
    view = "targets" if request.text("view") == "targets" else ""
    found = accounts.list_accounts(target=bool(view), cursor=request.cursor, limit=_PAGE)
    values: dict[str, Any] = {"shown": found.items, "next": found.next, "view": view}
    if not request.is_fragment:
        values |= {"coverage": cover(accounts.list_accounts(target=True, limit=_MOST_TARGETS).items)}
    return page(request, "accounts/list.html", fragment="rows", **values)


def show_one(request: Request) -> Response:
    account, book = _find(request), books.current()
    found = list_seats(contacts, memberships, account.account_id, cursor=request.cursor, limit=_PAGE)
    values: dict[str, Any] = {"company": account, "next": found.next}
    values |= {"members": rank_members(found.items, book, request.now), "sheets": list(book.scores.values())[:3]}
    if not request.is_fragment:
        summed = report_account(contacts, memberships, book, request.now, account.account_id)
        attributes = {name: value for name, value in values_of(account).items() if name not in ("name", demo.ATTRIBUTE)}
        values |= {"report": summed.report, "is_whole": summed.is_whole, "attributes": attributes}
        values |= {"scores": [(book.scores[key].name, total) for key, total in summed.report.scores.items()]}
    return page(request, "accounts/account.html", fragment="rows", **values)


def suppress(request: Request) -> Response:
    because = request.form().get("because", "").strip()
    account = _find(request)
    if not because or len(because) > LONGEST_REASON or not is_storable(because):
        raise RequestError(f"Say why, in a line of at most {LONGEST_REASON} characters.")
    changing.suppress_account(accounts, account.account_id, because, clock.now())
    return _back_to(account)


def lift(request: Request) -> Response:
    account = _find(request)
    changing.suppress_account(accounts, account.account_id, None, clock.now())
    return _back_to(account)


def target(request: Request) -> Response:
    """Put it on the list of target accounts, or take it off."""
    account, now = _find(request), clock.now()
    is_target = request.form().get("target") == "yes"
    changing.tell_account(accounts, account.account_id, account.group_id, {}, now, now, is_target)
    return _back_to(account)


def _find(request: Request) -> Account:
    account = accounts.find_account(request.variables["account_id"])
    if account is None:
        raise NotFoundError("There is no account of this id. The list has those that there are.")
    return account


def _back_to(account: Account) -> Response:
    return redirect(f"/console/accounts/{account.account_id}")

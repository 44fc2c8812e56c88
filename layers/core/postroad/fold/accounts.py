"""Accounts: which ones a contact belongs to, and what it carries of them."""

from collections.abc import Mapping
from typing import Any

from postroad.accounts import COPY, find_account_id, find_role, take_copy
from postroad.contacts.contact import MAX_ACCOUNTS, USUAL_ROLE, Seat
from postroad.events import Event
from postroad.fold.folding import Folding


def join_account(folding: Folding, event: Event) -> list[str]:
    """A server says that the contact belongs to an account, and perhaps in which role; facts that change."""
    said, account_id = event.properties, _find_account(folding, event, "not joined")
    if account_id is None:
        return []
    seats = folding.contact.accounts
    before = seats.get(account_id)
    if before is None and len(seats) >= MAX_ACCOUNTS:
        folding.decide(
            f"account/{account_id}", "", "not joined", f"a contact belongs to at most {MAX_ACCOUNTS} accounts"
        )
        return []
    seat = before or Seat(USUAL_ROLE, event.time)
    role = find_role(said.get("role"))
    if role and event.time >= seat.role_said:
        seat = seat._replace(role=role, role_said=event.time)
    copy = _find_copy(event)
    for name, because in copy.get("not_kept", {}).items():
        folding.decide(f"account/{account_id}", name, "not kept", because)
    seat = take_copy(seat, copy) if copy else seat
    seats[account_id] = seat._replace(is_engaged=_is_engaged(folding))
    if before is None:
        folding.decide(f"account/{account_id}", "", "joined", f"as {seat.role}")
    return _changes(folding, before, seat)


def leave_account(folding: Folding, event: Event) -> list[str]:
    """A server says that the contact belongs to an account no longer; facts that change."""
    account_id = _find_account(folding, event, "not left")
    seat = folding.contact.accounts.pop(account_id or "", None)
    if seat is None:
        return []
    folding.decide(f"account/{account_id}", "", "left", f"was {seat.role}")
    return _changes(folding, seat, None)


def change_account(folding: Folding, event: Event) -> list[str]:
    """The account says something else from now on; facts that change. Who has left it does not care."""
    copy = _find_copy(event)
    account_id = str(copy.get("id"))
    before = folding.contact.accounts.get(account_id)
    if before is None:
        return []
    seat = take_copy(before, copy)
    folding.contact.accounts[account_id] = seat
    return _changes(folding, before, seat)


def note_engaged(folding: Folding) -> None:
    """Note in its accounts whether the contact is engaged."""
    seats, is_engaged = folding.contact.accounts, _is_engaged(folding)
    for account_id, seat in seats.items():
        if seat.is_engaged != is_engaged:
            seats[account_id] = seat._replace(is_engaged=is_engaged)


def _is_engaged(folding: Folding) -> bool:
    return folding.book.policy.accounts.engaged in folding.contact.segments


def _find_account(folding: Folding, event: Event, verdict: str) -> str | None:
    """The account that an event names, if it may."""
    account_id = find_account_id(event.properties.get("group_id", event.context.get("group_id")))
    if account_id is None:
        folding.decide("account", "", verdict, "it names no account; group_id has to be a text or a number")
    elif not event.trusted:
        folding.decide(f"account/{account_id}", "", verdict, "only a server is believed about this")
        return None
    return account_id


def _find_copy(event: Event) -> Mapping[str, Any]:
    copy = event.properties.get(COPY)
    return copy if isinstance(copy, Mapping) else {}


def _changes(folding: Folding, before: Seat | None, after: Seat | None) -> list[str]:
    """The facts that differ between two states of a seat; None is no seat."""
    old, new = before or _NO_SEAT, after or _NO_SEAT
    if old.suppressed != new.suppressed:
        folding.outbox.asks_all = True
    facts = [
        f"account:{name}"
        for name in sorted({*old.attributes, *new.attributes})
        if old.attributes.get(name) != new.attributes.get(name)
    ]
    facts += ["account_role"] if old.role != new.role else []
    return facts + (["account_roles"] if old.roles != new.roles else [])


_NO_SEAT = Seat("", 0.0)

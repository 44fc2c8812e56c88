"""Change an account, or begin it. Its members hear of it through the table's stream."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from postroad.accounts import Account, Suppression, begin, revise, say
from postroad_aws.storage import NotFoundError, VersionConflictError

MAX_TRIES = 5


class Accounts(Protocol):
    def find_account(self, account_id: str) -> Account | None: ...

    def save_account(self, account: Account) -> bool: ...


class Told(NamedTuple):
    """The account as it is stored then, and what was not kept of what was said, each with the reason."""

    account: Account
    refused: Mapping[str, str]


def change_account(
    accounts: Accounts, account_id: str, change: Callable[[Account | None], Account], now: float
) -> Account:
    """The account as it is then stored; `change` makes it of the one that is there, and is asked again when somebody
    else was faster. One that changes nothing writes nothing. Raises VersionConflictError after five tries."""
    for _ in range(MAX_TRIES):
        before = accounts.find_account(account_id)
        after = change(before)
        if after == before:
            return after
        after = revise(before, after, now)
        if accounts.save_account(after):
            return after.with_(version=after.version + 1)
    raise VersionConflictError("This account is being changed by many at once; try again.")


def tell_account(
    accounts: Accounts,
    account_id: str,
    group_id: object,
    attributes: Mapping[str, Any],
    time: float,
    now: float,
    is_target: bool | None = None,
) -> Told:
    """Say something about an account, which begins with it when sources have not named it yet. `is_target` puts it on
    the list of target accounts, or takes it off."""
    refused: dict[str, str] = {}

    def change(before: Account | None) -> Account:
        said, not_kept = say(before or begin(group_id, now), attributes, time)
        refused.update(not_kept)
        return said if is_target is None else said.with_(is_target=is_target)

    return Told(change_account(accounts, account_id, change, now), refused)


def suppress_account(accounts: Accounts, account_id: str, because: str | None, now: float) -> Account:
    """Send no marketing to an account's members from now on; with None send it again. Raises NotFoundError."""

    def change(before: Account | None) -> Account:
        if before is None:
            raise NotFoundError("There is no account with this id.")
        is_same = bool(before.suppression) == (because is not None)
        is_same &= before.suppression is None or before.suppression.because == because
        return before if is_same else before.with_(suppression=None if because is None else Suppression(because, now))

    return change_account(accounts, account_id, change, now)

"""Say who belongs to an account, in which role, and who does no longer."""

from collections.abc import Mapping, Sequence

from postroad.accounts import Account
from postroad.contacts.identities import Identity
from postroad.events import ACCOUNT_JOINED, ACCOUNT_LEFT
from postroad_aws.ports import Ports
from postroad_aws.usecases.tell_members import Changed, Told, tell_members


def seat_members(
    ports: Ports,
    account: Account,
    joining: Mapping[Identity | str, str],
    leaving: Sequence[Identity | str],
    source: str,
) -> Changed:
    """Contacts go by their id or by an identity, who joins with a role ("" for none); what happens then, and what it
    raises, is as `tell_members` says."""
    said = {"group_id": account.group_id}
    return tell_members(
        ports,
        [Told(member, ACCOUNT_JOINED, {**said, "role": role} if role else said) for member, role in joining.items()],
        [Told(member, ACCOUNT_LEFT, said) for member in leaving],
        source,
    )

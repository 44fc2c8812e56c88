"""A table that is brought back as it was: what has left since is known by the ledger, and a no by its own tables."""

from typing import Any

from postroad.sending.channels import USUAL
from postroad.sending.messages import SENT, SKIPPED
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import refusals
from postroad_aws.usecases.send_message import send_message
from tests.account import ANA, Account, Channel

EMAIL = f"email:{ANA}"
# What is brought back together; the ledger and the refusals are not.
RESTORED = ("contacts_table", "events_table", "memberships_table", "tasks_table")


def keep() -> dict[str, list[dict[str, Any]]]:
    return {name: get_client("dynamodb").scan(TableName=settings().require(name))["Items"] for name in RESTORED}


def bring_back(kept: dict[str, list[dict[str, Any]]]) -> None:
    """Each table as it was: what has come since goes."""
    client = get_client("dynamodb")
    for name, items in kept.items():
        table = settings().require(name)
        keys = [each["AttributeName"] for each in client.describe_table(TableName=table)["Table"]["KeySchema"]]
        for item in client.scan(TableName=table)["Items"]:
            client.delete_item(TableName=table, Key={key: item[key] for key in keys})
        for item in items:
            client.put_item(TableName=table, Item=item)


def test_g19_a_step_that_comes_again_after_a_restore_finds_its_message_in_the_ledger(account: Account) -> None:
    account.fold(account.event("Page Viewed", EMAIL))
    kept = keep()
    signed_up = account.event("Signed Up", EMAIL, attributes={"email": ANA})
    account.fold(signed_up)
    (welcome,) = account.messages(EMAIL).values()
    channel = Channel()
    assert send_message(account.with_channels(**{USUAL: channel}), welcome.message_id) == SENT
    account.advance(600)
    bring_back(kept)
    assert account.names(EMAIL) == ["Page Viewed"]
    account.fold(signed_up)
    (after,) = account.messages(EMAIL).values()
    assert (after.message_id, after.state) == (welcome.message_id, SENT)
    send_message(account.with_channels(**{USUAL: channel}), welcome.message_id)
    assert len(channel.sent) == 1
    assert account.contact(EMAIL).enrollments_in("welcome")


def test_g19_a_no_that_was_said_after_the_instant_of_a_restore_holds(account: Account) -> None:
    account.fold(account.event("Page Viewed", EMAIL))
    kept = keep()
    refusals.save_consent(EMAIL, "*", False, account.now(), {"by": "page"})
    bring_back(kept)
    account.fold(account.event("Signed Up", EMAIL, attributes={"email": ANA}))
    channel = Channel()
    for message in account.messages(EMAIL).values():
        assert send_message(account.with_channels(**{USUAL: channel}), message.message_id) == SKIPPED
    assert channel.sent == []

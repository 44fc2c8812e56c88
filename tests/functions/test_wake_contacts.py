"""What the clock calls each minute."""

from typing import Any

from functions.wake_contacts.app import handler
from postroad.tracking.packing import pack
from postroad_aws.usecases import wake_contacts
from tests.account import ANA, Account

EMAIL = f"email:{ANA}"
NOBODY: dict[str, Any] = {"woken": 0, "crowded": [], "more": False}


def test_whoever_is_due_is_woken_and_moves_on(account: Account):
    account.fold(account.event("Product Added", EMAIL, price=5))
    assert handler({"time": "2026-11-02T09:14:00Z"}, None) == NOBODY
    account.advance(3_601)
    assert handler({"time": "2026-11-02T10:14:00Z"}, None) == {**NOBODY, "woken": 1}
    (wake,) = account.fold_arrived()
    assert (wake.name, wake.contact_id) == ("Wake", account.contact_id(EMAIL))
    assert account.messages(EMAIL)["reminder"].state == "queued"
    assert handler({}, None) == NOBODY


def test_a_wake_that_is_sent_twice_acts_once(account: Account):
    account.fold(account.event("Product Added", EMAIL, price=5))
    account.advance(3_601)
    handler({}, None)
    (wake,) = account.arrived()
    account.fold(wake)
    once, queued = account.contact(EMAIL), account.messages(EMAIL)
    account.fold(wake)
    again = account.contact(EMAIL)
    assert (again.active, again.turns, again.events_folded) == (once.active, once.turns, once.events_folded)
    assert account.messages(EMAIL) == queued
    assert account.names(EMAIL) == ["Product Added", "Wake"]


def test_a_crowded_shard_is_named_and_woken_by_itself(account: Account, monkeypatch):
    monkeypatch.setattr(wake_contacts, "PAGE", 1)
    for number in range(30):
        account.fold(account.event("Product Added", f"user:u{number}", price=5))
    account.advance(3_601)
    first = handler({"time": "2026-11-02T09:14:00Z"}, None)
    assert 0 < first["woken"] < 30
    assert first["more"] is True
    by_shard = [handler({"shard": shard}, None) for shard in first["crowded"]]
    assert sum(answer["woken"] for answer in by_shard) >= 30
    account.fold_arrived()
    assert handler({}, None) == NOBODY


def test_while_live_events_wait_in_crowds_nobody_is_woken(account: Account, monkeypatch):
    account.fold(account.event("Product Added", EMAIL, price=5))
    account.advance(3_601)
    monkeypatch.setattr(wake_contacts, "DEEP", 0)
    account.ports.queues.send_events(pack([account.event("Page Viewed", EMAIL)]))
    assert handler({}, None) == NOBODY


def test_it_needs_no_secret_of_the_stack(account: Account):
    from postroad_aws.clients import get_client
    from postroad_aws.storage import keys

    get_client("dynamodb").delete_table(TableName="Keys")
    keys.forget_keys()
    assert handler({}, None) == NOBODY

"""The sweep over ports in part broken: whatever happens, no message is forgotten."""

from dataclasses import replace
from typing import Any

import pytest

from postroad.sending.messages import PATIENCE
from postroad_aws import wiring
from postroad_aws.storage import messages, refusals
from postroad_aws.usecases.sweep_messages import Swept, sweep_messages
from tests.account import ANA, Account


def test_what_the_queue_does_not_take_is_tried_again_next_time(account):
    class Full:
        def send_messages(self, message_ids: Any, delay: float = 0.0) -> Any:
            return list(message_ids)

    message = account.sign_up()
    account.advance(PATIENCE["queued"] + 1)
    assert sweep_messages(replace(wiring.keyless(), queues=Full())) == Swept(0, 0)
    account.advance(PATIENCE["queued"] + 1)
    assert sweep_messages(wiring.keyless()) == Swept(1, 0)
    assert account.sends() == [message.message_id]


def test_when_the_queue_cannot_be_reached_the_message_stays_due(account):
    class Gone:
        def send_messages(self, message_ids: Any, delay: float = 0.0) -> Any:
            raise ConnectionError

    account.sign_up()
    account.advance(PATIENCE["queued"] + 1)
    with pytest.raises(ConnectionError):
        sweep_messages(replace(wiring.keyless(), queues=Gone()))
    assert sweep_messages(wiring.keyless()) == Swept(1, 0)


def test_a_fresh_claim_is_looked_at_again_when_it_ends(account: Account):
    message = account.sign_up()
    account.advance(PATIENCE["queued"] - 1)
    claimed = account.now()
    messages.claim(message.message_id, "busy", claimed)
    account.advance(2)
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)

    def due(at: float) -> list[str]:
        return [m.message_id for shard in messages.SHARDS for m in messages.list_pending(shard, at, 10)]

    assert due(claimed + PATIENCE["sending"] - 1) == []
    assert due(claimed + PATIENCE["sending"] + 1) == [message.message_id]


def test_a_sweep_stops_when_its_time_is_up(account, monkeypatch):
    from postroad_aws.usecases import sweep_messages as module

    account.sign_up()
    account.advance(PATIENCE["queued"] + 1)
    monkeypatch.setattr(module, "TICK_SECONDS", -1.0)
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)


def test_what_somebody_sends_at_that_very_moment_does_not_fail(account, monkeypatch):
    message = account.sign_up()
    account.advance(5 * 86_400)
    list_pending = messages.list_pending

    def send_meanwhile(shard, until, limit):
        pending = list_pending(shard, until, limit)
        for found in pending:
            assert messages.claim(found.message_id, "me", account.now())
            assert messages.settle(found.message_id, "sent", account.now(), owner="me")
        return pending

    monkeypatch.setattr(messages, "list_pending", send_meanwhile)
    sweep_messages(wiring.keyless())
    found = messages.find_message(message.message_id)
    assert found is not None
    assert found.state == "sent"


def test_what_could_not_be_sent_for_four_days_fails_for_good(account):
    message = account.sign_up()
    account.advance(4 * 86_400 - 60)
    assert sweep_messages(wiring.keyless()) == Swept(1, 0)
    account.advance(4 * 3_600)
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)
    found = messages.find_message(message.message_id)
    assert found is not None
    assert (found.state, found.reason) == ("failed", "it could not be sent for four days")
    account.fold_arrived()
    assert "Message Failed" in account.names(f"email:{ANA}")


def test_what_its_contact_cannot_be_told_of_now_fails_at_a_later_sweep(account, monkeypatch):
    message = account.sign_up()
    account.advance(4 * 86_400 + 60)
    ports = wiring.keyless()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(ports.queues, "send_events", list)
        with pytest.raises(ConnectionError):
            sweep_messages(ports)
    account.advance(3_600)
    sweep_messages(ports)
    found = messages.find_message(message.message_id)
    assert found is not None
    assert (found.state, found.reason) == ("failed", "it could not be sent for four days")


def test_no_shard_waits_until_another_is_done(account, monkeypatch):
    from postroad_aws.usecases import sweep_messages as module

    message, asked = account.sign_up(), []

    def list_pending(shard, until, limit):
        asked.append(shard)
        account.advance(1)
        return [message] if shard == "03" else []

    monkeypatch.setattr(module, "PAGE", 1)
    monkeypatch.setattr(messages, "list_pending", list_pending)
    sweep_messages(wiring.keyless())
    assert sorted(set(asked)) == list(messages.SHARDS)
    assert len(asked) == module.TICK_SECONDS


def test_what_its_sender_skipped_and_told_before_it_died_is_skipped_and_not_unknown(account: Account, monkeypatch):
    from postroad_aws.usecases import send_message as module

    message = account.sign_up()
    refusals.save_suppression(f"email:{ANA}", "it bounced", account.now(), {})

    def die(*_: Any, **known: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(module, "_settle", die)
    with pytest.raises(SystemExit):
        module.send_message(wiring.production(), message.message_id)
    account.fold_arrived()
    assert "Message Skipped" in account.names(f"email:{ANA}")
    account.advance(PATIENCE["sending"] + 1)
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)
    found = messages.find_message(message.message_id)
    assert found is not None
    assert (found.state, found.reason) == ("skipped", "the address is suppressed: it bounced")

"""A broadcast over moto that is steered: paused, stopped, tested, sent once more. Nobody is lost, and none gets two."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroad.broadcasts.broadcast import pause
from postroad.contacts.places import variant_place
from postroad.sending.quotas import NEXT_WINDOW, Quota
from postroad_aws import holds, wiring
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Refused
from postroad_aws.storage import VersionConflictError, broadcasts, definitions, memberships, messages
from postroad_aws.storage import holds as stored
from postroad_aws.usecases.cancel_broadcast import cancel_broadcast
from postroad_aws.usecases.run_broadcast import address_part, begin_broadcast
from postroad_aws.usecases.schedule_broadcast import schedule_broadcast
from postroad_aws.usecases.send_message import send_message
from postroad_aws.usecases.show_broadcasts import get_progress
from postroad_aws.usecases.steer_broadcast import (
    choose_broadcast_winner,
    pause_broadcast,
    resume_broadcast,
    send_broadcast_again,
)
from postroad_aws.usecases.wake_contacts import wake_event
from tests.account import Account, Channel
from tests.functions.test_run_broadcast import (
    FEW,
    LETTER,
    buy,
    few_shards,
    ledger,
    letter,
    play,
    run_of,
    send_all,
    states,
)

__all__ = ["few_shards", "letter"]


def steer(account: Account, change: Any, *given: Any) -> Any:
    """Somebody does something, and every process has heard of it."""
    run = change(wiring.broadcast_ports(), "autumn", *given)
    holds.forget()
    account.sends()
    return run


def schedule(account: Account, **parts: Any) -> None:
    definitions.save_draft("broadcast", "autumn", {**LETTER, **parts}, edit=0, now=account.now())
    schedule_broadcast(wiring.broadcast_ports(), "autumn", edit=1)


def test_a_pause_in_the_middle_holds_what_is_queued_and_resuming_sends_each_one_once(letter):
    buy(letter, *(f"person{number}" for number in range(5)))
    assert play(stop_after=2) is None
    begun = len(list(ledger()))
    paused = steer(letter, pause_broadcast)
    assert (paused.state, stored.list_holds()[0].scope) == ("paused", "broadcast/autumn")
    assert send_all(letter).sent == []
    assert play() == {**play(), "task": "nothing"}
    for shard in FEW:  # a worker that was at it when somebody paused
        assert address_part(wiring.run_ports(), "autumn", 1, shard, None, lambda: True) is None
    assert states() == ({"queued": begun} if begun else {})
    resumed = steer(letter, resume_broadcast)
    assert (resumed.state, stored.list_holds()) == ("running", ())
    play()
    mails = send_all(letter)
    assert len({mail.to for mail in mails.sent}) == len(mails.sent) == 8
    letter.advance(120)
    play()
    assert (run_of().state, run_of().tally.states) == ("done", {"sent": 8})


def test_resumed_after_a_month_nobody_gets_it_twice_though_nobody_remembers_the_event_any_more(letter):
    play()
    first = send_all(letter)
    for name in ("ana", "ben", "cleo"):  # so many events later the contact has let go of it
        letter.fold(*(letter.event("Page Viewed", f"user:{name}", path=f"/{number}") for number in range(80)))
        letter.advance(1_300)
        letter.fold(*(letter.event("Page Viewed", f"user:{name}", path=f"/more/{number}") for number in range(40)))
    # Nothing of how far it came was kept.
    broadcasts.save_run(replace(pause(run_of(), letter.now()), before="running", cursors={}), run_of())
    letter.advance(30 * 86_400)
    steer(letter, resume_broadcast)
    play()
    assert send_all(letter).sent == []
    assert {mail.to for mail in first.sent} == {f"{name}@example.com" for name in ("ana", "ben", "cleo")}
    assert states() == {"sent": 3}


def test_what_was_held_is_queued_for_sending_again_at_once(letter):
    play()
    steer(letter, pause_broadcast)
    send_all(letter)
    resume_broadcast(wiring.broadcast_ports(), "autumn")
    letter.sends()
    play()
    assert sorted(letter.sends()) == sorted(message.message_id for message in ledger())


def test_a_stop_ends_what_has_not_left_as_skipped_and_then_its_hold_is_gone(letter):
    play()
    first = next(ledger())
    assert send_message(letter.with_channels(email=Channel()), first.message_id) == "sent"
    stopped = steer(letter, cancel_broadcast)
    assert stopped.state == "stopped"
    assert steer(letter, cancel_broadcast) == stopped
    play()
    assert send_all(letter).sent == []
    assert states() == {"sent": 1, "skipped": 2}
    letter.advance(121)
    play()
    run = run_of()
    assert (run.state, run.tally.states) == ("stopped", {"sent": 1, "skipped": 2})
    assert run.tally.reasons == {"the broadcast was stopped before this could be sent": 2}
    assert stored.list_holds() == ()
    with pytest.raises(VersionConflictError, match="It is stopped"):
        steer(letter, resume_broadcast)


def test_the_people_of_a_test_get_theirs_and_the_rest_the_winner(account):
    people = buy(account, *(f"person{number}" for number in range(24)))
    schedule(account, test={"against": ["gift-boxes"], "share": 50, "lasts": "PT4H"})
    play()
    run = run_of()
    assert run.state == "testing"
    tried = {message.contact_id: message.template for message in ledger()}
    assert tried == {each: choice[0] for each in people if (choice := run.pick(each))}
    assert set(tried.values()) == {"second-offer", "gift-boxes"}
    assert {message.step for message in ledger()} == {"second-offer", "gift-boxes"}
    send_all(account)
    account.advance(4 * 3_600)
    play()  # so few people are no verdict
    run = run_of()
    assert (run.state, run.winner) == ("sending", "second-offer")
    assert "100 people" in run.verdict
    rest = {message.contact_id: (message.template, message.step) for message in ledger()}
    assert len(rest) == 24
    assert all(rest[each] == ("second-offer", "") for each in people if each not in tried)
    assert all(rest[each] == (template, template) for each, template in tried.items())


def test_who_did_the_event_that_decides_a_test_is_found_at_their_variant(account):
    people = buy(account, *(f"person{number}" for number in range(12)))
    schedule(account, test={"against": ["gift-boxes"], "share": 50, "lasts": "PT4H", "event": "Order Completed"})
    play()
    tried = {each: choice[1] for each in people if (choice := run_of().pick(each))}
    account.advance(600)
    buy(account, *(f"person{number}" for number in range(12)))

    def found(variant: str, converted: bool) -> set[str]:
        place = variant_place("/broadcast/autumn", variant, converted=converted)
        return {each.contact_id for each in memberships.list_members(place).items}

    for variant in ("second-offer", "gift-boxes"):
        expected = {each for each, theirs in tried.items() if theirs == variant}
        assert found(variant, converted=False) == expected
        assert found(variant, converted=True) == expected


def test_somebody_chooses_a_winner_whenever_they_like_and_only_once(account):
    buy(account, *(f"person{number}" for number in range(12)))
    schedule(account, test={"against": ["gift-boxes"], "share": 50, "lasts": "PT4H", "winner": "manual"})
    play()
    progress = get_progress(wiring.broadcast_ports(), "autumn")
    assert progress.trial is not None
    assert set(progress.trial.arms) == {"second-offer", "gift-boxes"}
    account.advance(100 * 3_600)
    assert begin_broadcast(wiring.run_ports(), "autumn", 1).task == "nothing"
    steer(account, choose_broadcast_winner, "gift-boxes")
    assert steer(account, choose_broadcast_winner, "gift-boxes").winner == "gift-boxes"
    play()
    assert run_of().verdict == "somebody chose it"
    assert {message.template for message in ledger() if not message.step} == {"gift-boxes"}
    assert len(list(ledger())) == 12


def test_it_is_sent_once_more_to_those_whom_it_failed_and_to_nobody_else(letter):
    play()
    refusing = Channel(Accepted("one"), Refused("MessageRejected", None))
    send_all(letter, refusing)
    unknown = next(message for message in ledger() if message.state == "sent")
    letter.advance(120)
    play()
    assert (run_of().state, run_of().tally.states) == ("done", {"sent": 1, "failed": 2})
    failed = {message.contact_id for message in ledger() if message.state == "failed"}
    steer(letter, send_broadcast_again)
    play()
    again = [message for message in ledger() if message.state == "queued"]
    assert {message.contact_id for message in again} == failed
    assert unknown.contact_id not in failed
    play()
    assert len(list(ledger())) == 5
    sent = send_all(letter)
    assert len(sent.sent) == 2
    letter.advance(120)
    play()
    assert (run_of().state, run_of().tally.states) == ("done", {"sent": 3, "failed": 2})


def test_it_rests_while_the_days_quota_is_used_up_and_goes_on_by_itself(letter):
    letter.quota = Quota(14.0, 200.0, 195.0)
    play()
    run = run_of()
    assert (run.state, list(ledger())) == ("running", [])
    assert run.note.startswith("195 of the 200 messages have left")
    assert run.rests_until is not None
    assert run.rests_until - letter.now() == pytest.approx(NEXT_WINDOW, abs=60)
    at = [each["Name"].rpartition("-")[2] for each in get_client("scheduler").list_schedules()["Schedules"]]
    assert any(abs(int(moment) - run.rests_until) <= 1 for moment in at)
    letter.advance(600)
    assert begin_broadcast(wiring.run_ports(), "autumn", 1).task == "nothing"
    letter.quota = Quota(14.0, 200.0, 100.0)
    letter.advance(NEXT_WINDOW)
    play()
    run = run_of()
    assert (run.state, run.note, run.rests_until, states()) == ("sending", "", None, {"queued": 3})


def test_at_each_readers_hour_it_waits_with_the_contact_and_the_run_waits_for_them(account):
    (ana, ben) = buy(account, "ana", "ben")
    for name, zone in (("ana", "Pacific/Auckland"), ("ben", "America/Lima")):
        account.fold(account.event("Moved", f"user:{name}", attributes={"timezone": zone}))
    day = datetime.fromtimestamp(account.now(), UTC).date() + timedelta(days=3)
    schedule(account, at=f"{day}T09:00:00Z", zone="reader")
    run = run_of()
    account.advance(run.at - account.now())
    play()
    assert states() == {}
    for contact_id, due in ((ana, 1), (ben, 2)):
        wake_at = broadcasts_wake(contact_id)
        account.advance(wake_at - account.now() + 1)
        account.fold(wake_event(contact_id, wake_at))
        assert len(list(ledger())) == due
        if due == 1:
            play()
            assert run_of().state == "sending"
    send_all(account)
    account.advance(3 * 3_600)
    play()
    assert (run_of().state, run_of().tally.states) == ("done", {"sent": 2})


def broadcasts_wake(contact_id: str) -> float:
    found = wiring.production().contacts.find_items([contact_id], consistent=True)[contact_id]
    assert found.wake_at is not None  # type: ignore[union-attr]
    return found.wake_at  # type: ignore[union-attr, return-value]


def test_a_run_and_its_hold_are_stored_together_or_not_at_all(letter):
    play()
    before = run_of()
    steer(letter, pause_broadcast)
    with pytest.raises(VersionConflictError):
        broadcasts.save_run(before.to("done", letter.now()), before)
    assert run_of().state == "paused"
    assert len(stored.list_holds()) == 1
    assert messages.find_message(next(ledger()).message_id) is not None

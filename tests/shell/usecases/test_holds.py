"""What is held does not leave, and leaves when its hold is lifted."""

from typing import Any

import pytest

from postroad.deliverability.breakers import BREAKER, RESUMED
from postroad.deliverability.warm_up import find_turn
from postroad.sending.holds import ALL, MARKETING, PAUSE, PEOPLE, SLOW, STOP, WARM_UP, Hold
from postroad_aws import holds, wiring
from postroad_aws.storage import holds as stored
from postroad_aws.storage import messages
from postroad_aws.usecases.send_message import send_message, send_messages
from postroad_aws.usecases.sweep_messages import Swept, sweep_messages
from tests.account import ANA, Account, Channel


def hold(account: Account, scope: str, kind: str = PAUSE, **parts: Any) -> Hold:
    put = Hold(scope, kind, account.now(), **parts)
    stored.save_hold(put)
    holds.forget()
    return put


def test_holds_are_kept_by_scope_and_by_who_put_them(account):
    by_people = hold(account, MARKETING, note="A wrong price")
    by_breaker = hold(account, MARKETING, SLOW, by="breaker", spread=900.0)
    again = hold(account, MARKETING, note="Two wrong prices")
    assert set(stored.list_holds()) == {again, by_breaker}
    stored.lift_hold(MARKETING, by_people.by)
    stored.lift_hold(MARKETING, by_people.by)
    assert stored.list_holds() == (by_breaker,)


@pytest.mark.parametrize("scope", [ALL, MARKETING, "journey/welcome"])
def test_what_is_held_stays_queued_without_a_claim_and_leaves_when_the_hold_is_lifted(account, scope):
    message, email = account.sign_up(), Channel()
    ports = account.with_channels(email=email)
    put = hold(account, scope)
    before = messages.find_message(message.message_id)
    assert send_messages(ports, [message.message_id], lambda: True) == set()
    assert messages.find_message(message.message_id) == before
    assert email.sent == []
    stored.lift_hold(scope, put.by)
    account.advance(holds.FRESH_SECONDS)
    assert send_message(ports, message.message_id) == "sent"


def test_a_hold_on_something_else_holds_nothing(account):
    message = account.sign_up()
    hold(account, "journey/cart")
    hold(account, "broadcast/welcome")
    assert send_message(account.with_channels(email=Channel()), message.message_id) == "sent"


def test_only_a_pause_costs_a_mail_a_look_before_it_is_claimed(account, monkeypatch):
    message = account.sign_up()
    hold(account, RESUMED, SLOW, by=BREAKER, note="the list was cleaned")
    monkeypatch.setattr(messages, "find_message", None)
    assert send_message(account.with_channels(email=Channel()), message.message_id) == "sent"


def test_a_process_that_runs_already_hears_of_a_hold_within_seconds(account):
    first, email = account.sign_up(), Channel()
    ports = account.with_channels(email=email)
    assert ports.holds.current() == ()
    stored.save_hold(Hold(ALL, PAUSE, account.now()))
    account.advance(holds.FRESH_SECONDS)
    assert send_message(ports, first.message_id) == "queued"
    assert email.sent == []


def test_what_is_stopped_is_skipped_with_the_reason_and_its_contact_hears_of_it(account):
    message, email = account.sign_up(), Channel()
    hold(account, "journey/welcome", STOP, note="the journey was stopped by a person")
    assert send_message(account.with_channels(email=email), message.message_id) == "skipped"
    found = messages.find_message(message.message_id)
    assert found is not None
    assert found.reason == "the journey was stopped by a person"
    assert email.sent == []


def test_what_is_slowed_leaves_at_its_own_moment(account):
    message, email = account.sign_up(), Channel()
    ports = account.with_channels(email=email)
    slow = hold(account, MARKETING, SLOW, by="breaker", note="complaints rise", spread=600.0)
    moment = slow.find_moment(message.message_id, message.created_at)
    assert send_message(ports, message.message_id) == "queued"
    found = messages.find_message(message.message_id)
    assert found is not None
    assert (found.not_before, found.reason) == (moment, "messages leave little by little: complaints rise")
    account.advance(moment - account.now() + 0.5)
    assert send_message(ports, message.message_id) == "sent"


def test_what_was_slowed_leaves_within_the_hour_once_nothing_slows_it_any_more(account):
    message, email = account.sign_up(), Channel()
    ports = account.with_channels(email=email)
    moment = account.now() + 7_200
    slow = Hold("journey/welcome", SLOW, moment, BREAKER, "complaints rise")
    stored.save_hold(slow)
    assert [send_message(ports, message.message_id) for _ in range(2)] == ["queued", "queued"]
    found = messages.find_message(message.message_id)
    assert found is not None
    assert (found.not_before, found.reason) == (moment, "messages leave little by little: complaints rise")
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)
    hold(account, MARKETING)
    stored.lift_hold(slow.scope, slow.by)
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)
    stored.lift_hold(MARKETING, PEOPLE)
    holds.forget()
    account.sends()
    assert sweep_messages(wiring.keyless()) == Swept(1, 0)
    assert account.sends() == [message.message_id]
    assert send_message(ports, message.message_id) == "sent"


def test_what_waits_for_its_hour_goes_on_waiting_when_nothing_is_slowed(account):
    message = account.sign_up()
    assert messages.claim(message.message_id, "me", account.now())
    messages.release(message.message_id, "me", account.now() + 7_200, "it is closed: quiet hours", account.now())
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)
    assert send_message(account.with_channels(email=Channel()), message.message_id) == "queued"
    found = messages.find_message(message.message_id)
    assert found is not None
    assert found.reason == "it is closed: quiet hours"


def test_c81_while_a_domain_warms_up_somebody_engaged_gets_theirs_at_their_turn_and_not_by_lot(account):
    message, email = account.sign_up(), Channel()
    ports = account.with_channels(email=email)
    slow = hold(account, MARKETING, SLOW, by=WARM_UP, note="the domain is warming up", spread=86_400.0)
    last_sign = account.contact(f"email:{ANA}").last_sign
    moment = slow.find_moment(
        message.message_id, message.created_at, find_turn(last_sign, slow.since, message.message_id)
    )
    assert send_message(ports, message.message_id) == "queued"
    found = messages.find_message(message.message_id)
    assert found is not None
    assert found.not_before == moment
    assert moment - slow.since < 0.1 * 86_400.0
    account.advance(moment - account.now() + 0.5)
    assert send_message(ports, message.message_id) == "sent"


def test_what_was_put_back_until_later_ends_at_once_when_it_is_stopped(account):
    message, email = account.sign_up(), Channel()
    ports = account.with_channels(email=email)
    slow = hold(account, "journey/welcome", SLOW, note="complaints rise", spread=86_400.0)
    assert send_message(ports, message.message_id) == "queued"
    stored.lift_hold(slow.scope, slow.by)
    hold(account, "journey/welcome", STOP, note="the journey was stopped by a person")
    assert send_message(ports, message.message_id) == "skipped"
    assert email.sent == []


def test_the_sweep_leaves_what_is_held_in_peace_however_long_and_queues_it_after(account):
    message = account.sign_up()
    account.sends()
    put = hold(account, MARKETING)
    account.advance(5 * 86_400)
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)
    found = messages.find_message(message.message_id)
    assert found is not None
    assert found.state == "queued"
    stored.lift_hold(MARKETING, put.by)
    hold(account, "journey/cart")
    account.advance(3_600)
    assert sweep_messages(wiring.keyless()) == Swept(1, 0)

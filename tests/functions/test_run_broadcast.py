"""A broadcast over moto, step by step as its state machine goes: one message for each person, however it stumbles."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest

from functions.run_broadcast import app
from postroad.broadcasts.broadcast import message_id_of
from postroad.contacts.identities import Identity
from postroad_aws import clock, queues, runs, wiring
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Refused
from postroad_aws.storage import broadcasts, definitions, memberships, messages, refusals
from postroad_aws.usecases import run_broadcast
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.run_broadcast import (
    Counted,
    address_missed,
    address_part,
    begin_broadcast,
    count_messages,
)
from postroad_aws.usecases.schedule_broadcast import schedule_broadcast
from postroad_aws.usecases.send_message import send_message
from postroad_aws.usecases.sweep_messages import sweep_messages
from postroad_aws.usecases.wake_contacts import wake_event
from tests.account import Account, Channel, lambda_context

# As many shards as show that there are several.
FEW = ("00", "01", "02", "03")
LETTER = {"kind": "broadcast", "id": "autumn", "segment": "customers", "template": "second-offer"}
ORIGIN = "broadcast/autumn"
NUMBER = {"broadcast_id": "autumn", "number": 1}


@pytest.fixture(autouse=True)
def few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memberships, "SHARDS", FEW)
    monkeypatch.setattr(run_broadcast, "SHARDS", FEW)


def buy(account: Account, *people: str) -> list[str]:
    """These people become customers; their contacts' ids."""
    for name in people:
        email = f"{name}@example.com"
        account.fold(
            account.event("Order Completed", f"user:{name}", f"email:{email}", attributes={"email": email}, total=20)
        )
    return [account.contact(f"user:{name}").contact_id for name in people]


@pytest.fixture
def letter(account: Account) -> Account:
    """An account with three customers, a visitor, and a broadcast that is to begin at once."""
    buy(account, "ana", "ben", "cleo")
    account.fold(account.event("Page Viewed", "user:dora", path="/"))
    account.sends()
    definitions.save_draft("broadcast", "autumn", LETTER, edit=0, now=account.now())
    schedule_broadcast(wiring.broadcast_ports(), "autumn", edit=1)
    return account


def step(do: str, context: Any = None, **given: Any) -> dict[str, Any]:
    return app.handler({"do": do, **NUMBER, **given}, context or lambda_context())


def play(*, stop_after: int | None = None) -> dict[str, Any] | None:
    """What the state machine does, to its end, or cut off after so many calls for shards."""
    begun = step("begin")
    calls = 0
    if begun["task"] == "address":
        for shard in begun["shards"]:
            answer = {"cursor": None, "shard": shard}
            while True:
                if calls == stop_after:
                    return None
                calls += 1
                answer = step("address", shard=shard, cursor=answer["cursor"])
                if answer["cursor"] is None:
                    break
    if begun["task"] == "nothing":
        return begun
    missed = {"cursor": None}
    while (missed := step("address_missed", cursor=missed["cursor"]))["cursor"] is not None:
        pass
    counted = step("count", cursor=None, tally=None)
    while counted["cursor"] is not None:
        counted = step("count", cursor=counted["cursor"], tally=counted["tally"])
    return counted


def shard_of(contact_id: str) -> str:
    return FEW[crc32(contact_id.encode()) % len(FEW)]


def ledger() -> Iterator[Any]:
    cursor = None
    while True:
        page = messages.list_by_origin(ORIGIN, cursor=cursor, limit=10)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def states() -> Counter[str]:
    return Counter(message.state for message in ledger())


def run_of() -> Any:
    run = broadcasts.find_run("autumn")
    assert run is not None
    return run


def send_all(account: Account, channel: Channel | None = None) -> Channel:
    channel = channel or Channel()
    for message in list(ledger()):
        send_message(account.with_channels(email=channel), message.message_id)
    return channel


# ---------------------------------------------------------------- the run


def test_everybody_in_the_segment_gets_one_message_and_nobody_else(letter):
    counted = play()
    assert counted is not None
    assert counted["tally"]["states"] == {"queued": 3}
    assert {message.contact_id for message in ledger()} == {
        letter.contact(f"user:{name}").contact_id for name in ("ana", "ben", "cleo")
    }
    run = run_of()
    assert (run.state, run.tally.audience, run.tally.pending) == ("sending", 3, 3)
    assert "Broadcast Addressed" in letter.names("user:ana")
    assert letter.arrived() == []


def test_a_run_is_done_when_each_message_has_come_to_an_end(letter):
    play()
    sent = send_all(letter)
    assert len({mail.to for mail in sent.sent}) == len(sent.sent) == 3
    letter.advance(120)
    play()
    run = run_of()
    assert (run.state, run.tally.states) == ("done", {"sent": 3})
    for message in ledger():
        messages.settle(message.message_id, "bounced", letter.now())
    letter.advance(86_400)
    play()
    assert (run_of().state, run_of().tally.states) == ("done", {"bounced": 3})


def test_a_run_is_not_done_while_somebody_waits_for_room_under_the_caps(letter):
    policy = definitions.get_version("policy", "policy", 1)
    capped = {**policy, "caps": [{"per": "P2D", "at_most": 1}]}
    publish_definitions(definitions, runs, clock, {"policy/policy": capped})
    letter.fold(letter.event("Signed Up", "user:ana"))  # the welcome mail takes her room
    play()
    send_all(letter)
    letter.advance(120)
    play()
    assert (run_of().state, run_of().tally.states) == ("sending", {"sent": 2})
    ana = letter.contact("user:ana")
    assert [member.contact_id for member in memberships.list_members("broadcast/autumn/~postponed").items] == [
        ana.contact_id
    ]
    letter.advance(2 * 86_400)
    letter.fold(wake_event(ana.contact_id, letter.now()))
    send_all(letter)
    play()
    assert (run_of().state, run_of().tally.states) == ("done", {"sent": 3})
    assert memberships.list_members("broadcast/autumn/~postponed").items == []


def test_a_run_is_not_done_when_somebody_is_let_go_while_it_counts(letter, monkeypatch):
    policy = definitions.get_version("policy", "policy", 1)
    publish_definitions(definitions, runs, clock, {"policy/policy": {**policy, "caps": [{"per": "P2D", "at_most": 1}]}})
    letter.fold(letter.event("Signed Up", "user:ana"))  # the welcome mail takes her room
    ana = letter.contact("user:ana").contact_id
    play()
    send_all(letter)
    letter.advance(2 * 86_400 + 120)
    listed = messages.list_by_origin

    def list_and_let_go(origin: str, **given: Any) -> Any:
        page = listed(origin, **given)
        letter.fold(wake_event(ana, letter.now()))
        return page

    monkeypatch.setattr(messages, "list_by_origin", list_and_let_go)
    play()
    assert run_of().state == "sending"
    monkeypatch.setattr(messages, "list_by_origin", listed)
    assert states() == Counter(sent=2, queued=1)


def test_the_numbers_add_up_with_the_reasons_of_those_who_got_nothing(letter):
    letter.fold(letter.event("Unsubscribed", "user:ben", topic="offers", channel="email"))
    refusals.save_suppression("email:cleo@example.com", "bounced", letter.now(), {})
    letter.fold(letter.event("Order Completed", "user:eve", total=5))
    play()
    send_all(letter)
    letter.advance(120)
    play()
    tally = run_of().tally
    assert tally.states == {"sent": 1, "skipped": 3}
    assert tally.audience == 4
    assert tally.reasons == {
        "the contact unsubscribed from Offers and reminders": 1,
        "the address is suppressed: bounced": 1,
        "the contact has no address for email": 1,
    }


def test_a_segment_without_anybody_is_done_all_the_same(account):
    definitions.save_draft("broadcast", "autumn", LETTER, edit=0, now=account.now())
    schedule_broadcast(wiring.broadcast_ports(), "autumn", edit=1)
    play()
    account.advance(120)
    play()
    assert (run_of().state, run_of().tally.audience) == ("done", 0)


def test_each_look_makes_one_other_until_a_day_after_it_is_done(letter):
    client = get_client("scheduler")

    def look() -> None:
        """Let the earliest schedule ring."""
        names = {each["Name"]: each for each in client.list_schedules(GroupName="broadcasts")["Schedules"]}
        at = {int(name.rpartition("-")[2]): name for name in names}
        letter.advance(max(0.0, min(at) - letter.now()) + 1)
        client.delete_schedule(GroupName="broadcasts", Name=at[min(at)])
        play()

    def waiting() -> int:
        return len(client.list_schedules(GroupName="broadcasts")["Schedules"])

    assert waiting() == 1
    for _ in range(3):  # however many look
        play()
    for _ in range(4):
        look()
        assert run_of().state == "sending"
        assert waiting() == 1
    send_all(letter)
    while run_of().state != "done":
        look()
    done = run_of().times["done"]
    while waiting():
        look()
    assert letter.now() - done >= 86_400
    assert run_of().state == "done"


def test_who_comes_into_the_segment_after_it_began_gets_nothing(letter):
    begin_broadcast(wiring.run_ports(), "autumn", 1)
    letter.advance(1)
    late = buy(letter, *(f"late{number}" for number in range(4)))
    for shard in FEW:
        assert address_part(wiring.run_ports(), "autumn", 1, shard, None, lambda: True) is None
    assert len(list(ledger())) == 3
    assert not {message.contact_id for message in ledger()} & set(late)


# ---------------------------------------------------------------- again, and at once


def test_beginning_it_again_sends_nothing(letter):
    play()
    assert play() is not None
    assert begin_broadcast(wiring.run_ports(), "autumn", 1).task == "count"
    letter.advance(8 * 86_400)
    for shard in FEW:
        assert address_part(wiring.run_ports(), "autumn", 1, shard, None, lambda: True) is None
    assert len(list(ledger())) == 3


@pytest.mark.parametrize("calls", range(4))
def test_a_run_that_was_cut_off_goes_on_and_nobody_gets_it_twice(letter, calls):
    assert play(stop_after=calls) is None
    assert begin_broadcast(wiring.run_ports(), "autumn", 1).task == "nothing"  # somebody may still be at it
    letter.advance(301)
    play()
    assert states() == {"queued": 3}
    for name in ("ana", "ben", "cleo"):
        assert letter.names(f"user:{name}").count("Broadcast Addressed") == 1


def test_pages_of_one_shard_are_gone_through_in_order(letter, monkeypatch):
    monkeypatch.setattr(run_broadcast, "PAGE", 2)
    people = buy(letter, *(f"person{number}" for number in range(5)))
    begin_broadcast(wiring.run_ports(), "autumn", 1)
    ports, cursors = wiring.run_ports(), []
    cursor, times = None, iter([True, False] * 20)
    for shard in FEW:
        while True:
            cursor = address_part(ports, "autumn", 1, shard, cursor, lambda: next(times, True))
            cursors.append(cursor)
            if cursor is None:
                break
    assert {message.contact_id for message in ledger()} >= set(people)
    assert len(list(ledger())) == 8


def test_counting_goes_on_where_it_stopped(letter, monkeypatch):
    play()
    monkeypatch.setattr(run_broadcast, "PAGE", 1)
    so_far, calls = Counted(run_of().tally.__class__(), None), 0
    while calls == 0 or so_far.cursor is not None:
        so_far = count_messages(wiring.run_ports(), "autumn", 1, so_far, lambda: False)
        calls += 1
    assert so_far.tally.states == {"queued": 3}
    assert calls >= 3


def _keep_back(monkeypatch: pytest.MonkeyPatch, *contact_ids: str) -> None:
    """AWS lets none of these through."""
    fold = run_broadcast.fold_apart

    def fold_others(ports: Any, clusters: Any) -> list[int]:
        kept = [number for number, cluster in enumerate(clusters) if cluster[0].contact_id in contact_ids]
        fold(ports, [cluster for number, cluster in enumerate(clusters) if number not in kept])
        return kept

    monkeypatch.setattr(run_broadcast, "fold_apart", fold_others)


def test_a_run_is_not_done_before_somebody_whom_aws_kept_back_for_minutes_has_a_message(letter, monkeypatch):
    ana = letter.contact("user:ana").contact_id
    with monkeypatch.context() as throttling:
        _keep_back(throttling, ana)
        play()
        # The others have theirs, and are counted.
        assert states() == {"queued": 2}
        assert (run_of().state, run_of().tally.audience) == ("running", 2)
        for minutes in range(1, 20):
            send_all(letter)
            letter.advance(120)
            play()
            assert run_of().state == "running", f"after {2 * minutes} minutes"
    letter.advance(301)
    play()
    assert (run_of().state, run_of().tally.states) == ("sending", {"sent": 2, "queued": 1})
    send_all(letter)
    letter.advance(120)
    play()
    assert (run_of().state, run_of().tally.states) == ("done", {"sent": 3})
    assert letter.names("user:ana").count("Broadcast Addressed") == 1
    assert letter.arrived() == []


def test_whom_aws_keeps_back_only_once_is_addressed_in_the_same_run(letter, monkeypatch):
    begin_broadcast(wiring.run_ports(), "autumn", 1)
    with monkeypatch.context() as throttling:
        _keep_back(throttling, *(letter.contact(f"user:{name}").contact_id for name in ("ana", "ben")))
        for shard in FEW:
            address_part(wiring.run_ports(), "autumn", 1, shard, None, lambda: True)
    assert states() == {"queued": 1}
    assert run_of().is_missing
    step("address_missed", cursor=None)
    step("count", cursor=None, tally=None)
    assert (run_of().state, states()) == ("sending", {"queued": 3})


def test_who_is_kept_back_while_others_are_looked_for_is_looked_for_again(letter, monkeypatch):
    monkeypatch.setattr(run_broadcast, "ROWS", 1)
    people = sorted(letter.contact(f"user:{name}").contact_id for name in ("ana", "ben", "cleo"))
    begin_broadcast(wiring.run_ports(), "autumn", 1)
    cursor = None
    with monkeypatch.context() as throttling:
        _keep_back(throttling, *people)
        for shard in FEW:
            address_part(wiring.run_ports(), "autumn", 1, shard, None, lambda: True)
        times = iter([True, False])
        cursor = address_missed(wiring.run_ports(), "autumn", 1, None, lambda: next(times))
    assert cursor is not None
    assert address_missed(wiring.run_ports(), "autumn", 1, cursor, lambda: True) is None
    step("count", cursor=None, tally=None)
    assert (run_of().state, states()) == ("running", {"queued": 2})
    assert address_missed(wiring.run_ports(), "autumn", 1, None, lambda: True) is None
    step("count", cursor=None, tally=None)
    assert (run_of().state, states()) == ("sending", {"queued": 3})


def test_it_pauses_while_many_messages_wait_to_be_sent(letter, monkeypatch):
    begin_broadcast(wiring.run_ports(), "autumn", 1)
    slept: list[float] = []
    folding = replace(wiring.production(), clock=_Sleepless(slept))
    ports = replace(wiring.run_ports(), folding=folding)
    monkeypatch.setattr(queues, "sends_backlog", lambda: run_broadcast.DEEP + 1 if len(slept) < 3 else 0)
    for shard in FEW:
        address_part(ports, "autumn", 1, shard, None, lambda: True)
    assert slept == [run_broadcast.PAUSE] * 3
    assert states() == {"queued": 3}
    monkeypatch.setattr(queues, "sends_backlog", lambda: run_broadcast.DEEP + 1)
    times = iter([True, True, False])
    assert address_part(ports, "autumn", 1, "elsewhere", "after", lambda: next(times)) == "after"


class _Sleepless:
    def __init__(self, slept: list[float]) -> None:
        self.slept = slept

    def now(self) -> float:
        return wiring.production().clock.now()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


# ---------------------------------------------------------------- one person who was two


def _merge(account: Account, user: str, other: str) -> None:
    event = account.event("Aliased", f"user:{user}")
    account.fold(replace(event, previous=Identity("user", other)))
    assert account.contact(f"user:{user}").contact_id == account.contact(f"user:{other}").contact_id


def test_a_person_who_was_in_the_segment_twice_gets_one(letter):
    _merge(letter, "ana", "ben")
    play()
    assert len(list(ledger())) == 2


def test_who_becomes_one_with_a_contact_of_a_shard_that_has_passed_is_addressed(letter):
    """The other one was no customer: nobody was addressed in that shard, and now nobody is in the other."""
    letter.fold(letter.event("Page Viewed", "user:eve", "email:eve@example.com"))
    letter.advance(60)  # the older contact stays
    buy(letter, *(f"person{number}" for number in range(8)))
    eve = shard_of(letter.contact("user:eve").contact_id)
    later = next(f"person{n}" for n in range(8) if shard_of(letter.contact(f"user:person{n}").contact_id) > eve)
    ports = wiring.run_ports()
    assert begin_broadcast(ports, "autumn", 1).task == "address"
    for shard in FEW:
        if shard == shard_of(letter.contact(f"user:{later}").contact_id):
            _merge(letter, "eve", later)
        assert address_part(ports, "autumn", 1, shard, None, lambda: True) is None
    person = letter.contact("user:eve")
    assert person.merged_from
    assert person.contact_id not in {message.contact_id for message in ledger()}
    for _ in range(2):
        assert step("address_missed", cursor=None)["cursor"] is None
        assert len(list(ledger())) == 11
    assert person.contact_id in {message.contact_id for message in ledger()}
    assert letter.names("user:eve").count("Broadcast Addressed") == 1


def test_who_was_moved_is_looked_for_as_far_as_the_time_goes(letter, monkeypatch):
    monkeypatch.setattr(run_broadcast, "ROWS", 1)
    begin_broadcast(wiring.run_ports(), "autumn", 1)
    cursor, calls = None, 0
    while calls == 0 or cursor is not None:
        times = iter([True, False])
        cursor = address_missed(wiring.run_ports(), "autumn", 1, cursor, lambda times=times: next(times))
        calls += 1
    assert calls == 3
    assert address_missed(wiring.run_ports(), "autumn", 2, None, lambda: True) is None
    assert list(ledger()) == []


@pytest.mark.parametrize("at", range(4))
def test_who_becomes_one_person_during_the_run_is_addressed_once_more_at_most_and_gets_one(letter, at):
    assert play(stop_after=at) is None
    _merge(letter, "ana", "ben")
    letter.advance(301)
    play()
    sent = send_all(letter)
    person = letter.contact("user:ana")
    addresses = {f"{name}@example.com" for name in ("ana", "ben")}
    assert sum(mail.to in addresses for mail in sent.sent) == 1
    assert len(sent.sent) == 2
    letter.advance(120)
    play()
    assert run_of().state == "done"
    assert run_of().tally.audience == len(list(ledger()))
    assert person.merged_from


def test_of_two_messages_that_are_on_their_way_one_is_sent(letter):
    play()
    _merge(letter, "ana", "ben")
    sent = send_all(letter)
    assert len(sent.sent) == 2
    assert states() == {"sent": 2, "skipped": 1}
    (skipped,) = [message for message in ledger() if message.state == "skipped"]
    assert skipped.reason == "this person gets the broadcast as another contact"


def test_a_message_waits_for_its_twin_that_is_being_sent(letter):
    play()
    ids = {name: letter.contact(f"user:{name}").contact_id for name in ("ana", "ben")}
    _merge(letter, "ana", "ben")
    first = letter.contact("user:ana").contact_id
    (second,) = set(ids.values()) - {first}
    channel = Channel(Refused("MailFromDomainNotVerified", None), Accepted("1"))
    ports = letter.with_channels(email=channel)
    twin = messages.claim(message_id_of("autumn", second), "another sender", letter.now())
    assert twin is not None
    assert send_message(ports, message_id_of("autumn", first)) == "queued"
    messages.settle(twin.message_id, "failed", letter.now(), owner="another sender")
    letter.advance(61)
    assert send_message(letter.with_channels(email=Channel()), message_id_of("autumn", first)) == "sent"


def test_a_message_that_is_stuck_is_swept_like_any_other(letter):
    play()
    letter.sends()
    letter.advance(700)
    assert sweep_messages(letter.ports).requeued == 3
    assert len(letter.sends()) == 3

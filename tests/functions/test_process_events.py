"""The function behind the events queue: what fails comes again, what is poisoned does not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.process_events.app import handler
from postroad.commits import Commit
from postroad.contacts.places import places_of
from postroad.events import Event
from postroad.tracking.packing import pack
from postroad_aws import books
from postroad_aws.clients import get_client
from postroad_aws.ports import Outcome
from postroad_aws.storage import contacts, definitions, memberships, messages
from tests.account import ANA, records

EMAIL = f"email:{ANA}"
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def batch(*events: Event, group: str | None = None) -> dict[str, Any]:
    packed = pack(events)
    return records([m.body for m in packed], [group or m.group for m in packed])


def test_an_event_makes_a_contact_a_timeline_row_and_a_message(account):
    event = account.event("Signed Up", EMAIL, attributes={"email": ANA, "first_name": "Ana"})
    assert handler(batch(event), None) == NOTHING_FAILED
    assert account.contact(EMAIL).find_value("first_name") == "Ana"
    assert account.names(EMAIL) == ["Signed Up"]
    assert account.messages(EMAIL)["welcome"].state == "queued"
    pending = [m.message_id for shard in messages.SHARDS for m in messages.list_pending(shard, account.now() + 601, 10)]
    assert len(pending) == 1


def test_a_delivery_that_comes_again_changes_nothing(account):
    delivered = batch(account.event("Signed Up", EMAIL), account.event("Order Completed", EMAIL, total=5))
    assert handler(delivered, None) == NOTHING_FAILED
    once = account.contact(EMAIL)
    for _ in range(2):
        assert handler(delivered, None) == NOTHING_FAILED
    assert account.contact(EMAIL) == once
    assert len(account.names(EMAIL)) == 2
    assert [m.contact_id for m in memberships.list_members("segment/customers").items] == [once.contact_id]


@pytest.mark.parametrize(
    "body",
    ["", "{", "null", "[]", "1", '"x"', "{}", '{"v":2,"kind":"events","events":[]}', '{"v":1,"kind":"events"}',
     '{"v":1,"kind":"events","events":[{}]}', '{"v":1,"kind":"events","events":[1]}', "[" * 5_000, "\ud800",
     '{"v":1,"kind":"events","events":{"a":1}}', "x" * 200_000, '{"v":1,"kind":"events","events":[null]}'],
)  # fmt: skip
def test_a_body_that_nobody_can_read_goes_to_quarantine_once_and_the_others_on(account, body, capsys):
    (good,) = pack([account.event("Signed Up", EMAIL)])
    delivered = records([body, good.body], ["same", "same"])
    assert handler(delivered, None) == NOTHING_FAILED
    assert account.names(EMAIL) == ["Signed Up"]
    (reject,) = account.rejects()
    assert "could not be read" in reject.reason
    assert "marker" not in capsys.readouterr().out


def test_rejects_of_the_door_are_kept(account):
    from postroad.tracking.quarantine import reject_text

    packed = pack([], [reject_text('{"type": "track"}', "A track call needs event.", account.now(), "demo-server")])
    assert handler(records([m.body for m in packed]), None) == NOTHING_FAILED
    (reject,) = account.rejects()
    assert (reject.reason, reject.source) == ("A track call needs event.", "demo-server")


def test_an_event_for_a_contact_that_does_not_exist_goes_to_quarantine(account):
    event = replace(account.event("Email Opened"), contact_id="nobody-there")
    assert handler(batch(event), None) == NOTHING_FAILED
    (reject,) = account.rejects()
    assert "does not exist" in reject.reason
    assert json.loads(reject.raw)["id"] == event.event_id


def test_an_event_that_names_nobody_goes_to_quarantine_and_does_not_block_its_group(account):
    odd = json.dumps({"v": 1, "kind": "events", "events": [account.event("Page Viewed").to_document()]})
    (good,) = pack([account.event("Signed Up", EMAIL)])
    assert handler(records([odd, good.body], ["g", "g"]), None) == NOTHING_FAILED
    assert "names nobody" in account.rejects()[0].reason
    assert account.names(EMAIL) == ["Signed Up"]


def test_what_aws_fails_for_comes_again_with_all_of_its_group_and_the_others_are_done(account, capsys):
    """One group's contact cannot be written: FIFO order asks for all of that group, and for nobody else's."""
    from botocore.exceptions import ReadTimeoutError

    client = get_client("dynamodb")
    poisoned = account.contact_id("user:poison-marker")

    def fail(params: dict[str, Any], **context: Any) -> None:
        if poisoned in json.dumps(params["body"] if isinstance(params["body"], str) else params["body"].decode()):
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    client.meta.events.register_first("before-call.dynamodb.PutItem", fail)
    client.meta.events.register_first("before-call.dynamodb.TransactWriteItems", fail)
    events = [
        account.event("Page Viewed", who, path="/") for who in ("user:a", "user:poison-marker", "user:b", "user:b")
    ]
    bodies = [pack([event])[0].body for event in events]
    delivered = records(bodies, ["a", "p", "p", "b"])
    try:
        answer = handler(delivered, None)
    finally:
        client.meta.events.unregister("before-call.dynamodb.PutItem", fail)
        client.meta.events.unregister("before-call.dynamodb.TransactWriteItems", fail)
    # The last one is of another group, and of the same contact: it must wait too.
    assert answer == {"batchItemFailures": [{"itemIdentifier": name} for name in ("r1", "r2", "r3")]}
    assert account.names("user:a") == ["Page Viewed"]
    assert "marker" not in capsys.readouterr().out
    assert handler(delivered, None) == NOTHING_FAILED
    assert account.contact("user:b").events_folded == 2
    assert account.contact("user:a").events_folded == 1


def test_events_of_one_group_are_folded_in_the_order_of_their_arrival(account):
    events = [account.event("Identified", EMAIL, attributes={"step": n}) for n in range(30)]
    assert handler(batch(*events), None) == NOTHING_FAILED
    assert account.contact(EMAIL).find_value("step") == 29
    assert len(account.names(EMAIL)) == 30


def random_text(size: int) -> str:
    """Text that does not compress."""
    from base64 import b64encode
    from hashlib import sha512

    return b64encode(b"".join(sha512(bytes([n % 256, n // 256])).digest() for n in range(size // 80 + 1))).decode()[
        :size
    ]


def test_a_contact_with_more_attributes_than_it_may_hold_stays_one_that_can_be_written(account):
    for number in range(0, 240, 20):
        attributes = {f"attribute-{n}-{random_text(90)}": random_text(990) for n in range(number, number + 20)}
        assert handler(batch(account.event("Identified", EMAIL, attributes=attributes)), None) == NOTHING_FAILED
    contact = account.contact(EMAIL)
    assert len(contact.attributes) == 200
    item = get_client("dynamodb").get_item(TableName="Contacts", Key={"contact_id": {"S": contact.contact_id}})["Item"]
    assert len(bytes(item["body"]["B"])) < 350_000
    assert handler(batch(account.event("Order Completed", EMAIL)), None) == NOTHING_FAILED
    assert "customers" in account.contact(EMAIL).segments


def test_an_event_as_large_as_the_door_lets_in_is_kept_whole(account):
    event = account.event("Order Completed", EMAIL, note=random_text(31_000))
    assert handler(batch(event), None) == NOTHING_FAILED
    from postroad_aws.storage import timeline

    row = timeline.find_row([account.contact_id(EMAIL)], event.key)
    assert row is not None
    assert row.event.properties == event.properties


@pytest.mark.parametrize(
    "attributes",
    [
        {"x": "a" * 1_001},
        {"n" * 300: 1},
        {"x": {"deep": [[[]]] * 200}},
        {"x": "é" * 600},
        {"x": ["y" * 500, "z" * 500]},
    ],
)
def test_an_attribute_that_is_too_large_is_not_kept_and_the_event_is(account, attributes):
    assert (
        handler(batch(account.event("Identified", EMAIL, attributes={**attributes, "ok": True})), None)
        == NOTHING_FAILED
    )
    contact = account.contact(EMAIL)
    assert set(contact.attributes) == {"ok"}
    from postroad_aws.storage import timeline

    (row,) = timeline.list_rows([contact.contact_id]).items
    assert [decision.verdict for decision in row.decisions if decision.definition == "contact"] == ["not kept"]


def test_a_definition_that_throws_harms_only_itself(account, monkeypatch):
    """A trigger that cannot be evaluated: whatever is live beside it goes on."""
    book = books.current()

    class Poisoned:
        def __getattr__(self, name: str) -> Any:
            return getattr(book.segments["customers"], name)

        def evaluate(self, view: Any) -> Any:
            raise ZeroDivisionError(ANA)

    poisoned = replace(book, segments={**book.segments, "customers": Poisoned()})
    monkeypatch.setattr(books, "_book", poisoned)
    assert (
        handler(batch(account.event("Order Completed", EMAIL), account.event("Signed Up", EMAIL)), None)
        == NOTHING_FAILED
    )
    contact = account.contact(EMAIL)
    assert contact.segments == {}
    assert contact.stage
    assert "welcome" in account.messages(EMAIL)
    assert account.rejects() == []


def test_an_event_whose_folding_fails_goes_to_quarantine_and_the_later_ones_on(account, monkeypatch, capsys):
    class FoldError(Exception): ...

    from postroad_aws.usecases import process_events

    fold = process_events.fold

    def failing(contact: Any, event: Event, *rest: Any, **more: Any) -> Any:
        if event.properties.get("poison"):
            raise FoldError(f"never ends for {ANA}")
        return fold(contact, event, *rest, **more)

    monkeypatch.setattr(process_events, "fold", failing)
    events = [
        account.event("Page Viewed", EMAIL),
        account.event("Page Viewed", EMAIL, poison=1),
        account.event("Signed Up", EMAIL),
    ]
    for _ in range(2):
        assert handler(batch(*events), None) == NOTHING_FAILED
    (reject,) = account.rejects()
    assert reject.reason == "folding it failed: FoldError"
    assert account.names(EMAIL) == ["Page Viewed", "Page Viewed", "Signed Up"]
    assert "marker" not in capsys.readouterr().out


def test_definitions_that_cannot_be_read_make_everything_come_again(account, capsys):
    delivered = batch(account.event("Signed Up", EMAIL), account.event("Page Viewed", "user:b"))
    get_client("dynamodb").delete_table(TableName="Definitions")
    books.forget()
    assert handler(delivered, None) == {"batchItemFailures": [{"itemIdentifier": "r0"}, {"itemIdentifier": "r1"}]}
    assert "marker" not in capsys.readouterr().out


def test_with_nothing_published_an_event_is_still_kept(bare_account):
    assert handler(batch(bare_account.event("Signed Up", EMAIL, attributes={"plan": "vip"})), None) == NOTHING_FAILED
    contact = bare_account.contact(EMAIL)
    assert (contact.find_value("plan"), contact.segments, contact.stage) == ("vip", {}, None)
    assert definitions.find_manifest().revision == 0


def test_the_first_open_and_the_first_click_stand_at_the_message_and_those_of_machines_apart(account):
    sent = account.sign_up()

    def engaged(name: str, actor: str, after: float) -> Event:
        event = account.event(name, message_id=sent.message_id, actor=actor)
        return replace(event, contact_id=sent.contact_id, time=event.time + after)

    scanned, opened, proxied, clicked = (
        engaged("Email Opened", "machine", 1.0),
        engaged("Email Opened", "unknown", 2.0),
        engaged("Email Opened", "human", 3.0),
        engaged("Email Link Clicked", "human", 4.0),
    )
    assert handler(batch(scanned, opened, proxied, clicked), None) == NOTHING_FAILED
    times = account.messages(EMAIL)["welcome"].times
    expected = {"machine_opened": scanned.time, "opened": opened.time, "clicked": clicked.time}
    assert {name: times.get(name) for name in expected} == expected
    assert "machine_clicked" not in times


def test_an_open_of_a_message_that_does_not_exist_is_an_event_like_any_other(account):
    contact_id = account.sign_up().contact_id
    event = replace(account.event("Email Opened", message_id="enr-0.nowhere", actor="human"), contact_id=contact_id)
    assert handler(batch(event), None) == NOTHING_FAILED
    assert "Email Opened" in account.names(EMAIL)


def test_who_moves_on_in_a_journey_is_found_at_the_next_place_only(account):
    sent = account.sign_up()
    assert listed("journey/welcome/first-open") == [sent.contact_id]
    opened = account.event("Email Opened", message_id=sent.message_id, actor="human")
    account.fold(replace(opened, contact_id=sent.contact_id))
    assert listed("journey/welcome/first-open") == []
    assert listed("journey/welcome/first-purchase") == [sent.contact_id]
    account.fold(account.event("Product Added", EMAIL), account.event("Order Completed", EMAIL, total=20))
    assert set(places_of(account.contact(EMAIL))) == {
        "segment/customers",
        "journey/welcome/pause",
        "journey/abandoned-cart/:goal",
        "stage/customer",
        "persona/home-brewer",
        "handover/nurture",
    }
    for place in places_of(account.contact(EMAIL)):
        assert listed(place) == [sent.contact_id]


def listed(place: str) -> list[str]:
    return [member.contact_id for member in memberships.list_members(place).items]


def test_a_contact_that_somebody_else_has_written_is_read_and_folded_again_at_once(account, monkeypatch):
    account.fold(account.event("Page Viewed", EMAIL))
    real, outcomes = contacts.commit, []

    def late(commit: Commit) -> Outcome:
        if not outcomes:  # somebody else comes first
            outcomes.append(Outcome.CONFLICT)
            return outcomes[-1]
        outcomes.append(real(commit))
        return outcomes[-1]

    monkeypatch.setattr(contacts, "commit", late)
    assert handler(batch(account.event("Page Viewed", EMAIL)), None) == NOTHING_FAILED
    assert outcomes == [Outcome.CONFLICT, Outcome.DONE]
    assert account.contact(EMAIL).events_folded == 2

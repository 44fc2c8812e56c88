"""Being forgotten, and having all that is held, over moto: nothing of a marked person is left anywhere, for good."""

import json
import random
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.serve_privacy import app
from postroad.commits import Commit
from postroad.consent.privacy import DONE, ERASURE, EXPORT, PrivacyRequest
from postroad.consent.rule import ERASED
from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity
from postroad.content.links import Confirm
from postroad.envelopes.web import WebMessage
from postroad.events import IDENTIFIED, Event
from postroad.sending.channels import USUAL
from postroad.sending.messages import SKIPPED
from postroad.tasks import Task
from postroad.tracking.quarantine import reject_event, reject_text
from postroad_aws import ids
from postroad_aws.clients import get_client
from postroad_aws.ports import Tombstone
from postroad_aws.settings import Settings, settings
from postroad_aws.storage import (
    contacts,
    memberships,
    messages,
    privacy,
    quarantine,
    refusals,
    requests,
    web_messages,
)
from postroad_aws.usecases.ask_privacy import ask_privacy
from postroad_aws.usecases.confirm_consent import confirm_consent
from postroad_aws.usecases.find_contact import find_owner
from postroad_aws.usecases.send_message import send_message
from postroad_aws.usecases.serve_privacy import PARTS, serve_privacy
from postroad_aws.wiring import privacy_ports
from tests.account import ANA, Account, Channel, lambda_context

EMAIL = f"email:{ANA}"
MARKER = "marker"  # stands in the address, and in all that is said about her
CARD = "user:marker-42"
DAY = 86_400.0


class Runs:
    """Takes down what was to be started."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []

    def start_privacy(self, request_id: str, kind: str) -> None:
        self.started.append((request_id, kind))


def ask(account: Account, kind: str, *people: str) -> PrivacyRequest:
    return ask_privacy(privacy, Runs(), account.ports.clock, ids, kind, people, "demo-api", "a letter of 23 November")


def serve(request: PrivacyRequest) -> PrivacyRequest:
    assert app.handler({"request_id": request.request_id}, lambda_context(60_000))["done"]
    return privacy.get_request(request.request_id)


def seed(account: Account) -> Contact:
    """Ana leaves something everywhere."""
    account.fold(
        account.event("Signed Up", CARD, EMAIL, "anon:marker-phone", attributes={"email": ANA, "first_name": MARKER}),
        account.event("Order Completed", CARD, product=f"{MARKER} mug"),
    )
    ana = account.contact(EMAIL)
    now = account.now()
    call = Task("enr.call", ana.contact_id, "call", f"Call {MARKER}", "journey/a@1", "call", "enr", now, now + 60)
    contacts.commit(Commit(ana, tasks=(call,)))
    web = WebMessage("web-1", ana.contact_id, "offers", f"Hello {MARKER}", "", "", "", now, now + DAY)
    web_messages.save_message(web)
    refusals.save_consent(EMAIL, "newsletter", True, now, {"by": "form"})
    refusals.save_consent(EMAIL, "business", False, now, {"by": "page"})
    stray = Event("stray", "Order Completed", now, now, identities=(Identity(*CARD.split(":", 1)),))
    quarantine.save_rejects([reject_event(stray, "it could not be folded", now)])
    quarantine.save_rejects([reject_text(f"broken {{ {ANA}, again", "no JSON", now)])
    quarantine.save_rejects([reject_text("broken { ben@example.com", "no JSON", now)])
    for name, answer in (("ours", {"items": [{"email": ANA}]}), ("others", {"items": [{"email": "ben@example.com"}]})):
        assert requests.begin(name, "GET /contacts", "o", now) is None
        requests.finish(name, "o", json.dumps(answer))
    return account.contact(EMAIL)


def everything() -> Iterator[tuple[str, bytes]]:
    """Every byte of every table, what is deflated as it was before."""
    for name in Settings.__dataclass_fields__:
        if name.endswith("_table"):
            for item in get_client("dynamodb").scan(TableName=settings().require(name))["Items"]:
                for value in item.values():
                    yield name, _open(value)


def _open(value: dict[str, Any]) -> bytes:
    ((_, held),) = value.items()
    if not isinstance(held, bytes):
        return json.dumps(held, default=str).encode()
    for window in (15, -13):
        try:
            return zlib.decompress(held, window)
        except zlib.error:
            continue
    return bytes(held)


def find_marked(ana: Contact) -> set[str]:
    """The tables in which anything of Ana's stands: the marker, or her contact read by those who know how."""
    found = {name for name, data in everything() if MARKER.encode() in data}
    held = contacts.find_items([ana.contact_id, *_other_ids(ana)], consistent=True).values()
    if any(not isinstance(item, Tombstone) for item in held):
        found.add("contacts_table")
    if list(privacy_ports().timeline.list_records([ana.contact_id])):
        found.add("events_table")
    return found


def _other_ids(ana: Contact) -> list[str]:
    from postroad_aws.usecases.erase_contact import ids_of

    return sorted(ids_of(ana, privacy_ports().contact_key))


# ---------------------------------------------------------------- erasure


def test_g18_nothing_of_an_erased_person_is_left_in_any_table_nor_in_what_was_logged(account, capsys):
    ana = seed(account)
    export = serve(ask(account, EXPORT, ana.contact_id))
    assert privacy.find_page(export.request_id, 0)
    before = find_marked(ana)
    assert before >= {
        "contacts_table", "events_table", "tasks_table", "web_messages_table", "quarantine_table", "requests_table",
        "privacy_requests_table",
    }  # fmt: skip
    assert messages.list_by_contact([ana.contact_id]).items
    request = serve(ask(account, ERASURE, ana.contact_id))
    assert find_marked(ana) == set()
    assert messages.list_by_contact([ana.contact_id]).items == []
    for place in ("segment/customers", "journey/welcome/first-open"):
        assert memberships.list_members(place).items == []
    assert refusals.find_suppression(EMAIL) == ERASED
    assert [requests_left for requests_left, _ in requests.list_answers()] == ["others"]
    assert len(quarantine.list_rejects(account.now()).items) == 1
    captured = capsys.readouterr()
    assert MARKER not in captured.out + captured.err
    assert request.state == DONE


def test_the_report_counts_each_part_and_names_nobody(account):
    ana = seed(account)
    rows = len(list(privacy_ports().timeline.list_records([ana.contact_id])))
    request = serve(ask(account, ERASURE, ana.contact_id))
    assert set(request.counts) == {part.key for part in PARTS}
    expected = {"contacts": 1, "tasks": 1, "web_messages": 1, "quarantine": 2, "api_requests": 1}
    assert {key: request.counts[key] for key in expected} == expected
    assert request.counts["timeline"] == rows
    assert MARKER not in json.dumps(request.to_document())


@pytest.mark.parametrize("number", range(len(PARTS)))
def test_an_erasure_that_dies_anywhere_and_begins_again_comes_to_the_same_report(account, monkeypatch, number):
    ana = seed(account)
    whole = {"contacts": 1, "tasks": 1, "web_messages": 1, "quarantine": 2, "api_requests": 1, "exports": 0}
    request = ask(account, ERASURE, ana.contact_id)
    part = PARTS[number]
    forget = part.forget

    def die(ports: Any, people: Any) -> None:
        if number % 2:  # it dies before a part is marked, else before it goes
            forget(ports, people)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(part, "forget", die)
        with pytest.raises(KeyboardInterrupt):
            serve_privacy(privacy_ports(), request.request_id, lambda: True)
    done = serve(request)
    assert {key: done.counts[key] for key in whole} == whole
    assert find_marked(ana) == set()


def test_it_stops_when_its_time_is_over_and_goes_on_when_it_is_called_again(account):
    ana = seed(account)
    request = ask(account, ERASURE, ana.contact_id)
    calls = 0
    while not app.handler({"request_id": request.request_id}, lambda_context(60_000 if calls else 29_000))["done"]:
        calls += 1
        assert calls < 3
    assert calls == 1
    assert find_marked(ana) == set()


def test_a_second_look_takes_what_a_function_that_was_at_work_still_wrote(account):
    ana = seed(account)
    rows = list(account.ports.timeline.list_history([ana.contact_id]))
    request = serve(ask(account, ERASURE, ana.contact_id))
    from postroad.commits import Row

    account.ports.timeline.save_rows([Row(ana.contact_id, rows[0])], account.now())
    again = serve(request)
    assert find_marked(ana) == set()
    assert again.counts == request.counts


def test_nobody_else_is_touched(account):
    seed(account)
    account.fold(account.event("Signed Up", "email:ben@example.com", attributes={"email": "ben@example.com"}))
    ben = account.contact("email:ben@example.com")
    serve(ask(account, ERASURE, account.contact(EMAIL).contact_id))
    assert account.contact("email:ben@example.com") == ben
    assert refusals.find_suppression("email:ben@example.com") is None
    assert list(account.ports.timeline.list_history([ben.contact_id]))


# ---------------------------------------------------------------- and stays so


@pytest.fixture
def erased(account: Account) -> Account:
    serve(ask(account, ERASURE, seed(account).contact_id))
    account.advance(60)
    account.arrived()
    account.sends()
    return account


def is_known(account: Account, identity: str = EMAIL) -> bool:
    kind, _, value = identity.partition(":")
    return find_owner(contacts, Identity(kind, value), account.ports.contact_key) is not None


def test_g16_a_server_that_imports_an_erased_person_again_brings_nobody_back(erased):
    erased.fold(erased.event(IDENTIFIED, CARD, EMAIL, attributes={"email": ANA, "first_name": MARKER}))
    for identity in (EMAIL, CARD, "anon:marker-phone"):
        assert not is_known(erased, identity)
    assert {name for name, data in everything() if MARKER.encode() in data} == set()


def test_g18_what_happened_before_the_erasure_and_arrives_later_is_dropped(erased):
    late = replace(erased.event("Order Completed", CARD), time=erased.now() - 3_600)
    erased.fold(late)
    assert not is_known(erased, CARD)
    assert erased.rejects() == [] or all(MARKER not in reject.raw for reject in erased.rejects())


def test_word_of_an_erased_contact_is_dropped_and_not_kept_in_quarantine(erased):
    before = len(erased.rejects())
    gone = erased.contact_id(CARD)
    opened = Event("o1", "Email Opened", erased.now(), erased.now(), contact_id=gone, trusted=True)
    erased.fold(replace(opened, properties={"address": ANA}))
    assert len(erased.rejects()) == before


def test_what_somebody_does_themselves_later_begins_them_anew_with_nothing_of_the_past(erased):
    erased.fold(erased.event("Order Completed", CARD, EMAIL, attributes={"email": ANA}))
    fresh = erased.contact(CARD)
    assert fresh.attributes["email"].value == ANA
    assert "first_name" not in fresh.attributes
    assert fresh.erased_at is not None
    assert erased.names(CARD) == ["Order Completed"]
    erased.fold(replace(erased.event("Order Completed", CARD), time=fresh.erased_at - 10))
    assert erased.names(CARD) == ["Order Completed"]


def test_g16_marketing_never_reaches_an_erased_address_whatever_a_server_records(erased):
    erased.fold(erased.event("Signed Up", CARD, EMAIL, attributes={"email": ANA}))
    refusals.save_consent(EMAIL, "newsletter", True, erased.now(), {"by": "api"})
    channel = Channel()
    ports = erased.with_channels(email=channel)
    states = {send_message(ports, message.message_id) for message in erased.messages(EMAIL).values()}
    assert channel.sent == []
    assert states == {SKIPPED}


def test_the_second_look_leaves_alone_who_began_anew_meanwhile(account):
    ana = seed(account)
    request = serve(ask(account, ERASURE, ana.contact_id))
    account.advance(5)
    account.fold(account.event("Order Completed", CARD))
    serve(request)
    assert account.names(CARD) == ["Order Completed"]


def test_only_their_own_confirmation_lifts_it(erased):
    erased.fold(erased.event("Form Submitted", EMAIL, attributes={"email": ANA}))
    fresh = erased.contact(EMAIL)
    link = Confirm(fresh.contact_id, "newsletter", "confirm-1", int(erased.now()))
    assert confirm_consent(erased.ports, link, {"how": "page"})
    assert refusals.find_suppression(EMAIL) is None
    assert refusals.find_consent(EMAIL, "newsletter").granted
    assert not refusals.find_consent(EMAIL, "business").granted  # an earlier no still stands


# ---------------------------------------------------------------- export


def test_an_export_holds_all_that_the_erasure_would_take_on_pages(account):
    ana = seed(account)
    request = serve(ask(account, EXPORT, ana.contact_id))
    pages = [privacy.find_page(request.request_id, number) for number in range(request.pages)]
    records = [record for page in pages for record in page]
    by_part = {part.key: [each for each in records if each["part"] == part.key] for part in PARTS}
    assert {key: len(each) for key, each in by_part.items()} == dict(request.counts)
    (contact,) = by_part["contacts"]
    assert contact["identities"].keys() >= {EMAIL, CARD}
    assert contact["attributes"]["first_name"]["value"] == MARKER
    assert {record["event"]["name"] for record in by_part["timeline"]} == {"Signed Up", "Order Completed"}
    assert by_part["messages"][0]["channel"] == USUAL
    assert {record["topic"] for record in by_part["refusals"]} >= {"newsletter", "business"}
    assert json.loads(json.dumps(records)) == records


def test_an_export_is_kept_for_a_week(account):
    request = serve(ask(account, EXPORT, seed(account).contact_id))
    assert request.is_kept(account.now())
    assert not request.is_kept(account.now() + 7 * DAY + 1)
    items = get_client("dynamodb").scan(TableName=settings().require("privacy_requests_table"))["Items"]
    expiries = [int(item["expires_at"]["N"]) for item in items if "body" in item]
    assert all(expiry <= time.time() + 7 * DAY + 60 for expiry in expiries)
    assert len(expiries) == request.pages


def test_an_export_that_dies_and_begins_again_writes_the_same_pages(account, monkeypatch):
    ana = seed(account)
    expected = serve(ask(account, EXPORT, ana.contact_id))
    request = ask(account, EXPORT, ana.contact_id)
    tries = iter([True, True, True, True, False])
    assert not serve_privacy(privacy_ports(), request.request_id, lambda: next(tries))
    found = serve(request)
    # The first export is one more thing that is held.
    assert (found.pages, found.counts) == (expected.pages + 1, {**expected.counts, "exports": 1})


def test_a_page_of_an_export_holds_what_an_item_can_however_little_it_deflates(account):
    ana = seed(account)
    noise = random.Random(1)
    for number in range(45):
        account.fold(account.event("Note Written", CARD, text=noise.randbytes(11_000).hex(), number=number))
    request = serve(ask(account, EXPORT, ana.contact_id))
    sizes = privacy.list_sizes(request.request_id)
    assert len(sizes) == request.pages
    assert sum(sizes) > 400_000
    assert max(sizes) < 400_000


# ---------------------------------------------------------------- what happens while it is under way


def dies_before(request: PrivacyRequest, key: str) -> None:
    """A request is served up to a part, and no further for now."""
    tries = iter([True] * [part.key for part in PARTS].index(key) + [False])
    assert not serve_privacy(privacy_ports(), request.request_id, lambda: next(tries))


def test_who_begins_anew_before_a_cut_off_erasure_goes_on_keeps_nothing_of_before(account):
    ana = seed(account)
    request = ask(account, ERASURE, ana.contact_id)
    dies_before(request, "messages")
    account.advance(3_600)
    account.fold(account.event("Order Completed", CARD, EMAIL))
    fresh = account.contact(CARD)
    done = serve(request)
    assert find_marked_rows(ana) == set()
    assert (done.counts["tasks"], done.counts["web_messages"]) == (1, 1)
    assert done.counts["messages"] == 1
    assert account.contact(CARD) == fresh
    assert account.names(CARD) == ["Order Completed"]


def find_marked_rows(ana: Contact) -> set[str]:
    """The tables in which anything of before stands, the identities of the new life apart."""
    found = {
        name for name, data in everything() if f"{MARKER} mug".encode() in data or f"Call {MARKER}".encode() in data
    }
    rows = list(privacy_ports().timeline.list_records([ana.contact_id]))
    return found | {row["event"]["name"] for row in rows if row["event"]["name"] == "Signed Up"}


def test_who_becomes_one_with_another_contact_while_they_are_erased_goes_with_it(account, monkeypatch):
    ana = seed(account)
    account.fold(account.event("Signed Up", "email:second@example.com", attributes={"email": "second@example.com"}))
    part = next(part for part in PARTS if part.key == "contacts")
    forget = part.forget

    def forget_late(ports: Any, people: Any) -> None:
        monkeypatch.setattr(part, "forget", forget)
        account.fold(account.event(IDENTIFIED, CARD, "email:second@example.com"))
        forget(ports, people)

    monkeypatch.setattr(part, "forget", forget_late)
    request = ask(account, ERASURE, ana.contact_id)
    account.advance(1)
    done = None
    for _ in range(3):  # as the state machine tries again
        try:
            done = serve(request)
            break
        except TimeoutError:
            continue
    assert done
    assert done.state == DONE
    assert find_marked(ana) == set()
    for identity in (CARD, EMAIL, "email:second@example.com"):
        assert not is_known(account, identity)
    assert refusals.find_suppression("email:second@example.com") == ERASED


def test_a_contact_that_is_given_an_address_of_an_erased_person_later_is_not_erased_by_a_redrive(account):
    ana = seed(account)
    account.fold(account.event("Signed Up", "user:ben"))
    request = serve(ask(account, ERASURE, ana.contact_id))
    account.advance(60)
    account.fold(account.event(IDENTIFIED, "user:ben", EMAIL))
    serve(request)
    assert account.names("user:ben") == ["Signed Up", IDENTIFIED]


def test_an_old_event_begins_nobody_anew_because_it_names_a_known_device_as_well(erased):
    erased.fold(erased.event("Page Viewed", "user:ben", "anon:tablet"))
    old = replace(erased.event("Page Viewed", CARD, "anon:tablet"), time=erased.now() - 3_600)
    erased.fold(old)
    assert not is_known(erased, CARD)


def test_a_server_gives_no_known_contact_an_address_of_somebody_erased(erased):
    erased.fold(erased.event("Signed Up", "user:ben"))
    erased.fold(erased.event(IDENTIFIED, "user:ben", EMAIL, attributes={"plan": "pro"}))
    assert not is_known(erased, EMAIL)
    assert erased.contact("user:ben").attributes["plan"].value == "pro"


def test_what_became_one_in_two_steps_leaves_a_tombstone_under_each_id(account):
    """The oldest stays: a device that joined the second contact leads to the first by way of the second."""
    account.fold(account.event("Signed Up", "user:first"))
    account.advance(1)
    account.fold(account.event("Signed Up", EMAIL))
    account.advance(1)
    account.fold(account.event("Page Viewed", "anon:marker-tablet"))
    account.fold(account.event(IDENTIFIED, EMAIL, "anon:marker-tablet"))
    account.fold(account.event(IDENTIFIED, "user:first", EMAIL))
    ids_before = [account.contact_id(each) for each in ("user:first", EMAIL, "anon:marker-tablet")]
    serve(ask(account, ERASURE, account.contact("user:first").contact_id))
    stored = contacts.find_items(ids_before, consistent=True)
    assert {type(each) for each in stored.values()} == {Tombstone}
    assert len(stored) == 3
    account.advance(60)
    account.fold(account.event(IDENTIFIED, "anon:marker-tablet", attributes={"plan": "pro"}))
    assert not is_known(account, "anon:marker-tablet")

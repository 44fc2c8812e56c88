"""What tables have lost comes back from copies: nobody is written to twice, no refusal and no erasure is lost."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import restore as command
from postroad.consent.privacy import ERASURE
from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.places import places_of
from postroad.instants import format_instant
from postroad.sending.channels import USUAL
from postroad.sending.messages import SENT, SKIPPED, UNKNOWN
from postroad_aws import ids
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import contacts, holds, memberships, privacy, refusals, timeline
from postroad_aws.storage import messages as ledger
from postroad_aws.storage.restores import Copies
from postroad_aws.usecases import restore_tables as restoring
from postroad_aws.usecases.ask_privacy import ask_privacy
from postroad_aws.usecases.restore_tables import BACK, RULES, THERE, UNDONE, Restore, restore_tables
from postroad_aws.usecases.send_message import send_message
from postroad_aws.usecases.serve_privacy import serve_privacy
from postroad_aws.wiring import privacy_ports
from tests.account import ANA, Account, Channel

EMAIL = f"email:{ANA}"
BEN = "email:ben@example.com"
PEOPLE = frozenset(RULES) - {"keys_table", "definitions_table", "accounts_table", "products_table"}


class Then:
    """The tables as they are now, kept beside the live ones; what a restore from there does."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account = account
        self.at = account.now()
        self.journal = command.FileJournal(folder / "journal")
        client = get_client("dynamodb")
        self.names = {}
        for setting in RULES:
            live = settings().require(setting)
            about = client.describe_table(TableName=live)["Table"]
            copy = self.names[setting] = f"{live}-then"
            client.create_table(
                TableName=copy, KeySchema=about["KeySchema"], BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    each for each in about["AttributeDefinitions"]
                    if each["AttributeName"] in {key["AttributeName"] for key in about["KeySchema"]}
                ],
            )  # fmt: skip
            for item in client.scan(TableName=live)["Items"]:
                client.put_item(TableName=copy, Item=item)
        account.advance(3_600)

    def bring_back(self, tables: frozenset[str] = PEOPLE, *, is_dry: bool = False) -> dict[str, Counter[str]]:
        erased = command.list_erased(self.at)
        restore = Restore(self.account.ports, Copies(self.names), self.journal, self.at, erased, is_dry)
        return restore_tables(restore, tables)


@pytest.fixture
def take(account: Account, tmp_path: Path) -> Any:
    return lambda: Then(account, tmp_path)


def empty(*settings_of_tables: str) -> None:
    """The damage: these tables lose everything."""
    client = get_client("dynamodb")
    for setting in settings_of_tables:
        table = settings().require(setting)
        keys = [each["AttributeName"] for each in client.describe_table(TableName=table)["Table"]["KeySchema"]]
        for item in client.scan(TableName=table)["Items"]:
            client.delete_item(TableName=table, Key={key: item[key] for key in keys})


def send(account: Account, *identities: str) -> Channel:
    """Everything that is queued for these people is sent; the channel knows what left."""
    channel = Channel()
    for identity in identities:
        for message in account.messages(identity).values():
            send_message(account.with_channels(**{USUAL: channel}), message.message_id)
    return channel


def test_g19_who_is_lost_comes_back_with_all_that_they_did_since(account: Account, take: Any) -> None:
    account.fold(account.event("Page Viewed", EMAIL))
    then = take()
    account.fold(account.event("Signed Up", EMAIL, "user:ana", attributes={"email": ANA, "first_name": "Ana"}))
    account.fold(account.event("Page Viewed", "user:ana"), account.event("Product Added", "user:ana", product="mug"))
    assert len(send(account, EMAIL).sent) == 1
    before = account.contact(EMAIL)
    places = {row.place for row in memberships.scan_memberships()}
    account.advance(600)
    empty("contacts_table")
    counts = then.bring_back()
    after = account.contact(EMAIL)
    assert counts["contacts_table"] == {BACK: 1, "events folded again": 3}
    assert after.events_folded == before.events_folded == 4
    assert after.attributes.keys() == before.attributes.keys()
    assert after.segments.keys() == before.segments.keys()
    assert after.active.keys() == before.active.keys()
    assert {row.place for row in memberships.scan_memberships()} == places == places_of(after).keys()
    assert account.contact("user:ana").contact_id == after.contact_id
    assert send(account, EMAIL).sent == []
    assert holds.list_holds() == ()
    assert account.names(EMAIL) == ["Page Viewed", "Signed Up", "Page Viewed", "Product Added"]


def test_g19_who_began_anew_after_the_damage_is_who_they_were(account: Account, take: Any) -> None:
    account.fold(account.event("Signed Up", EMAIL, attributes={"email": ANA, "first_name": "Ana"}))
    assert len(send(account, EMAIL).sent) == 1
    account.fold(account.event("Order Completed", EMAIL, total=20))
    then = take()
    empty("contacts_table")
    account.fold(account.event("Page Viewed", EMAIL), account.event("Signed Up", EMAIL, attributes={"email": ANA}))
    assert "first_name" not in account.contact(EMAIL).attributes
    assert then.bring_back()["contacts_table"] == {BACK: 1, "events folded again": 2}
    ana = account.contact(EMAIL)
    assert ana.attributes["first_name"].value == "Ana"
    assert ana.events_folded == 4
    rows = {(row.place, row.contact_id) for row in memberships.scan_memberships()}
    assert rows == {(place, ana.contact_id) for place in places_of(ana)}
    # Once more changes nothing: what is back is there.
    assert then.bring_back()["contacts_table"] == {THERE: 1}
    assert account.contact(EMAIL) == ana


def test_g19_whoever_does_so_much_that_their_ring_forgets_is_folded_again_all_the_same(
    account: Account, take: Any
) -> None:
    """What a ring has let go of is looked for in the timeline, and there it stands."""
    for _ in range(2):
        account.fold(*(account.event("Page Viewed", EMAIL) for _ in range(30)))
        account.advance(3_600)
    account.fold(account.event("Page Viewed", EMAIL))
    then = take()
    account.fold(account.event("Page Viewed", EMAIL), account.event("Page Viewed", EMAIL))
    empty("contacts_table")
    assert then.bring_back()["contacts_table"] == {BACK: 1, "events folded again": 2}
    assert account.contact(EMAIL).events_folded == 63


def test_g19_who_began_since_and_is_lost_is_folded_from_the_timeline(account: Account, take: Any) -> None:
    then = take()
    account.fold(account.event("Signed Up", BEN, "user:ben", attributes={"email": "ben@example.com"}))
    assert len(send(account, BEN).sent) == 1
    empty("contacts_table", "memberships_table")
    assert then.bring_back(is_dry=True)["contacts_table"] == {"begun since": 1}
    assert then.bring_back()["contacts_table"] == {"begun since": 1, "events folded again": 1}
    ben = account.contact(BEN)
    assert ben.events_folded == 1
    assert account.contact("user:ben").contact_id == ben.contact_id
    assert {row.place for row in memberships.scan_memberships()} == places_of(ben).keys()
    assert send(account, BEN).sent == []


def test_g19_a_no_that_was_said_since_and_is_lost_is_said_again_from_its_proof(account: Account, take: Any) -> None:
    account.fold(account.event("Signed Up", EMAIL, attributes={"email": ANA}))
    refusals.save_consent(EMAIL, "offers", True, account.now(), {"by": "form"})
    then = take()
    refusals.save_consent(EMAIL, "offers", False, account.now(), {"by": "page"})
    refusals.save_consent(BEN, EVERY_TOPIC, False, account.now(), {"by": "page"})
    empty("consents_table", "contacts_table")
    counts = then.bring_back()
    assert counts["consents_table"] == {BACK: 2}
    for address, topic in ((EMAIL, "offers"), (BEN, EVERY_TOPIC)):
        answer = refusals.find_consent(address, topic)
        assert answer
        assert not answer.granted
    assert send(account, EMAIL).sent == []
    assert account.messages(EMAIL)["welcome"].state == SKIPPED


def test_g19_who_was_erased_since_stays_erased(account: Account, take: Any) -> None:
    account.fold(account.event("Signed Up", EMAIL, "user:ana", attributes={"email": ANA, "first_name": "Ana"}))
    account.fold(account.event("Signed Up", BEN, attributes={"email": "ben@example.com"}))
    refusals.save_consent(EMAIL, "offers", True, account.now(), {"by": "form"})
    then = take()
    runs = type("Runs", (), {"start_privacy": lambda *_: None})()
    people = [account.contact(EMAIL).contact_id]
    request = ask_privacy(privacy, runs, account.ports.clock, ids, ERASURE, people, "demo-api", "a letter")
    assert serve_privacy(privacy_ports(), request.request_id, lambda: True)
    empty("contacts_table", "events_table", "messages_table", "memberships_table", "consents_table")
    counts = then.bring_back()
    assert counts["contacts_table"][BACK] == 1
    assert counts["contacts_table"][UNDONE] == 2
    assert account.contact(BEN)
    gone = account.contact_id(EMAIL)
    assert contacts.find_items([gone, account.contact_id("user:ana")], consistent=True) == {}
    assert timeline.list_rows([gone]).items == []
    assert ledger.list_by_contact([gone]).items == []
    assert all(row.contact_id != gone for row in memberships.scan_memberships())
    assert refusals.find_consent(EMAIL, "offers") is None
    assert refusals.find_suppression(EMAIL) == "erased"


def test_g19_what_the_lost_ledger_may_have_sent_is_unknown_and_never_leaves(account: Account, take: Any) -> None:
    welcome = account.sign_up()
    account.fold(account.event("Page Viewed", BEN))
    then = take()
    account.fold(account.event("Signed Up", BEN, attributes={"email": "ben@example.com"}))
    assert len(send(account, EMAIL, BEN).sent) == 2
    empty("messages_table", "contacts_table")
    counts = then.bring_back()
    assert counts["messages_table"] == {BACK: 1}
    states = {message.message_id: message for message in ledger.scan_messages()}
    assert len(states) == 2
    assert {message.state for message in states.values()} == {UNKNOWN}
    assert states[welcome.message_id].reason == "restored"
    assert send(account, EMAIL, BEN).sent == []


def test_what_is_there_is_never_overwritten(account: Account, take: Any) -> None:
    welcome = account.sign_up()
    then = take()
    send(account, EMAIL)
    account.fold(account.event("Page Viewed", EMAIL))
    before = account.contact(EMAIL)
    counts = then.bring_back()
    assert set().union(*counts.values()) == {THERE}
    assert account.contact(EMAIL) == before
    assert account.messages(EMAIL)["welcome"].state == SENT
    assert welcome.state != SENT


def test_a_suppression_that_somebody_has_lifted_since_stays_lifted(account: Account, take: Any) -> None:
    for address in (EMAIL, BEN):
        refusals.save_suppression(address, "bounced", account.now(), {})
    then = take()
    refusals.lift_suppression(EMAIL, account.now(), {"by": "support"})
    empty("suppressions_table")
    assert then.bring_back()["suppressions_table"] == {UNDONE: 1, BACK: 1}
    assert refusals.find_suppression(EMAIL) is None
    assert refusals.find_suppression(BEN) == "bounced"


def test_a_dry_run_counts_and_writes_nothing(account: Account, take: Any) -> None:
    account.sign_up()
    then = take()
    empty("contacts_table", "messages_table", "memberships_table")
    counts = then.bring_back(is_dry=True)
    assert counts["memberships_table"].keys() == {BACK}
    assert (counts["contacts_table"], counts["messages_table"]) == ({BACK: 1}, {BACK: 1})
    assert contacts.find_items([account.contact_id(EMAIL)], consistent=True) == {}
    assert list(ledger.scan_messages()) == []
    assert holds.list_holds() == ()


def test_a_restore_that_was_killed_goes_on_where_it_was(account: Account, take: Any, monkeypatch: Any) -> None:
    account.fold(account.event("Page Viewed", EMAIL))
    then = take()
    account.fold(account.event("Signed Up", EMAIL, attributes={"email": ANA}), account.event("Page Viewed", EMAIL))
    empty("contacts_table")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "fold_cluster", killed)
        with pytest.raises(KeyboardInterrupt):
            then.bring_back()
    # Sending stays held, and the contact is there as it was then.
    assert [hold.by for hold in holds.list_holds()] == ["restore"]
    assert account.contact(EMAIL).events_folded == 1
    assert then.bring_back()["contacts_table"] == {THERE: 1, "events folded again": 2}
    assert account.contact(EMAIL).events_folded == 3
    assert holds.list_holds() == ()


def test_a_contact_that_became_one_with_another_since_does_not_come_back(account: Account, take: Any) -> None:
    account.fold(account.event("Page Viewed", EMAIL), account.event("Page Viewed", "user:ana"))
    then = take()
    account.fold(account.event("Signed Up", "user:ana", EMAIL, attributes={"email": ANA}))
    one = account.contact(EMAIL)
    assert one.merged_from
    assert then.bring_back()["contacts_table"] == {THERE: 2}
    # And when the one is lost, both come back, and become one again by what they did since.
    client = get_client("dynamodb")
    client.delete_item(TableName=settings().require("contacts_table"), Key={"contact_id": {"S": one.contact_id}})
    assert then.bring_back()["contacts_table"][BACK] == 2
    again = account.contact(EMAIL)
    assert (again.contact_id, again.merged_from) == (one.contact_id, one.merged_from)
    assert account.contact("user:ana").contact_id == one.contact_id
    assert again.events_folded == one.events_folded


def test_the_command_has_aws_make_the_copies_and_tells_what_came_back(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account.sign_up()
    monkeypatch.setattr(command, "find_environment", lambda stack: {})
    monkeypatch.chdir(tmp_path)
    client = get_client("dynamodb")
    for name in command.TABLES:
        client.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    at = f"{format_instant(account.now())}"
    # The copies are made from what is there now, so the damage comes behind them.
    assert command.main([at, "--dry-run"]) == 0
    assert "Nothing was written" in capsys.readouterr().out
    empty("contacts_table", "messages_table")
    assert command.main([at]) == 0
    told = capsys.readouterr().out
    assert "contacts      1 brought back" in told
    assert "messages      1 brought back" in told
    assert account.contact(EMAIL).events_folded == 1
    for wrong in (["yesterday"], [at, "--tables", "Contacts,Holds"]):
        with pytest.raises(SystemExit):
            command.main(wrong)
        assert "error" in capsys.readouterr().err

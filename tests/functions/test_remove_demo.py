"""The demo's people go with all that came of them; a real person who came meanwhile stays."""

import time
from dataclasses import replace

import pytest

from demo.broadcasting import Mailings
from demo.history import make_history, make_strays
from demo.loading import save_worlds
from demo.playing import World, open_shop, play_life, play_strays
from functions.remove_demo import app
from postroad import demo
from postroad.broadcasts.broadcast import plan_run
from postroad.contacts.places import places_of
from postroad.instants import DAY
from postroad.stats import PLACES, Cell, count_membership, day_of
from postroad_aws import links, wiring
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import (
    broadcasts,
    contacts,
    definitions,
    keys,
    memberships,
    messages,
    quarantine,
    refusals,
    stats,
    timeline,
)
from tests.account import Account, demo_publication, lambda_context


@pytest.fixture
def people(account: Account):
    """A few lives of the history, one with a refusal among them, are stored and counted; their contacts."""
    wiring.removal_ports.cache_clear()
    now = time.time()
    shop = open_shop(demo_publication(), keys.derive_key("contacts"), links.signer(), "https://post.tidewater.example")
    everybody = make_history(now)
    some = [*everybody[::60], next(person for person in everybody if person.profile.habits.bounces), everybody[-1]]
    mailings = Mailings(World(shop))
    mailings.begin(now)
    lives = [play_life(shop, person, now, mailings) for person in some]
    worlds = [*lives, mailings.office, play_strays(shop, make_strays(now))]
    save_worlds(worlds, time.time(), calls_at_once=1)
    found = [contact for world in worlds for contact in world.contacts.list_contacts()]
    for contact in found:
        for place, since in places_of(contact).items():
            stats.add(count_membership(None, memberships.MembershipChange(place, contact.contact_id, since), since))
    yield found
    wiring.removal_ports.cache_clear()


def table_size(setting: str) -> int:
    return len(get_client("dynamodb").scan(TableName=settings().require(setting))["Items"])


def remove(remaining: int = 60_000) -> bool:
    return bool(app.handler({}, lambda_context(remaining))["done"])


def test_nothing_of_the_made_up_people_is_left(account, people):
    assert len(people) >= 8
    assert table_size("accounts_table") >= 1
    assert remove()
    for setting in ("contacts_table", "events_table", "memberships_table", "messages_table", "quarantine_table",
                    "suppressions_table", "consents_table", "broadcasts_table", "accounts_table"):  # fmt: skip
        assert table_size(setting) == 0, setting


def test_a_broadcast_of_somebody_else_stays(account, people):
    letter = {"kind": "broadcast", "id": "ours", "name": "Ours", "segment": "customers", "template": "harvest"}
    definitions.save_draft("broadcast", "ours", letter, edit=0, now=time.time())
    broadcasts.save_run(plan_run(letter, 1, None, time.time()), None)
    assert {run.broadcast.id for run in broadcasts.list_runs().items} == {"ours", "harvest", "gift-boxes"}
    assert remove()
    assert [run.broadcast.id for run in broadcasts.list_runs().items] == ["ours"]
    assert [draft.definition_id for draft in definitions.list_drafts("broadcast").items] == ["ours"]


def test_a_real_person_stays_with_everything(account, people):
    account.fold(account.event("Order Completed", "user:real", attributes={"email": "real@example.com"}))
    real = account.contact_id("user:real")
    quarantine.save_rejects([])
    before = contacts.find_items([real], consistent=True)
    assert remove()
    assert contacts.find_items([real], consistent=True) == before
    assert [row.event.name for row in timeline.list_rows([real]).items] == ["Order Completed"]
    assert [member.contact_id for member in memberships.list_members("segment/customers").items] == [real]
    assert contacts.list_contacts().items[0].contact_id == real


def test_the_numbers_are_those_without_the_demo(account, people):
    today = day_of(time.time())
    stats.add({Cell("segment/customers", PLACES, today, "", "entered"): 2})
    assert stats.find_counts(["segment/customers"])["segment/customers"].place().entered > 2
    assert remove()
    names = [
        "segment/customers",
        "segment/demo-data",
        "journey/welcome",
        "journey/abandoned-cart",
        "journey/enterprise",
    ]
    entered = {
        name: sum(p.entered for p in counts.places.values()) for name, counts in stats.find_counts(names).items()
    }
    assert entered == {name: 2 if name == "segment/customers" else 0 for name in names}
    assert stats.list_days("segment/customers", today, today)[0].counts.place().entered == 2


def test_no_day_is_left_on_which_they_started_or_were_under_way(account, people):
    now = time.time()
    assert any(contact.active for contact in people)
    rows = [(contact.contact_id, *place) for contact in people for place in places_of(contact).items()]
    assert remove()
    for contact_id, place, since in rows:  # as the stream counts what was deleted
        stats.add(count_membership(memberships.MembershipChange(place, contact_id, since), None, now))
    for name in ("welcome", "abandoned-cart", "enterprise"):
        days = stats.list_days(f"journey/{name}", day_of(now - 70 * DAY), day_of(now))
        assert [day for day in days if day.counts.started or day.counts.active] == []


def test_without_time_it_stops_and_goes_on_where_it_was(account, people):
    assert remove(remaining=1_000) is False
    assert len(memberships.list_members(f"segment/{demo.SEGMENT}", limit=100).items) == len(people)
    assert remove()
    assert remove()


def test_a_contact_that_is_half_gone_is_removed_for_good(account, people):
    """As after a crash: the contact is gone, its rows and its membership are not."""
    contact = people[0]
    get_client("dynamodb").delete_item(
        TableName=settings().require("contacts_table"), Key={"contact_id": {"S": contact.contact_id}}
    )
    assert remove()
    assert timeline.list_rows([contact.contact_id]).items == []
    assert messages.list_by_contact([contact.contact_id]).items == []


def test_who_comes_back_afterwards_is_somebody_new(account, people):
    identity = next(text for contact in people for text in contact.identities if text.startswith("email:"))
    assert remove()
    account.fold(account.event("Page Viewed", identity))
    found = contacts.find_items([account.contact_id(identity)], consistent=True)[account.contact_id(identity)]
    assert demo.ATTRIBUTE not in found.attributes
    assert refusals.find_suppression(identity) is None
    assert time.time() - found.created_at < DAY


def test_nobody_becomes_demo_data_by_what_a_browser_says(account, people):
    account.fold(account.event("Signed Up", "user:real", attributes={"email": "real@example.com"}))
    said = account.event("Identified", "user:real", attributes={demo.ATTRIBUTE: True})
    account.fold(replace(said, trusted=False, source="demo-browser"))
    refusals.save_consent("email:real@example.com", "*", False, time.time(), {"by": "page"})
    assert remove()
    assert account.contact("user:real").find_value("email") == "real@example.com"
    assert refusals.find_consent("email:real@example.com", "*") is not None

"""Accounts: what is said of them, what members carry, and what follows for members."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.accounts import (
    COPY,
    MAX_ATTRIBUTES,
    MAX_BYTES,
    MAX_VALUE,
    Account,
    Member,
    Suppression,
    Word,
    begin,
    change_event,
    copy_of,
    cover,
    engaged_roles,
    find_account_id,
    find_role,
    is_account_id,
    is_current,
    report,
    revise,
    say,
    traits_of,
    values_of,
)
from postroad.contacts.contact import MAX_ACCOUNTS, Contact, Seat
from postroad.contacts.merging import merge
from postroad.contacts.places import places_of
from postroad.errors import DefinitionError
from postroad.events import ACCOUNT_CHANGED, ACCOUNT_JOINED, ACCOUNT_LEFT, Event
from postroad.policy import parse_policy
from postroad.predicates.predicate import View, parse_predicate
from tests.people import POLICY, Person, publish

NOW = 1_793_610_000.0


def acme(version: int = 1, **attributes: Any) -> Account:
    account, _ = say(begin("acme", NOW), attributes, NOW)
    return replace(account, version=version, edition=version)


def joins(ana: Person, account: Account, **said: Any) -> Person:
    """A server says that she belongs to an account; the shell has put the account's copy into the event."""
    return ana.does(ACCOUNT_JOINED, group_id=account.group_id, account=copy_of(account), **said)


def hears(ana: Person, account: Account) -> Person:
    return ana.fold(change_event(account, ana.contact.contact_id))


def view(*seats: Seat) -> View:
    return View(Contact("ana", accounts={f"account-{n}": seat for n, seat in enumerate(seats)}), NOW)


# Names


@pytest.mark.parametrize(
    ("raw", "account_id"),
    [
        ("acme", "acme"),
        (4711, "4711"),
        (" acme.com ", "acme.com"),
        ("A-1:b@c+d", "A-1:b@c+d"),
        ("Acme & Sons", "~XSlvKBXIbvEvdpX2"),
        ("a/b", "~wUtLuBDIBpiFQ74z"),
        ("undefined", None),
        ("", None),
        (None, None),
        (True, None),
        (["acme"], None),
        ("x" * 300, None),
    ],
)
def test_an_account_is_known_by_a_plain_name_or_by_a_hash_of_it(raw, account_id):
    found = find_account_id(raw)
    assert (found is None) == (account_id is None)
    if found is not None:
        assert is_account_id(found)
        assert not {"/", "#"} & set(found)
    if account_id is not None and not account_id.startswith("~"):
        assert found == account_id


@pytest.mark.parametrize("text", ["", "a/b", "a b", "~short", "undefined", "-"])
def test_what_no_account_is_called_is_no_id(text):
    assert not is_account_id(text)


@pytest.mark.parametrize(
    ("raw", "role"),
    [("Decision Maker", "decision-maker"), ("buyer", "buyer"), ("CTO / CIO", "cto-cio"), ("  ", None), (7, None)],
)
def test_a_role_becomes_an_id(raw, role):
    assert find_role(raw) == role


# What is said of an account


def test_the_later_word_about_an_account_wins_whatever_comes_first():
    account, _ = say(begin("acme", NOW), {"plan": "pro", "seats": 5}, NOW + 10)
    account, _ = say(account, {"plan": "free", "city": "Porto"}, NOW)
    assert values_of(account) == {"plan": "pro", "seats": 5, "city": "Porto"}


def test_null_takes_an_attribute_away_and_an_older_word_does_not_bring_it_back():
    account, _ = say(begin("acme", NOW), {"plan": "pro"}, NOW)
    account, _ = say(account, {"plan": None}, NOW + 2)
    account, _ = say(account, {"plan": "pro"}, NOW + 1)
    assert values_of(account) == {}


def test_saying_the_same_again_changes_nothing():
    account, _ = say(begin("acme", NOW), {"plan": "pro"}, NOW)
    assert say(account, {"plan": "pro"}, NOW + 5)[0] is account


@pytest.mark.parametrize(
    ("attributes", "refused"),
    [
        ({"about": "x" * (MAX_VALUE + 1)}, {"about": f"an account's attribute takes at most {MAX_VALUE} bytes"}),
        ({"a.b": 1}, {"a.b": "an attribute's name has at most 64 characters, and no dot"}),
        ({"n" * 65: 1}, {"n" * 64: "an attribute's name has at most 64 characters, and no dot"}),
    ],
)
def test_what_is_too_large_for_members_to_carry_is_not_kept_with_the_reason(attributes, refused):
    account, why = say(begin("acme", NOW), {"plan": "pro", **attributes}, NOW)
    assert (values_of(account), why) == ({"plan": "pro"}, refused)


def test_an_account_holds_so_many_attributes_and_bytes_at_most():
    many, why = say(begin("acme", NOW), {f"a{n}": n for n in range(MAX_ATTRIBUTES + 5)}, NOW)
    assert (len(values_of(many)), len(why)) == (MAX_ATTRIBUTES, 5)
    large, why = say(begin("acme", NOW), {f"a{n}": "x" * 190 for n in range(20)}, NOW)
    assert len(values_of(large)) == MAX_BYTES // 197
    assert set(why.values()) == {"the attributes of an account take at most 2,000 bytes together"}


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 3), st.integers(0, 9)), max_size=6))
def test_the_order_in_which_things_are_heard_does_not_matter(said):
    """But for words of one moment, of which the later heard one counts."""
    said = list({(name, time): (name, value, time) for name, value, time in said}.values())

    def tell(words):
        account = begin("acme", NOW)
        for name, value, time in words:
            account, _ = say(account, {name: value}, NOW + time)
        return values_of(account)

    told = sorted(said, key=lambda word: word[2])
    assert tell(told) == {n: v for n, v in {name: value for name, value, _ in told}.items() if v is not None}


def test_the_role_and_the_name_of_the_group_are_not_about_the_account():
    said = {"group_id": "acme", "role": "buyer", "plan": 1}
    event = Event("e", ACCOUNT_JOINED, NOW, NOW, trusted=True, properties=said)
    assert traits_of(event) == {"plan": 1}
    assert traits_of(replace(event, trusted=False)) == {}


# Members


def test_c49_people_of_one_company_have_roles_and_carry_what_is_known_of_it():
    ana = joins(Person(), acme(plan="pro"), role="Decision Maker")
    seat = ana.contact.accounts["acme"]
    assert (seat.role, seat.attributes, seat.version) == ("decision-maker", {"plan": "pro"}, 1)
    assert places_of(ana.contact)["account/acme"] == ana.now
    assert ana.why("account/acme") == [("joined", "as decision-maker")]


def test_the_role_that_was_said_last_counts():
    ana = joins(Person(), acme(), role="buyer")
    ana.does(ACCOUNT_JOINED, ago=60, group_id="acme", role="user")
    assert ana.contact.accounts["acme"].role == "buyer"


def test_a_browser_says_nothing_about_accounts():
    ana = Person().does(ACCOUNT_JOINED, trusted=False, group_id="acme", role="owner", account=copy_of(acme(plan="x")))
    assert ana.contact.accounts == {}
    assert ana.why("account/acme") == [("not joined", "only a server is believed about this")]


@pytest.mark.parametrize("junk", ["undefined", None, "", {"a": 1}, True])
def test_a_junk_group_is_no_account(junk):
    ana = Person().does(ACCOUNT_JOINED, group_id=junk)
    assert ana.contact.accounts == {}
    assert ana.why("account") == [("not joined", "it names no account; group_id has to be a text or a number")]


def test_a_contact_belongs_to_so_many_accounts_at_most():
    ana = Person()
    for number in range(MAX_ACCOUNTS + 1):
        ana.does(ACCOUNT_JOINED, group_id=f"account-{number}")
    assert len(ana.contact.accounts) == MAX_ACCOUNTS
    assert ana.why(f"account/account-{MAX_ACCOUNTS}") == [("not joined", "a contact belongs to at most 5 accounts")]


def test_whoever_leaves_is_gone_from_the_account_and_hears_no_more_of_it():
    ana = joins(Person(), acme(plan="pro"))
    ana.does(ACCOUNT_LEFT, trusted=False, group_id="acme")
    assert "acme" in ana.contact.accounts
    ana.does(ACCOUNT_LEFT, group_id="acme")
    hears(ana, acme(2, plan="free"))
    assert ana.contact.accounts == {}


def test_what_an_account_says_later_is_carried_and_what_it_said_before_is_not_taken_any_more():
    ana = joins(Person(), acme(2, plan="pro"))
    hears(ana, acme(3, plan="free"))
    hears(ana, acme(1, plan="trial"))
    assert ana.contact.accounts["acme"].attributes == {"plan": "free"}
    assert is_current(ana.contact.accounts["acme"], replace(acme(3, plan="free"), version=7))
    assert not is_current(ana.contact.accounts["acme"], acme(4, plan="free")), "older word may still be on its way"


@pytest.mark.parametrize(
    ("change", "edition"),
    [
        ({"attributes": {"plan": Word("free", NOW)}}, 4),
        ({"suppression": Suppression("in talks", NOW)}, 4),
        ({"engaged": {"buyer": 1}}, 4),
        ({"members": 7, "is_target": True}, 3),
        ({"attributes": {"plan": Word("pro", NOW + 1)}}, 3),
    ],
)
def test_what_members_carry_makes_a_new_edition_of_an_account_when_it_changes(change, edition):
    before = acme(3, plan="pro")
    assert revise(before, before.with_(**change), NOW + 9) == before.with_(
        **change, edition=edition, updated_at=NOW + 9
    )


def test_a_change_of_the_account_is_no_sign_of_life_of_its_members():
    ana = joins(Person(), acme())
    seen = ana.contact.last_seen
    ana.passes("P1D")
    hears(ana, replace(acme(2, plan="free"), updated_at=ana.now))
    assert ana.contact.last_seen == seen


def test_what_was_not_kept_of_an_account_is_told_to_whoever_it_came_with():
    ana = Person().does(ACCOUNT_JOINED, group_id="acme", account={**copy_of(acme()), "not_kept": {"about": "too long"}})
    assert ("not kept", "too long") in ana.why("account/acme")


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), max_size=6))
def test_members_carry_the_newest_version_in_whatever_order_they_hear_of_it(versions):
    ana = joins(Person(shelf=BARE), acme(1, plan=1))
    for version in versions:
        hears(ana, acme(version, plan=version))
    newest = max([1, *versions])
    assert ana.contact.accounts["acme"].attributes == {"plan": newest}


BARE = publish()


# Conditions


@pytest.mark.parametrize(
    ("document", "plans", "truth"),
    [
        ({"account": "plan", "is": "pro"}, ["pro"], True),
        ({"account": "plan", "is": "pro"}, ["free", "pro"], True),
        ({"account": "plan", "is": "pro"}, [], False),
        ({"account": "plan", "is_not": "pro"}, ["free", "pro"], False),
        ({"account": "plan", "is_not": "pro"}, [], True),
        ({"account": "plan", "exists": False}, [], True),
        ({"account": "plan", "exists": False}, ["pro"], False),
        ({"account": "plan", "in": ["pro", "team"]}, [["team", "x"]], True),
    ],
)
def test_c69_a_condition_asks_for_an_attribute_of_the_company(document, plans, truth):
    seats = [Seat("member", NOW, attributes={"plan": plan}) for plan in plans]
    predicate = parse_predicate(document)
    assert predicate.evaluate(view(*seats)).truth is truth
    assert predicate.reads == {"account:plan"}


def test_c69_role_size_of_the_company_and_what_somebody_spent_make_one_segment():
    segment = {
        "kind": "segment",
        "id": "buyers",
        "if": {
            "all": [
                {"account_role": ["buyer", "owner"]},
                {"account": "employees", "gte": 50},
                {"event": "Order Completed", "sum": "total", "gte": 100},
            ]
        },
    }
    ana = joins(Person(segment), acme(employees=40), role="buyer").does("Order Completed", total=120)
    assert "buyers" not in ana.contact.segments
    hears(ana, acme(2, employees=60))
    assert "buyers" in ana.contact.segments
    joins(ana, acme(2, employees=60), role="user")
    assert "buyers" not in ana.contact.segments


def test_conditions_about_accounts_say_themselves_in_a_sentence():
    said = [
        parse_predicate(document).describe()
        for document in (
            {"account": "employees", "gte": 50},
            {"account_role": "buyer"},
            {"account_role": "buyer", "is": False},
            {"engaged_roles": ["buyer", "user"]},
            {"engaged_roles": ["buyer", "user", "owner"], "at_least": 2},
        )
    ]
    assert said == [
        "the account's employees is at least 50",
        "is buyer in an account",
        "is not buyer in any account",
        "buyer or user are engaged in their account",
        "2 of buyer, user or owner are engaged in their account",
    ]


def test_asking_for_more_roles_than_are_named_is_refused():
    with pytest.raises(DefinitionError, match="asks for 3 of 2 roles"):
        parse_predicate({"engaged_roles": ["buyer", "user"], "at_least": 3})


# Engaged roles


ENGAGED = {
    "kind": "segment",
    "id": "engaged",
    "if": {"event": "Page Viewed", "at_least": 2, "within": "P7D"},
}
RULES = {**POLICY, "accounts": {"engaged": "engaged"}}


def test_who_enters_the_segment_of_the_engaged_is_at_that_place_until_leaving_it():
    ana = joins(Person(RULES, ENGAGED), acme(), role="buyer")
    ana.does("Page Viewed").does("Page Viewed")
    assert "account/acme/engaged.buyer" in places_of(ana.contact)
    ana.passes("P8D")
    assert "account/acme/engaged.buyer" not in places_of(ana.contact)


def test_c49_a_journey_begins_for_everybody_when_enough_roles_are_engaged():
    journey = {
        "kind": "journey",
        "id": "committee",
        "trigger": {"segment": "committee"},
        "steps": [{"id": "hello", "send": {"template": "hello", "channel": "email"}}],
    }
    committee = {
        "kind": "segment",
        "id": "committee",
        "if": {"engaged_roles": ["buyer", "user", "owner"], "at_least": 2},
    }
    ana = joins(Person(committee, journey), acme(engaged_by="x"), role="user")
    hears(ana, replace(acme(2), engaged={"buyer": 1}))
    assert ana.sent == []
    hears(ana, replace(acme(3), engaged={"buyer": 1, "owner": 2, "user": 0}))
    assert ana.steps == ["hello"]


def test_a_role_of_which_nobody_is_left_is_not_engaged():
    assert engaged_roles(replace(acme(), engaged={"buyer": 0, "owner": 1})) == ("owner",)


def test_the_segment_of_the_engaged_has_to_be_there():
    with pytest.raises(DefinitionError, match="there is no published segment called 'gone'"):
        publish({**POLICY, "accounts": {"engaged": "gone"}})


# Suppression

SENDS = {
    "kind": "journey",
    "id": "news",
    "trigger": {"event": "Asked"},
    "reentry": "always",
    "steps": [{"id": "hello", "send": {"template": "hello", "channel": "email"}}],
}


def test_c95_nothing_leaves_to_members_of_a_suppressed_account_until_that_is_lifted():
    ana = joins(Person(SENDS), acme())
    hears(ana, replace(acme(2), suppression=Suppression("in talks", NOW)))
    ana.does("Asked")
    assert [(m.state, m.reason) for m in ana.messages] == [("skipped", "the account acme gets nothing: in talks")]
    hears(ana, acme(3))
    ana.does("Asked")
    assert ana.steps == ["hello"]


def test_what_waits_for_its_hour_is_given_up_when_the_account_is_suppressed():
    calendar = {"quiet": {"from": "08:00", "to": "20:00"}}
    ana = joins(Person({**POLICY, "calendar": calendar}, SENDS), acme()).does("Asked")
    assert len(ana.contact.postponed) == 1
    hears(ana, replace(acme(2), suppression=Suppression("in talks", NOW)))
    assert ana.contact.postponed == {}
    assert [m.reason for m in ana.messages] == ["the account acme gets nothing: in talks"]


def test_what_has_to_be_said_is_said_to_a_suppressed_account_too():
    policy = {**POLICY, "topics": [{"id": "news", "opt_in": False, "transactional": True}]}
    ana = joins(Person(policy, SENDS), replace(acme(), suppression=Suppression("in talks", NOW))).does("Asked")
    assert ana.steps == ["hello"]


def test_c49_no_marketing_goes_to_accounts_with_an_open_opportunity():
    policy = {**POLICY, "accounts": {"suppress_if": {"account": "open_opportunity", "is": True}}}
    ana = joins(Person(policy, SENDS), acme(open_opportunity=True)).does("Asked")
    because = "an account of theirs gets nothing while this holds: the account's open opportunity is true"
    assert [(m.state, m.reason) for m in ana.messages] == [("skipped", because)]
    hears(ana, acme(2, open_opportunity=False)).does("Asked")
    assert ana.steps == ["hello"]


def test_an_account_is_suppressed_by_what_it_is_not_by_its_members():
    with pytest.raises(DefinitionError, match=r"accounts\.suppress_if.*is not known in this place"):
        parse_policy({**POLICY, "accounts": {"suppress_if": {"attribute": "plan", "is": "pro"}}})


# Merging


def test_of_two_contacts_that_become_one_the_newer_copy_and_the_later_role_stay():
    a = Contact(
        "a", created_at=1.0, accounts={"acme": Seat("buyer", 5.0, 5.0, True, 2, {"plan": "pro"}, "", ("buyer",))}
    )
    b = Contact("b", created_at=2.0, accounts={"acme": Seat("user", 3.0, 9.0, False, 1), "zeta": Seat("member", 1.0)})
    merged, _ = merge(a, b, BARE.book, NOW)
    assert merged.accounts == {
        "acme": Seat("user", 3.0, 9.0, True, 2, {"plan": "pro"}, "", ("buyer",)),
        "zeta": Seat("member", 1.0),
    }


# How members add up


def test_c49_the_scores_of_members_roll_up_to_their_account():
    found = report(
        [
            Member("buyer", True, {"interest": 30.0}, "lead", NOW),
            Member("buyer", False, {"interest": 10.0}, "customer", NOW - 5),
            Member("user", False, {"interest": 2.5, "fit": 4.0}),
        ]
    )
    assert (found.members, found.roles, found.engaged) == (3, {"buyer": 2, "user": 1}, {"buyer": 1})
    assert found.scores == {"fit": (4.0, 4.0), "interest": (42.5, 30.0)}
    assert (found.stages, found.last_seen) == ({"customer": 1, "lead": 1}, NOW)


def test_c95_the_list_of_target_accounts_says_how_far_it_is():
    accounts = [
        begin("nobody-yet", NOW),
        replace(begin("one", NOW), members=2),
        replace(begin("two", NOW), members=3, engaged={"buyer": 1}),
        replace(begin("three", NOW), members=4, engaged={"buyer": 1, "user": 1}, suppression=Suppression("x", NOW)),
    ]
    assert cover(accounts) == (4, 3, 2, 1, 1)


def test_an_account_is_called_by_its_name_or_as_sources_call_it():
    assert begin("acme", NOW).name == "acme"
    assert replace(begin("acme", NOW), attributes={"name": Word("Acme & Sons", NOW)}).name == "Acme & Sons"


def test_the_event_that_tells_members_is_the_same_however_often_it_is_made():
    event = change_event(acme(3, plan="pro"), "ana")
    assert (event.event_id, event.name, event.contact_id, event.trusted) == ("acme@3.ana", ACCOUNT_CHANGED, "ana", True)
    assert event.properties[COPY]["attributes"] == {"plan": "pro"}

"""Predicates: one row for each operator, and the laws that hold for all of them."""

import json
from dataclasses import replace
from math import inf, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.contact import Attribute, Consent, Contact, Enrollment, Handed, Persona, Seat, Stage
from postroad.contacts.zones import CLOCK_FACTS
from postroad.documents import Reader
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.instants import DAY, format_instant
from postroad.predicates.behaviour import combine_trackers, recompute
from postroad.predicates.conditions import AGGREGATES, FATES
from postroad.predicates.operators import OPERATORS, find_instant
from postroad.predicates.predicate import (
    CONTACT,
    EVENT,
    FACTS,
    JOURNEY,
    NEVER,
    SUBJECTS,
    View,
    parse_predicate,
    read_pattern,
)
from postroad.predicates.verdicts import Verdict, decide
from postroad.scoring.sheet import parse_score
from postroad.sending.channels import CHANNELS

NOW = 1_793_610_840.0
EVERYWHERE = JOURNEY | EVENT


def ago(seconds):
    return format_instant(NOW - seconds)


def an_event(name="Order Completed", time=NOW, **properties):
    return Event(f"{name}-{time}-{properties}", name, time, time, properties=properties)


def a_contact(events=(), trackers=(), **attributes):
    contact = Contact("c1", attributes={name: Attribute(value, NOW, True) for name, value in attributes.items()})
    for tracker_id, tracker in combine_trackers(trackers).items():
        for event in events:
            if event.name.lower() in tracker.events and tracker.matches(event):
                contact.behaviour[tracker_id] = tracker.update(contact.behaviour.get(tracker_id), event, NOW)
    return contact


def judge(document, view=None, events=(), **attributes):
    """Truth and description of a predicate about a contact with these attributes who did these events."""
    predicate = parse_predicate(document, EVERYWHERE)
    contact = a_contact(events, predicate.trackers, **attributes)
    return predicate.evaluate((view or View(contact, NOW))._replace(contact=contact)), predicate.describe()


LISBON = {"lat": 38.72, "lng": -9.14, "km": 25}
VALUE_ROWS = [
    # operator, operand, value, truth, description
    ("is", "FR", "FR", True, "x is FR"),
    ("is", "FR", "fr", True, "x is FR"),
    ("is", "FR", "ES", False, "x is FR"),
    ("is", "FR", None, False, "x is FR"),
    ("is", "FR", ["es", "fr"], True, "x is FR"),
    ("is", "FR", [], False, "x is FR"),
    ("is", "FR", {"FR": 1}, False, "x is FR"),
    ("is", "STRASSE", "straße", True, "x is STRASSE"),
    ("is", "caf\u00e9", "cafe\u0301", True, "x is café"),
    ("is", 10, 10.0, True, "x is 10"),
    ("is", 10, "10", False, "x is 10"),
    ("is", "10", 10, False, "x is 10"),
    ("is", 1, True, False, "x is 1"),
    ("is", True, True, True, "x is true"),
    ("is", True, "true", False, "x is true"),
    ("is", 10, 10**400, False, "x is 10"),
    ("is", 0.1, float("nan"), False, "x is 0.1"),
    ("is_not", "FR", "ES", True, "x is not FR"),
    ("is_not", "FR", "fr", False, "x is not FR"),
    ("is_not", "FR", None, True, "x is not FR"),
    ("is_not", "FR", ["ES", "FR"], False, "x is not FR"),
    ("in", ["FR", "ES", 3], "es", True, "x is FR, ES or 3"),
    ("in", ["FR", "ES", 3], 3, True, "x is FR, ES or 3"),
    ("in", ["FR", "ES"], "IT", False, "x is FR or ES"),
    ("in", ["FR"], [1, "FR"], True, "x is FR"),
    ("not_in", ["FR", "ES"], "IT", True, "x is not FR or ES"),
    ("not_in", ["FR", "ES"], "FR", False, "x is not FR or ES"),
    ("not_in", ["FR", "ES"], None, True, "x is not FR or ES"),
    ("contains", "shop", "My Shopping", True, "x contains shop"),
    ("contains", "shop", ["Shop", "b"], True, "x contains shop"),
    ("contains", "shop", ["shopping"], False, "x contains shop"),
    ("contains", 3, [1, 3], True, "x contains 3"),
    ("contains", 3, "123", False, "x contains 3"),
    ("contains", "shop", None, False, "x contains shop"),
    ("not_contains", "shop", "My Shopping", False, "x does not contain shop"),
    ("not_contains", "shop", ["a"], True, "x does not contain shop"),
    ("not_contains", "shop", None, True, "x does not contain shop"),
    ("starts_with", "/Pricing", "/pricing/enterprise", True, "x starts with /Pricing"),
    ("starts_with", "/pricing", "/", False, "x starts with /pricing"),
    ("starts_with", "1", 123, False, "x starts with 1"),
    ("ends_with", "@Example.com", "ana@example.com", True, "x ends with @Example.com"),
    ("ends_with", "@example.com", None, False, "x ends with @example.com"),
    ("gt", 5, 6, True, "x is more than 5"),
    ("gt", 5, 5, False, "x is more than 5"),
    ("gt", 5, "6", False, "x is more than 5"),
    ("gt", 0, True, False, "x is more than 0"),
    ("gt", 5, 10**400, True, "x is more than 5"),
    ("gt", 5, float("nan"), False, "x is more than 5"),
    ("gte", 5.5, 5.5, True, "x is at least 5.5"),
    ("gte", 5, 4.999, False, "x is at least 5"),
    ("gte", 5, [1, 7], True, "x is at least 5"),
    ("lt", 5, 4, True, "x is less than 5"),
    ("lt", 5, None, False, "x is less than 5"),
    ("lte", 1234567, 1234567, True, "x is at most 1234567"),
    ("lte", 5, {}, False, "x is at most 5"),
    ("exists", True, 0, True, "x is known"),
    ("exists", True, False, True, "x is known"),
    ("exists", True, "", False, "x is known"),
    ("exists", True, [], False, "x is known"),
    ("exists", False, None, True, "x is not known"),
    ("exists", False, "a", False, "x is not known"),
    ("before", "2026-01-01", "2025-12-31", True, "x is before 2026-01-01T00:00:00.000Z"),
    ("before", "2026-01-01", "2026-01-01", False, "x is before 2026-01-01T00:00:00.000Z"),
    ("before", "2026-01-01", "soon", False, "x is before 2026-01-01T00:00:00.000Z"),
    ("before", "2026-01-01", 1_700_000_000, True, "x is before 2026-01-01T00:00:00.000Z"),
    ("before", "2026-01-01", 1_700_000_000_000, True, "x is before 2026-01-01T00:00:00.000Z"),
    ("after", "2026-01-01T12:00:00+02:00", "2026-01-01T10:00:01Z", True, "x is after 2026-01-01T10:00:00.000Z"),
    ("after", "2026-01-01", 10**400, False, "x is after 2026-01-01T00:00:00.000Z"),
    ("after", "2026-01-01", True, False, "x is after 2026-01-01T00:00:00.000Z"),
    ("within_last", "P3D", ago(2 * DAY), True, "x is within the last 3 days"),
    ("within_last", "P3D", ago(3 * DAY), False, "x is within the last 3 days"),
    ("within_last", "P3D", NOW, True, "x is within the last 3 days"),
    ("within_last", "P3D", ago(-1), False, "x is within the last 3 days"),
    ("within_last", "P3D", None, False, "x is within the last 3 days"),
    ("not_within_last", "PT90M", ago(3_600), False, "x is not within the last 1 hour 30 minutes"),
    ("not_within_last", "P30D", ago(31 * DAY), True, "x is not within the last 30 days"),
    ("not_within_last", "P30D", None, True, "x is not within the last 30 days"),
    ("within_next", "P2W", ago(-14 * DAY), True, "x is within the next 2 weeks"),
    ("within_next", "P2W", ago(-15 * DAY), False, "x is within the next 2 weeks"),
    ("within_next", "P2W", ago(1), False, "x is within the next 2 weeks"),
    ("contains_all", ["tea", "Mugs"], ["mugs", "Tea", "beans"], True, "x contains tea and Mugs"),
    ("contains_all", ["tea", "mugs"], ["tea"], False, "x contains tea and mugs"),
    ("contains_all", "tea", "Green tea", True, "x contains tea"),
    ("contains_all", ["tea"], None, False, "x contains tea"),
    ("older_than", "P90D", ago(90 * DAY), True, "x is more than 90 days ago"),
    ("older_than", "P90D", ago(89 * DAY), False, "x is more than 90 days ago"),
    ("older_than", "P90D", None, False, "x is more than 90 days ago"),
    ("older_than", "P90D", ago(-DAY), False, "x is more than 90 days ago"),
    ("is_in_days", 0, "2026-11-02", True, "x is today"),
    ("is_in_days", 7, "2026-11-09", True, "x is in 7 days"),
    ("is_in_days", -1, "2026-11-01", True, "x is 1 day ago"),
    ("is_in_days", 1, "2026-11-02", False, "x is in 1 day"),
    ("is_in_days", [0, 7], "2026-11-09", True, "x is within the next 7 days"),
    ("is_in_days", [0, 7], "2026-11-10", False, "x is within the next 7 days"),
    ("is_in_days", [-7, 0], "2026-10-26", True, "x is within the last 7 days"),
    ("is_in_days", [-1, 1], "2026-11-03", True, "x is between 1 day ago and in 1 day"),
    ("is_in_days", 0, "--11-02", False, "x is today"),
    ("is_in_days", 0, "soon", False, "x is today"),
    # Before the year 1, as an epoch number: no day that anybody means, and nothing that throws.
    ("is_in_days", 0, -63_000_000_000, False, "x is today"),
    ("anniversary_in", 0, -99_000_000_000_000, False, "x has its anniversary today"),
    ("is_in_days", 0, None, False, "x is today"),
    ("anniversary_in", 0, "1990-11-02", True, "x has its anniversary today"),
    ("anniversary_in", 0, "1990-11-03", False, "x has its anniversary today"),
    ("anniversary_in", 0, "--11-02", True, "x has its anniversary today"),
    ("anniversary_in", 0, "11-02", True, "x has its anniversary today"),
    ("anniversary_in", 0, "0000-11-02", True, "x has its anniversary today"),
    ("anniversary_in", 0, "2026-11-02", False, "x has its anniversary today"),
    ("anniversary_in", 0, "2030-11-02", False, "x has its anniversary today"),
    ("anniversary_in", 14, "1990-11-16", True, "x has its anniversary in 14 days"),
    ("anniversary_in", [0, 30], "1990-12-02", True, "x has its anniversary within the next 30 days"),
    ("anniversary_in", -3, "1990-10-30", True, "x has its anniversary 3 days ago"),
    ("anniversary_in", [60, 180], "1990-01-05", True, "x has its anniversary between in 60 days and in 180 days"),
    ("anniversary_in", 0, "1990-02-30", False, "x has its anniversary today"),
    ("anniversary_in", 0, True, False, "x has its anniversary today"),
    ("near", LISBON, {"lat": 38.80, "lng": -9.38}, True, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, {"latitude": 38.72, "longitude": -9.14}, True, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, {"lat": 41.15, "lon": -8.61}, False, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, {"type": "Point", "coordinates": [-9.14, 38.72]}, True, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, [38.72, -9.14], True, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, "38.72, -9.14", True, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, {"lat": 38.72}, False, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, {"lat": 138.72, "lng": -9.14}, False, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, "Lisbon", False, "x is within 25 km of 38.72, -9.14"),
    ("near", LISBON, None, False, "x is within 25 km of 38.72, -9.14"),
]


@pytest.mark.parametrize(("operator", "operand", "value", "truth", "description"), VALUE_ROWS)
def test_an_operator_compares_an_attribute_and_a_property_alike(operator, operand, value, truth, description):
    verdict, sentence = judge({"attribute": "x", operator: operand}, x=value)
    assert (verdict.truth, sentence) == (truth, description)
    at_hand = View(Contact(""), NOW, event=an_event(x=value))
    verdict, sentence = judge({"property": "x", operator: operand}, at_hand)
    assert (verdict.truth, sentence) == (truth, description)


VIEW = View(
    Contact("c1"),
    NOW,
    enrollment=Enrollment("e1", "welcome", 1, NOW, "k", "s", None, marks={"hello": ("clicked",), "two": ("opened",)}),
    assumed=frozenset({"news"}),
)
ANA = {
    "segments": {"vip": NOW},
    "stage": Stage("lead", NOW),
    "persona": Persona("developer", NOW, 0.8),
    "handed": Handed("sales", NOW),
    "accounts": {"acme": Seat("buyer", NOW)},
    "identities": {"email:ana@example.com": NOW},
    "consents": {"offers": Consent(True, NOW), "sms": Consent(False, NOW)},
}
FACT_ROWS = [
    ({"segment": "vip"}, True, "is in the segment vip", {"segment:vip"}),
    ({"segment": ["new", "vip"]}, True, "is in the segment new or the segment vip", {"segment:new", "segment:vip"}),
    ({"segment": "vip", "is": False}, False, "is not in the segment vip", {"segment:vip"}),
    ({"segment": "new", "is": False}, True, "is not in the segment new", {"segment:new"}),
    ({"stage": "lead"}, True, "is at stage lead", {"stage", "stage:lead"}),
    ({"stage": ["mql", "sql"]}, False, "is at stage mql or sql", {"stage", "stage:mql", "stage:sql"}),
    ({"persona": "developer"}, True, "is most like the persona developer", {"persona", "persona:developer"}),
    (
        {"persona": ["buyer", "developer"], "is": False},
        False,
        "is not most like the persona buyer or the persona developer",
        {"persona", "persona:buyer", "persona:developer"},
    ),
    ({"handed_to": "sales"}, True, "was handed to sales", {"handover"}),
    ({"account_role": "buyer"}, True, "is buyer in an account", {"account_role"}),
    ({"account_role": ["owner", "user"], "is": False}, True, "is not owner or user in any account", {"account_role"}),
    ({"best_channel": "email"}, True, "is reached best by email", {"best_channel:email"}),
    ({"best_channel": "phone", "is": False}, True, "is not reached best by phone", {"best_channel:phone"}),
    ({"consent": "offers"}, True, "consents to the topic offers", {"consent:offers"}),
    ({"consent": "sms"}, False, "consents to the topic sms", {"consent:sms"}),
    (
        {"consent": "never-asked", "is": False},
        True,
        "does not consent to the topic never-asked",
        {"consent:never-asked"},
    ),
    ({"consent": "news"}, True, "consents to the topic news", {"consent:news"}),
    ({"opened": "two"}, True, "opened two", {"mark:two"}),
    ({"opened": "hello"}, True, "opened hello", {"mark:hello"}),
    ({"opened": "three", "is": False}, True, "did not open three", {"mark:three"}),
    ({"clicked": "hello"}, True, "clicked in hello", {"mark:hello"}),
    ({"clicked": "two"}, False, "clicked in two", {"mark:two"}),
    ({"clicked": "two", "is": False}, True, "did not click in two", {"mark:two"}),
]


@pytest.mark.parametrize(
    ("topic", "yes", "no_to_everything", "truth"),
    [
        ("offers", NOW - 1, NOW, False),
        ("offers", NOW, NOW, False),
        ("offers", NOW + 1, NOW, True),
        ("news", None, NOW, False),  # silence counts as a yes there, until everything is refused
        ("news", None, None, True),
    ],
)
def test_a_refusal_of_everything_outranks_an_older_yes_to_a_topic(topic, yes, no_to_everything, truth):
    contact = Contact("c1")
    if yes:
        contact.consents[topic] = Consent(True, yes)
    if no_to_everything:
        contact.consents[EVERY_TOPIC] = Consent(False, no_to_everything)
    view = View(contact, NOW, assumed=frozenset({"news"}))
    assert parse_predicate({"consent": topic}).evaluate(view).truth is truth


@pytest.mark.parametrize(("document", "truth", "description", "reads"), FACT_ROWS)
def test_a_fact_is_so_or_not_and_time_alone_does_not_change_it(document, truth, description, reads):
    predicate = parse_predicate(document, JOURNEY)
    assert predicate.evaluate(VIEW._replace(contact=replace(VIEW.contact, **ANA))) == Verdict(truth, inf)
    assert (predicate.describe(), predicate.reads) == (description, reads)


def test_every_word_of_every_table_has_a_row_here():
    assert {row[0] for row in VALUE_ROWS} == set(OPERATORS)
    assert {key for row in FACT_ROWS for key in row[0] if key != "is"} == set(FACTS)
    told = {"all", "any", "not", "attribute", "property", "event", "message", "score", "grade", "matrix"}
    told |= {"account", "engaged_roles"}
    assert set(SUBJECTS) == told | set(FACTS)
    assert {key for row in MEASURE_ROWS for key in row[0]} >= {*AGGREGATES, "first", "last", "when", "most"}
    assert {row[0]["message"] for row in MESSAGE_ROWS} == set(FATES)


ORDERS = [an_event(time=NOW - days * DAY, total=total) for days, total in ((40, 90), (20, 20), (5, 60), (1, 10))]


@pytest.mark.parametrize(
    ("document", "truth", "turns_at", "description"),
    [
        ({}, True, inf, "did Order Completed"),
        ({"within": "P1D"}, False, inf, "did Order Completed within the last 1 day"),
        ({"within": "P30D"}, True, NOW + 29 * DAY, "did Order Completed within the last 30 days"),
        ({"at_least": 3, "within": "P30D"}, True, NOW + 10 * DAY,
         "did Order Completed at least 3 times within the last 30 days"),
        ({"at_least": 4, "within": "P30D"}, False, inf, "did Order Completed at least 4 times within the last 30 days"),
        ({"at_least": 4}, True, inf, "did Order Completed at least 4 times"),
        ({"at_most": 3, "within": "P30D"}, True, inf, "did Order Completed at most 3 times within the last 30 days"),
        ({"at_most": 1, "within": "P30D"}, False, NOW + 25 * DAY,
         "did Order Completed at most once within the last 30 days"),
        ({"exactly": 3, "within": "P30D"}, True, NOW + 10 * DAY,
         "did Order Completed exactly 3 times within the last 30 days"),
        ({"exactly": 2, "within": "P30D"}, False, NOW + 10 * DAY,
         "did Order Completed exactly 2 times within the last 30 days"),
        ({"never": True}, False, inf, "did not do Order Completed"),
        ({"never": True, "within": "P3D"}, False, NOW + 2 * DAY, "did not do Order Completed within the last 3 days"),
        ({"where": {"property": "total", "gte": 50}, "exactly": 2}, True, inf,
         "did Order Completed (total is at least 50) exactly 2 times"),
    ],
)  # fmt: skip
def test_events_are_counted_ever_or_within_a_window(document, truth, turns_at, description):
    verdict, sentence = judge({"event": "Order Completed", **document}, events=ORDERS)
    assert (verdict, sentence) == ((truth, turns_at), description)


MEASURE_ROWS = [
    ({"sum": "total", "gte": 180}, True, inf, "the sum of total of Order Completed is at least 180"),
    (
        {"sum": "total", "gt": 70, "within": "P30D"},
        True,
        NOW + 10 * DAY,
        "the sum of total of Order Completed within the last 30 days is more than 70",
    ),
    (
        {"sum": "total", "lt": 61, "within": "P6D"},
        False,
        NOW + DAY,
        "the sum of total of Order Completed within the last 6 days is less than 61",
    ),
    ({"sum": "items.price", "gte": 10}, False, inf, "the sum of items.price of Order Completed is at least 10"),
    ({"sum": "items.price", "lte": 0}, True, inf, "the sum of items.price of Order Completed is at most 0"),
    ({"average": "total", "gte": 45}, True, inf, "the average total of Order Completed is at least 45"),
    (
        {"average": "total", "gte": 30, "within": "P10D"},
        True,
        NOW + 5 * DAY,
        "the average total of Order Completed within the last 10 days is at least 30",
    ),
    ({"average": "nothing", "lt": 5}, False, inf, "the average nothing of Order Completed is less than 5"),
    ({"highest": "total", "gte": 90}, True, inf, "the highest total of Order Completed is at least 90"),
    (
        {"highest": "total", "lt": 60, "within": "P30D"},
        False,
        NOW + 25 * DAY,
        "the highest total of Order Completed within the last 30 days is less than 60",
    ),
    (
        {"lowest": "total", "lte": 10, "within": "P2D"},
        True,
        NOW + DAY,
        "the lowest total of Order Completed within the last 2 days is at most 10",
    ),
    ({"first": "total", "is": 90}, True, inf, "total of the first Order Completed is 90"),
    (
        {"last": "total", "lt": 20, "within": "P3D"},
        True,
        NOW + 2 * DAY,
        "total of the last Order Completed is less than 20, and that was within the last 3 days",
    ),
    ({"last": "total", "gt": 20}, False, inf, "total of the last Order Completed is more than 20"),
    (
        {"first": "total", "is": 90, "within": "P30D"},
        False,
        inf,
        "total of the first Order Completed is 90, and that was within the last 30 days",
    ),
    ({"last": "coupon", "exists": False}, True, inf, "coupon of the last Order Completed is not known"),
    (
        {"when": "first", "before": "2026-10-01"},
        True,
        inf,
        "the first Order Completed is before 2026-10-01T00:00:00.000Z",
    ),
    (
        {"when": "last", "older_than": "P90D"},
        False,
        NOW + 89 * DAY,
        "the last Order Completed is more than 90 days ago",
    ),
    ({"most": "total", "is": 10}, True, inf, "total of most Order Completed is 10"),
    (
        {"most": "total", "is": 10, "within": "P30D"},
        True,
        NOW + 29 * DAY,
        "total of most Order Completed within the last 30 days is 10",
    ),
    ({"when": "last", "within_last": "P3D"}, True, NOW + 2 * DAY, "the last Order Completed is within the last 3 days"),
    (
        {"sum": "total", "gte": 100, "where": {"property": "total", "lt": 80}},
        False,
        inf,
        "the sum of total of Order Completed (total is less than 80) is at least 100",
    ),
]


@pytest.mark.parametrize(("document", "truth", "turns_at", "description"), MEASURE_ROWS)
def test_what_events_say_is_added_up_or_taken_from_the_first_and_the_last(document, truth, turns_at, description):
    verdict, sentence = judge({"event": "Order Completed", **document}, events=ORDERS)
    assert (verdict, sentence) == ((truth, turns_at), description)


def test_a_sum_takes_the_numbers_in_a_list_together_and_passes_over_what_is_none():
    bought = [
        an_event(time=NOW - DAY, items=[{"price": 0.1}, {"price": 0.2}, {"price": "9"}, {"price": True}]),
        an_event(time=NOW - 2 * DAY, items=[{"price": float("nan")}, {"price": 1e300}, {"price": 10**400}]),
    ]
    about = {"event": "Order Completed", "sum": "items.price"}
    assert judge({**about, "gte": 0.3}, events=bought)[0].truth
    assert not judge({**about, "gt": 0.3}, events=bought)[0].truth


def test_c60_no_purchase_for_90_days_turns_true_at_the_instant_at_which_it_becomes_so():
    lapsed = {"event": "Order Completed", "when": "last", "older_than": "P90D"}
    predicate = parse_predicate(lapsed)
    contact = a_contact(ORDERS, predicate.trackers)
    truth, turns_at = predicate.evaluate(View(contact, NOW))
    assert (truth, turns_at) == (False, NOW - DAY + 90 * DAY)
    assert predicate.evaluate(View(contact, turns_at)) == Verdict(True, inf)
    assert not predicate.evaluate(View(contact, nextafter(turns_at, 0.0))).truth
    assert not judge(lapsed)[0].truth, "who never bought has not lapsed"


def test_more_than_fifty_times_within_a_window_are_counted_by_whole_days():
    orders = [an_event(time=NOW - hours * 3_600) for hours in range(120)]
    document = {"event": "Order Completed", "at_least": 100, "within": "P10D"}
    predicate = parse_predicate(document)
    contact = a_contact(orders, predicate.trackers)
    truth, turns_at = predicate.evaluate(View(contact, NOW))
    assert truth
    # The hundredth newest is in a bucket: it leaves with the beginning of its day.
    hundredth = NOW - 99 * 3_600
    assert turns_at == hundredth // DAY * DAY + 10 * DAY
    assert predicate.describe() == "did Order Completed at least 100 times within the last 10 days"


def an_engagement(name, time=NOW, message="enr-1.hello", **said):
    return Event(f"{name}-{time}-{message}", name, time, time, properties={"message_id": message, **said})


MAILS = [
    an_engagement("Message Sent", NOW - 9 * DAY, email_id="hello", campaign_id="journey/welcome@1", channel="email"),
    an_engagement("Message Sent", NOW - 2 * DAY, "enr-2.ping", email_id="ping", campaign_id="journey/alerts@1",
                  channel="sms"),
    an_engagement("Email Delivered", NOW - 9 * DAY, email_id="hello", campaign_id="journey/welcome@1"),
    an_engagement("Email Opened", NOW - 9 * DAY, email_id="hello", campaign_id="journey/welcome@1", actor="machine"),
    an_engagement("Email Opened", NOW - 8 * DAY, email_id="hello", campaign_id="journey/welcome@1", actor="unknown"),
    an_engagement("Email Opened", NOW - 3 * DAY, email_id="hello", campaign_id="journey/welcome@1", actor="human"),
    an_engagement("Email Link Clicked", NOW - DAY, "spring.c1", email_id="sale", campaign_id="broadcast/spring",
                  actor="human"),
    an_engagement("Email Bounced", NOW - DAY, "enr-3.last", email_id="last", campaign_id="journey/welcome@2"),
    an_engagement("Email Marked as Spam", NOW - DAY, "enr-3.last", email_id="last", campaign_id="journey/welcome@2"),
    an_engagement("Message Skipped", NOW - DAY, "enr-4.skip", email_id="x", campaign_id="journey/a@2", channel="email"),
    an_engagement("Message Failed", NOW - DAY, "enr-5.fail", email_id="x", campaign_id="journey/a@2", channel="sms"),
]  # fmt: skip
MESSAGE_ROWS = [
    ({"message": "sent"}, True, inf, "was sent a message"),
    ({"message": "sent", "channel": "sms", "within": "P3D"}, True, NOW + DAY,
     "was sent a message by sms within the last 3 days"),
    ({"message": "sent", "exactly": 2}, True, inf, "was sent exactly 2 messages"),
    ({"message": "delivered", "template": ["hello", "ping"]}, True, inf,
     "received a message of the template hello or ping"),
    ({"message": "opened", "at_least": 2}, True, inf, "opened at least 2 messages"),
    ({"message": "opened", "at_least": 3}, False, inf, "opened at least 3 messages"),
    ({"message": "opened", "origin": "journey/welcome", "within": "P4D"}, True, NOW + DAY,
     "opened a message from journey/welcome within the last 4 days"),
    ({"message": "opened", "by": "human", "step": "hello", "within": "P4D"}, True, NOW + DAY,
     "opened a message of the step hello (surely a person) within the last 4 days"),
    ({"message": "clicked", "origin": "broadcast/spring"}, True, inf, "clicked in a message from broadcast/spring"),
    ({"message": "clicked", "template": "hello", "never": True}, True, inf,
     "clicked in no message of the template hello"),
    ({"message": "bounced", "at_most": 1}, True, inf, "bounced at most 1 message"),
    ({"message": "complained"}, True, inf, "complained about a message"),
    ({"message": "skipped", "at_least": 2}, False, inf, "was spared at least 2 messages"),
    ({"message": "failed", "channel": ["email"]}, False, inf, "could not be sent a message by email"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "truth", "turns_at", "description"), MESSAGE_ROWS)
def test_what_became_of_messages_counts_each_message_once(document, truth, turns_at, description):
    verdict, sentence = judge(document, events=MAILS)
    assert (verdict, sentence) == ((truth, turns_at), description)


def test_what_a_machine_did_counts_only_when_asked_for():
    opened = [
        an_engagement("Email Opened", actor="machine"),
        an_engagement("Email Opened", message="b", actor="unknown"),
    ]
    told = {by: judge({"message": "opened", "by": by, "at_least": n}, events=opened)[0].truth
            for by, n in (("people", 1), ("human", 1), ("anybody", 2))}  # fmt: skip
    assert told == {"people": True, "human": False, "anybody": True}


@pytest.mark.parametrize(
    ("value", "operand", "zone", "since", "until"),
    [
        # Whole days where the contact lives: Tokyo is nine hours ahead of UTC.
        ("2026-11-05", 0, "Asia/Tokyo", "2026-11-04T15:00:00Z", "2026-11-05T15:00:00Z"),
        ("2026-11-05T23:30:00Z", 0, "Asia/Tokyo", "2026-11-05T15:00:00Z", "2026-11-06T15:00:00Z"),
        ("2026-11-05T00:00:00+01:00", 0, "UTC", "2026-11-05T00:00:00Z", "2026-11-06T00:00:00Z"),
        # The account's zone counts where the contact's is not known, or is none.
        ("2026-11-05", 0, None, "2026-11-04T23:00:00Z", "2026-11-05T23:00:00Z"),
        ("2026-11-05", 0, "Mars/Olympus", "2026-11-04T23:00:00Z", "2026-11-05T23:00:00Z"),
        # Days have 25 hours when clocks go back.
        ("2027-10-31", 0, "Europe/Paris", "2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z"),
        ("2026-11-20", [7, 14], "UTC", "2026-11-06T00:00:00Z", "2026-11-14T00:00:00Z"),
    ],
)
def test_days_are_those_of_the_contacts_own_zone(value, operand, zone, since, until):
    predicate = parse_predicate({"attribute": "due", "is_in_days": operand})
    assert predicate.reads == {"attribute:due"} | CLOCK_FACTS
    view = View(a_contact(due=value, timezone=zone), NOW, timezone="Europe/Madrid")
    start, end = find_instant(since), find_instant(until)
    assert predicate.evaluate(view) == Verdict(False, start)
    assert predicate.evaluate(view._replace(now=start)) == Verdict(True, end)
    assert predicate.evaluate(view._replace(now=end)) == Verdict(False, inf)


@pytest.mark.parametrize(
    ("born", "days"),
    [
        ("2000-02-29", ["2027-02-28", "2028-02-29", "2029-02-28"]),
        ("--02-29", ["2027-02-28", "2028-02-29", "2029-02-28"]),
        # As journeys read it: people say that they were born on 29 February in whatever year.
        ("1990-02-29", ["2027-02-28", "2028-02-29", "2029-02-28"]),
        ("2026-12-31", ["2027-12-31", "2028-12-31", "2029-12-31"]),
        ("12-31", ["2026-12-31", "2027-12-31", "2028-12-31"]),
        ("2030-01-01", ["2031-01-01", "2032-01-01", "2033-01-01"]),
    ],
)
def test_an_anniversary_comes_each_year_and_29_february_on_the_28th_where_there_is_none(born, days):
    predicate = parse_predicate({"attribute": "born", "anniversary_in": 0})
    view, found = View(a_contact(born=born), NOW), []
    while len(found) < 3:
        truth, turns_at = predicate.evaluate(view)
        if truth:
            found.append(format_instant(view.now)[:10])
        view = view._replace(now=turns_at)
    assert found == days


def test_event_names_compare_without_case():
    assert judge({"event": "order completed", "at_least": 4}, events=ORDERS)[0].truth


def test_definitions_that_ask_about_the_same_events_share_a_memory():
    dear = {"property": "total", "gte": 50}
    documents = [
        {"event": "Order Completed", "where": dear, "at_least": 3, "within": "P9D"},
        {"event": "ORDER completed", "where": dear, "at_most": 3, "within": "P5D"},
        {"event": "Order Completed", "where": dear},
        {"event": "Order Completed"},
    ]
    trackers = [parse_predicate(document).trackers[0] for document in documents]
    assert [(tracker.keep, tracker.window) for tracker in trackers] == [
        (3, 9 * DAY),
        (4, 5 * DAY),
        (0, None),
        (0, None),
    ]
    assert len({tracker.tracker_id for tracker in trackers}) == 2
    assert all(len(tracker.tracker_id) == 8 for tracker in trackers)


@pytest.mark.parametrize(
    ("path", "operator", "operand", "truth"),
    [
        ("cart.total", "gte", 50, True),
        ("cart.missing.deeper", "exists", False, True),
        ("products.sku", "is", "B2", True),
        ("products.sku", "is", "C3", False),
        ("products.sku", "is_not", "C3", True),
        ("products.sku", "is_not", "B2", False),
        ("products.name", "contains", "shirt", True),
        ("products.tags", "contains", "sale", True),
        ("products.tags", "is", "new", True),
        ("products.price", "gt", 25, True),
        ("products.sku.deeper", "exists", True, False),
        ("cart", "exists", True, True),
        ("products.sku", "exists", False, False),
        ("products.missing", "exists", False, True),
        ("nothing.sku", "exists", False, True),
        ("nothing.sku", "is_not", "A1", True),
    ],
)
def test_a_dotted_path_leads_into_objects_and_through_lists(path, operator, operand, truth):
    values = {
        "cart": {"total": 50},
        "products": [
            {"sku": "A1", "name": "Blue Shirt", "tags": ["new"], "price": 20},
            {"sku": "B2", "name": "Hat", "tags": ["old", "sale"], "price": 30},
            {"name": "Gift card"},
            "not an object",
        ],
        "nothing": [],
    }
    view = View(Contact(""), NOW, event=an_event(**values))
    assert judge({"property": path, operator: operand}, view)[0].truth is truth
    assert judge({"attribute": path, operator: operand}, **values)[0].truth is truth
    assert parse_predicate({"attribute": path, operator: operand}).reads == {f"attribute:{path.split('.')[0]}"}


def test_a_sentence_has_the_words_of_a_name_and_the_document_its_letters():
    predicate = parse_predicate({"attribute": "company_size", "gte": 20})
    assert (predicate.describe(), predicate.reads) == ("company size is at least 20", {"attribute:company_size"})
    pattern = parse_predicate({"event": "Order Completed", "where": {"property": "items.unit_price", "gt": 5}})
    assert "items.unit price is more than 5" in pattern.describe()
    with pytest.raises(DefinitionError, match="company_size"):
        parse_predicate({"company_size": 20})


VIP, NEW, FRENCH = {"segment": "vip"}, {"segment": "new"}, {"attribute": "country", "is": "FR"}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"not": VIP}, "is not in the segment vip"),
        ({"not": {"not": FRENCH}}, "country is FR"),
        ({"not": FRENCH}, "not so: country is FR"),
        ({"not": {"any": [VIP, NEW]}}, "none of: is in the segment vip; is in the segment new"),
        ({"not": {"all": [VIP, FRENCH]}}, "not all of: is in the segment vip; country is FR"),
        ({"not": {"all": [VIP]}}, "is not in the segment vip"),
        (
            {"any": [FRENCH, {"all": [VIP, NEW]}]},
            "country is FR, or both is in the segment vip and is in the segment new",
        ),
        (
            {"all": [FRENCH, {"any": [VIP, {"all": [NEW, FRENCH]}]}]},
            "country is FR, and (is in the segment vip, or both is in the segment new and country is FR)",
        ),
        (
            {"any": [VIP, {"all": [NEW, FRENCH, VIP]}]},
            "is in the segment vip, or all of is in the segment new and country is FR and is in the segment vip",
        ),
    ],
)
def test_what_combines_is_a_plain_sentence(document, sentence):
    assert parse_predicate(document).describe() == sentence


def test_what_combines_reads_everything_that_its_members_read():
    document = {
        "all": [
            {"attribute": "country", "is": "FR"},
            {"any": [{"segment": "vip"}, {"not": {"event": "Refunded", "within": "P9D"}}]},
            {"score": "engagement", "gte": 60},
        ]
    }
    predicate = parse_predicate(document)
    (tracker,) = predicate.trackers
    assert predicate.reads == {"attribute:country", "segment:vip", f"tracker:{tracker.tracker_id}", "score:engagement"}
    assert predicate.describe() == (
        "country is FR, and either is in the segment vip or not so: did Refunded within the last 9 days, "
        "and score engagement is at least 60"
    )


@pytest.mark.parametrize(
    ("key", "members", "verdict"),
    [
        ("all", [(True, 5.0), (True, 3.0)], (True, 3.0)),
        ("all", [(False, 5.0), (True, 3.0)], (False, 5.0)),
        ("all", [(False, 5.0), (False, 9.0), (True, 1.0)], (False, 9.0)),
        ("all", [(False, 9.0), (False, 5.0)], (False, 9.0)),
        ("all", [(False, 5.0), (False, inf)], (False, inf)),
        ("any", [(False, 5.0), (False, 3.0)], (False, 3.0)),
        ("any", [(True, 5.0), (True, 7.0), (False, 1.0)], (True, 7.0)),
        ("any", [(False, 1.0), (True, inf)], (True, inf)),
    ],
)
def test_what_is_decided_stays_so_until_the_last_that_decides_turns(key, members, verdict):
    assert decide([Verdict(*member) for member in members], decisive=key == "any") == verdict


def test_a_score_that_nobody_has_defined_holds_nothing():
    assert judge({"score": "engagement", "lt": 60})[0] == Verdict(False)


def test_a_pattern_matches_an_event_by_its_name_and_its_properties():
    reader = Reader({"event": "Order Completed", "where": {"property": "total", "gte": 50}, "timeout": "PT1H"})
    reader.expect("timeout")
    pattern = read_pattern(reader)
    reader.finish()
    assert pattern.describe() == "Order Completed (total is at least 50)"
    assert pattern.matches(an_event("order COMPLETED", total=50))
    assert not pattern.matches(an_event(total=49))
    assert not pattern.matches(an_event("Order Refunded", total=50))


def test_a_pattern_takes_the_time_of_the_event_for_now():
    pattern = read_pattern(Reader({"event": "Booked", "where": {"property": "departs", "within_next": "P7D"}}))
    assert pattern.matches(an_event("Booked", NOW - 900 * DAY, departs=ago(895 * DAY)))
    assert not pattern.matches(an_event("Booked", NOW - 900 * DAY, departs=ago(890 * DAY)))


@pytest.mark.parametrize(
    ("document", "path", "sentence"),
    [
        ({}, "", "does not say what it is about; it needs one of "
         "all, any, not, attribute, event, message, score, grade, matrix, account, engaged_roles, segment, stage, "
         "persona, handed_to, account_role, consent"),
        ([], "", "must be an object with keys, not a list"),
        ({"atribute": "x", "is": 1}, "atribute", "unknown key 'atribute'; did you mean 'attribute'?"),
        ({"attribute": "x", "iss": 1}, "iss", "unknown key 'iss'; did you mean 'is'?"),
        ({"attribute": "x", "is": 1, "within": "P1D"}, "within", "unknown key 'within'; did you mean 'within_next'?"),
        ({"attribute": "x", "gt": 1, "lt": 5}, "",
         "compares by gt and lt at once; put each into an object of its own, within all"),
        ({"attribute": "x", "segment": "vip"}, "",
         "says attribute and segment at once; put each into an object of its own, within all or any"),
        ({"attribute": "x", "gt": "5"}, "gt", "must be a number, not text"),
        ({"attribute": "a..b", "is": 1}, "attribute", "must be a name, or up to ten names with dots between them"),
        ({"property": "x", "is": 1}, "property",
         "is not known in this place; known here: "
         "all, any, not, attribute, event, message, score, grade, matrix, account, engaged_roles, segment, stage, "
         "persona, handed_to, account_role, consent"),
        ({"event": "X", "where": {"attribute": "x", "is": 1}}, "where.attribute",
         "is not known in this place; known here: all, any, not, property"),
        ({"event": "X", "atleast": 2}, "atleast", "unknown key 'atleast'; did you mean 'at_least'?"),
        ({"event": "X", "at_least": 0}, "at_least", "must be a number between 1 and 1000000000"),
        ({"event": "X", "at_least": 1, "never": True}, "",
         "counts by at_least and never at once; put each into an object of its own, within all"),
        ({"message": "opened", "at_least": 52}, "at_least", "counts up to 50 different messages; choose less"),
        ({"message": "seen"}, "message",
         "must be one of sent, delivered, opened, clicked, bounced, complained, skipped, failed; "
         "did you mean 'sent'?"),
        ({"message": "opened", "origin": "welcome"}, "origin",
         "must name a journey or a broadcast, such as journey/welcome or broadcast/spring"),
        ({"message": "opened", "channel": "fax"}, "channel",
         f"must be one of {', '.join(CHANNELS)}, or a list of these"),
        ({"message": "opened", "by": "robots"}, "by", "must be one of people, human, anybody"),
        ({"event": "X", "sum": "total"}, "", "does not say how to compare; it needs one of gt, gte, lt, lte"),
        ({"event": "X", "sum": "total", "last": "total", "gt": 1}, "",
         "asks for sum and last at once; put each into an object of its own, within all"),
        ({"event": "X", "sum": "total", "gt": 1, "at_least": 2}, "at_least",
         "unknown key 'at_least'; known here: event, where, sum, within, gt, gte, lt, lte"),
        ({"event": "X", "when": "second", "after": "2026-01-01"}, "when", "must be one of first, last"),
        ({"event": "X", "sum": "total", "gt": 1, "within": "P401D"}, "within",
         "reaches back 400 days at most; leave it out to count the whole life"),
        ({"attribute": "x", "is_in_days": [7, 0]}, "is_in_days",
         "contradicts itself: 7 comes after 0; write the earlier day first"),
        ({"attribute": "x", "anniversary_in": [0, 200]}, "anniversary_in", "must lie between -180 and 180 days"),
        ({"attribute": "x", "anniversary_in": "today"}, "anniversary_in",
         "must be a whole number of days, or two: the first and the last, such as [0, 7]"),
        ({"attribute": "x", "near": {"lat": 91, "lng": 0, "km": 1}}, "near.lat", "must be a number between -90 and 90"),
        ({"attribute": "x", "near": "Lisbon"}, "near", "must be an object with keys, not text"),
        ({"event": "X", "within": "P401D"}, "within",
         "reaches back 400 days at most; leave it out to count the whole life"),
        ({"event": "X", "within": "30 days"}, "within",
         "'30 days' is not a duration; write for example PT15M, PT1H, P3D or P2W"),
        ({"score": "engagement", "is": 5}, "is", "unknown key 'is'; known here: score, band, gt, gte, lt, lte"),
        ({"segment": "VIP"}, "segment",
         "'VIP' is not an id; write lower-case letters, digits, - and _, such as 'vip'"),
        ({"all": []}, "all", "must be a list of 1 to 100 objects; there are 0"),
        ({"all": [{"segment": "a"}, {"any": [{"not": 3}]}]}, "all[1].any[0].not",
         "must be an object with keys, not a number"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_path(document, path, sentence):
    with pytest.raises(DefinitionError) as raised:
        parse_predicate(document)
    assert raised.value.mistakes == ((path, sentence),)


def test_all_mistakes_of_a_predicate_are_told_at_once():
    with pytest.raises(DefinitionError) as raised:
        parse_predicate({"any": [{"attribute": "x", "gt": "5"}, {"event": 5}, {"stage": ["lead", "Not One"]}]})
    assert [path for path, _ in raised.value.mistakes] == ["any[0].gt", "any[1].event", "any[2].stage"]


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (1_700_000_000, 1_700_000_000.0),
        (1_700_000_000_500, 1_700_000_000.5),
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-14", 1_699_920_000.0),
        (0, 0.0),
        (True, None),
        (float("nan"), None),
        (10**400, None),
        ("\ud800" * 10, None),
        ([], None),
    ],
)
def test_an_instant_is_a_text_or_a_number_of_seconds_or_milliseconds(value, instant):
    assert find_instant(value) == instant


# Laws

DAYS = st.integers(1, 40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["FR", "10"])
INSTANTS = st.integers(-50 * 24, 50 * 24).map(lambda hours: ago(hours * 3_600))
VALUES = st.recursive(
    SCALARS | INSTANTS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from("xyz"), v, max_size=3)
)
OPERANDS = {
    **dict.fromkeys(OPERATORS, st.integers(-5, 5) | st.sampled_from(["FR", "10", "x", "2026-11-02"]) | st.booleans()),
    **dict.fromkeys(["in", "not_in"], st.lists(st.integers(-5, 5) | st.sampled_from(["FR"]), min_size=1, max_size=3)),
    **dict.fromkeys(["starts_with", "ends_with"], st.sampled_from(["F", "1", "é"])),
    **dict.fromkeys(["gt", "gte", "lt", "lte"], st.integers(-5, 5) | st.floats(-1e6, 1e6)),
    **dict.fromkeys(["before", "after"], INSTANTS),
    **dict.fromkeys(["within_last", "not_within_last", "within_next", "older_than"], DAYS.map("P{}D".format)),
    **dict.fromkeys(["is_in_days", "anniversary_in"], st.tuples(st.integers(-90, 0), st.integers(0, 90)).map(list)),
    "near": st.builds(lambda lat, km: {"lat": lat, "lng": 10, "km": km}, st.integers(-90, 90), st.integers(1, 9_000)),
    "contains_all": st.lists(st.sampled_from(["FR", "10"]), min_size=1, max_size=2),
    "exists": st.booleans(),
}
COMPARED = st.sampled_from(sorted(OPERATORS)).flatmap(lambda key: st.fixed_dictionaries({key: OPERANDS[key]}))
PATHS = st.sampled_from(["x", "y", "x.y", "y.z.x"])
ATTRIBUTES = st.builds(lambda path, compared: {"attribute": path, **compared}, PATHS, COMPARED)
TIMED = st.builds(
    lambda path, key, days: {"attribute": path, key: f"P{days}D"},
    st.sampled_from("tuv"),
    st.sampled_from(["within_last", "not_within_last", "within_next", "older_than"]),
    DAYS,
) | st.builds(
    lambda path, key, first, length: {"attribute": path, key: [first, first + length]},
    st.sampled_from("tuv"),
    st.sampled_from(["is_in_days", "anniversary_in"]),
    st.integers(-90, 90),
    st.integers(0, 90),
)  # fmt: skip
HAPPENED = st.builds(
    lambda key, n, days, where: {
        "event": "Ordered",
        key: n if key != "never" else n > 2,
        **({"within": f"P{days}D"} if days else {}),
        **({"where": {"property": "total", "gte": 50}} if where else {}),
    },
    st.sampled_from(["at_least", "at_most", "exactly", "never"]),
    st.integers(1, 4),
    st.none() | DAYS,
    st.booleans(),
)
WITHIN = (st.none() | DAYS | st.just(1)).map(lambda days: {"within": f"P{days}D"} if days else {})
MEASURED = st.builds(
    lambda key, compared, within: {"event": "Ordered", key: "total", **compared, **within},
    st.sampled_from(sorted(AGGREGATES)),
    st.builds(lambda key, n: {key: n}, st.sampled_from(["gt", "gte", "lt", "lte"]), st.integers(-50, 250)),
    WITHIN,
) | st.builds(
    lambda key, compared, within: {"event": "Ordered", key: "total", **compared, **within},
    st.sampled_from(["first", "last"]),
    COMPARED,
    WITHIN,
) | st.builds(
    lambda which, key, days: {"event": "Ordered", "when": which, key: f"P{days}D"},
    st.sampled_from(["first", "last"]),
    st.sampled_from(["within_last", "not_within_last", "within_next", "older_than"]),
    DAYS,
)  # fmt: skip
ENGAGED = st.builds(
    lambda key, n, within, by: {"message": "opened", key: n if key != "never" else n > 2, **within, "by": by},
    st.sampled_from(["at_least", "at_most", "exactly", "never"]),
    st.integers(1, 4),
    WITHIN,
    st.sampled_from(["people", "human", "anybody"]),
)
SCORES = st.builds(
    lambda key, threshold: {"score": "warmth", key: threshold},
    st.sampled_from(["gt", "gte", "lt", "lte"]),
    st.integers(-10, 60) | st.floats(0, 60),
)
SIMPLE = st.sampled_from([{"segment": "vip"}, {"stage": "lead", "is": False}, {"consent": "news"}, {"opened": "hello"}])
DOCUMENTS = st.recursive(
    ATTRIBUTES | TIMED | HAPPENED | MEASURED | ENGAGED | SCORES | SIMPLE,
    lambda inner: st.one_of(
        st.dictionaries(
            st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=1
        ),
        st.builds(lambda member: {"not": member}, inner),
    ),
    max_leaves=6,
)
MOMENTS = st.integers(0, 50 * 1_440).map(lambda minutes: NOW - minutes * 60.0)
EVENTS = st.lists(
    st.builds(
        lambda time, total: an_event("Ordered", time, total=total), MOMENTS, st.sampled_from([10, 80, -30, 0.1, "x"])
    )
    | st.builds(
        lambda time, message, actor: an_engagement("Email Opened", time, message, actor=actor),
        MOMENTS,
        st.sampled_from(["a.1", "b.1", "c.1"]),
        st.sampled_from(["human", "machine", "unknown"]),
    ),
    max_size=8,
)
WARMTH = parse_score(
    {
        "kind": "score", "id": "warmth", "half_life": "P7D",
        "rules": [
            {"id": "orders", "event": "Ordered", "points": 12.5, "at_most": 30},
            {"id": "dear", "event": "Ordered", "where": {"property": "total", "gte": 50}, "points": -5},
            {"id": "recent", "if": {"attribute": "t", "within_last": "P5D"}, "points": 8},
        ],
    }
)  # fmt: skip


@st.composite
def worlds(draw):
    predicate = parse_predicate(draw(DOCUMENTS), JOURNEY)
    events = draw(EVENTS)
    attributes = {name: draw(VALUES) for name in "xyz"} | {name: draw(INSTANTS) for name in "tuv"}
    contact = a_contact(events, predicate.trackers, **attributes)
    contact.scores["warmth"] = dict(WARMTH.recompute(events))
    return predicate, View(contact, NOW, {"warmth": WARMTH}, assumed=frozenset(["news"]))


@settings(max_examples=150)
@given(worlds(), st.lists(st.floats(0, 1), max_size=4), st.floats(0, 3 * DAY))
def test_the_next_wake_is_never_late(world, fractions, later):
    predicate, view = world
    for _ in range(4):
        truth, turns_at = predicate.evaluate(view)
        assert turns_at > view.now
        end = min(turns_at, view.now + 200 * DAY)
        moments = [view.now + fraction * (end - view.now) for fraction in fractions]
        for moment in (nextafter(end, 0.0), end - 0.01, end - 61, view.now + later, *moments):
            if view.now <= moment < end:
                assert predicate.evaluate(view._replace(now=moment)).truth is truth
        if turns_at == inf:
            break
        view = view._replace(now=turns_at)


@given(DOCUMENTS)
def test_every_predicate_describes_itself_and_says_what_it_reads(document):
    predicate = parse_predicate(document, JOURNEY)
    assert predicate.describe()
    assert predicate.reads
    assert parse_predicate(json.loads(json.dumps(document)), JOURNEY).describe() == predicate.describe()


@given(DOCUMENTS, EVENTS, st.randoms(use_true_random=False))
def test_a_verdict_does_not_depend_on_the_order_of_arrival(document, events, random):
    predicate = parse_predicate(document, JOURNEY)
    verdicts = set()
    for arrived in (events, sorted(events, key=lambda event: event.time), random.sample(events, len(events))):
        contact = a_contact(arrived, predicate.trackers, t=ago(DAY), u=ago(9 * DAY), v=ago(-DAY))
        contact.scores["warmth"] = dict(WARMTH.recompute(arrived))
        verdicts.add(predicate.evaluate(View(contact, NOW, {"warmth": WARMTH})))
    assert len(verdicts) == 1


def brute_force(document, events, now):
    """The truth of a leaf about events, by its definition and without any memory."""
    if "message" in document:
        kinds = {"people": ("human", "unknown"), "human": ("human",), "anybody": ("human", "unknown", "machine")}
        found = [e for e in events if e.name == "Email Opened" and e.properties["actor"] in kinds[document["by"]]]
        last = {e.properties["message_id"]: e.time for e in sorted(found, key=lambda e: e.time)}
        times = list(last.values())
    else:
        where = document.get("where")
        found = [e for e in events if e.name == "Ordered"]
        if where:
            found = [e for e in found if isinstance(e.properties["total"], int | float) and e.properties["total"] >= 50]
        times = [e.time for e in found]
    window = int(document["within"][1:-1]) * DAY if "within" in document else inf
    compare = {"gt": float.__gt__, "gte": float.__ge__, "lt": float.__lt__, "lte": float.__le__}
    for key, measure in (("sum", sum), ("average", lambda v: sum(v) / len(v)), ("highest", max), ("lowest", min)):
        if key in document:
            values = [e.properties["total"] for e in found if e.time + window > now]
            values = [round(value * 10_000) for value in values if isinstance(value, int | float)]
            (way,) = set(document) & set(compare)
            if not values and key != "sum":
                return False
            return compare[way](float(measure(values) / 10_000 if values else 0), float(document[way]))
    count = sum(time + window > now for time in times)
    (way,) = set(document) & {"at_least", "at_most", "exactly", "never"}
    n = document[way]
    return {"at_least": count >= n, "at_most": count <= n, "exactly": count == n, "never": (count == 0) is n}[way]


COUNTED = HAPPENED | ENGAGED | MEASURED.filter(lambda document: set(document) & set(AGGREGATES))


@settings(max_examples=120)
@given(COUNTED, EVENTS, st.integers(0, 60 * 1_440))
def test_what_is_remembered_answers_like_a_look_at_the_whole_timeline(document, events, minutes):
    now = NOW + minutes * 60.0
    predicate = parse_predicate(document)
    contact = a_contact(events, predicate.trackers)
    assert predicate.evaluate(View(contact, now)).truth is brute_force(document, events, now)


MANY = st.lists(
    st.builds(lambda time: an_event("Ordered", time, total=80), MOMENTS),
    min_size=3,
    max_size=8,
    unique_by=lambda e: e.time,
)


@settings(max_examples=300)
@given(
    # Whatever there is, and what counts over a window, of which there is much.
    st.tuples(DOCUMENTS, EVENTS) | st.tuples(HAPPENED.filter(lambda document: "within" in document), MANY),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 60 * 1_440), max_size=4),
)
def test_predicates_evaluated_incrementally_equal_a_recomputation_from_the_timeline(case, random, later):
    document, events = case
    predicate = parse_predicate(document, JOURNEY)
    told = a_contact(random.sample(events, len(events)), predicate.trackers, t=ago(DAY), u=ago(9 * DAY), v=ago(-DAY))
    for now in (NOW, *(NOW + minutes * 60.0 for minutes in later)):
        anew = replace(told, behaviour={})
        for tracker_id, tracker in combine_trackers(predicate.trackers).items():
            memory = recompute(tracker, events, now)
            if memory is not None:
                anew.behaviour[tracker_id] = memory
        for view in (View(told, now, {"warmth": WARMTH}), View(told, now, {"warmth": WARMTH}, timezone="Asia/Tokyo")):
            assert predicate.evaluate(view) == predicate.evaluate(view._replace(contact=anew))


@given(DOCUMENTS)
def test_a_denied_predicate_is_the_opposite_and_turns_at_the_same_instant(document):
    view = View(Contact("c1", attributes={"t": Attribute(ago(DAY), NOW, True)}), NOW, {"warmth": WARMTH})
    truth, turns_at = parse_predicate(document, JOURNEY).evaluate(view)
    assert parse_predicate({"not": document}, JOURNEY).evaluate(view) == (not truth, turns_at)


KEYS = st.sampled_from([*SUBJECTS, *OPERATORS, "at_least", "never", "where", "within", "is"]) | st.text(max_size=5)
JSON = st.recursive(
    SCALARS | st.sampled_from(["P3D", "vip", "2026-11-02"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=150)
@given(JSON, st.sampled_from([CONTACT, EVENT, JOURNEY]))
def test_any_json_is_a_predicate_or_a_definition_error(document, allow):
    try:
        told = parse_predicate(document, allow).describe()
    except DefinitionError as error:
        told = str(error)
    assert told


@settings(max_examples=150)
@given(ATTRIBUTES | TIMED, VALUES, VALUES)
def test_no_value_makes_an_evaluation_raise(document, x, y):
    predicate = parse_predicate(document)
    contact = a_contact(x=x, y=y, t=x, u=y)
    assert predicate.evaluate(View(contact, NOW)).truth in (True, False)


def test_a_broken_predicate_reads_as_never():
    assert NEVER.evaluate(View(Contact(""), NOW, scores={"x": WARMTH})) == Verdict(False)
    assert NEVER.describe() == "never"

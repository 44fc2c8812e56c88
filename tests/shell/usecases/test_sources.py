"""Ids belong to who gave them: with a public key nobody can write over, or use up, what a server says."""

import json
from dataclasses import replace

import pytest

from postroad.tracking.packing import pack
from postroad_aws import clock, queues, runs
from postroad_aws.storage import definitions, keys, timeline
from postroad_aws.usecases.collect_events import DoorPorts, Taken, collect_events
from postroad_aws.usecases.process_events import Delivery, process_events
from postroad_aws.usecases.publish_definitions import publish_definitions

ANA = "user:ana-42"
# Both have the same id and time, which are all that a browser can forge of a key.
SAME = {"userId": "ana-42", "messageId": "order-1001", "timestamp": "2026-11-02T09:14:00Z"}
ORDER = {**SAME, "event": "Order Completed", "properties": {"total": 50}}
FORGED = {**SAME, "event": "Nothing"}


@pytest.fixture(params=["demo-browser", "demo-server"])
def browser(request):
    """A public key, whose source may even have the name of the server's."""
    keys.save_key("demo-browser-key", keys.Key("write", request.param, trusted=False))
    return "demo-browser-key"


def post(account, key, call):
    """Send a call to the tracking API, and fold what comes of it."""
    door = DoorPorts(keys=keys, queues=queues, clock=clock)
    body = json.dumps(call).encode()
    assert collect_events(door, "/v1/track", {"authorization": f"Bearer {key}"}, {}, body) == Taken(1, 0)
    account.fold_arrived()


def turn_the_ring(account):
    for _ in range(3):
        account.fold(*[account.event("Ping", ANA) for _ in range(100)])
    account.advance(1_300)
    account.fold(*[account.event("Ping", ANA) for _ in range(40)])
    assert account.contact(ANA).ring.turned


def test_a_browser_does_not_write_over_the_row_of_a_server(account, browser):
    post(account, "demo-write-key", ORDER)
    post(account, browser, FORGED)
    assert sorted(account.names(ANA)) == ["Nothing", "Order Completed"]


def test_a_browser_that_is_first_does_not_make_a_servers_event_look_folded(account, browser):
    post(account, browser, FORGED)
    turn_the_ring(account)
    post(account, "demo-write-key", ORDER)
    assert "Order Completed" in account.names(ANA)


def test_what_is_published_afterwards_finds_both_in_the_timeline(account, browser):
    post(account, "demo-write-key", ORDER)
    post(account, browser, FORGED)
    large = {"event": "Order Completed", "where": {"property": "total", "gte": 10}}
    large_orders = {"kind": "segment", "id": "large-orders", "name": "Large orders", "if": large}
    publish_definitions(definitions, runs, clock, {"segment/large-orders": large_orders})
    (message,) = pack([account.event("Page Viewed", ANA)])
    assert process_events(account.ports, [Delivery("receipt", message.group, message.body)]) == []
    assert "large-orders" in account.contact(ANA).segments


def test_what_both_cause_is_kept_apart_too(account, browser):
    post(account, browser, {**ORDER, "properties": {"total": 1}})
    post(account, "demo-write-key", ORDER)
    rows = timeline.list_rows([account.contact(ANA).contact_id]).items
    events = [event for row in rows for event in (row.event, *row.caused)]
    assert len({event.key for event in events}) == len({event.short_hash for event in events}) == len(events)


def test_the_same_source_says_an_event_once_whatever_has_been_let_go(account):
    event = account.event("Order Completed", ANA, total=50)
    account.fold(event)
    turn_the_ring(account)
    folded = account.contact(ANA).events_folded
    account.fold(event, replace(event, properties={"total": 60}))
    assert account.contact(ANA).events_folded == folded

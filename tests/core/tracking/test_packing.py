"""What travels on the events queue comes out as it went in, in order, in messages that the queue takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.identities import Identity, group_of
from postroad.events import Event
from postroad.tracking.packing import BYTES_LIMIT, EVENTS_LIMIT, Packed, PackingError, pack, unpack
from postroad.tracking.quarantine import Reject

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
DOCUMENTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), VALUES, max_size=4)
IDENTITIES = st.lists(
    st.builds(Identity, st.sampled_from(["user", "email", "anon"]), st.sampled_from(["a", "b", "ü"])), max_size=3
).map(tuple)
EVENTS = st.builds(
    Event,
    event_id=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=100),
    name=st.sampled_from(["A", "B"]),
    time=st.floats(0, 4e9),
    key_time=st.floats(0, 4e9),
    identities=IDENTITIES,
    contact_id=st.sampled_from([None, "c1", "c2"]),
    previous=st.none() | st.just(Identity("anon", "old")),
    trusted=st.booleans(),
    source=st.sampled_from(["", "shop"]),
    attributes=DOCUMENTS,
    properties=DOCUMENTS,
    context=DOCUMENTS,
)
REJECTS = st.builds(
    Reject,
    st.text(st.characters(codec="ascii"), min_size=1, max_size=32),
    st.floats(0, 4e9),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.sampled_from(["", "shop"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
)


def event(event_id: str, who: str = "user:ana", **more: object) -> Event:
    kind, _, value = who.partition(":")
    return Event(event_id, "A", 1.0, 1.0, identities=(Identity(kind, value),), **more)  # type: ignore[arg-type]


@given(st.lists(EVENTS, max_size=30), st.lists(REJECTS, max_size=10))
def test_what_is_packed_is_unpacked(events, rejects):
    packed = [unpack(message.body) for message in pack(events, rejects)]
    assert sorted(map(repr, (e for p in packed for e in p.events))) == sorted(map(repr, events))
    assert [r for p in packed for r in p.rejects] == rejects


@given(st.lists(EVENTS, max_size=30))
def test_each_stream_keeps_its_order_in_messages_of_its_own(events):
    messages = pack(events, group="theirs")
    for message in messages:
        members = unpack(message.body).events
        assert {group_of(e.identities) if e.identities else "theirs" for e in members} == {message.group}
    for stream in {message.group for message in messages}:
        mine = [e for message in messages if message.group == stream for e in unpack(message.body).events]
        assert mine == [e for e in events if (group_of(e.identities) if e.identities else "theirs") == stream]


def test_a_stream_of_many_events_takes_several_messages():
    messages = pack([event(f"e{n}") for n in range(EVENTS_LIMIT + 1)])
    assert [len(unpack(message.body).events) for message in messages] == [EVENTS_LIMIT, 1]
    assert len({message.group for message in messages}) == 1
    assert len({message.deduplication_id for message in messages}) == 2


def test_no_message_is_larger_than_the_queue_takes():
    large = [event(f"e{n}", properties={"text": "é" * 15_000}) for n in range(20)]
    rejects = [Reject(f"r{n}", 1.0, "why", "s", '"\\' * 32_768) for n in range(5)]
    for message in pack(large, rejects):
        assert len(message.body) <= BYTES_LIMIT + 100
        assert message.body.isascii()


def test_characters_that_the_queue_refuses_travel_escaped():
    odd = event("e1", properties={"text": "\uffff\ufffe\x0b\x00"})
    (message,) = pack([odd])
    assert message.body.isprintable()
    assert unpack(message.body).events == (odd,)


def test_the_deduplication_id_names_all_events_in_order():
    ids = [pack([event(name) for name in names])[0].deduplication_id for names in (("a", "b"), ("b", "a"), ("a",))]
    assert len(set(ids)) == 3
    assert pack([event("a"), event("b")])[0].deduplication_id == ids[0]
    assert all(len(one) <= 128 and one.isascii() for one in ids)


def test_a_browser_cannot_take_the_place_of_a_server_in_the_queue():
    server, browser = pack([event("order-1", source="shop")]), pack([event("order-1", source="website")])
    assert server[0].deduplication_id != browser[0].deduplication_id


def test_events_that_know_only_their_contact_travel_in_the_group_they_are_given():
    opened = Event("o-1", "Email Opened", 1.0, 1.0, contact_id="c1")
    assert pack([opened], group="stream-1")[0].group == "stream-1"
    assert pack([opened])[0].group == "c1"


def test_rejects_do_not_share_one_group():
    rejects = [Reject(f"r{n}", 1.0, "why", "s", "") for n in range(200)]
    groups = {pack([], [reject])[0].group for reject in rejects}
    assert len(groups) == 16


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", "{}", "{", '"x"', '{"v":2,"kind":"events","events":[]}', '{"v":1,"kind":"others"}',
     '{"v":1,"kind":"events"}', '{"v":1,"kind":"events","events":[{}]}', '{"v":1,"kind":"events","events":[1]}',
     '{"v":1,"kind":"events","events":7}', '{"v":1,"kind":"rejects","rejects":[{"id":1}]}'],
)  # fmt: skip
def test_what_nobody_packed_is_refused(body):
    with pytest.raises(PackingError):
        unpack(body)


def test_the_body_is_a_versioned_document():
    document = json.loads(pack([event("e1")])[0].body)
    assert (document["v"], document["kind"], document["events"][0]["id"]) == (1, "events", "e1")
    assert unpack('{"v":1,"kind":"events","events":[]}') == Packed()


# Queue messages as earlier code packed them: what waits in the queue while functions change must be understood.
PACKED = {
    "a server's event": (
        '{"v":1,"kind":"events","events":[{"id":"e-1","name":"Signed Up","time":1793610840.123,"identities":'
        '[["user","ana"],["email","ana@example.com"]],"trusted":true,"source":"server","attributes":{"plan":"pro"},'
        '"properties":{"total":24.5},"context":{"page":{"url":"https://shop.example"}}}]}',
        Event(
            "e-1", "Signed Up", 1793610840.123, 1793610840.123,
            (Identity("user", "ana"), Identity("email", "ana@example.com")),
            trusted=True, source="server", attributes={"plan": "pro"}, properties={"total": 24.5},
            context={"page": {"url": "https://shop.example"}},
        ),
    ),
    "with a field of newer code": (
        '{"v":1,"kind":"events","new":1,"events":[{"id":"e-2","name":"Wake","time":1793610840.0,"contact_id":"c",'
        '"trusted":true,"source":"postroad","later":{"a":1}}]}',
        Event("e-2", "Wake", 1793610840.0, 1793610840.0, contact_id="c", trusted=True, source="postroad"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "event"), PACKED.values(), ids=PACKED.keys())
def test_g20_what_another_release_has_packed_is_unpacked(body: str, event: Event) -> None:
    assert list(unpack(body).events) == [event]

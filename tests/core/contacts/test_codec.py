"""How contacts and rows are stored: nothing is lost, little is spent, and what was stored once stays readable."""

import hashlib
import json
import zlib
from math import isclose
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroad.commits import Row
from postroad.contacts import codec
from postroad.contacts.codec import FormatError, decode_contact, decode_row, encode_contact, encode_row, stored_due
from postroad.contacts.contact import (
    Attribute,
    Consent,
    Contact,
    Enrollment,
    Handed,
    Passage,
    Persona,
    Points,
    Seat,
    Stage,
)
from postroad.contacts.fetches import Fetch
from postroad.contacts.identities import Identity
from postroad.contacts.ring import Ring
from postroad.decisions import Decision
from postroad.events import Event

T0 = 1_793_610_840.123

texts = st.text(max_size=12)
keys = st.text(min_size=1, max_size=8)
times = st.integers(946_684_800_000, 4_102_444_800_000).map(lambda ms: ms / 1000)
numbers = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(keys, values, max_size=3)


def by_key(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(keys, strategy, max_size=3)


def enrollments(journey: str) -> st.SearchStrategy[Enrollment]:
    return st.builds(
        Enrollment,
        enrollment_id=texts,
        journey=st.just(journey),
        version=st.integers(0, 99),
        entered=times,
        trigger_key=texts,
        step=texts,
        due=st.none() | times,
        state=st.sampled_from(["active", "completed", "failed"]),
        reason=texts,
        since=st.just(0.0) | times,
        marks=by_key(st.lists(texts, min_size=1, max_size=3).map(tuple)),
        visits=by_key(st.integers(1, 9)),
    )


rings = st.builds(
    Ring,
    st.lists(
        st.tuples(st.just(0) | st.integers(15_778_080, 68_374_080), st.binary(min_size=6, max_size=6)), max_size=3
    ).map(tuple),
    st.just(0.0) | times,
)
contacts = st.builds(
    Contact,
    contact_id=keys,
    version=st.integers(0, 10**6),
    created_at=times,
    revision=st.integers(0, 10**4),
    wake_at=st.none() | times,
    last_seen=st.just(0.0) | times,
    events_folded=st.integers(0, 10**6),
    identities=by_key(times),
    claims=st.lists(keys, max_size=2).map(frozenset),
    attributes=by_key(st.builds(Attribute, values, times, st.booleans())),
    frequency=st.sampled_from(["", "weekly", "monthly"]),
    erased_at=st.none() | times,
    consents=by_key(st.builds(Consent, st.booleans(), times, st.none() | times)),
    suppressions=by_key(texts),
    behaviour=by_key(values),
    scores=by_key(
        by_key(
            st.builds(
                Points, numbers, times, st.lists(st.tuples(st.integers(0, 99), numbers, times), max_size=2).map(tuple)
            )
        )
    ),
    stage=st.none() | st.builds(Stage, texts, times, texts),
    stages_before=st.lists(st.builds(Stage, texts, times, texts), max_size=2).map(tuple),
    persona=st.none() | st.builds(Persona, texts, times, st.floats(0, 1)),
    handed=st.none() | st.builds(Handed, texts, times),
    segments=by_key(times),
    turns=by_key(times),
    active=st.lists(keys.filter(lambda key: "/" not in key), max_size=2, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: enrollments(name) for name in names})
    ),
    passages=by_key(st.builds(Passage, st.integers(1, 9), times, st.none() | times, texts)),
    accounts=by_key(
        st.builds(
            Seat,
            texts,
            times,
            st.just(0.0) | times,
            st.booleans(),
            st.integers(0, 9),
            by_key(values),
            texts,
            st.lists(keys, max_size=2).map(tuple),
        )
    ),
    fetches=st.lists(st.builds(Fetch, times, texts, st.integers(-1, 99), texts), max_size=2).map(tuple),
    merged_from=st.lists(keys, max_size=2).map(tuple),
    dropped=st.lists(keys, max_size=2).map(tuple),
    ring=rings,
)


def decoded(contact: Contact, body: bytes) -> Contact:
    return decode_contact(
        contact.contact_id, contact.version, body, created_at=contact.created_at, wake_at=contact.wake_at
    )


@settings(max_examples=50)
@given(contacts)
@example(Contact("new", created_at=T0, last_seen=T0, identities={"anon:a": T0}))
@example(Contact("at once", created_at=T0, active={"j": Enrollment("e", "j", 1, T0, "k", "s", T0, since=T0)}))
@example(Contact("turned", created_at=T0, ring=Ring((), T0)))
def test_a_contact_comes_back_as_it_was_stored(contact: Contact) -> None:
    assert decoded(contact, encode_contact(contact)) == contact


@settings(max_examples=50)
@given(contacts, st.floats(0, 0.001))
def test_what_comes_back_is_stored_as_the_same_bytes(contact: Contact, more: float) -> None:
    contact.last_seen += more if contact.last_seen else 0.0
    contact.turns = {key: at + more for key, at in contact.turns.items()}
    body = encode_contact(contact)
    assert encode_contact(decoded(contact, body)) == body


@given(st.lists(st.sampled_from(["attributes", "behaviour", "segments"]), unique=True))
def test_what_is_empty_takes_no_space(filled: list[str]) -> None:
    values = {"attributes": {"a": Attribute(1, T0, True)}, "behaviour": {"t": [1]}, "segments": {"vip": T0}}
    contact = Contact("c", created_at=T0, **{name: values[name] for name in filled})  # type: ignore[arg-type]
    assert set(stored_document(encode_contact(contact))) == {
        {"attributes": "a", "behaviour": "m", "segments": "e"}[f] for f in filled
    }


def stored_document(body: bytes) -> dict[str, Any]:
    inflate = zlib.decompressobj(-13, codec._CONTACT_DICTIONARIES[body[0]])
    return dict(json.loads(inflate.decompress(body[1:]) + inflate.flush()))


def test_times_keep_their_milliseconds_and_no_more() -> None:
    contact = Contact("c", created_at=T0, segments={"vip": T0 + 86_400.000_4})
    assert decoded(contact, encode_contact(contact)).segments == {"vip": 1_793_697_240.123}


@given(st.floats(1e9, 4e9))
def test_a_wake_is_never_stored_earlier_than_it_was_armed_for(at: float) -> None:
    stored = stored_due(at)
    assert stored >= at
    assert isclose(stored, at, abs_tol=0.001_001)
    assert stored_due(stored) == stored


@given(st.floats(T0, T0 + 4e8))
def test_what_is_pending_is_read_back_as_the_instant_of_the_wake_that_is_armed_for_it(at: float) -> None:
    waiting = Enrollment("e", "j", 1, T0, "k", "s", at)
    contact = Contact("c", created_at=T0, turns={"segment/vip": at}, active={"j": waiting})
    read = decoded(contact, encode_contact(contact))
    assert (read.turns["segment/vip"], read.active["j"].due) == (stored_due(at), stored_due(at))


def test_fields_of_newer_code_survive_a_rewrite_by_older_code() -> None:
    newer = Contact("c", created_at=T0, extra={"later": {"caps": [1, 2]}})
    older = decoded(newer, encode_contact(newer))
    older.events_folded += 1
    assert decoded(older, encode_contact(older)).extra == {"later": {"caps": [1, 2]}}


def test_text_that_is_no_valid_unicode_can_be_stored() -> None:
    contact = Contact("c", created_at=T0, attributes={"name": Attribute("\ud800 Zoë 日本", T0, False)})
    assert decoded(contact, encode_contact(contact)) == contact


def test_a_body_of_an_unknown_format_is_refused_with_a_sentence() -> None:
    with pytest.raises(FormatError, match="format 99, which only newer code can read"):
        decoded(Contact("c"), b"\x63abc")
    with pytest.raises(FormatError, match="format none"):
        decode_row("c", "2026-11-02T09:14:00.000Z#e", b"")


def at(seconds: float) -> float:
    return round(T0 + seconds, 3)


UUIDS = ("21477386-06f2-4f7e-8702-09e0cd05ee57", "e8180a6b-d4f4-4a2a-bffc-d3c12ef89057")
TYPICAL = Contact(
    "Qm9vdHMgYW5kIGNhdHM0",
    version=14,
    created_at=T0,
    revision=12,
    wake_at=at(2_000_000.5),
    last_seen=at(1_739_967.741),
    events_folded=37,
    identities={
        "anon:5aa30016-5a67-436f-9b54-0d6b8f0be211": T0,
        "email:ana.garcia1984@gmail.com": at(721_989.3),
        "user:59141": at(721_989.3),
    },
    attributes={
        "email": Attribute("ana.garcia1984@gmail.com", at(721_989.3), True),
        "first_name": Attribute("Ana", at(721_989.3), True),
        "last_name": Attribute("García", at(721_989.3), True),
        "plan": Attribute("starter", at(1_696_361.083), True),
        "country": Attribute("ES", at(721_989.3), True),
        "timezone": Attribute("Europe/Madrid", T0, False),
    },
    consents={"offers": Consent(True, at(721_989.3))},
    behaviour={
        "PpeBjsuW": [1, 1_795_451_166.153, 1_795_451_166.153, 1_795_451_166.153],
        "pObtJOxj": [1, 1_796_295_079.363, 1_796_295_079.363, 1_796_295_079.363],
        "WAVtjy-o": [1, 1_794_891_505.431, 1_794_891_505.431, 1_794_891_505.431],
        "aXM6kkfV": [1, 1_795_699_530.922, 1_795_699_530.922, 1_795_699_530.922],
        "Kfs4jCLk": [2, 1_796_275_443.173, 1_796_475_401.5, 1_796_275_443.173, 1_796_475_401.5],
        "sWl3nt-1": [3, 1_795_524_779.805, 1_796_623_538.2, 1_795_524_779.805, 1_795_865_115.2, 1_796_623_538.2],
    },
    scores={"engagement": {"viewed": Points(12.5, at(1_756_685.591)), "ordered": Points(40.0, at(1_359_553.129))}},
    stage=Stage("customer", at(899_300.991)),
    segments={"vip": at(1_748_990.713), "active-30d": at(185_586.145), "cart-abandoners": at(1_756_624.268)},
    turns={"segment/active-30d": at(2_148_767.94), "segment/cart-abandoners": at(2_663_245.47)},
    active={
        journey: Enrollment(
            enrollment_id, journey, 3, entered, f"{key}#{uuid}", "reminder", round(entered + 86_400.0, 3),
            since=entered, marks={"welcome": ("opened",)}, visits={"grace": 1, "welcome": 1, "reminder": 1},
        )
        for journey, enrollment_id, entered, key, uuid in (
            ("welcome", "lEzxsiDqosf7", at(721_990.5), "2026-11-10T17:47:10.623Z", UUIDS[0]),
            ("abandoned-cart", "CEq2Sfy85Js4", at(1_188_335.868), "2026-11-16T03:19:35.991Z", UUIDS[1]),
        )
    },
    passages={"welcome": Passage(1, at(721_990.5), None, "active")},
    ring=Ring(((0, hashlib.sha384(b"old").digest()), (29_894_105, hashlib.sha256(b"young").digest()[:24]))),
)  # fmt: skip


def test_a_typical_contact_takes_one_write_unit() -> None:
    """Six attributes, three identities, three segments, two enrollments, six memories, twelve hashes."""
    item = encode_contact(TYPICAL)
    attributes = len("contact_id") + 20 + len("version") + 2 + len("shard") + 2 + len("created_at") + 9
    assert len(item) + attributes + len("wake_at") + 9 + len("body") < 1_000
    assert decoded(TYPICAL, item) == TYPICAL


events = st.builds(
    Event,
    event_id=keys,
    name=texts,
    time=times,
    key_time=times,
    identities=st.lists(st.builds(Identity, keys, texts), max_size=2).map(tuple),
    contact_id=st.none() | keys,
    previous=st.none() | st.builds(Identity, keys, texts),
    trusted=st.booleans(),
    source=texts,
    attributes=objects,
    properties=objects,
    context=objects,
)


@settings(max_examples=50)
@given(
    st.builds(
        Row,
        keys,
        events,
        st.lists(events, max_size=2).map(tuple),
        st.lists(st.builds(Decision, texts, texts, texts, texts), max_size=2).map(tuple),
    )
)
def test_a_row_comes_back_as_it_was_stored(row: Row) -> None:
    assert decode_row(row.contact_id, row.key, encode_row(row)) == row


def test_what_a_derived_event_shares_with_its_cause_is_not_stored_twice() -> None:
    cause = Event("e-1", "Order Completed", T0, T0 + 5, (Identity("user", "42"),), source="shop")
    caused = tuple(
        Event(f"e-1/{number}", "Segment Entered", T0, T0 + 5, contact_id="c", trusted=True) for number in range(2)
    )
    row = Row("c", cause, caused)
    assert decode_row("c", row.key, encode_row(row)) == row
    assert len(encode_row(row)) - len(encode_row(Row("c", cause))) < 20


def test_the_dictionaries_of_released_formats_never_change() -> None:
    """Whoever changes one makes every body stored with it unreadable: add a new format instead."""
    digests = codec.dictionary_digests(lambda data: hashlib.sha256(data).hexdigest()[:16])
    assert {f"{what} {form}": digest for what, form, digest in digests} == {
        "contact 1": "2d4349bb22d6d2a0",
        "row 1": "294de5990bd1c9e3",
    }


def test_bodies_stored_by_the_first_release_stay_readable() -> None:
    contact = decode_contact("c", 3, bytes.fromhex(FIRST_CONTACT), created_at=T0, wake_at=None)
    assert contact.attributes == {"plan": Attribute("starter", T0 + 60, True)}
    assert contact.segments == {"vip": T0 + 61}
    row = decode_row("c", "2026-11-02T09:14:00.123Z#e-1", bytes.fromhex(FIRST_ROW))
    assert row.event.name == "Order Completed"
    assert row.event.properties == {"total": 18.5}
    assert row.decisions == (Decision("segment/vip", "", "entered", "made at least 1 Order Completed"),)


FIRST_CONTACT = "01ab8604052cf4e1a59219d81586b1b5502f8233b1992150b0b61600"
FIRST_ROW = "018390586a6b9079d0ea1d58cc98d6ea40bd0af313c46d2871819a680c15d04d8d8dad0500"

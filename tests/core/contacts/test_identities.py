"""Identities in their normal form, and the ids made from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.identities import KINDS, Identity, contact_id_of, find_identity, group_of, parse_identity


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("email", " Ana@Example.COM ", "ana@example.com"),
        ("email", "ana+tag@mail.example.co", "ana+tag@mail.example.co"),
        ("email", "jürgen@Bücher.example", "jürgen@xn--bcher-kva.example"),
        ("phone", "+351 912 345 678", "+351912345678"),
        ("phone", "00351 (912) 345-678", "+351912345678"),
        ("user", 42, "42"),
        ("user", " u-1 ", "u-1"),
        ("user", "Ana", "Ana"),
        ("anon", "8f14e45f-ceea-467f-a9f0-1b1b1b1b1b1b", "8f14e45f-ceea-467f-a9f0-1b1b1b1b1b1b"),
    ],
)
def test_an_identity_is_brought_to_its_normal_form(kind, raw, value):
    assert find_identity(kind, raw) == Identity(kind, value)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        *[
            ("user", junk)
            for junk in ("", " ", "null", "NULL", "undefined", "NaN", "0", "-1", "[object Object]", 0, True)
        ],
        *[("user", junk) for junk in (None, 1.5, [], {}, "a\nb", "a\x00b", "x" * 256, "\ud800")],
        *[
            ("email", junk)
            for junk in ("ana", "@example.com", "ana@", "ana@example", "a b@example.com", "a@b@c.d", "<a@b.c>")
        ],
        *[
            ("email", junk)
            for junk in ("ana@example.com,bob@example.com", "x" * 65 + "@example.com", "a\u00a0b@example.com")
        ],
        *[
            ("phone", junk)
            for junk in (
                "912345678",
                "+0123456789",
                "+1",
                "+" + "1" * 16,
                "tel",
                "+1\u0663\u0664\u0665\u0666\u0667\u0668\u0669",
            )
        ],
        ("fax", "1"),
        ("", "x"),
    ],
)
def test_junk_names_nobody(kind, raw):
    assert find_identity(kind, raw) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("z@exämple.com", "z@xn--exmple-cua.com"),
        ("z@straße.de", "z@xn--strae-oqa.de"),
        ("z@βόλος.com", "z@xn--nxasmm1c.com"),
        ("z@exämple.com", "Z@EXÄMPLE.COM"),
        ("z@exa\u0308mple.com", "z@ex\u00e4mple.com"),
        ("ju\u0308rgen@example.com", "j\u00fcrgen@example.com"),
        ("a@\uff58.com", "a@x.com"),
        ("a@example\u3002com", "a@example.com"),
    ],
)
def test_two_spellings_of_one_mailbox_are_one_identity(one, other):
    assert one != other
    assert find_identity("email", one) == find_identity("email", other) is not None


@pytest.mark.parametrize(
    "address",
    ["a@b.", "a@x..com", ".a@x.com", "a.@x.com", "a..b@x.com", "a@-x.com", "a@x-.com", "a@.x.com", "a@x.c", "a@ü..com"],
)
def test_an_address_that_no_mail_can_go_to_names_nobody(address):
    assert find_identity("email", address) is None


@given(kind=st.sampled_from(KINDS), raw=st.text() | st.integers())
def test_a_normal_form_stays_as_it_is(kind, raw):
    found = find_identity(kind, raw)
    if found is not None:
        assert find_identity(found.kind, found.value) == found
        assert parse_identity(str(found)) == found


@given(st.text())
def test_what_is_no_identity_says_how_to_write_one(text):
    kind, _, value = text.partition(":")
    if find_identity(kind, value) is None:
        with pytest.raises(ValueError, match=r"email:ana@example\.com"):
            parse_identity(text)


def test_a_contact_id_is_the_same_for_the_same_key_only():
    ana = Identity("email", "ana@example.com")
    first = contact_id_of(ana, b"k" * 32)
    assert first == contact_id_of("email:ana@example.com", b"k" * 32)
    assert first != contact_id_of(ana, b"l" * 32)
    assert first != contact_id_of(Identity("user", "ana@example.com"), b"k" * 32)
    assert len(first) == 20
    assert "ana" not in first


def test_a_device_keeps_its_stream_through_sign_up():
    anon, user, email = Identity("anon", "d1"), Identity("user", "ana"), Identity("email", "ana@example.com")
    assert group_of((anon,)) == group_of((user, email, anon)) == group_of((anon, user))
    assert group_of((user,)) == group_of((user, email))
    assert group_of((email,)) != group_of((user,))
    assert "ana" not in group_of((user,))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ana@example.com", "ana+shop@example.com"),
        ("ana.lima@gmail.com", "analima@gmail.com"),
        ("ana@example.com", "\u0430na@example.com"),  # a Cyrillic letter that looks the same
        ("ana@paypal.com", "ana@p\u0430ypal.com"),
    ],
)
def test_f7_addresses_that_only_look_alike_are_two_people(one: str, other: str) -> None:
    found = find_identity("email", one)
    assert found is not None
    assert found != find_identity("email", other)

"""What a contact did with the latest messages: bounded, joined without a loss, and short where it is stored."""

from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.codec import decode_contact, encode_contact
from postroad.contacts.contact import Contact
from postroad.contacts.engagement import (
    ANSWERED,
    CLICKED,
    HOUR,
    MOST,
    NOTHING,
    OPENED,
    Sent,
    merge,
    note_reply,
    note_response,
    note_sent,
    short_name,
    take_back,
)

T0 = 1_793_610_000.0
H0 = int(T0 // HOUR)

_sents = st.builds(
    lambda hour, name, response, delay: Sent(H0 + hour, short_name(name), response, delay if response else 0),
    st.integers(-5_000, 9_000),
    st.text(max_size=3),
    st.sampled_from((NOTHING, OPENED, CLICKED, ANSWERED)),
    st.integers(0, 900),
)
_kept = st.dictionaries(
    st.sampled_from(("email", "sms", "phone")), st.lists(_sents, min_size=1, max_size=30), max_size=3
).map(lambda kept: merge(kept, {}))


def test_a_message_is_read_in_the_hour_of_the_first_opening_and_counts_by_the_strongest_response() -> None:
    kept = note_sent({}, "email", "enr.welcome", T0)
    assert kept["email"] == (Sent(H0, short_name("enr.welcome")),)
    kept = note_response(kept, "enr.welcome", T0 + 5 * HOUR, CLICKED)
    kept = note_response(kept, "enr.welcome", T0 + 2 * HOUR, OPENED)
    kept = note_response(kept, "enr.welcome", T0 + 9 * HOUR, OPENED)
    assert kept["email"] == (Sent(H0, short_name("enr.welcome"), CLICKED, 2),)
    assert kept["email"][0].read_at == H0 + 2


def test_a_response_goes_to_the_channel_that_its_message_took() -> None:
    kept = note_sent(note_sent({}, "email", "enr.mail", T0), "sms", "enr.text", T0)
    kept = note_response(kept, "enr.text", T0 + HOUR, CLICKED)
    assert [sent.response for sent in (*kept["email"], *kept["sms"])] == [NOTHING, CLICKED]


def test_of_a_message_that_nobody_remembers_the_hour_of_reading_is_kept() -> None:
    assert note_response({}, "old", T0, OPENED) == {"email": (Sent(H0, short_name("old"), OPENED),)}


def test_a_reply_answers_the_latest_message() -> None:
    kept = note_sent(note_sent({}, "sms", "a", T0), "sms", "b", T0 + HOUR)
    kept = note_reply(kept, "sms", T0 + 2 * HOUR)
    assert [sent.response for sent in kept["sms"]] == [NOTHING, ANSWERED]
    assert note_reply({}, "sms", T0) == {}


def test_a_message_that_came_to_nobody_does_not_count() -> None:
    kept = note_sent(note_sent({}, "email", "a", T0), "email", "b", T0)
    assert take_back(kept, "a") == {"email": (Sent(H0, short_name("b")),)}
    assert take_back(take_back(kept, "a"), "b") == {}
    assert take_back(kept, "unknown") == kept
    opened = note_response(kept, "a", T0, OPENED)
    assert take_back(opened, "a") == opened


def test_only_the_latest_messages_are_kept() -> None:
    kept: dict[str, tuple[Sent, ...]] = {}
    for number in range(3 * MOST):
        kept = note_sent(kept, "email", f"m{number}", T0 + number * HOUR)
    assert len(kept["email"]) == MOST
    assert kept["email"][-1].hour == H0 + 3 * MOST - 1


@given(_kept, _kept, _kept)
def test_who_joins_whom_and_in_which_order_does_not_matter(a: dict, b: dict, c: dict) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, a) == a


@given(_kept)
def test_it_is_stored_and_read_as_it_was(kept: dict) -> None:
    contact = Contact("ana", created_at=T0, engagement=kept)
    body = encode_contact(contact)
    assert decode_contact("ana", 1, body, created_at=T0, wake_at=None).engagement == kept


def test_a_full_memory_of_a_channel_takes_about_a_hundred_bytes() -> None:
    kept: dict[str, tuple[Sent, ...]] = {}
    for number in range(MOST):
        kept = note_sent(kept, "email", f"m{number}", T0 + number * 50 * HOUR)
        if number % 3 == 0:
            kept = note_response(kept, f"m{number}", T0 + (number * 50 + 7) * HOUR, OPENED)
    empty = len(encode_contact(Contact("ana", created_at=T0)))
    assert len(encode_contact(Contact("ana", created_at=T0, engagement=kept))) - empty < 150

"""How the console says times, numbers and people."""

from zoneinfo import ZoneInfo

import pytest

from functions.console import words
from postroad.contacts.contact import Attribute, Contact

NOW = 1_795_000_000.0
DAY = 86_400.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (5, "in a moment"),
        (-60, "1 minute ago"),
        (-3_599, "59 minutes ago"),
        (-7_200, "2 hours ago"),
        (2 * DAY, "in 2 days"),
        (-20 * DAY, "20 days ago"),
        (-22 * DAY, "3 weeks ago"),
        (-61 * DAY, "2 months ago"),
        (400 * DAY, "in 1 year"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds, said):
    assert words.relative(NOW + seconds, NOW) == said


def test_a_moment_is_said_where_the_business_is():
    assert words.absolute(1_795_000_000.0, ZoneInfo("Europe/Lisbon")) == "Wed 18 Nov 2026, 11:06"
    assert words.absolute(1_795_000_000.0, ZoneInfo("Asia/Tokyo")) == "Wed 18 Nov 2026, 20:06"


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0"), (12_480, "12,480"), (0.5, "0.5"), (25.859, "25.9"), (3.0, "3"), (1.97, "2")]
)
def test_numbers(number, said):
    assert words.number(number) == said


def test_instants_in_sentences_are_said_where_the_business_is():
    summer = "until 2026-07-28 23:03 UTC for Page Left"
    assert words.local(summer, ZoneInfo("Europe/Lisbon")) == "until Wed 29 Jul 2026, 00:03 for Page Left"
    assert words.local("opened 2026-07-28, 2026-99-99 10:00 UTC", ZoneInfo("Europe/Lisbon")) == (
        "opened 2026-07-28, 2026-99-99 10:00 UTC"
    )


def test_names_are_words():
    assert words.label("company_size") == "company size"
    assert words.label("_") == "_"


def test_shares():
    assert words.percent(0, 0) == words.NOTHING
    assert words.percent(42, 100) == "42 %"
    assert words.percent(1, 16) == "6.2 %"
    assert words.percent(0, 10) == "0 %"


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (None, words.NOTHING),
        (True, "yes"),
        (12.5, "12.5"),
        ({"name": "Acme", "size": 40}, "name: Acme, size: 40"),
        ([1, "b", {}], f"1; b; {words.NOTHING}"),
    ],
)
def test_a_value_has_no_braces(thing, said):
    assert words.value(thing) == said


def _contact(identities=(), **attributes):
    facts = {name: Attribute(value, NOW, True) for name, value in attributes.items()}
    return Contact("c1", identities=dict.fromkeys(identities, NOW), attributes=facts)


@pytest.mark.parametrize(
    ("contact", "name", "detail", "initials"),
    [
        (_contact(["email:a@x.example"], first_name="Ana", last_name="Marker"), "Ana Marker", "a@x.example", "AM"),
        (_contact(["email:a@x.example", "user:7"]), "a@x.example", "7", "A"),
        (_contact(["phone:+351912345678"]), "+351912345678", "", "+"),
        (_contact(["anon:z"]), "Anonymous visitor", "", "A"),
        (_contact(["user:7"], name=7), "7", "", "7"),
        (_contact(["user:7"], name="  "), "7", "", "7"),
        (_contact(["user:7"], name="•••"), "•••", "7", "?"),
    ],
)
def test_a_person_is_called_as_well_as_we_know(contact, name, detail, initials):
    who = words.person(contact)
    assert (who.name, who.detail, who.initials) == (name, detail, initials)


def test_sentences():
    assert words.sentence("did it") == "Did it."
    assert words.sentence("Done.") == "Done."
    assert words.sentence("") == ""

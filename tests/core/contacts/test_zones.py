"""Where a contact's clock stands."""

from importlib.resources import files
from itertools import groupby

import pytest

from postroad.contacts.contact import Attribute, Contact
from postroad.contacts.zones import (
    PREFIXES,
    ZONES,
    clock_of,
    country_of_phone,
    find_clock,
    find_country,
    possible_zones,
)
from postroad.local_time import find_zone


def contact(phone=None, **attributes):
    ana = Contact("contact-ana", attributes={name: Attribute(value, 0.0, True) for name, value in attributes.items()})
    if phone:
        ana.identities[f"phone:{phone}"] = 0.0
    return ana


@pytest.mark.parametrize(
    ("known", "zone", "because"),
    [
        ({"timezone": "Asia/Tokyo", "country": "FR"}, "Asia/Tokyo", "Asia/Tokyo"),
        ({"country": "FR"}, "Europe/Paris", "Europe/Paris, as in all of FR"),
        ({"country": " de "}, "Europe/Berlin", "Europe/Berlin, as in all of DE"),
        ({"address": {"country": "IN"}}, "Asia/Kolkata", "Asia/Kolkata, as in all of IN"),
        ({"phone": "+33612345678"}, "Europe/Paris", "Europe/Paris, as in all of FR"),
        ({"phone": "+12425551234"}, "America/Nassau", "America/Nassau, as in all of BS"),
        ({"timezone": "Mars/Base", "country": "JP"}, "Asia/Tokyo", "Asia/Tokyo, as in all of JP"),
    ],
)
def test_a_zone_is_what_is_said_else_that_of_a_country_that_has_one(known, zone, because):
    clock = find_clock(contact(**known))
    assert clock is not None
    assert (str(clock.zone), clock.because, clock.is_own) == (zone, because, True)


@pytest.mark.parametrize(
    "known",
    [
        {}, {"country": "US"}, {"country": "ES"}, {"country": "Francia"}, {"country": 7}, {"phone": "+15551234567"},
        {"phone": "612345678"}, {"address": "Paris"}, {"timezone": ["UTC"]},
    ],
)  # fmt: skip
def test_where_a_country_has_several_zones_or_is_not_known_nothing_is_derived(known):
    assert find_clock(contact(**known)) is None
    clock = clock_of(contact(**known), None, "Nowhere", "Europe/Lisbon")
    assert (str(clock.zone), clock.is_own) == ("Europe/Lisbon", False)
    assert str(clock_of(contact(**known)).zone) == "UTC"


def test_of_a_country_with_several_zones_the_outermost_are_known():
    assert [str(zone) for zone in possible_zones(contact(country="US"))] == ["Pacific/Honolulu", "America/New_York"]
    assert possible_zones(contact()) == ()


@pytest.mark.parametrize(
    ("number", "country"),
    [("+4915112345678", "DE"), ("+77011234567", "KZ"), ("+79161234567", "RU"), ("+18095551234", "DO"), ("+1212", None),
     ("+999", None), ("", None), ("+", None), ("0049151", None)],
)  # fmt: skip
def test_a_prefix_that_countries_share_tells_none(number, country):
    assert country_of_phone(number) == country


def test_a_stated_country_outranks_the_phone():
    assert find_country(contact(phone="+33612345678", country="BE")) == "BE"


def test_the_table_of_zones_is_that_of_the_tz_database():
    lines = (files("tzdata.zoneinfo") / "zone.tab").read_text().splitlines()
    pairs = sorted(line.split("\t")[0:3:2] for line in lines if not line.startswith("#"))
    known = {country: {zone for _, zone in group} for country, group in groupby(pairs, key=lambda pair: pair[0])}
    assert set(ZONES) == set(known) - {"AQ", "UM"}  # nobody lives there
    for country, zones in ZONES.items():
        assert set(zones) <= known[country]
        assert all(find_zone(zone) for zone in zones)
    for country in set(ZONES):
        if len(known[country]) == 1:
            assert set(ZONES[country]) == known[country]


def test_every_prefix_leads_to_a_country():
    assert set(PREFIXES.values()) <= set(ZONES)
    assert all(country_of_phone(f"+{prefix}000000") for prefix in PREFIXES)

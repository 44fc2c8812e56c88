"""Recommend products to somebody, or show again what they looked at and did not buy, each with the reason."""

from postroad.contacts.contact import Contact
from postroad.content.recommending import (
    MOST_PICKS,
    Pick,
    pick,
    pick_viewed,
    rank,
    seeds_of,
)
from postroad.content.tastes import taste_of
from postroad_aws.ports import Catalogue


def recommend_products(catalogue: Catalogue, contact: Contact, count: int = MOST_PICKS) -> list[Pick]:
    """At most `count` products that go with what the contact did, in stock and not bought; else what sells best."""
    taste = taste_of(contact)
    seeds = seeds_of(taste)
    ranked = rank(taste, catalogue.find_related(seeds) if seeds else {}, catalogue.find_best())
    return pick(ranked, catalogue.find_products([*ranked, *seeds]) if ranked else {}, count)


def show_viewed(catalogue: Catalogue, contact: Contact, count: int = MOST_PICKS) -> list[Pick]:
    """At most `count` products that the contact looked at lately and has not bought, in stock."""
    taste = taste_of(contact)
    return pick_viewed(taste, catalogue.find_products(taste.viewed) if taste.viewed else {}, count)

"""Learn from the newest contacts which products go together and which sell best."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from postroad.contacts.contact import Contact
from postroad.content.recommending import Learned, Product, learn
from postroad.content.tastes import Taste, taste_of
from postroad_aws.storage import Page

PEOPLE = 5_000
_PAGE = 100


class Contacts(Protocol):
    """What is touched of the contacts table."""

    def list_contacts(self, *, cursor: str | None = None, limit: int = 50) -> Page[Contact]: ...


class Products(Protocol):
    """What is touched of the catalogue."""

    def list_products(self, *, cursor: str | None = None, limit: int = 50) -> Page[Product]: ...

    def save_learned(self, learned: Learned, /) -> None: ...


class Lesson(NamedTuple):
    """How many people's deeds were learned from, and of how many products something was learned."""

    people: int
    products: int


def learn_products(contacts: Contacts, products: Products, most: int = PEOPLE) -> Lesson:
    """Learn from at most so many contacts, the newest, and keep what was learned; nothing without a catalogue."""
    if not products.list_products(limit=1).items:
        return Lesson(0, 0)
    tastes = [taste for taste in _tastes(contacts, most) if taste.viewed or taste.bought]
    learned = learn(tastes)
    products.save_learned(learned)
    return Lesson(len(tastes), len(learned.related))


def _tastes(contacts: Contacts, most: int) -> Iterator[Taste]:
    cursor, seen = None, 0
    while seen < most:
        page = contacts.list_contacts(cursor=cursor, limit=min(_PAGE, most - seen))
        seen += len(page.items)
        yield from map(taste_of, page.items)
        cursor = page.next
        if cursor is None:
            return

"""Passages side by side: a journey that asks for one passage `per` something, such as per product.

The event that starts it says what for, by a property of its own or by each element of a list; every value is the key of
a passage. Another event concerns a passage when it says the same key, there or by the last part of the name alone; one
that says none concerns all of them.
"""

from typing import Any, NamedTuple

from postroad.events import Event
from postroad.predicates.operators import walk

# So many passages of one journey a contact is under way in at the same time, and so many it remembers for re-entry.
MOST_AT_ONCE = 10
MOST_REMEMBERED = 50
_LONGEST = 100


class Per(NamedTuple):
    """The names that lead to the property: ("product_id",) or ("products", "product_id")."""

    path: tuple[str, ...]

    def find_keys(self, event: Event) -> tuple[str, ...]:
        """What an event speaks of, in its order; empty when it does not say."""
        name, *rest = self.path
        found = walk(event.properties.get(name), rest)
        if found is None and rest:
            found = event.properties.get(self.path[-1])
        values = found if isinstance(found, list | tuple) else [found]
        return tuple(dict.fromkeys(text for value in values if (text := _text(value))))

    def concerns(self, key: str, event: Event) -> bool:
        """Whether an event may move the passage of this key."""
        keys = self.find_keys(event)
        return not keys or key in keys

    def say(self, key: str) -> dict[str, Any]:
        """Properties by which an event speaks of this key."""
        name, *rest = self.path
        value: Any = key
        for part in reversed(rest):
            value = [{part: value}]
        return {name: value}

    def describe(self) -> str:
        return f"One passage for each {'.'.join(self.path)}"


def find_item(properties: dict[str, Any], key: str) -> dict[str, Any]:
    """What the passage of a key is about: the element of a list that says it, else all that the event says."""
    for value in properties.values() if key else ():
        for element in value if isinstance(value, list) else ():
            if isinstance(element, dict) and key in map(_text, element.values()):
                return element
    return properties


def _text(value: object) -> str:
    """A key is a short text, or a whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)[:_LONGEST]

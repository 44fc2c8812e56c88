"""Attributes: which word counts, and what finds room."""

from postroad import events as names
from postroad.contacts.contact import MAX_ATTRIBUTES, MAX_UNCONFIRMED, Attribute
from postroad.events import Event
from postroad.fold.folding import Folding

MAX_NAME = 200


def set_attributes(folding: Folding, event: Event) -> list[str]:
    """A confirmed word outranks an unconfirmed one, then the later word wins; null takes an attribute away."""
    facts = []
    for name, value in event.attributes.items():
        known = folding.contact.attributes.get(name)
        word = Attribute(value, event.time, event.trusted)
        if known and (known.confirmed, known.time) > (word.confirmed, word.time):
            continue
        if names.attribute_size(value) > names.ATTRIBUTE_LIMIT:
            folding.decide("contact", name, "not kept", f"an attribute takes at most {names.ATTRIBUTE_LIMIT} bytes")
            continue
        if len(name) > MAX_NAME:
            folding.decide("contact", name[:40], "not kept", f"an attribute's name has at most {MAX_NAME} characters")
            continue
        if known is None:
            facts += _make_room(folding, word)
            if not _has_room(folding, word):
                most = MAX_ATTRIBUTES if word.confirmed else MAX_UNCONFIRMED
                kind = "" if word.confirmed else " that no server has confirmed"
                folding.decide("contact", name, "not kept", f"a contact holds at most {most} attributes{kind}")
                continue
        folding.contact.attributes[name] = word
        if known is None or known.value != value:
            facts.append(f"attribute:{name}")
    return facts


def _has_room(folding: Folding, word: Attribute) -> bool:
    attributes = folding.contact.attributes
    unconfirmed = sum(not known.confirmed for known in attributes.values())
    return len(attributes) < MAX_ATTRIBUTES and (word.confirmed or unconfirmed < MAX_UNCONFIRMED)


def _make_room(folding: Folding, word: Attribute) -> list[str]:
    """Let a confirmed word, when all is full, have the room of the oldest unconfirmed one; facts that change."""
    attributes = folding.contact.attributes
    weak = [(known.time, name) for name, known in attributes.items() if not known.confirmed]
    if not (word.confirmed and weak and len(attributes) >= MAX_ATTRIBUTES):
        return []
    _, oldest = min(weak)
    del attributes[oldest]
    folding.decide("contact", oldest, "let go", "a confirmed attribute needs its room")
    return [f"attribute:{oldest}"]

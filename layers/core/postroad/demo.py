"""How demo data is told from all other: made-up people have an attribute, and a segment of the demo brand reads it."""

from postroad.contacts.contact import Contact

# The attribute, as a trusted source has set it, and the segment.
ATTRIBUTE = "demo_data"
SEGMENT = "demo-data"
# Who has sent the made-up events.
SOURCE = "demo-history"
# What the broadcasts that went to made-up people alone say of themselves.
NOTE = "Made up, like those who got it."


def is_made_up(contact: Contact) -> bool:
    """Whether a server has said so: what a browser says of somebody makes nobody demo data."""
    word = contact.attributes.get(ATTRIBUTE)
    return word is not None and word.confirmed and word.value is True


def counted_as(definition: str) -> str:
    """Under what the comings and goings of made-up people at a definition's places are counted once more."""
    return f"demo/{definition}"

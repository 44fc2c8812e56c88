"""How demo data is told from all other: made-up people have an attribute, and a segment of the demo brand reads it."""

# The attribute, as a trusted source has set it, and the segment.
ATTRIBUTE = "demo_data"
SEGMENT = "demo-data"
# Who has sent the made-up events.
SOURCE = "demo-history"


def counted_as(definition: str) -> str:
    """Under what the arrivals of made-up people at a definition's places are counted once more."""
    return f"demo/{definition}"

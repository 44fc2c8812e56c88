"""What the document of a built template says of how it was written (`building` makes it)."""

from collections.abc import Mapping
from typing import Any

# What was written in the place of what building has changed (null: nothing), the saved blocks that are in it, what it
# asks for beside what every template is given, and what must stay published while it is live: "coupon:spring".
SOURCE, BUILT_WITH, ASKS, NEEDS = BUILT_FROM = ("source", "built_with", "asks", "needs")

# The names of products that a template may ask for: those that are recommended, and those that somebody looked at.
RECOMMENDED, VIEWED = PRODUCTS = ("recommended", "viewed")


def as_written(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a template as somebody wrote it, before it was built."""
    source = document.get(SOURCE) or {}
    rest = {key: value for key, value in document.items() if key not in source and key not in BUILT_FROM}
    return rest | {key: value for key, value in source.items() if value is not None}

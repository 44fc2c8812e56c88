"""Which templates hold a saved block, and whether they hold what it says now."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from postroad.content.built import BUILT_WITH


class Use(NamedTuple):
    """A live template with a saved block in it, as the block was at `version`."""

    template_id: str
    name: str
    version: int


def find_uses(templates: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Use]]:
    """By the id of the block. `templates` are the live ones as they are stored, by their ids."""
    found: dict[str, list[Use]] = {}
    for template_id, document in sorted(templates.items()):
        for built in document.get(BUILT_WITH, ()):
            block_id, _, version = built.rpartition("@")
            name = str(document.get("name") or template_id)
            found.setdefault(block_id, []).append(Use(template_id, name, int(version)))
    return found

"""How strict the look at a mail before it is sent is: what the policy says of the rules of `lint`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from postroad.documents import Reader, form

OFF, WARN, BLOCK = LEVELS = ("off", "warn", "block")

# From so many of 100 points of spam on a mail cannot be published, unless the policy says otherwise.
BLOCK_AT = 60


@dataclass(frozen=True, slots=True)
class Strictness:
    """`levels` overrule the usual level of a rule, by its key; `block_at` are the points that a mail may not reach."""

    levels: Mapping[str, str] = field(default_factory=dict)
    block_at: int = BLOCK_AT


@form({"enum": [*LEVELS, False]})
def _parse_level(raw: Any) -> str:
    if raw is False:  # what YAML makes of a bare off
        return OFF
    if raw not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return str(raw)


USUAL = Strictness()


def read_strictness(reader: Reader, key: str) -> Strictness:
    """Under a key: `levels` by rule, and `block_at`. Whether a rule exists is for the check to say."""
    given = reader.find_child(key)
    if given is None:
        return USUAL
    levels = given.find_child("levels")
    return Strictness(
        {rule: levels.read(rule, _parse_level, WARN) for rule in levels.names()} if levels else {},
        given.integer("block_at", BLOCK_AT, least=1, most=101),
    )

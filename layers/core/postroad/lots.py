"""Lots: a chance that is decided for ever. The same names always draw the same lot, so a retry changes nothing."""

import hashlib
from collections.abc import Mapping


def draw(*names: str) -> float:
    """A number from 0 up to, never reaching, 1: uniform over names, and always the same for the same names."""
    digest = hashlib.sha256("\0".join(names).encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def is_among(percent: float, *names: str) -> bool:
    """Whether these names are among so many percent of all."""
    return draw(*names) * 100.0 < percent


def choose(weights: Mapping[str, float], *names: str) -> str:
    """The key that these names draw; each comes up in proportion to its weight."""
    lot = draw(*names) * sum(weights.values())
    for key, weight in weights.items():
        lot -= weight
        if lot < 0.0:
            return key
    return list(weights)[-1]

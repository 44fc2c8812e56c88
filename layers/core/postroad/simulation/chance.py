"""Chance that is none: a number drawn from a seed and a name is the same in every run and every process."""

from hashlib import blake2b
from math import log2

_WHOLE = float(1 << 64)


def draw(*names: object) -> float:
    """A number in [0, 1): evenly spread over names, and always the same for the same ones."""
    digest = blake2b("\0".join(map(str, names)).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest) / _WHOLE


def delay(median: float, drawn: float) -> float:
    """Seconds until something happens of which half has happened after `median`, as a number drawn says."""
    return median * log2(1.0 / (1.0 - drawn))

"""The catalogue as this process knows it: what it has read of products is kept for a minute."""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from postroad.content.recommending import Product, Related
from postroad_aws import clock
from postroad_aws.storage import products
from postroad_aws.storage.products import BEST

FRESH_SECONDS = 60.0
MOST_KEPT = 20_000

T = TypeVar("T")
_products: dict[str, tuple[float, Product | None]] = {}
_related: dict[str, tuple[float, tuple[Related, ...] | None]] = {}


def find_products(ids: Collection[str]) -> dict[str, Product]:
    """Those of these ids that are in the catalogue, as they were at most a minute ago."""
    return _find(_products, products.find_products, ids)


def find_related(ids: Collection[str]) -> dict[str, tuple[Related, ...]]:
    """What goes with these products, as it was at most a minute ago."""
    return _find(_related, products.find_related, ids)


def find_best() -> tuple[Related, ...]:
    """What sells best, as it was at most a minute ago."""
    return find_related([BEST]).get(BEST, ())


def forget() -> None:
    """Read anew at the next use, for tests."""
    _products.clear()
    _related.clear()


def _find(
    kept: dict[str, tuple[float, T | None]], read: Callable[[Collection[str]], Mapping[str, T]], ids: Collection[str]
) -> dict[str, T]:
    now = clock.now()
    stale = [each for each in ids if each not in kept or not 0 <= now - kept[each][0] < FRESH_SECONDS]
    if stale:
        if len(kept) + len(stale) > MOST_KEPT:
            kept.clear()
            stale = list(ids)
        found = read(stale)
        kept.update({each: (now, found.get(each)) for each in stale})
    return {each: known for each in ids if (known := kept[each][1]) is not None}

"""Recommending: products that go with what somebody looked at and bought, in stock, and not bought already.

What goes together is learned from a sample of people: products that the same people bought or looked at, by how much
oftener than their popularity alone would have it. Everything is counted and ordered, so the same sample gives the same
answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import sqrt
from typing import Any, NamedTuple

from postroad.content.brand import parse_url
from postroad.content.tastes import Taste
from postroad.documents import Reader, form, parse_text

MOST_RELATED = 12  # remembered of one product
MOST_BEST = 40
MOST_SEEDS = 10  # products of a taste from which others follow
MOST_PICKS = 12
LEAST_PEOPLE = 2  # one person's habit says nothing about others
# Whoever paid for two things says more than whoever looked at them.
BUYING, LOOKING = 3.0, 1.0

LONGEST_ID = 60


class Product(NamedTuple):
    """Something that is sold. What is not known is "", None or empty."""

    id: str
    name: str
    price: float | None = None
    currency: str = ""
    url: str = ""
    image: str = ""
    categories: tuple[str, ...] = ()
    in_stock: bool = True
    attributes: Mapping[str, Any] = {}

    def to_document(self) -> dict[str, Any]:
        """As JSON, without what is not known."""
        known = {key: value for key, value in self._asdict().items() if value not in ("", None, (), {})}
        return {**known, **({"categories": list(self.categories)} if self.categories else {})}


class Related(NamedTuple):
    """A product that goes with another (or sells best), how well, and how many people showed it by which deed."""

    product_id: str
    weight: float
    people: int
    deed: str


class Learned(NamedTuple):
    """What a sample of people shows: what goes with each product, and what sells best; the strongest first."""

    related: Mapping[str, tuple[Related, ...]]
    best: tuple[Related, ...]


class Pick(NamedTuple):
    """A product for somebody, and why it is this one."""

    product: Product
    because: str


# ------------------------------------------------------------------------------------------------------------- reading


@form({"type": "string", "pattern": r"^[^\s#][^\s]*$", "maxLength": LONGEST_ID})
def parse_product_id(raw: object) -> str:
    """A product's id: any characters but spaces, not beginning with #. Raises ValueError with a sentence."""
    text = parse_text(raw, LONGEST_ID)
    if text.startswith("#") or any(sign.isspace() or not sign.isprintable() for sign in text):
        raise ValueError("must be an id without spaces that does not begin with #")
    return text


def parse_product(document: object) -> Product:
    """Read a product. Raises DefinitionError with every mistake."""
    reader = Reader(document)
    none: tuple[str, ...] = ()
    product = Product(
        reader.read("id", parse_product_id, ""),
        reader.text("name", longest=200),
        reader.number("price", None, least=0, most=1e9),
        reader.read("currency", _parse_currency, "", ""),
        reader.read("url", parse_url, "", ""),
        reader.read("image", parse_url, "", ""),
        reader.read("categories", _parse_categories, none, none),
        reader.flag("in_stock", True),
        reader.anything("attributes", {}),
    )
    if not isinstance(product.attributes, Mapping) or len(str(product.attributes)) > 4_000:
        reader.mistake("must be an object of at most 4,000 characters", "attributes")
    reader.finish()
    return product


@form({"type": "string", "pattern": "^[A-Z]{3}$"})
def _parse_currency(raw: object) -> str:
    if not isinstance(raw, str) or not (len(raw) == 3 and raw.isascii() and raw.isalpha() and raw.isupper()):
        raise ValueError("must be a currency such as EUR")
    return raw


def _parse_categories(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list | tuple) or len(raw) > 20:
        raise ValueError("must be a list of at most 20 texts")
    return tuple(parse_text(each, 60) for each in raw)


# ------------------------------------------------------------------------------------------------------------ learning


def learn(tastes: Iterable[Taste]) -> Learned:
    """What goes together, and what sells best, by what these people did."""
    together: dict[str, Counter[tuple[str, str]]] = {"bought": Counter(), "viewed": Counter()}
    alone: dict[str, Counter[str]] = {"bought": Counter(), "viewed": Counter()}
    for taste in tastes:
        for deed, things in (("bought", taste.bought), ("viewed", taste.viewed)):
            alone[deed].update(things)
            together[deed].update(combinations(sorted(things), 2))
    found: dict[str, dict[str, Related]] = {}
    for deed, strength in (("bought", BUYING), ("viewed", LOOKING)):
        for (one, other), people in sorted(together[deed].items()):
            if people < LEAST_PEOPLE:
                continue
            weight = strength * people / sqrt(alone[deed][one] * alone[deed][other])
            for this, that in ((one, other), (other, one)):
                before = found.setdefault(this, {}).get(that)
                found[this][that] = (
                    before._replace(weight=round(before.weight + weight, 4))
                    if before
                    else Related(that, round(weight, 4), people, deed)
                )
    related = {this: _strongest(others.values(), MOST_RELATED) for this, others in sorted(found.items())}
    return Learned(related, _find_best(alone["bought"], alone["viewed"]))


def _find_best(bought: Counter[str], viewed: Counter[str]) -> tuple[Related, ...]:
    """What most people bought, and after that looked at."""
    best = [
        Related(each, BUYING * bought[each] + LOOKING * viewed[each], bought[each] or viewed[each], deed)
        for each in sorted(bought.keys() | viewed.keys())
        for deed in ("bought" if bought[each] else "viewed",)
    ]
    return _strongest(best, MOST_BEST)


def _strongest(several: Iterable[Related], most: int) -> tuple[Related, ...]:
    return tuple(sorted(several, key=lambda each: (-each.weight, each.product_id))[:most])


# -------------------------------------------------------------------------------------------------------- recommending


def seeds_of(taste: Taste) -> tuple[str, ...]:
    """The products from which others follow: what was bought last, and what was looked at last."""
    return tuple(dict.fromkeys((*taste.bought[: MOST_SEEDS // 2], *taste.viewed)))[:MOST_SEEDS]


def rank(taste: Taste, related: Mapping[str, Sequence[Related]], best: Sequence[Related]) -> dict[str, Related]:
    """Products for somebody, the best first: what goes with theirs, then what sells best; `Related` says why.

    What goes with several counts for each of them, less for what was longer ago. Nothing that they bought; of what they
    looked at only what sells best.
    """
    seeds = seeds_of(taste)
    score: dict[str, float] = {}
    why: dict[str, tuple[float, Related]] = {}
    for place, seed in enumerate(seeds):
        for each in related.get(seed, ()):
            gain = each.weight / (1 + place)
            score[each.product_id] = score.get(each.product_id, 0.0) + gain
            if gain > why.get(each.product_id, (0.0, each))[0]:
                why[each.product_id] = (gain, each._replace(deed=f"{each.deed}:{seed}"))
    following = sorted(score, key=lambda product_id: (-score[product_id], product_id))
    ranked = {each: why[each][1] for each in following if each not in taste.bought and each not in taste.viewed}
    return ranked | {each.product_id: each for each in best if each.product_id not in (*taste.bought, *ranked)}


def pick(ranked: Mapping[str, Related], products: Mapping[str, Product], count: int) -> list[Pick]:
    """The first so many that are in stock, each with the reason."""
    found = [
        Pick(products[each], _explain(why, products))
        for each, why in ranked.items()
        if each in products and products[each].in_stock
    ]
    return found[:count]


def pick_viewed(taste: Taste, products: Mapping[str, Product], count: int) -> list[Pick]:
    """What somebody looked at lately and has not bought, in stock, the newest first."""
    waiting = (each for each in taste.viewed if each not in taste.bought)
    found = [products[each] for each in waiting if each in products and products[each].in_stock]
    return [Pick(product, "they looked at it and have not bought it") for product in found[:count]]


def explain_company(why: Related, name: str) -> str:
    """Why something goes with the product of this name."""
    deed = why.deed.partition(":")[0]
    return f"{why.people} people {'bought' if deed == 'bought' else 'looked at'} it together with {name}"


def explain_best(why: Related) -> str:
    """Why something sells best."""
    return f"{why.people} people {'bought it' if why.deed == 'bought' else 'looked at it'}"


def _explain(why: Related, products: Mapping[str, Product]) -> str:
    seed = why.deed.partition(":")[2]
    if not seed:
        return f"it sells best: {explain_best(why)}"
    return explain_company(why, products[seed].name if seed in products else seed)

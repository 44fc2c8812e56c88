"""What may be done with a value in a template: filters, tests and operators over plain JSON data.

Each is a plain function that accepts any value, a missing one too, and bounds what it makes; rendering.py meters them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from typing import Any, cast
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import ChainableUndefined, nodes
from markupsafe import Markup, escape

from postroad.content.languages import ENGLISH, Language
from postroad.errors import PostroadError
from postroad.instants import parse_instant

MAX_TEXT = 100_000  # characters that one expression may make
MAX_VALUES, MAX_VALUES_TEXT = 20_000, 500_000  # entries, and characters, of the data
MAX_INTEGER = 10**30


class RenderError(PostroadError):
    """This template and this data do not make a message. `part` is set by a message template: subject, html, text."""

    def __init__(self, sentence: str, line: int | None = None, part: str = "") -> None:
        self.sentence, self.line, self.part = sentence, line, part
        where = [part] if part else []
        if line:
            where.append(f"line {line}")
        super().__init__(f"{', '.join(where)}: {sentence}" if where else sentence)


# --------------------------------------------------------------------------------------------------- values and text


class Nothing(ChainableUndefined):
    """What a name stands for that the data lacks: empty text, false, no items."""

    __slots__ = ()


NOTHING = Nothing()


def check_values(values: Mapping[str, object]) -> None:
    """Refuse what is not plain JSON data (dict, list, str, int, float, bool, None) or too much of it: RenderError."""
    entries = characters = 0
    stack: list[object] = [values if type(values) is dict else dict(values)]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is str:
            characters += len(cast(str, item))
        elif kind is dict:
            branch = cast(dict[object, object], item)
            entries += len(branch)
            for key, value in branch.items():
                if type(key) is not str:
                    raise RenderError("the data has a key that is not text")
                characters += len(key)
                if type(value) is str:
                    characters += len(value)
                elif value is not None and type(value) is not bool:
                    stack.append(value)
        elif kind is list:
            entries += len(cast(list[object], item))
            stack.extend(cast(list[object], item))
        elif kind is int:
            if not -MAX_INTEGER < cast(int, item) < MAX_INTEGER:
                raise RenderError("the data has a whole number of more than 30 digits")
        elif item is not None and kind not in (bool, float):
            raise RenderError(f"the data has a {kind.__name__}; only plain JSON values may be given")
        if entries > MAX_VALUES or characters > MAX_VALUES_TEXT:
            raise RenderError(f"the data is larger than {MAX_VALUES} entries or {MAX_VALUES_TEXT} characters")


def show(value: object) -> str:
    """A value as a person wants to read it; also what `{{ … }}` prints."""
    kind = type(value)
    if kind is str or kind is Markup:
        return cast(str, value)
    if value is None or isinstance(value, ChainableUndefined):
        return ""
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        number = cast(float, value)
        if not isfinite(number):
            return ""
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    if kind is list:
        raise RenderError("a list cannot be printed; write for example {{ names | join(', ') }} or loop over it")
    raise RenderError("an object cannot be printed; name one of its entries, as in {{ address.city }}")


def _text(value: object) -> str:
    return str(show(value))


def _number(value: object) -> int | float:
    """The number that a value is or spells; nothing counts as 0."""
    kind = type(value)
    if kind is int or kind is float:
        return cast(float, value)
    if kind is bool:
        return int(cast(bool, value))
    text = _text(value).strip()
    if not text:
        return 0
    try:
        return _bounded(int(text) if len(text) <= 30 and re.fullmatch(r"[+-]?[0-9]+", text) else float(text))
    except ValueError:
        raise RenderError(f"{text[:40]!r} is not a number") from None


def _bounded(number: int | float) -> int | float:
    if type(number) is int and not -MAX_INTEGER < number < MAX_INTEGER:
        raise RenderError("the number has more than 30 digits")
    return number


def items_of(value: object) -> list[Any]:
    """The items of a list, the keys of an object; nothing has none."""
    if type(value) is list:
        return value
    if type(value) is dict:
        return list(value)
    if value is None or isinstance(value, ChainableUndefined):
        return []
    raise RenderError(f"{_text(value)[:40]!r} is not a list")


def _is_nothing(value: object) -> bool:
    return value is None or isinstance(value, ChainableUndefined)


def check_size(size: int) -> None:
    if size > MAX_TEXT:
        raise RenderError(f"an expression makes more than {MAX_TEXT} characters")


# ----------------------------------------------------------------------------------------------------------- filters


@dataclass(frozen=True, slots=True)
class Filter:
    """`value | key(arguments)`: what it does, and its English for the console."""

    key: str
    function: Callable[..., object]
    describe: str


def _default(value: object, fallback: object = "", _boolean: object = False) -> object:
    return fallback if _is_nothing(value) or (isinstance(value, str) and not value.strip()) else value


def _capitalize(value: object) -> str:
    text = _text(value)
    return text[:1].upper() + text[1:].lower()


def _title(value: object) -> str:
    return re.sub(r"[^\W_]+(?:['\u2019][^\W_]+)*", lambda word: word[0][:1].upper() + word[0][1:].lower(), _text(value))


def _truncate(value: object, length: object = 255, end: object = "…") -> str:
    text, size, tail = _text(value), int(_number(length)), _text(end)
    if len(text) <= size:
        return text
    cut = text[: max(size - len(tail), 0)]
    # A word stays whole where that costs less than half of the text.
    space = cut.rfind(" ")
    return (cut[:space] if space > len(cut) // 2 else cut).rstrip() + tail


def _replace(value: object, old: object, new: object) -> str:
    text, before, after = _text(value), _text(old), _text(new)
    if not before:
        return text
    check_size(len(text) + text.count(before) * max(len(after) - len(before), 0))
    return text.replace(before, after)


def _join(value: object, separator: object = ", ", attribute: object = None) -> str:
    between = _text(separator)
    words = [_text(_entry(item, attribute)) for item in items_of(value)]
    check_size(sum(map(len, words)) + len(between) * len(words))
    return between.join(words)


def _entry(item: object, attribute: object) -> object:
    """The entry of an item that `attribute` names, by dots; the item itself when it names none."""
    if attribute is None:
        return item
    for key in _text(attribute).split("."):
        item = item.get(key, NOTHING) if type(item) is dict else NOTHING
    return item


def _length(value: object) -> int:
    if _is_nothing(value):
        return 0
    return len(cast(list[Any], value)) if type(value) in (list, dict) else len(_text(value))


def _first(value: object) -> object:
    return next(iter(value if isinstance(value, str) else items_of(value)), NOTHING)


def _last(value: object) -> object:
    items: Sequence[object] = value if isinstance(value, str) else items_of(value)
    return items[-1] if items else NOTHING


def _take(value: object, count: object) -> list[Any]:
    return items_of(value)[: max(int(_number(count)), 0)]


def _round(value: object, digits: object = 0) -> int | float:
    number, places = _number(value), min(max(int(_number(digits)), 0), 10)
    if not isfinite(number) or abs(number) >= 1e15:
        return number
    rounded = Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return float(rounded) if places else int(rounded)


def _int(value: object, fallback: object = 0) -> object:
    try:
        return int(_number(value))
    except (RenderError, OverflowError, ValueError):
        return fallback


def _float(value: object, fallback: object = 0.0) -> object:
    try:
        return float(_number(value))
    except RenderError:
        return fallback


def _times(value: object, factor: object) -> int | float:
    return _bounded(_number(value) * _number(factor))


_CURRENCIES = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "BRL": "R$"}
_WHOLE_CURRENCIES = frozenset({"JPY", "KRW", "CLP", "VND", "ISK"})


def money_in(language: Language, value: object, currency: object = "") -> str:
    """An amount with its currency, as a language writes it."""
    code = _text(currency).strip().upper()[:3]
    if _is_nothing(value) or value == "":
        return ""
    try:
        smallest = Decimal(1 if code in _WHOLE_CURRENCIES else "0.01")
        amount = Decimal(repr(_number(value))).quantize(smallest, ROUND_HALF_UP)
    except InvalidOperation:
        raise RenderError("the amount is too large, or no number") from None
    sign, digits = ("-" if amount < 0 else ""), f"{abs(amount):,}"
    if language is not ENGLISH:
        digits = digits.translate({ord(","): language.group, ord("."): language.decimal})
    if code in _CURRENCIES:
        return sign + language.amount.format(sign=_CURRENCIES[code], digits=digits)
    return f"{sign}{digits} {code}".rstrip()


def _money(value: object, currency: object = "") -> str:
    return money_in(ENGLISH, value, currency)


# Written out, because strftime follows the machine's locale and knows other codes on other machines.
_DATE_CODES: dict[str, Callable[[datetime, Language], str]] = {
    "%d": lambda at, _: f"{at.day:02}",
    "%-d": lambda at, _: str(at.day),
    "%m": lambda at, _: f"{at.month:02}",
    "%-m": lambda at, _: str(at.month),
    "%B": lambda at, language: language.months[at.month - 1],
    "%b": lambda at, language: language.short_months[at.month - 1],
    "%Y": lambda at, _: f"{at.year:04}",
    "%y": lambda at, _: f"{at.year % 100:02}",
    "%A": lambda at, language: language.days[at.weekday()],
    "%a": lambda at, language: language.short_days[at.weekday()],
    "%H": lambda at, _: f"{at.hour:02}",
    "%-H": lambda at, _: str(at.hour),
    "%I": lambda at, _: f"{(at.hour - 1) % 12 + 1:02}",
    "%-I": lambda at, _: str((at.hour - 1) % 12 + 1),
    "%M": lambda at, _: f"{at.minute:02}",
    "%S": lambda at, _: f"{at.second:02}",
    "%p": lambda at, _: "AM" if at.hour < 12 else "PM",
    "%j": lambda at, _: f"{at.timetuple().tm_yday:03}",
    "%Z": lambda at, _: at.tzname() or "UTC",
    "%z": lambda at, _: at.strftime("%z"),
    "%%": lambda at, _: "%",
}


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def date_in(language: Language, value: object, pattern: object = None, zone: object = "UTC") -> str:
    """A time in words, as a language writes it; without a pattern the day alone."""
    if _is_nothing(value) or value == "":
        return ""
    form, place = _text(language.date if pattern is None else pattern)[:200], _text(zone)[:60]
    at_zone = UTC if place in ("", "UTC") else _zone(place)
    if at_zone is None:
        raise RenderError(f"{place!r} is not a time zone; write for example Europe/Madrid")
    try:
        seconds = float(cast(float, value)) if type(value) in (int, float) else parse_instant(value)
        # JavaScript counts milliseconds.
        moment = datetime.fromtimestamp(seconds / 1000 if abs(seconds) > 1e11 else seconds, at_zone)
    except (ValueError, OverflowError, OSError):
        raise RenderError(f"{_text(value)[:40]!r} is not a date or time") from None

    def code(found: re.Match[str]) -> str:
        if found[0] not in _DATE_CODES:
            raise RenderError(f"a date's pattern knows no {found[0]!r}; it knows {' '.join(_DATE_CODES)}")
        return _DATE_CODES[found[0]](moment, language)

    return re.sub(r"%-?.?", code, form)


def _date(value: object, pattern: object = None, zone: object = "UTC") -> str:
    return date_in(ENGLISH, value, pattern, zone)


def _rank(value: object) -> tuple[int, float, str]:
    """An order over all values: nothing, then numbers, then text without regard to case."""
    if _is_nothing(value):
        return 0, 0.0, ""
    if isinstance(value, bool | int | float):
        return 1, float(value), ""
    return 2, 0.0, _text(value).casefold()


def _sort(value: object, attribute: object = None, reverse: object = False) -> list[Any]:
    return sorted(items_of(value), key=lambda item: _rank(_entry(item, attribute)), reverse=bool(reverse))


def _unique(value: object, attribute: object = None) -> list[Any]:
    first: dict[object, Any] = {}
    for item in items_of(value):
        first.setdefault(_rank(_entry(item, attribute)), item)
    return list(first.values())


def _sum(value: object, attribute: object = None) -> int | float:
    return _bounded(sum(_number(_entry(item, attribute)) for item in items_of(value)))


def _map(value: object, attribute: object) -> list[Any]:
    return [_entry(item, attribute) for item in items_of(value)]


def _pairs(value: object) -> list[Any]:
    if type(value) is dict:
        return [[key, entry] for key, entry in value.items()]
    if _is_nothing(value):
        return []
    raise RenderError("items needs an object, such as a contact's attributes")


def _urlencode(value: object) -> str:
    return quote(_text(value).encode("utf-8", "replace"), safe="")


FILTERS: tuple[Filter, ...] = (
    Filter("default", _default, "what to print when the value is missing or empty"),
    Filter("upper", lambda value: _text(value).upper(), "in capitals"),
    Filter("lower", lambda value: _text(value).lower(), "in small letters"),
    Filter("capitalize", _capitalize, "the first letter large, the others small"),
    Filter("title", _title, "each word with a capital"),
    Filter("trim", lambda value: _text(value).strip(), "without spaces at the ends"),
    Filter("truncate", _truncate, "cut to a length, at a word"),
    Filter("replace", _replace, "each old text replaced by a new one"),
    Filter("join", _join, "the items of a list with a text between"),
    Filter("length", _length, "how many items or characters"),
    Filter("first", _first, "the first item"),
    Filter("last", _last, "the last item"),
    Filter("take", _take, "the first so many items"),
    Filter("reverse", lambda value: items_of(value)[::-1], "the items from the last to the first"),
    Filter("sort", _sort, "the items in order, by an entry if named"),
    Filter("unique", _unique, "each item once, by an entry if named"),
    Filter("map", _map, "one entry of each item"),
    Filter("sum", _sum, "all items added up, by an entry if named"),
    Filter("items", _pairs, "an object's keys with their values"),
    Filter("round", _round, "rounded, half up, to so many decimals"),
    Filter("int", _int, "as a whole number"),
    Filter("float", _float, "as a number"),
    Filter("abs", lambda value: abs(_number(value)), "without its sign"),
    Filter("times", _times, "multiplied by a number"),
    Filter("money", _money, "an amount with two decimals and its currency, as the language writes it"),
    Filter("date", _date, "a time in words, by a pattern and a time zone, as the language writes it"),
    Filter("urlencode", _urlencode, "fit for a part of a URL"),
    Filter("escape", _text, "with HTML's special characters escaped, which {{ … }} does anyway in HTML"),
    Filter("nl2br", _text, "with a line break in HTML for each line break"),
)
FILTER_ALIASES = {"d": "default", "count": "length", "e": "escape", "limit": "take"}
# These write as the language of the template does.
LOCAL_FILTERS: dict[str, Callable[..., object]] = {"money": money_in, "date": date_in}
# These two make HTML where the template is HTML.
HTML_FILTERS: dict[str, Callable[..., object]] = {
    "escape": lambda value: escape(show(value)),
    "nl2br": lambda value: Markup("<br>\n").join(escape(line) for line in _text(value).splitlines()),
}


# ------------------------------------------------------------------------------------------------- tests, operators


def _kin(one: object, other: object) -> tuple[Any, Any] | None:
    """Both as numbers or both as text, so that they can be put in order; None when they cannot."""
    if isinstance(one, str) and isinstance(other, str):
        return str(one), str(other)
    if isinstance(one, bool | int | float) and isinstance(other, bool | int | float):
        return one, other
    return None


def _compared(decide: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    def test(one: object, other: object) -> bool:
        pair = _kin(one, other)
        return pair is not None and decide(*pair)

    return test


def _equal(one: object, other: object) -> bool:
    if type(one) in (list, dict) or type(other) in (list, dict):
        raise RenderError("lists and objects cannot be compared; compare their entries, or their | length")
    if _is_nothing(one) or _is_nothing(other):
        return _is_nothing(one) and _is_nothing(other)
    return one == other


def _contains(value: object, container: object) -> bool:
    if isinstance(container, str):
        return not _is_nothing(value) and _text(value) in container
    return any(type(item) not in (list, dict) and _equal(value, item) for item in items_of(container))


def _divides(value: object, divisor: object) -> bool:
    by = _number(divisor)
    return by != 0 and _number(value) % by == 0


TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda value: not isinstance(value, ChainableUndefined),
    "undefined": lambda value: isinstance(value, ChainableUndefined),
    "none": _is_nothing,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: type(value) in (int, float),
    "boolean": lambda value: type(value) is bool,
    "odd": lambda value: _number(value) % 2 == 1,
    "even": lambda value: _number(value) % 2 == 0,
    "divisibleby": _divides,
    "eq": _equal,
    "ne": lambda one, other: not _equal(one, other),
    "lt": _compared(lambda one, other: one < other),
    "lteq": _compared(lambda one, other: one <= other),
    "gt": _compared(lambda one, other: one > other),
    "gteq": _compared(lambda one, other: one >= other),
    "in": _contains,
    "notin": lambda value, container: not _contains(value, container),
}
TEST_ALIASES = {"le": "lteq", "ge": "gteq", "equalto": "eq", "lessthan": "lt", "greaterthan": "gt"}


def _concat(*parts: object) -> str:
    words = [_text(part) for part in parts]
    check_size(sum(map(len, words)))
    return "".join(words)


def _add(one: object, other: object) -> object:
    if isinstance(one, str) and isinstance(other, str):
        return _concat(one, other)
    return _bounded(_number(one) + _number(other))


def _divide(one: object, other: object) -> float:
    divisor = _number(other)
    if not divisor:
        raise RenderError("a number was divided by nothing")
    return _number(one) / divisor


# Operators become filters whose names no template can write.
OPERATORS: dict[type[nodes.Expr], tuple[str, Callable[..., object]]] = {
    nodes.Add: ("+", _add),
    nodes.Sub: ("-", lambda one, other: _bounded(_number(one) - _number(other))),
    nodes.Div: ("/", _divide),
    nodes.Concat: ("~", _concat),
    nodes.Neg: ("neg", lambda value: -_number(value)),
    nodes.Pos: ("pos", _number),
}


def safe_url(value: object) -> str:
    """A URL with a scheme that does nothing but lead somewhere, else '#'."""
    url = _text(value).strip()
    return url if _SAFE_URL.fullmatch(url) else "#"


# Without a user's name before the host, which people take for the host.
_SAFE_URL = re.compile(r"(?:https?://(?![^/?#]*@)|mailto:|tel:)[^\x00-\x20\x7f-\x9f\\]*", re.IGNORECASE)


def url_part(value: object) -> str:
    """A value inside of a URL: what no URL may hold is escaped, what stands for something there stays."""
    return quote(_text(value).encode("utf-8", "replace"), safe=_URL_SIGNS)


_URL_SIGNS = "!#$%&'()*+,-./:;=?@[]_~"

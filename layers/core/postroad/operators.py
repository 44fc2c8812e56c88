"""Operators: the ways to compare a value of a contact or an event. To add one, add an entry to OPERATORS.

Comparing never raises: what is missing or of another type simply does not match.

- Text compares without regard to case. A text is never a number: "10" is not 10, and true is not 1.
- A list matches when one of its elements does; `contains` asks a list for an element, and a text for a part of it.
- A dotted path leads into objects, and through lists to each of their elements: `products.sku`.
- Negative operators are the exact opposite of their positives, so they hold for what is missing.
- Instants in values are ISO 8601 texts (UTC when they name no zone) or epoch numbers in seconds or milliseconds.
- Windows are half open: what happened at t is within the last d from t until just before t + d.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import ge, gt, le, lt, not_
from typing import Any
from unicodedata import normalize

from postroad.documents import Reader
from postroad.instants import describe_duration, format_instant, parse_instant
from postroad.verdicts import FALSE, TRUE, Verdict

Judge = Callable[[Any, float], Verdict]


@dataclass(frozen=True, slots=True)
class Operator:
    """A way to compare a value: `judge` compiles the operand into a function of (value, now).

    With an operand that it `denies`, it holds exactly where its judge says no. One that `is_whole` looks at a list as a
    whole; the others hold for a list when they hold for one of its elements.
    """

    key: str
    read: Callable[[Reader, str], Any]
    judge: Callable[[Any], Judge]
    describe: Callable[[Any], str]
    denies: Callable[[Any], bool] = lambda operand: False
    is_whole: bool = False


def fold_case(text: str) -> str:
    """Text as it compares: without case, and in one form where Unicode has several."""
    return text.lower() if text.isascii() else normalize("NFC", normalize("NFC", text).casefold())


def find_instant(value: object) -> float | None:
    """Epoch seconds of a value that means an instant, or None."""
    if isinstance(value, str):
        return _parse_instant(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e14 < value < 1e14:
        return None
    return value / 1_000 if abs(value) >= 1e11 else float(value)


@lru_cache(maxsize=4_096)
def _parse_instant(text: str) -> float | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _comparable(value: object) -> object:
    """Equal for values that count as equal, and only for those. None stands for what equals nothing."""
    if isinstance(value, str):
        return fold_case(value)
    if isinstance(value, bool):
        return ("is", value)  # Python takes True for 1.
    return value if isinstance(value, (int, float)) else None


def _timeless(test: Callable[[Any], bool]) -> Judge:
    return lambda value, now: TRUE if test(value) else FALSE


def _is_in(operand: Any) -> Judge:
    wanted = frozenset(_comparable(value) for value in (operand if isinstance(operand, tuple) else (operand,)))
    return _timeless(lambda value: _comparable(value) in wanted)


def _contains(operand: Any) -> Judge:
    wanted = _comparable(operand)

    def test(value: Any) -> bool:
        if isinstance(value, (list, tuple)):
            return any(_comparable(item) == wanted for item in value)
        return isinstance(value, str) and isinstance(wanted, str) and wanted in fold_case(value)

    return _timeless(test)


def _exists(operand: bool) -> Judge:
    return _timeless(lambda value: value is not None and value != "" and value != [] and value != ())


def _of_text(test: Callable[[str, str], bool]) -> Callable[[str], Judge]:
    def judge(operand: str) -> Judge:
        wanted = fold_case(operand)
        return _timeless(lambda value: isinstance(value, str) and test(fold_case(value), wanted))

    return judge


def _of_number(test: Callable[[float, float], bool]) -> Callable[[float], Judge]:
    def judge(operand: float) -> Judge:
        return _timeless(
            lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and test(value, operand)
        )

    return judge


def _of_instant(test: Callable[[float, float], bool]) -> Callable[[float], Judge]:
    def judge(operand: float) -> Judge:
        return _timeless(lambda value: (at := find_instant(value)) is not None and test(at, operand))

    return judge


def _between(shift_start: float, shift_end: float) -> Judge:
    """True from the value's instant plus one shift until just before it plus the other."""

    def judge(value: Any, now: float) -> Verdict:
        at = find_instant(value)
        if at is None or now >= at + shift_end:
            return FALSE
        return Verdict(True, at + shift_end) if now >= at + shift_start else Verdict(False, at + shift_start)

    return judge


def describe_name(name: str) -> str:
    """An attribute or a property in a sentence: `company_size` is the company size."""
    return name.replace("_", " ")


def describe_value(value: object) -> str:
    """A value in a sentence: text as it is, numbers without noise, lists with `or`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        words = [describe_value(item) for item in value]
        return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _says(words: str, show: Callable[[Any], str] = describe_value) -> Callable[[Any], str]:
    return lambda operand: words.format(show(operand))


def _says_known(wanted: bool) -> str:
    return "is known" if wanted else "is not known"


def _always(operand: Any) -> bool:
    return True


_EQUAL = (Reader.value, _is_in)
_AMONG = (Reader.values, _is_in)
_HOLDS = (Reader.value, _contains)
_RECENT = (Reader.duration, lambda d: _between(0.0, d))
_COMING = (Reader.duration, lambda d: _between(-d, 0.0))

OPERATORS = {
    operator.key: operator
    for operator in (
        Operator("is", *_EQUAL, _says("is {}")),
        Operator("is_not", *_EQUAL, _says("is not {}"), denies=_always),
        Operator("in", *_AMONG, _says("is {}")),
        Operator("not_in", *_AMONG, _says("is not {}"), denies=_always),
        Operator("contains", *_HOLDS, _says("contains {}"), is_whole=True),
        Operator("not_contains", *_HOLDS, _says("does not contain {}"), is_whole=True, denies=_always),
        Operator("starts_with", Reader.text, _of_text(str.startswith), _says("starts with {}")),
        Operator("ends_with", Reader.text, _of_text(str.endswith), _says("ends with {}")),
        Operator("gt", Reader.number, _of_number(gt), _says("is more than {}")),
        Operator("gte", Reader.number, _of_number(ge), _says("is at least {}")),
        Operator("lt", Reader.number, _of_number(lt), _says("is less than {}")),
        Operator("lte", Reader.number, _of_number(le), _says("is at most {}")),
        Operator("exists", Reader.flag, _exists, _says_known, denies=not_, is_whole=True),
        Operator("before", Reader.instant, _of_instant(lt), _says("is before {}", format_instant)),
        Operator("after", Reader.instant, _of_instant(gt), _says("is after {}", format_instant)),
        Operator("within_last", *_RECENT, _says("is within the last {}", describe_duration)),
        Operator("not_within_last", *_RECENT, _says("is not within the last {}", describe_duration), denies=_always),
        Operator("within_next", *_COMING, _says("is within the next {}", describe_duration)),
    )
}

# What a number can be compared by, and by what a score can: (value, operand) -> bool.
THRESHOLDS: dict[str, Callable[[float, float], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


class _Several(tuple[Any, ...]):
    """What a path found in each element of a list."""

    __slots__ = ()


def walk(value: Any, parts: Sequence[str]) -> Any:
    for index, part in enumerate(parts):
        if isinstance(value, (list, tuple)):
            return _Several(walk(item, parts[index:]) for item in value if isinstance(item, Mapping))
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def elements_of(value: Any, is_whole: bool) -> Iterable[Any]:
    if isinstance(value, _Several):
        return [element for found in value for element in elements_of(found, is_whole)]
    return value if isinstance(value, (list, tuple)) and not is_whole else (value,)

"""Types are one thing twice: what their JSON Schema takes is what is read."""

from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.api.schemas import (
    BodyError,
    Example,
    Listed,
    OneOf,
    ParameterError,
    Text,
    Within,
    find_mistakes,
    read_text,
    read_value,
    schema_of,
)

T = TypeVar("T")
Color = Annotated[str, OneOf({"red": 1, "blue": 2}), Example("red")]


class Leaf(TypedDict):
    """A leaf."""

    color: Color
    count: NotRequired[Annotated[int, Within(1, 3)]]


class Branch(Leaf):
    """A branch with leaves."""

    leaves: Annotated[list[Leaf], Within(1, 2)]
    names: dict[str, float]


class Box(TypedDict, Generic[T]):
    """Something in a box."""

    inside: list[T]


TYPES = [
    bool, float, Any, dict[str, Any], dict[str, bool], list[str], Color, Leaf, Branch, Box[Leaf], Listed[Branch],
    Annotated[int, Within(0, 2)], Literal["a", "b"], Leaf | None, Annotated[Color | None, "Or nothing."],
    Annotated[str, Text(3)],
]  # fmt: skip
words = st.sampled_from(["red", "blue", "a", "b", "abcd", "inside", "items"])
keys = st.sampled_from(["color", "count", "leaves", "names", "inside", "items", "next", "other"])
leaves = st.none() | st.booleans() | st.integers(-1, 4) | st.sampled_from([0.5, -1.5]) | words
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=8
)
leaf = st.fixed_dictionaries({"color": st.sampled_from(["red", "blue"])}, optional={"count": st.integers(0, 4)})
branch = st.fixed_dictionaries(
    {"color": words, "leaves": st.lists(leaf, max_size=3), "names": st.dictionaries(words, st.integers() | words)},
    optional={"other": leaves},
)


@given(value=values | leaf | branch | st.fixed_dictionaries({"inside": st.lists(leaf | values, max_size=2)}))
def test_what_the_schema_takes_is_read_and_nothing_else(value):
    for annotation in TYPES:
        components = {}
        schema = {**schema_of(annotation, components), "components": {"schemas": components}}
        assert jsonschema_rs.is_valid(schema, value) == (not find_mistakes(annotation, value, "")), (annotation, value)


def test_every_mistake_is_told_with_its_path():
    value = {"color": "green", "count": True, "leaves": [{"colour": "red"}, 7], "names": {}, "x" * 90: 1}
    with pytest.raises(BodyError) as refusal:
        read_value(Branch, value, "")
    assert dict(refusal.value.mistakes) == {
        "color": "'green' is not one of red, blue",
        "count": "must be a whole number, not true or false",
        "leaves[0].color": "is missing",
        "leaves[0].colour": "unknown field 'colour'; did you mean 'color'?",
        "leaves[1]": "must be an object, not a number",
        "x" * 40: f"unknown field '{'x' * 57}…'; known here: color, count, leaves, names",
    }


def test_of_ten_thousand_mistakes_the_first_hundred_are_told():
    for value in (
        {f"k{number}": 1 for number in range(10_000)},
        {"names": dict.fromkeys(map(str, range(10_000)), "x")},
    ):
        assert 100 <= len(find_mistakes(Branch, value, "")) <= 103


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [(Annotated[int, Within(1, 200)], "007", 7), (bool, "true", True), (bool, "false", False), (str, "é", "é"),
     (Color, "blue", "blue"), (Literal["a"], "a", "a")],
)  # fmt: skip
def test_a_parameter_is_read_as_its_type(annotation, text, value):
    assert read_text(annotation, text, "p") == value


@pytest.mark.parametrize(
    ("annotation", "text"),
    [(int, ""), (int, "1.0"), (int, "-1"), (int, "²"), (int, "9" * 10), (Annotated[int, Within(1, 2)], "3"),
     (bool, "True"), (bool, "1"), (str, ""), (str, " "), (str, "a\nb"), (str, "x" * 1_001), (str, "é" * 501),
     (Color, "green"), (Literal["a"], "b")],
)  # fmt: skip
def test_a_parameter_that_is_none_is_told_its_name(annotation, text):
    with pytest.raises(ParameterError) as refusal:
        read_text(annotation, text, "p")
    assert [path for path, _ in refusal.value.mistakes] == ["p"]

"""Placeholders set aside while something else reads a text."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.content.jinja import set_aside
from postroad.content.markup import html_to_text


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("Hi {{ name }}!", ("{{ name }}",)),
        ("{% if a %}\n{{ a }}{% endif %}", ("{% if a %}", "{{ a }}", "{% endif %}")),
        ("{{ '}}' }} {{ \"%}\" }}", ("{{ '}}' }}", '{{ "%}" }}')),
        ("{{ it's }} {# a note #}", ("{{ it's }}", "{# a note #}")),
        ("{{ a }} {{ never closed", ("{{ a }}",)),
        ("no { tag } at all", ()),
    ],
)
def test_what_jinja_takes_for_a_tag_is_set_aside(source: str, tags: tuple[str, ...]) -> None:
    aside = set_aside(source)
    assert aside.tags == tags
    assert not any(tag in aside.text for tag in tags)
    assert aside.restore(aside.text) == source


@given(st.text(alphabet="{}%#\"'ab\n ", max_size=60))
def test_nothing_is_lost_and_each_tag_knows_its_line(source: str) -> None:
    aside = set_aside(source)
    assert aside.restore(aside.text) == source
    for tag, line in zip(aside.tags, aside.lines, strict=True):
        assert "\n".join(source.split("\n")[line - 1 :]).find(tag) >= 0


@pytest.mark.parametrize(
    "source",
    ["{{ never closed " + '<a href="x">' * 5_000, "{{ it's " * 20_000, "{{" * 100_000, "{%'" * 50_000],
)
def test_a_tag_that_is_never_closed_takes_no_time(source: str) -> None:
    begun = process_time()
    assert set_aside(source).tags == ()
    assert process_time() - begun < 5  # looking back at each of them takes minutes


def test_lists_inside_lists_are_told_apart_up_to_a_depth() -> None:
    text = html_to_text("<ul><li>a" * 5_000)
    assert "\n    - a" in text
    assert len(text) < 200_000

"""Definitions as files: YAML read as JSON means it, and written so that it reads back the same."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.documents import load_definitions
from postroad_command.folder import FolderError, format_document, parse_text, read_folder, write_folder
from postroad_command.plan import Live, find_changes

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), JSON))
def test_what_is_written_reads_back_the_same(document: dict[str, Any]) -> None:
    assert parse_text(format_document(document)) == [document] or document == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("at: 10:30", "10:30"),
        ("at: 2026-11-02", "2026-11-02"),
        ("at: yes", "yes"),
        ("on: true", True),
        ("at: 012", "012"),
        ("at: 1_000", "1_000"),
        ("at: 1e3", 1000.0),
        ("at: ~", None),
    ],
)
def test_scalars_are_those_of_json(text: str, value: Any) -> None:
    ((found,),) = [document.values() for document in parse_text(text)]
    assert (found, type(found)) == (value, type(value))


def test_the_demo_survives_the_way_to_files_and_back(tmp_path: Path) -> None:
    shop = load_definitions()
    written = write_folder(tmp_path, shop)
    assert len(written) == len(shop)
    assert read_folder(tmp_path) == shop
    text = (tmp_path / "template" / "welcome.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../schemas/template.json\nkind: template\nid: welcome\n")
    assert "\nhtml: |\n" in text


def test_writing_again_changes_nothing_and_keeps_comments(tmp_path: Path) -> None:
    shop = load_definitions()
    write_folder(tmp_path, shop)
    path = tmp_path / "segment" / "customers.yaml"
    path.write_text("# ours\n" + path.read_text())
    before = {each: each.read_text() for each in tmp_path.rglob("*.yaml")}
    assert write_folder(tmp_path, shop) == []
    assert {each: each.read_text() for each in tmp_path.rglob("*.yaml")} == before


def test_true_where_1_was_is_a_change(tmp_path: Path) -> None:
    """For a condition they differ, so neither a plan nor a pull may take them for the same."""
    before, after = ({"kind": "segment", "id": "vips", "if": {"attribute": "vip", "is": value}} for value in (1, True))
    write_folder(tmp_path, {"segment/vips": before})
    assert [change.key for change in find_changes({"segment/vips": after}, {"segment/vips": Live(before, 1, 1)})]
    assert write_folder(tmp_path, {"segment/vips": after})
    assert read_folder(tmp_path)["segment/vips"]["if"]["is"] is True


def test_several_in_a_file_are_read_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "all.yml"
    path.write_text(
        "{kind: segment, id: a, if: {attribute: x, is: 1}}\n---\n{kind: segment, id: b, if: {segment: a}}\n"
    )
    found = read_folder(tmp_path)
    assert list(found) == ["segment/a", "segment/b"]
    assert write_folder(tmp_path, found) == []
    with pytest.raises(FolderError, match=r"shares .* with others"):
        write_folder(tmp_path, {"segment/a": {**found["segment/a"], "name": "A"}})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind: [", "is no YAML"),
        ("name: nameless", "needs a kind and an id"),
        ("- 1", "needs a kind and an id"),
        ("kind: ../../etc\nid: passwd", "needs a kind and an id"),
        ("kind: segment\nid: ../x", "needs a kind and an id"),
        ("kind: segment\nid: a\nif: {segment: b}\nif: {segment: c}\n", "says 'if' twice, again in line 4"),
        ("kind: segment\nid: a\nif: {segment: b, is: true, segment: c}\n", "says 'segment' twice, again in line 3"),
        ("? [a, b]\n: 1\n", "a key that is no text in line 1"),
        ("kind: segment\n1: 2\n", "a key that is no text in line 2; put it in quotes"),
        ("kind: segment\nid: !!int abc\n", "what type a value has in line 2"),
        ("kind: segment\nat: !!timestamp 2026-13-45\n", "what type a value has in line 2"),
        ("x: !!python/object/apply:os.system [ls]\n", "what type a value has in line 1"),
        ("x: !ours {a: 1}\n", "what type a value has in line 1"),
        ("x: &x [*x]\n", r"says \*x in line 1; write out"),
        ("a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n", r"says \*a in line 2; write out"),
        ("x: 1\n\ty: 2\n", "is no YAML: .* line 2"),
        ("x: 1e999\n", "a number in line 1 that is too large"),
        (f"x: {'9' * 5_000}\n", "a number in line 1 that is too large"),
        ("[" * 3_000, "nested too deeply"),
    ],
)
def test_a_file_that_holds_no_definition_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(FolderError, match=sentence) as refusal:
        read_folder(tmp_path)
    assert "bad.yaml" in str(refusal.value)


def test_a_file_with_nothing_in_it_holds_nothing(tmp_path: Path) -> None:
    for number, text in enumerate(("", "\n", "# nothing yet\n", "---\n---\n", "~")):
        (tmp_path / f"{number}.yaml").write_text(text)
    assert read_folder(tmp_path) == {}


@given(st.text(alphabet="&*!?-:{}[]|>#%@'\"\\ \n\tab1.e~,", max_size=40))
def test_whatever_a_file_holds_the_only_answer_is_a_sentence_or_what_json_can_say(text: str) -> None:
    documents: list[Any] = []
    with suppress(FolderError):
        documents = parse_text(text)
    assert json.loads(json.dumps(documents, allow_nan=False)) == documents


def test_two_files_cannot_hold_the_same_definition(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("kind: segment\nid: x\n")
    with pytest.raises(FolderError, match=r"segment/x stands in .*a\.yaml and in .*b\.yaml"):
        read_folder(tmp_path)


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="There is no folder"):
        read_folder(tmp_path / "nothing")

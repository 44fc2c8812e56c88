"""JSON Schemas and parsers agree: about the demo's documents and the gallery's, and what mutations make of them."""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.documents import load_definitions
from postroad.definitions import KINDS
from postroad.documents import Reader
from postroad.errors import DefinitionError
from postroad.gallery import SETTING_KINDS, Workflow, build, list_workflows
from postroad.journeys.steps import STEP_TYPES
from postroad.policy import parse_policy
from postroad.predicates.operators import OPERATORS
from postroad.predicates.predicate import SUBJECTS
from postroad.schemas import build_schemas

Path = tuple[str | int, ...]

# What parsers say about the form of a document (path and sentence), beside its misfits. All else is about what a value
# means: whether it names a time zone, or something that exists.
FORM = [
    r"unknown key",
    r"is missing$",
    r"must be an object with keys",
    r"must be (?:text|a number|true or false|a list of objects), not",
    r"must be a whole number",
    r"must be a list of \d+ to \d+ objects",
]
# Where the form hangs on a place or a value: the last band does not say from where on; a step sends one template by one
# channel, and several by the best one.
BEYOND = re.compile(r"bands\[\d+\]\.from is missing|.*\bsend\.(?:template|templates|channel) ")


def _clean(part: Any) -> Any:
    """A document without nulls, which count as absent keys."""
    if isinstance(part, dict):
        return {key: _clean(value) for key, value in part.items() if value is not None}
    return [_clean(item) for item in part] if isinstance(part, list) else part


# Of each kind of setting of the gallery's workflows, whatever fits.
SETTINGS = ("https://tidewater.example", "engagement", "2027-05-01T18:00:00Z", "ana@example.com", "P3D", 5, "Tasting")
POLICY = {
    "kind": "policy",
    "id": "policy",
    "topics": [{"id": "news", "transactional": True}],
    "caps": [
        {"per": "P7D", "at_most": 3, "channel": "email"},
        {"per": "P1D", "at_most": 1, "score": "engagement", "bands": {"hot": 2, "cold": 1}},
    ],
    "when_full": "skip",
    "control": 5,
    "calendar": {
        "quiet": {"from": "21:00", "to": "08:00"},
        "open": {"mon": [{"from": "09:00", "to": "17:00"}]},
        "closed": [{"name": "Christmas", "date": "12-25"}, {"name": "Fair", "date": "2026-05-04", "country": "FR"}],
        "unknown_timezone": "wait",
        "channels": {"sms": {"quiet": {"from": "20:00", "to": "09:00"}}},
    },
}


@cache
def _documents() -> dict[str, dict[str, Any]]:
    """The demo's documents, those of the gallery, and a policy that says everything."""
    shop = load_definitions()
    policy = parse_policy(shop["policy/policy"])
    found = {**shop, "policy/everything": POLICY}
    for workflow in list_workflows():
        found |= build(workflow, _settings(workflow), policy)
    documents = json.loads(json.dumps(found, default=str))
    return {key: _clean(document) for key, document in documents.items()}


def _settings(workflow: Workflow) -> dict[str, Any]:
    given = {}
    for setting in workflow.settings:
        if setting.id != "topic" and not setting.default:
            given[setting.id] = next(each for each in SETTINGS if _fits(SETTING_KINDS[setting.kind], each))
    return given


def _fits(parse: Callable[[object], object], value: object) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


@cache
def _validator(kind: str) -> Any:
    return jsonschema.Draft202012Validator(build_schemas()[kind])


def _disagreement(document: dict[str, Any], kind: str) -> str | None:
    """How schema and parser differ about a document; None when they do not."""
    misfits: set[str] = set()
    note = Reader.misfit

    def note_misfit(reader: Reader, sentence: str, key: str = "") -> None:
        misfits.add(sentence)
        note(reader, sentence, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "misfit", note_misfit)
        try:
            KINDS[kind].parse(document)
            mistakes: tuple[tuple[str, str], ...] = ()
        except DefinitionError as error:
            mistakes = error.mistakes
    accepts = _validator(kind).is_valid(document)
    of_form = [
        (path, sentence)
        for path, sentence in mistakes
        if (sentence in misfits or _is_of_form(f"{path} {sentence}")) and not BEYOND.match(f"{path} {sentence}")
    ]
    if not mistakes and not accepts:
        return f"the parser takes it, and the schema does not: {next(_validator(kind).iter_errors(document)).message}"
    if of_form and accepts:
        return f"the schema takes it, and the parser does not: {of_form}"
    return None


def _is_of_form(said: str) -> bool:
    return any(re.search(each, said) for each in FORM)


def _paths(part: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        yield from _paths(value, (*path, key))


def _at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


REPLACEMENTS: list[Any] = ["", "x", "P3D", "09:00", 7, 1.5, True, [], ["x"], {}, {"x": 1}, [{"x": 1}]]


def _mutants(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The document with one thing changed, everywhere and in every way."""
    for path in _paths(document):
        parent, key = path[:-1], path[-1]

        def changed(value: Any, path: Path = path) -> dict[str, Any]:
            mutant = deepcopy(document)
            _at(mutant, path[:-1])[path[-1]] = value
            return mutant

        for value in REPLACEMENTS:
            yield f"{path} = {value!r}", changed(value)
        taken = deepcopy(document)
        del _at(taken, parent)[key]
        yield f"without {path}", taken
        if isinstance(key, str):
            renamed = deepcopy(document)
            _at(renamed, parent)[key + "s"] = _at(renamed, parent).pop(key)
            yield f"{path} has another name", renamed
            stranger = deepcopy(document)
            _at(stranger, parent)["stranger"] = 1
            yield f"a stranger beside {path}", stranger


@pytest.mark.parametrize("key", _documents())
def test_the_schema_takes_every_document_that_the_parser_takes(key: str) -> None:
    document = _documents()[key]
    assert _disagreement(document, document["kind"]) is None
    assert [error.message for error in _validator(document["kind"]).iter_errors(document)] == []


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_schema_and_parser_agree_about_mutants(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(_documents())))
    name, mutant = data.draw(st.sampled_from(_list_mutants(key)))
    assert _disagreement(mutant, key.partition("/")[0]) is None, (key, name)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_schema_and_parser_agree_about_what_is_grafted(data: st.DataObject) -> None:
    """A part of one document in the place of a part of another."""
    key, other = (data.draw(st.sampled_from(sorted(_documents()))) for _ in range(2))
    into = data.draw(st.sampled_from(list(_paths(_documents()[key]))))
    graft = _at(_documents()[other], data.draw(st.sampled_from(list(_paths(_documents()[other])))))
    mutant = deepcopy(_documents()[key])
    _at(mutant, into[:-1])[into[-1]] = graft
    assert _disagreement(mutant, key.partition("/")[0]) is None, (key, into, graft)


@cache
def _list_mutants(key: str) -> list[tuple[str, dict[str, Any]]]:
    return list(_mutants(_documents()[key]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_schema_that_is_one(kind: str) -> None:
    schema = build_schemas()[kind]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == kind
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize(
    ("key", "path", "value"),
    [
        ("journey/welcome", ("reentry",), "twice"),
        ("journey/welcome", ("steps", 0, "send", "channel"), "fax"),
        ("policy/policy", ("topics", 0, "opt_in"), "yes"),
        ("template/welcome", ("channel",), "fax"),
        ("journey/abandoned-cart", ("steps", 0, "wait", "for"), "1 hour"),
        ("segment/customers", ("id",), "Customers of ours"),
    ],
)
def test_a_wrong_word_is_refused_by_the_schema(key: str, path: Path, value: Any) -> None:
    mutant = deepcopy(_documents()[key])
    _at(mutant, path[:-1])[path[-1]] = value
    assert not _validator(key.partition("/")[0]).is_valid(mutant)


def test_what_stands_in_the_tables_is_in_the_schemas() -> None:
    segment, journey = (json.dumps(build_schemas()[kind]) for kind in ("segment", "journey"))
    assert [
        word for word in (*OPERATORS, *SUBJECTS.keys() - {"opened", "clicked"}) if f'"{word}": ' not in journey
    ] == []
    assert [word for word in OPERATORS if f'"{word}": ' not in segment] == []
    assert [word for word in STEP_TYPES if f'"{word}": ' not in journey] == []

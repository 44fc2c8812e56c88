"""The form of a segment: conditions to choose from, the document that they mean, and what is wrong with it.

A kind of condition is one entry in CONDITIONS. A document that no entry can say is none for the form.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from postroad.book import Book
from postroad.definitions import check_definition, known_in
from postroad.errors import DefinitionError

KIND = "segment"
MOST_ROWS = 20
LONGEST_NAME = 100
_LONGEST_FIELD = 200
_LONGEST_DESCRIPTION = 5_000
_MOST_CHOICES = 500
_PATH = re.compile(r"if\.(?:all|any)\[(\d+)\].*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?")
_FLAGS = {"true": True, "false": False}
_DAYS = re.compile(r"P(\d{1,4})D")

Fields = Mapping[str, str]
Choices = Sequence[tuple[str, str]]


class Field(NamedTuple):
    """One field of a condition: `kind` is "text", "number", "word" (one of `words`) or "choice" (one of `choices`).

    Words and choices are (value, title).
    """

    key: str
    label: str
    kind: str = "text"
    words: Choices = ()
    choices: Callable[[Book], Choices] = lambda book: ()
    hint: str = ""

    def options(self, book: Book) -> Choices:
        """What can be chosen; nothing where one types."""
        return self.words or self.choices(book)

    def takes(self, value: Any) -> bool:
        """Whether this can stand in it."""
        return isinstance(value, str) and (not self.words or value in dict(self.words))


class Condition(NamedTuple):
    """One kind of condition. `write` makes a predicate of the fields, or raises ValueError with a sentence; `read`
    gives the fields of a predicate, as far as it can."""

    key: str
    title: str
    fields: tuple[Field, ...]
    write: Callable[[Fields], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], dict[str, str]]


class Row(NamedTuple):
    """A condition as it was typed."""

    kind: str
    fields: Fields


class Form(NamedTuple):
    """The fields as they were typed; `match` is "all" or "any", `edit` the edit that they were read from."""

    name: str = ""
    description: str = ""
    match: str = "all"
    rows: tuple[Row, ...] = ()
    edit: str = "0"


# ---------------------------------------------------------------------------------------------------------- conditions


def _named(pick: Callable[[Book], Iterable[Any]]) -> Callable[[Book], Choices]:
    """Definitions by their names."""
    return lambda book: sorted(((each.id, each.name) for each in pick(book)), key=lambda c: c[1].lower())[
        :_MOST_CHOICES
    ]


def _number(text: str, what: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{what} must be a number.")
    return float(text) if "." in text else int(text)


def read_value(text: str) -> str | int | float | bool:
    """A number where it is written like one, true or false, else a text."""
    return _number(text, "") if _NUMBER.fullmatch(text) else _FLAGS.get(text, text)


def _within(fields: Fields) -> dict[str, str]:
    days = fields.get("days", "")
    if days and not (days.isascii() and days.isdigit() and 0 < int(days) < 10_000):
        raise ValueError("How many days must be a whole number.")
    return {"within": f"P{int(days)}D"} if days else {}


def _days(said: Mapping[str, Any]) -> dict[str, str]:
    found = _DAYS.fullmatch(str(said.get("within", "")))
    return {"days": found[1] if found else ""}


def _needed(fields: Fields, key: str, sentence: str) -> str:
    if not fields.get(key):
        raise ValueError(sentence)
    return fields[key]


def _write_attribute(fields: Fields) -> dict[str, Any]:
    name = _needed(fields, "what", "Name an attribute, such as country.")
    how = fields.get("how", "")
    if how in ("known", "unknown"):
        return {"attribute": name, "exists": how == "known"}
    value = _needed(fields, "value", "Say with what the attribute is compared.")
    return {
        "attribute": name,
        how: _number(value, "A value that is at least or at most") if how in _AMOUNTS else read_value(value),
    }


def _read_attribute(said: Mapping[str, Any]) -> dict[str, str]:
    how = next(key for key in said if key != "attribute")
    if how == "exists":
        return {"what": said["attribute"], "how": "known" if said["exists"] else "unknown", "value": ""}
    value = said[how]
    return {
        "what": said["attribute"],
        "how": how,
        "value": str(value).lower() if isinstance(value, bool) else str(value),
    }


def _write_did(fields: Fields) -> dict[str, Any]:
    name = _needed(fields, "what", "Name an event, such as Order Completed.")
    times = _number(fields.get("times") or "1", "How often")
    return {"event": name, **({"at_least": times} if times != 1 else {}), **_within(fields)}


def _write_did_not(fields: Fields) -> dict[str, Any]:
    return {
        "event": _needed(fields, "what", "Name an event, such as Order Completed."),
        "never": True,
        **_within(fields),
    }


def _write_message(fields: Fields) -> dict[str, Any]:
    how, template = fields.get("how", ""), fields.get("what", "")
    never = {"never": True} if how.startswith(_NEVER) else {}
    return {"message": how.removeprefix(_NEVER), **({"template": template} if template else {}), **never,
            **_within(fields)}  # fmt: skip


def _write_place(fields: Fields) -> dict[str, Any]:
    name = _needed(fields, "what", "Name the attribute that says where they are, such as home.")
    said = (("lat", "The latitude"), ("lng", "The longitude"), ("km", "How many km"))
    return {"attribute": name, "near": {key: _number(fields.get(key, ""), what) for key, what in said}}


def _write_score(fields: Fields) -> dict[str, Any]:
    return {
        "score": _needed(fields, "what", "Choose a score."),
        fields.get("how", ""): _number(fields.get("value", ""), "The score"),
    }


def _read_score(said: Mapping[str, Any]) -> dict[str, str]:
    how = next(key for key in said if key != "score")
    return {"what": said["score"], "how": how, "value": str(said[how])}


def _fact(
    key: str, sentence: str
) -> tuple[Callable[[Fields], dict[str, Any]], Callable[[Mapping[str, Any]], dict[str, str]]]:
    """How a fact that is so or not is written and read."""

    def write(fields: Fields) -> dict[str, Any]:
        return {key: _needed(fields, "what", sentence), **({"is": False} if fields.get("how") == "no" else {})}

    def read(said: Mapping[str, Any]) -> dict[str, str]:
        return {"what": said[key], "how": "no" if said.get("is") is False else "yes"}

    return write, read


_AMOUNTS = ("gte", "lte")
_FACTS = {"stage", "persona", "segment", "consent"}
_COMPARED = (
    ("is", "is"), ("is_not", "is not"), ("contains", "contains"), ("gte", "is at least"), ("lte", "is at most"),
    ("known", "is known"), ("unknown", "is not known"),
)  # fmt: skip
_WITHIN = Field("days", "within so many days", "number", hint="ever")
_EVENT = Field("what", "Event", hint="Order Completed")
_scores, _segments = _named(lambda book: book.scores.values()), _named(lambda book: book.segments.values())
_NEVER = "never_"
_FATES = (
    ("sent", "were sent one"), ("delivered", "received one"), ("opened", "opened one"), ("clicked", "clicked in one"),
    ("bounced", "bounced one"), ("complained", "complained about one"), ("never_sent", "were sent none"),
    ("never_opened", "opened none"), ("never_clicked", "clicked in none"),
)  # fmt: skip
_LEVEL = (("gte", "is at least"), ("lt", "is less than"))


def _stages(book: Book) -> Choices:
    return [(rule.id, rule.id) for each in book.stages.values() for rule in each.stages]


def _personas(book: Book) -> Choices:
    return sorted((persona.id, persona.name) for persona in book.personas.personas)


def _templates(book: Book) -> Choices:
    return [("", "any"), *((template, template) for template in sorted(book.templates))]


def _topics(book: Book) -> Choices:
    return [(topic.topic_id, topic.name) for topic in book.policy.topics.values()]


Conditions = Mapping[str, Condition]

CONDITIONS: Conditions = {
    each.key: each
    for each in (
        Condition(
            "attribute",
            "What is known of them",
            (
                Field("what", "Attribute", hint="country"),
                Field("how", "How", "word", _COMPARED),
                Field("value", "Value"),
            ),
            _write_attribute,
            _read_attribute,
        ),
        Condition(
            "did",
            "Something that they did",
            (_EVENT, Field("times", "at least so many times", "number", hint="1"), _WITHIN),
            _write_did,
            lambda said: {"what": said["event"], "times": str(said.get("at_least", 1)), **_days(said)},
        ),
        Condition(
            "did_not",
            "Something that they did not do",
            (_EVENT, _WITHIN),
            _write_did_not,
            lambda said: {"what": said["event"], **_days(said)},
        ),
        Condition(
            "message",
            "What became of our messages",
            (
                Field("how", "They", "word", _FATES),
                Field("what", "of the message", "choice", choices=_templates),
                _WITHIN,
            ),
            _write_message,
            lambda said: {
                "how": (_NEVER if said.get("never") else "") + said["message"],
                "what": said.get("template", ""),
                **_days(said),
            },
        ),
        Condition(
            "place",
            "Where they are",
            (
                Field("what", "Attribute", hint="home"),
                Field("km", "within so many km", "number"),
                Field("lat", "of latitude", "number", hint="38.72"),
                Field("lng", "and longitude", "number", hint="-9.14"),
            ),
            _write_place,
            lambda said: {
                "what": said["attribute"],
                **{key: str(said["near"][key]) for key in ("km", "lat", "lng")},
            },
        ),
        Condition(
            "score",
            "Their score",
            (
                Field("what", "Score", "choice", choices=_scores),
                Field("how", "How", "word", _LEVEL),
                Field("value", "Points", "number"),
            ),
            _write_score,
            _read_score,
        ),
        Condition(
            "stage",
            "Their stage",
            (
                Field("how", "They are", "word", (("yes", "at"), ("no", "not at"))),
                Field("what", "Stage", "choice", choices=_stages),
            ),
            *_fact("stage", "Choose a stage."),
        ),
        Condition(
            "persona",
            "Their persona",
            (
                Field("how", "They are", "word", (("yes", "most like"), ("no", "not most like"))),
                Field("what", "Persona", "choice", choices=_personas),
            ),
            *_fact("persona", "Choose a persona."),
        ),
        Condition(
            "segment",
            "Another segment",
            (
                Field("how", "They are", "word", (("yes", "in"), ("no", "not in"))),
                Field("what", "Segment", "choice", choices=_segments),
            ),
            *_fact("segment", "Choose a segment."),
        ),
        Condition(
            "consent",
            "Their consent",
            (
                Field("how", "They", "word", (("yes", "consent to"), ("no", "do not consent to"))),
                Field("what", "Topic", "choice", choices=_topics),
            ),
            *_fact("consent", "Choose a topic."),
        ),
    )
}


# ----------------------------------------------------------------------------------------------------------- the form


def form_of_fields(fields: Mapping[str, str], conditions: Conditions = CONDITIONS) -> Form:
    """What a browser sent: rows are numbered, `row0.kind`, `row0.what`."""
    rows = []
    for number in range(MOST_ROWS):
        kind = conditions.get(fields.get(f"row{number}.kind", ""))
        if kind:
            said = {each.key: _cut(fields.get(f"row{number}.{each.key}", "")) for each in kind.fields}
            rows.append(Row(kind.key, said))
    match = "any" if fields.get("match") == "any" else "all"
    name, edit = (_cut(fields.get(key, "")) for key in ("name", "edit"))
    description = fields.get("description", "").strip()[:_LONGEST_DESCRIPTION]
    return Form(name, description, match, tuple(rows), edit or "0")


def form_of_document(document: Mapping[str, Any], edit: int) -> Form | None:
    """The form that would mean a document; None when it says more than the form can."""
    form = form_of_condition(document.get("if"))
    name, description = (str(document.get(key) or "") for key in ("name", "description"))
    return form._replace(name=name, description=description, edit=str(edit)) if form else None


def form_of_condition(condition: Any, conditions: Conditions = CONDITIONS) -> Form | None:
    """The rows that would mean a predicate; None when it says more than rows can."""
    if not isinstance(condition, Mapping):
        return None
    match = next((key for key in ("all", "any") if condition.keys() == {key}), "")
    members = condition[match] if match else [condition]
    if not isinstance(members, list) or len(members) > MOST_ROWS:
        return None
    rows = tuple(row for each in members if (row := _read_row(each, conditions)))
    return Form(match=match or "all", rows=rows) if len(rows) == len(members) else None


def write_condition(form: Form, conditions: Conditions = CONDITIONS) -> tuple[dict[str, Any], dict[str, str]]:
    """The predicate that the rows mean, and what is wrong with it: a sentence by the number of a row, or "rows"."""
    problems: dict[str, str] = {}
    members = []
    for number, row in enumerate(form.rows):
        condition = conditions[row.kind]
        try:
            if not all(field.takes(row.fields.get(field.key, "")) for field in condition.fields):
                raise ValueError("Choose one of the words.")
            members.append(condition.write(row.fields))
        except ValueError as error:
            problems[str(number)] = str(error)
    if not form.rows:
        problems["rows"] = "Add at least one condition."
    return {form.match: members}, problems


def add_row(form: Form, kind: str, conditions: Conditions = CONDITIONS) -> Form:
    """With one more condition, that is still to be filled in."""
    if kind not in conditions or len(form.rows) >= MOST_ROWS:
        return form
    return form._replace(rows=(*form.rows, Row(kind, {})))


def remove_row(form: Form, number: int) -> Form:
    return form._replace(rows=tuple(row for at, row in enumerate(form.rows) if at != number))


def read_form(form: Form, segment_id: str, book: Book) -> tuple[dict[str, Any], dict[str, str]]:
    """The document that a form means, and what is wrong with it: a sentence by field, or by the number of a row."""
    condition, problems = write_condition(form)
    if not form.name or len(form.name) > LONGEST_NAME or not form.name.isprintable():
        problems["name"] = f"Give it a name of at most {LONGEST_NAME} letters."
    about = {"description": form.description} if form.description else {}
    document = {"kind": KIND, "id": segment_id, "name": form.name, **about, "if": condition}
    if not problems:
        for path, sentence in _find_mistakes(document, book):
            found = _PATH.fullmatch(path)
            problems.setdefault(found[1] if found else path or "rows", sentence)
    return document, problems


def _find_mistakes(document: Mapping[str, Any], book: Book) -> tuple[tuple[str, str], ...]:
    try:
        check_definition(document, known_in(book, {f"{KIND}/{document['id']}": document}))
    except DefinitionError as error:
        return error.mistakes
    return ()


def _read_row(said: Any, conditions: Conditions) -> Row | None:
    """The row of a predicate; it is none unless it means exactly that."""
    for condition in conditions.values():
        # Whatever is not as a row has it is not its predicate.
        with suppress(KeyError, ValueError, StopIteration, TypeError, AttributeError):
            said = _simplify(said)
            fields = condition.read(said)
            is_short = all(len(value) <= _LONGEST_FIELD for value in fields.values())
            takes = is_short and all(field.takes(fields[field.key]) for field in condition.fields)
            if takes and condition.write(fields) == said:
                return Row(condition.key, fields)
    return None


def _simplify(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same predicate as the form would write it."""
    if said.keys() == {"not"} and len(said["not"]) == 1 and said["not"].keys() <= _FACTS:
        return {**said["not"], "is": False}
    usual = (
        {"is"} if said.get("is") is True and _FACTS & said.keys() else {"at_least"} if said.get("at_least") == 1 else ()
    )
    return {key: value for key, value in said.items() if key not in usual}


def _cut(text: str) -> str:
    return text.strip()[:_LONGEST_FIELD]

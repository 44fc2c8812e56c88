"""Definitions as files: a folder of YAML, read whatever its files are called, written as `<kind>/<id>.yaml`.

YAML is read as JSON means it: a date is text, `10:30` is text, and only true and false are true and false. What JSON
has no word for (types, references to other places, keys that are no text) is refused.
"""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from postroad.documents import says_the_same
from postroad.errors import PostroadError

Document = Mapping[str, Any]
# What a definition begins with, in this order.
HEAD = ("kind", "id", "name", "description")
SCHEMAS = "schemas"
_KEY = re.compile(r"[a-z][a-z0-9_-]*/[a-z0-9][a-z0-9_-]{0,63}")


class FolderError(PostroadError):
    """The folder cannot be read; the sentence says which file, and why."""


class Placed(NamedTuple):
    """A definition and the file in which it stands."""

    path: Path
    document: Document


class _Loader(yaml.SafeLoader):
    """Scalars are text, but for numbers, null, true and false. What JSON cannot say is refused: tags, references, keys
    that are no text; and a key that is said twice: YAML would take the last one, and nobody would hear of the other."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise FolderError(f"says *{event.anchor} in {_line_of(event)}; write out what that stands for")
        if getattr(event, "tag", None) is not None:
            raise FolderError(f"says what type a value has in {_line_of(event)}; leave it out, and put text in quotes")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        said = set[str]()
        for key, _ in node.value:
            if key.tag != _TEXT:
                raise FolderError(f"has a key that is no text in {_line_of(key)}; put it in quotes")
            if key.value in said:
                raise FolderError(f"says {key.value!r} twice, again in {_line_of(key)}")
            said.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        number = float(node.value)
        if not isfinite(number):
            raise FolderError(f"has a number in {_line_of(node)} that is too large")
        return int(node.value) if node.tag == _WHOLE else number


_TEXT, _WHOLE, _BROKEN = (f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float"))
for _tag in (_WHOLE, _BROKEN):
    _Loader.add_constructor(_tag, _Loader.construct_number)


def _line_of(part: Any) -> str:
    return f"line {part.start_mark.line + 1}"


class _Dumper(yaml.SafeDumper):
    """Lines of text stand as lines; lists are indented; nothing is an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_SCALARS = {
    "bool": (r"true|false", "tf"),
    "null": (r"null|~|", ["~", "n", ""]),
    "int": (r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    "float": (r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)", "-0123456789"),
}
_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _SCALARS.items():
    # Text that looks like one of these to us, or to others who read YAML, is quoted.
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


# What YAML would read differently outside of double quotes: controls, tabs, other breaks of lines, lone marks.
_ODD = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ud800-\\udfff\\ufffe\\uffff]")


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = not _ODD.search(text)
    is_block = is_plain and "\n" in text and not re.search(r"[^\S\n](?:\n|\Z)|\A\s", text)
    style = "|" if is_block else None if is_plain and "\n" not in text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def parse_text(text: str) -> list[Any]:
    """The YAML documents of a text. Raises FolderError."""
    try:
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.YAMLError as error:
        raise FolderError(f"is no YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise FolderError("is nested too deeply") from None


def format_document(document: Document) -> str:
    """A definition as YAML: the same document, the same text, which reads back as the same document."""
    head = {key: document[key] for key in HEAD if key in document}
    ordered = {**head, **{key: value for key, value in document.items() if key not in head}}
    text = yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    assert isinstance(text, str)
    return text


def read_folder(folder: str | Path) -> dict[str, Document]:
    """All definitions in a folder and those below it, by key ("journey/welcome"). Raises FolderError."""
    return {key: placed.document for key, placed in place_folder(folder).items()}


def place_folder(folder: str | Path) -> dict[str, Placed]:
    """The same, each with its file. A file may hold several, with `---` between them. Raises FolderError."""
    root = Path(folder)
    if not root.is_dir():
        raise FolderError(f"There is no folder {root}.")
    found: dict[str, Placed] = {}
    for path in _list_files(root):
        try:
            documents = parse_text(path.read_text("utf-8"))
        except (FolderError, UnicodeDecodeError) as error:
            raise FolderError(f"{path} {error}.") from None
        for document in documents:
            key = key_of(document)
            if key is None:
                raise FolderError(f"{path} holds what is no definition: it needs a kind and an id.")
            if key in found:
                raise FolderError(f"{key} stands in {found[key].path} and in {path}; take it out of one of them.")
            found[key] = Placed(path, document)
    return found


def key_of(document: Any) -> str | None:
    """The key of a document ("journey/welcome"); None when it does not say kind and id."""
    if not isinstance(document, Mapping):
        return None
    key = f"{document.get('kind')}/{document.get('id')}"
    return key if _KEY.fullmatch(key) else None


def write_folder(folder: str | Path, documents: Mapping[str, Document]) -> list[Path]:
    """Write each definition that the folder does not hold, or holds differently; returns the files that were written.

    A file that says the same already stays as it is, with its comments. One of several in a file is refused, because
    its neighbours' comments would be lost: raises FolderError before anything is written.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    placed = place_folder(root)
    changed = [
        key
        for key, document in documents.items()
        if key not in placed or not says_the_same(placed[key].document, document)
    ]
    for key in changed:
        if key in placed and len(parse_text(placed[key].path.read_text("utf-8"))) > 1:
            raise FolderError(
                f"{key} has changed, and shares {placed[key].path} with others; give it a file of its own."
            )
    return [
        _write(placed[key].path if key in placed else root / f"{key}.yaml", root, documents[key]) for key in changed
    ]


def _write(path: Path, root: Path, document: Document) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    up = "../" * (len(path.relative_to(root).parts) - 1)
    line = f"# yaml-language-server: $schema={up}{SCHEMAS}/{document['kind']}.json\n"
    path.write_text(line + format_document(document), "utf-8")
    return path


def _list_files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if path.suffix in (".yaml", ".yml") and path.is_file() and not hidden:
            yield path

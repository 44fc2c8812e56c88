"""The gallery: ready-made journeys with their messages, to be installed, changed and published like one's own.

A workflow is one YAML file in this folder: what it is for, the settings that it asks for, and its definitions. In their
texts `${name}` stands for a setting, `${name * 1/3}` for a part of a duration; `${id}` is the id under which the
workflow is installed, and every definition of it begins with that, so that one workflow can be installed twice. A
mail's `body` is put into the layout beside this file.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from math import isfinite, nan
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from postroad.documents import parse_id, parse_text
from postroad.errors import DefinitionError, PostroadError
from postroad.instants import parse_duration
from postroad.policy import Policy

HERE = Path(__file__).parent
_PLACE = re.compile(r"\$\{(?P<name>[a-z_]+)(?: \* (?P<part>\d+(?:/\d+)?))?\}")


class UnknownWorkflowError(PostroadError):
    """The gallery has no workflow of that id."""


class Setting(NamedTuple):
    """What a workflow asks for before it is installed. Without a `default` it must be given."""

    id: str
    name: str
    kind: str
    default: str | None


class Workflow(NamedTuple):
    """A ready-made journey. `listens` are sentences about the events and attributes that the site must send."""

    id: str
    name: str
    summary: str
    goal: str
    listens: tuple[str, ...]
    settings: tuple[Setting, ...]
    definitions: tuple[Mapping[str, Any], ...]

    @property
    def contains(self) -> tuple[str, ...]:
        """Keys of its definitions when it is installed under its own id: `journey/birthday`."""
        return tuple(f"{each['kind']}/{each['id'].replace('${id}', self.id)}" for each in self.definitions)


def _parse_address(raw: object) -> str:
    text = parse_text(raw, 500).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must be the address of a page, such as https://shop.example")
    return text


def _parse_duration(raw: object) -> str:
    parse_duration(raw)
    return str(raw)


def _parse_number(raw: object) -> float:
    try:
        number = float(str(raw))
    except ValueError:
        number = nan
    if not isfinite(number):
        raise ValueError("must be a number")
    return number


# What a setting can be: how its value is read.
SETTING_KINDS: Mapping[str, Callable[[object], str | float]] = {
    "text": lambda raw: parse_text(raw, 200),
    "address": _parse_address,
    "duration": _parse_duration,
    "number": _parse_number,
    "topic": parse_id,
    "id": parse_id,
}

# Every workflow asks for these.
_COMMON = (
    Setting("topic", "The topic that its messages belong to; without it the first of your policy", "topic", ""),
    Setting("site", "The address of your site, to which its mails link", "address", None),
)


@cache
def list_workflows() -> tuple[Workflow, ...]:
    """All workflows, by name."""
    return tuple(sorted((_read(path) for path in HERE.glob("*.yaml")), key=lambda workflow: workflow.name))


def get_workflow(workflow_id: str) -> Workflow:
    """The workflow. Raises UnknownWorkflowError with a sentence."""
    found = next((workflow for workflow in list_workflows() if workflow.id == workflow_id), None)
    if found is None:
        known = ", ".join(workflow.id for workflow in list_workflows())
        raise UnknownWorkflowError(f"The gallery has no workflow {workflow_id[:64]!r}; it has {known}.")
    return found


def _read(path: Path) -> Workflow:
    import yaml  # only who looks into the gallery needs it

    head, *definitions = yaml.safe_load_all(path.read_text())
    settings = tuple(
        Setting(each["id"], each["name"], each["kind"], each.get("default")) for each in head.get("settings", ())
    )
    return Workflow(
        path.stem,
        head["name"],
        head["summary"],
        head["goal"],
        tuple(head["listens"]),
        (*_COMMON, *settings),
        tuple(definitions),
    )


def build(workflow: Workflow, given: Mapping[str, Any], policy: Policy, as_id: str = "") -> dict[str, dict[str, Any]]:
    """The workflow's documents by key, with these settings, installed `as_id` (without one: under its own id).

    Raises DefinitionError with every setting, and an id, that is missing, unknown or wrong.
    """
    values = _read_settings(workflow, given, policy, as_id or workflow.id)
    layout = (HERE / "layout.html").read_text()
    found = {}
    for definition in workflow.definitions:
        document = _fill(definition, values)
        if "body" in document:
            document["html"] = layout.replace("BODY", document.pop("body").strip())
        found[f"{document['kind']}/{document['id']}"] = document
    return found


def _read_settings(workflow: Workflow, given: Mapping[str, Any], policy: Policy, as_id: str) -> dict[str, str | float]:
    values: dict[str, str | float] = {}
    mistakes = list(_find_strangers(workflow, given))
    try:
        values["id"] = parse_id(as_id)
    except ValueError as error:
        mistakes.append(("id", str(error)))
    defaults = {"topic": next(iter(policy.topics), "")}
    for setting in workflow.settings:
        raw = given.get(setting.id) or defaults.get(setting.id) or setting.default
        path = f"settings.{setting.id}"
        if not raw:
            mistakes.append((path, f"is missing: {setting.name}"))
            continue
        try:
            values[setting.id] = SETTING_KINDS[setting.kind](raw)
        except ValueError as error:
            mistakes.append((path, str(error)))
    if "topic" in values and values["topic"] not in policy.topics:
        known = ", ".join(policy.topics) or "none yet"
        mistakes.append(("settings.topic", f"the policy has no topic {values['topic']!r}; it has {known}"))
    if mistakes:
        raise DefinitionError(*mistakes)
    return values


def _find_strangers(workflow: Workflow, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = [setting.id for setting in workflow.settings]
    for name in given:
        if name not in known:
            yield f"settings.{str(name)[:64]}", f"is no setting of this workflow; it has {', '.join(known)}"


def _fill(value: Any, values: Mapping[str, str | float]) -> Any:
    """A definition with its places filled; keys are filled, too. A number alone stays one."""
    if isinstance(value, Mapping):
        return {_fill(key, values): _fill(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, values) for each in value]
    if not isinstance(value, str):
        return value

    alone = _PLACE.fullmatch(value)
    if alone and isinstance(values[alone["name"]], float):
        return values[alone["name"]]

    def place(match: re.Match[str]) -> str:
        text, part = str(values[match["name"]]), match["part"]
        return text if part is None else _write_duration(parse_duration(text) * Fraction(part))

    return _PLACE.sub(place, value)


def _write_duration(seconds: float | Fraction) -> str:
    """A duration in the largest unit that fits, to the second: `P7D`, `PT90M`."""
    whole = max(1, round(seconds))
    for unit, size in (("P{}D", 86_400), ("PT{}H", 3_600), ("PT{}M", 60)):
        if whole % size == 0:
            return unit.format(whole // size)
    return f"PT{whole}S"

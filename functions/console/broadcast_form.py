"""The form of a broadcast: what is typed, the document that it means, and what is wrong with it."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from postroad.broadcasts import KIND
from postroad.definitions import Known, check_definition
from postroad.errors import DefinitionError
from postroad.instants import format_instant
from postroad.local_time import find_instant, parse_date, parse_time_of_day

LONGEST_NAME = 100
_LONGEST_FIELD = 200


class Form(NamedTuple):
    """The fields as they were typed; `when` is "now" or "later", `edit` the edit that they were read from."""

    name: str = ""
    segment: str = ""
    template: str = ""
    when: str = "later"
    date: str = ""
    time: str = "09:00"
    edit: str = "0"


def form_of_fields(fields: Mapping[str, str]) -> Form:
    """What a browser sent."""
    return Form(**{name: fields.get(name, "").strip()[:_LONGEST_FIELD] for name in Form._fields})


def form_of_draft(document: Mapping[str, Any], at: float | None, edit: int, zone: tzinfo) -> Form:
    """The form that would mean a draft; `at` is when it begins."""
    said = {name: str(document.get(name) or "") for name in ("name", "segment", "template")}
    form = Form(**said, when="now", edit=str(edit))
    if at is None:
        return form
    moment = datetime.fromtimestamp(at, zone)
    return form._replace(when="later", date=moment.date().isoformat(), time=f"{moment:%H:%M}")


def read_form(
    form: Form, broadcast_id: str, known: Known, zone: tzinfo, now: float
) -> tuple[dict[str, Any], dict[str, str]]:
    """The document that a form means, and what is wrong with it: a sentence by field, or by path in the document."""
    named = {"name": form.name, "segment": form.segment, "template": form.template}
    document: dict[str, Any] = {"kind": KIND, "id": broadcast_id, **named}
    problems = {field: "Choose one." for field in ("segment", "template") if not named[field]}
    if not form.name or len(form.name) > LONGEST_NAME or not form.name.isprintable():
        problems["name"] = f"Give it a name of at most {LONGEST_NAME} letters, by which you will know it."
    if form.when == "later":
        try:
            document["at"] = format_instant(_instant(form, zone, now))
        except ValueError as error:
            problems["at"] = str(error)
    for path, sentence in find_mistakes(document, known):
        problems.setdefault(path, sentence)
    return document, problems


def find_mistakes(document: Mapping[str, Any], known: Known) -> tuple[tuple[str, str], ...]:
    """The mistakes of a broadcast's document, as (path, sentence)."""
    try:
        check_definition(document, known)
    except DefinitionError as error:
        return error.mistakes
    return ()


def slug_of(name: str) -> str:
    """An id made of a name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or KIND


def _instant(form: Form, zone: tzinfo, now: float) -> float:
    """When the form says to begin, by the clock of the zone. Raises ValueError with a sentence."""
    found = find_instant(parse_date(form.date), parse_time_of_day(form.time), zone)
    if found is None:
        raise ValueError(f"There is no such day in {zone}; choose another one.")
    if found <= now:
        raise ValueError("This lies in the past; choose a time to come, or let it begin as soon as it is scheduled.")
    return found

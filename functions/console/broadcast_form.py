"""The form of a broadcast: what is typed, the document that it means, and what is wrong with it."""

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from postroad.broadcasts.broadcast import AUTOMATIC, CLICKED, EVENT, KIND, READER
from postroad.definitions import Known, check_definition
from postroad.errors import DefinitionError
from postroad.instants import format_instant, parse_duration
from postroad.local_time import find_instant, parse_date, parse_time_of_day

LONGEST_NAME = 100
_LONGEST_FIELD = 200
# What the form asks for and may leave out; what else a draft says stays when it is saved.
ASKED = ("at", "zone", "test")


class Form(NamedTuple):
    """The fields as they were typed; `when` is "now", "later" or "reader", `edit` the edit that they were read from.

    `against` to `winner` are those of a test, which there is when `against` names a template; `event` is what decides
    it when `decided_by` says so.
    """

    name: str = ""
    segment: str = ""
    template: str = ""
    when: str = "later"
    date: str = ""
    time: str = "09:00"
    edit: str = "0"
    against: str = ""
    share: str = "20"
    hours: str = "4"
    decided_by: str = "clicked"
    event: str = ""
    winner: str = "automatic"


def form_of_fields(fields: Mapping[str, str]) -> Form:
    """What a browser sent."""
    usual = {name: Form._field_defaults[name] for name in ("share", "hours", "decided_by", "winner")}
    return Form(**{name: fields.get(name, usual.get(name, "")).strip()[:_LONGEST_FIELD] for name in Form._fields})


def form_of_draft(document: Mapping[str, Any], at: float | None, edit: int, zone: tzinfo) -> Form:
    """The form that would mean a draft; `at` is when it begins."""
    said = {name: str(document.get(name) or "") for name in ("name", "segment", "template")}
    form = Form(**said, when="now", edit=str(edit), **_test_of(document.get("test")))
    if at is None:
        return form
    moment = datetime.fromtimestamp(at, zone)
    when = "reader" if document.get("zone") == READER else "later"
    return form._replace(when=when, date=moment.date().isoformat(), time=f"{moment:%H:%M}")


def read_form(
    form: Form, broadcast_id: str, known: Known, zone: tzinfo, now: float
) -> tuple[dict[str, Any], dict[str, str]]:
    """The document that a form means, and what is wrong with it: a sentence by field, or by path in the document."""
    named = {"name": form.name, "segment": form.segment, "template": form.template}
    document: dict[str, Any] = {"kind": KIND, "id": broadcast_id, **named}
    problems = {field: "Choose one." for field in ("segment", "template") if not named[field]}
    if not form.name or len(form.name) > LONGEST_NAME or not form.name.isprintable():
        problems["name"] = f"Give it a name of at most {LONGEST_NAME} letters, by which you will know it."
    if form.when in ("later", "reader"):
        try:
            document["at"] = format_instant(_instant(form, zone if form.when == "later" else UTC, now))
        except ValueError as error:
            problems["at"] = str(error)
    if form.when == "reader":
        document["zone"] = READER
    if form.against:
        document["test"] = _read_test(form, problems)
    for path, sentence in find_mistakes(document, known):
        problems.setdefault(path, sentence)
    return document, problems


def _read_test(form: Form, problems: dict[str, str]) -> dict[str, Any]:
    """The test that a form means; what is no number is a problem."""
    numbers = {}
    for field in ("share", "hours"):
        typed = getattr(form, field).replace(",", ".")
        numbers[field] = float(typed) if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", typed) else 0.0
        if not numbers[field]:
            problems[field] = "Type a number above 0."
    decides = {"event": form.event} if form.decided_by == EVENT else {"decided_by": form.decided_by}
    if decides == {"event": ""}:
        problems["event"] = "Name the event that decides, such as Order Completed."
    return {
        "against": [form.against],
        "share": numbers["share"],
        "lasts": f"PT{round(numbers['hours'] * 60)}M",
        **decides,
        "winner": form.winner,
    }


def _test_of(test: object) -> dict[str, str]:
    """The fields of a draft's test; one that a form cannot hold is shown as far as it goes."""
    if not isinstance(test, Mapping):
        return {}
    against, lasts = test.get("against"), test.get("lasts")
    with suppress(ValueError):
        hours = parse_duration(lasts) / 3_600.0 if isinstance(lasts, str) else 4.0
        share = test.get("share")
        return {
            "against": str(against[0] if isinstance(against, list) and against else against or ""),
            "share": f"{share:g}" if isinstance(share, int | float) else "20",
            "hours": f"{hours:g}",
            "decided_by": EVENT if test.get("event") else str(test.get("decided_by") or CLICKED),
            "event": str(test.get("event") or ""),
            "winner": str(test.get("winner") or AUTOMATIC),
        }
    return {}


def find_mistakes(document: Mapping[str, Any], known: Known) -> tuple[tuple[str, str], ...]:
    """The mistakes of a broadcast's document, as (path, sentence)."""
    try:
        check_definition(document, known)
    except DefinitionError as error:
        return error.mistakes
    return ()


def slug_of(name: str, otherwise: str) -> str:
    """An id made of a name; `otherwise` when nothing of the name can stand in one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or otherwise


def _instant(form: Form, zone: tzinfo, now: float) -> float:
    """When the form says to begin, by the clock of the zone. Raises ValueError with a sentence."""
    found = find_instant(parse_date(form.date), parse_time_of_day(form.time), zone)
    if found is None:
        raise ValueError(f"There is no such day in {zone}; choose another one.")
    if found <= now:
        raise ValueError("This lies in the past; choose a time to come, or let it begin as soon as it is scheduled.")
    return found

"""The form in which a journey says what starts it, what it is for and whom it lets in, and the document that it means.

A kind of trigger is one entry in TRIGGERS. What a document says beyond the form is kept as it is.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from functions.console import segment_form
from functions.console.segment_form import CONDITIONS, LONGEST_NAME, Conditions
from functions.console.step_form import (
    DATE_PARTS,
    DAYS_PART,
    EVENT_PARTS,
    LONGEST_FIELD,
    Fields,
    Part,
    StepForm,
    forms,
    journeys,
    need,
    read_date,
    read_days,
    read_duration,
    read_event,
    segments,
    write_date,
    write_days,
    write_duration,
    write_event,
    write_number,
)

MOST_TRIGGERS = 20
_ENDED = (
    ("", "in any way"), ("goal", "with its goal"), ("completed", "at its end"), ("exited", "by an exit"),
    ("failed", "by a mistake"),
)  # fmt: skip
_EVERY = (("day", "day"), ("week", "week"), ("month", "month"))


class Row(NamedTuple):
    """A trigger as it was typed. One that no form can say has the kind "" and its number in the document, `was`."""

    kind: str
    fields: Fields
    was: str = ""


class Start(NamedTuple):
    """What was typed. `exits` None keeps the `exit_if` of the document, `is_goal_kept` its goal, `is_entry_kept` its
    `reentry`: they say more than the form can."""

    fields: Fields
    triggers: tuple[Row, ...]
    exits: segment_form.Form | None
    is_goal_kept: bool = False
    is_entry_kept: bool = False


def _write_every(fields: Fields) -> dict[str, Any]:
    every = fields.get("every", "")
    return {
        "every": every,
        **(write_days(fields) if every != "month" else {}),
        **({"at": fields["at"]} if fields.get("at") else {}),
        "segment": need(fields, "segment", "Choose the segment whose people it starts."),
    }


def _read_every(said: Mapping[str, Any]) -> dict[str, str]:
    return {"every": said["every"], **read_days(said), "at": said.get("at", ""), "segment": said["segment"]}


def _write_journey(fields: Fields) -> dict[str, Any]:
    ended = {"ended": fields["ended"]} if fields.get("ended") else {}
    return {"journey": need(fields, "journey", "Choose a journey."), **ended}


TRIGGERS: Mapping[str, StepForm] = {
    each.key: each
    for each in (
        StepForm("event", "event", "Something that they do", "", EVENT_PARTS, write_event, read_event),
        StepForm(
            "form", "form", "A form that they submit", "", (Part("form", "Form", "choice", choices=forms),),
            lambda fields: {"form": need(fields, "form", "Choose a form.")}, lambda said: {"form": said["form"]},
        ),
        StepForm(
            "segment", "segment", "Coming into a segment", "",
            (Part("segment", "Segment", "choice", choices=segments),),
            lambda fields: {"segment": need(fields, "segment", "Choose a segment.")},
            lambda said: {"segment": said["segment"]},
        ),
        StepForm(
            "left", "left", "Leaving a segment", "", (Part("left", "Segment", "choice", choices=segments),),
            lambda fields: {"left": need(fields, "left", "Choose a segment.")}, lambda said: {"left": said["left"]},
        ),
        StepForm("date", "date", "A date of theirs", "", DATE_PARTS, write_date, read_date),
        StepForm(
            "every", "every", "A day that comes round", "",
            (
                Part("every", "Every", "word", _EVERY), DAYS_PART, Part("at", "at", "time", is_optional=True),
                Part("segment", "for the people in", "choice", choices=segments),
            ),
            _write_every, _read_every,
        ),
        StepForm(
            "journey", "journey", "The end of another journey", "",
            (Part("journey", "Journey", "choice", choices=journeys), Part("ended", "ended", "word", _ENDED)),
            _write_journey, lambda said: {"journey": said["journey"], "ended": said.get("ended", "")},
        ),
        StepForm(
            "api", "api", "A request of your developers", "", (), lambda fields: {"api": True}, lambda said: {},
        ),
    )
}  # fmt: skip

REENTRY = (("once", "only once"), ("always", "again and again"), ("after", "again after some time"))
GOAL_PARTS = (
    Part("goal", "Event that it is for", hint="Order Completed", is_optional=True),
    Part("goal.property", "only if its property", hint="any", is_optional=True),
    EVENT_PARTS[2]._replace(key="goal.how"),
    Part("goal.value", "value", is_optional=True),
    Part("within", "within", "duration", is_optional=True),
)
ENTRY_PARTS = (
    Part("reentry", "Each person enters", "word", REENTRY),
    Part("again", "that is, after", "duration", is_optional=True),
    Part("most", "so many times at most", "number", is_optional=True),
    Part("holdout", "percent are held out, to compare", "number", hint="0", is_optional=True),
)
_PLAIN = ("name", "description")
LONGEST = {"description": 5_000}


def form_of_journey(document: Mapping[str, Any], conditions: Conditions = CONDITIONS) -> Start:
    """The form of a document."""
    said = document.get("trigger")
    triggers = said if isinstance(said, list) else [said]
    goal, is_goal_kept = _read_goal(document.get("goal"))
    entry, is_entry_kept = _read_reentry(document.get("reentry", "once"))
    exits = document.get("exit_if")
    fields = {
        **{key: str(document.get(key) or "") for key in _PLAIN},
        **entry,
        "holdout": f"{document['holdout']:g}" if isinstance(document.get("holdout"), int | float) else "",
        **goal,
    }
    return Start(
        fields,
        tuple(_read_trigger(trigger, number) for number, trigger in enumerate(triggers)),
        segment_form.form_of_condition(exits, conditions) if exits else segment_form.Form(match="any"),
        is_goal_kept,
        is_entry_kept,
    )


def form_of_fields(fields: Mapping[str, str], conditions: Conditions = CONDITIONS) -> Start:
    """What a browser sent: triggers are numbered, `trigger0.kind`, and so is whoever leaves early, `exit.row0.what`."""
    parts = (*ENTRY_PARTS, *GOAL_PARTS)
    keys = [*_PLAIN, *(part.key for part in parts), *(f"{part.key}.unit" for part in parts if part.kind == "duration")]
    rows = []
    for number in range(MOST_TRIGGERS):
        prefix = f"trigger{number}."
        if f"{prefix}was" in fields:
            kind = fields.get(f"{prefix}kind", "")
            mine = {key.removeprefix(prefix): value for key, value in fields.items() if key.startswith(prefix)}
            known = {key: value.strip()[:LONGEST_FIELD] for key, value in mine.items() if key not in ("kind", "was")}
            rows.append(Row(kind if kind in TRIGGERS else "", known, mine["was"]))
    exits = {key.removeprefix("exit."): value for key, value in fields.items() if key.startswith("exit.")}
    return Start(
        {key: fields.get(key, "").strip()[: LONGEST.get(key, LONGEST_FIELD)] for key in keys},
        tuple(rows),
        None if "exits_kept" in fields else segment_form.form_of_fields(exits, conditions),
        "goal_kept" in fields,
        "entry_kept" in fields,
    )


def write_journey(
    start: Start, document: Mapping[str, Any], conditions: Conditions = CONDITIONS
) -> tuple[dict[str, Any], dict[str, str]]:
    """The document that a form means, and what is wrong with it: a sentence by part of the form. What the form does
    not say stays as the document has it."""
    problems: dict[str, str] = {}
    gone = {"description", "holdout", *(() if start.is_entry_kept else ("reentry",))}
    changed = {key: value for key, value in document.items() if key not in gone}
    name = start.fields.get("name", "")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        problems["name"] = f"Give it a name of at most {LONGEST_NAME} letters."
    changed["name"] = name
    if start.fields.get("description"):
        changed["description"] = start.fields["description"]
    changed["trigger"] = _write_triggers(start, document, problems)
    for part, write in (("entry", _write_entry), ("goal", _write_goal)):
        if part != "goal" or not start.is_goal_kept:
            try:
                changed.pop(part, None)
                changed |= write(start.fields)
            except ValueError as error:
                problems[part] = str(error)
    if start.exits is not None:
        changed.pop("exit_if", None)
        if start.exits.rows:
            changed["exit_if"], wrong = segment_form.write_condition(start.exits, conditions)
            if wrong:
                problems["exits"] = " ".join(wrong.values())
    return changed, problems


def add_trigger(start: Start, kind: str) -> Start:
    if kind not in TRIGGERS or len(start.triggers) >= MOST_TRIGGERS:
        return start
    return start._replace(triggers=(*start.triggers, Row(kind, {})))


def remove_trigger(start: Start, number: int) -> Start:
    return start._replace(triggers=tuple(row for at, row in enumerate(start.triggers) if at != number))


def _read_trigger(said: Any, number: int) -> Row:
    for form in TRIGGERS.values():
        # Whatever is not as a form has it is not its trigger.
        with suppress(KeyError, ValueError, StopIteration, TypeError, AttributeError):
            fields = form.read(said)
            if form.write(fields) == dict(said):
                return Row(form.key, fields, str(number))
    return Row("", {}, str(number))


def _write_triggers(start: Start, document: Mapping[str, Any], problems: dict[str, str]) -> Any:
    said = document.get("trigger")
    stored = said if isinstance(said, list) else [said]
    written: list[Any] = []
    for number, row in enumerate(start.triggers):
        try:
            if row.kind:
                written.append(TRIGGERS[row.kind].write(row.fields))
            elif row.was.isdigit() and int(row.was) < len(stored):
                written.append(stored[int(row.was)])
        except ValueError as error:
            problems[f"trigger{number}"] = str(error)
    if not written and not problems:
        problems["triggers"] = "Say what starts it."
    return written[0] if len(written) == 1 else written


def _write_entry(fields: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rule, most = fields.get("reentry", ""), fields.get("most", "")
    times = {"most": write_number(fields, "most", "How many times")} if most else {}
    if rule == "after":
        found["reentry"] = {
            "after": write_duration(fields, "again", "After how long they enter again")["again"],
            **times,
        }
    elif rule == "always":
        found["reentry"] = times or "always"
    if fields.get("holdout"):
        found["holdout"] = write_number(fields, "holdout", "How many percent are held out")
    return found


def _read_reentry(said: Any) -> tuple[dict[str, str], bool]:
    """The fields of a re-entry rule, and whether it says more than they can."""
    none = {"reentry": "once", "again": "", "again.unit": "D", "most": ""}
    if isinstance(said, str):
        return {**none, "reentry": said}, said not in dict(REENTRY)
    with suppress(ValueError, TypeError, AttributeError, KeyError):
        rule = {"reentry": "after" if "after" in said else "always", "most": str(said.get("most", ""))}
        after = read_duration(said, "after")
        fields = {**rule, "again": after["after"], "again.unit": after["after.unit"]}
        if _write_entry(fields)["reentry"] == dict(said):
            return fields, False
    return {**none, "reentry": ""}, True


def _write_goal(fields: Fields) -> dict[str, Any]:
    if not fields.get("goal"):
        return {}
    said = {key.removeprefix("goal."): value for key, value in fields.items() if key.startswith("goal.")}
    event = write_event({"event": fields["goal"], **said})
    return {"goal": {**event, **write_duration(fields, "within", "Within which time", is_needed=False)}}


def _read_goal(said: Any) -> tuple[dict[str, str], bool]:
    """The fields of a goal, and whether it says more than they can."""
    none = {"goal": "", "goal.property": "", "goal.how": "is", "goal.value": "", "within": "", "within.unit": "D"}
    if not said:
        return none, False
    with suppress(KeyError, ValueError, TypeError, AttributeError):
        event = read_event(said)
        fields = {
            "goal": event["event"], **{f"goal.{key}": event[key] for key in ("property", "how", "value")},
            **read_duration(said, "within"),
        }  # fmt: skip
        if _write_goal(fields)["goal"] == dict(said):
            return fields, False
    return none, True

"""The forms in which steps of a journey are written: what there is to fill in, and the step that it means.

A kind of step is one entry in FORMS. A step that no entry can say is none for a form: it can be moved and removed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from functions.console import segment_form
from functions.console.segment_form import CONDITIONS, Condition, Field, read_value
from postroad.book import Book
from postroad.journeys.steps import SendStep
from postroad.tasks import KINDS

# Further ways, and longer texts, are none for a form: what it cannot hold it must not touch.
MOST_WAYS = 20
LONGEST_FIELD = 2_000

Fields = Mapping[str, str]
Choices = Sequence[tuple[str, str]]
Body = dict[str, Any]


class Known(NamedTuple):
    """What can be chosen from: what is published, messages by channel and id, steps of this journey, its messages."""

    book: Book
    messages: Choices
    steps: Choices
    sends: Choices


class Part(NamedTuple):
    """One field: `kind` is "text", "area", "number", "time", "moment", "duration" (a number and a unit), "flag", "word"
    (one of `words`) or "choice" (one of `choices`)."""

    key: str
    label: str
    kind: str = "text"
    words: Choices = ()
    choices: Callable[[Known], Choices] = lambda known: ()
    hint: str = ""
    is_optional: bool = False

    def options(self, known: Known) -> Choices:
        """What can be chosen; nothing where one types."""
        found = self.words or self.choices(known)
        return (("", "—"), *found) if self.is_optional else found


class Ways(NamedTuple):
    """The ways of a step that has several: where they stand, what each says beside its steps, how few there can be.

    `parts` without a condition are all of it; `asks` says that each has one.
    """

    key: str
    parts: tuple[Part, ...]
    write: Callable[[Fields], Body]
    read: Callable[[Mapping[str, Any]], dict[str, str]]
    least: int = 1
    asks: bool = False


class StepForm(NamedTuple):
    """One kind of step. `write` makes what stands under its `type` of the fields, or raises ValueError with a sentence;
    `read` gives the fields of one, as far as it can. What stands in its ways is not its concern."""

    key: str
    type: str
    title: str
    about: str
    parts: tuple[Part, ...]
    write: Callable[[Fields], Body]
    read: Callable[[Mapping[str, Any]], dict[str, str]]
    ways: Ways | None = None


class Way(NamedTuple):
    """A way as it was typed. `was` is its number in the step as it is stored, "" of a new one. `condition` is what it
    asks; None keeps what is stored, which says more than the form can."""

    was: str
    fields: Fields
    condition: segment_form.Form | None = None


class Typed(NamedTuple):
    """A step as it was typed."""

    form: StepForm
    fields: Fields
    ways: tuple[Way, ...] = ()


# -------------------------------------------------------------------------------------------------- writing and reading

_UNITS = (("M", "minutes"), ("H", "hours"), ("D", "days"), ("W", "weeks"))
_DURATION = re.compile(r"P(?:(\d{1,4})([DW])|T(\d{1,5})([HM]))")
_DAYS = {
    "": [],
    "workdays": ["mon", "tue", "wed", "thu", "fri"],
    "weekend": ["sat", "sun"],
    **{day: [day] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
}
_DAY_WORDS = (
    ("", "any day"), ("workdays", "Monday to Friday"), ("weekend", "Saturday or Sunday"), ("mon", "Monday"),
    ("tue", "Tuesday"), ("wed", "Wednesday"), ("thu", "Thursday"), ("fri", "Friday"), ("sat", "Saturday"),
    ("sun", "Sunday"),
)  # fmt: skip


_COMPARED = (
    ("is", "is"), ("is_not", "is not"), ("starts_with", "begins with"), ("contains", "contains"),
    ("gte", "is at least"), ("lte", "is at most"),
)  # fmt: skip


def units() -> Choices:
    """In what durations are counted."""
    return _UNITS


def need(fields: Fields, key: str, sentence: str) -> str:
    if not fields.get(key):
        raise ValueError(sentence)
    return fields[key]


def write_duration(fields: Fields, key: str, what: str, *, is_needed: bool = True) -> dict[str, str]:
    """{key: "P3D"} of a number and its unit."""
    number, unit = fields.get(key, ""), fields.get(f"{key}.unit", "D")
    if not number and not is_needed:
        return {}
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 10_000) or unit not in dict(_UNITS):
        raise ValueError(f"{what} must be a whole number, such as 3, with its unit.")
    return {key: f"PT{int(number)}{unit}" if unit in "HM" else f"P{int(number)}{unit}"}


def read_duration(body: Mapping[str, Any], key: str) -> dict[str, str]:
    if key not in body:
        return {key: "", f"{key}.unit": "D"}
    found = _DURATION.fullmatch(str(body[key]))
    if not found:
        raise ValueError(key)
    return {key: found[1] or found[3], f"{key}.unit": found[2] or found[4]}


def write_number(fields: Fields, key: str, what: str) -> int | float:
    value = read_value(fields.get(key, ""))
    if isinstance(value, bool | str):
        raise ValueError(f"{what} must be a number.")
    return value


def write_event(fields: Fields, key: str = "event") -> Body:
    """An event, and the property that it must have, if one is named."""
    found: Body = {key: need(fields, key, "Name an event, such as Order Completed.")}
    if fields.get("property"):
        value = read_value(need(fields, "value", "Say which value the property has."))
        found["where"] = {"property": fields["property"], fields.get("how") or "is": value}
    return found


def read_event(body: Mapping[str, Any], key: str = "event") -> dict[str, str]:
    where = body.get("where", {"property": "", "is": ""})
    how = next(each for each, _ in _COMPARED if each in where)
    if where.keys() != {"property", how}:
        raise ValueError(key)
    return {key: body[key], "property": where["property"], "how": how, "value": _text(where[how])}


def write_days(fields: Fields) -> dict[str, list[str]]:
    days = _DAYS.get(fields.get("weekdays", ""), [])
    return {"weekdays": days} if days else {}


def read_days(body: Mapping[str, Any]) -> dict[str, str]:
    return {"weekdays": next(name for name, days in _DAYS.items() if days == body.get("weekdays", []))}


def write_flag(fields: Fields, key: str) -> dict[str, bool]:
    return {key: True} if fields.get(key) else {}


def read_flag(body: Mapping[str, Any], key: str) -> dict[str, str]:
    return {key: "yes" if body.get(key) is True else ""}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _texts(*keys: str) -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """Fields that stand in the step under their own names; those that are missing are empty."""
    return lambda body: {key: _text(body.get(key, "")) for key in keys}


# ------------------------------------------------------------------------------------------------------------- choices


def named(pick: Callable[[Book], Iterable[Any]]) -> Callable[[Known], Choices]:
    """Definitions by their names."""
    return lambda known: sorted(((each.id, each.name) for each in pick(known.book)), key=lambda pair: pair[1].lower())


segments = named(lambda book: book.segments.values())
journeys = named(lambda book: book.journeys.values())
_static = named(lambda book: (each for each in book.segments.values() if each.predicate is None))
_scores = named(lambda book: book.scores.values())


def forms(known: Known) -> Choices:
    return sorted((form_id, form_id) for form_id in known.book.forms)


def stages(known: Known) -> Choices:
    return [(rule.id, rule.id) for each in known.book.stages.values() for rule in each.stages]


EVENT_PARTS = (
    Part("event", "Event", hint="Order Completed"),
    Part("property", "only if its property", hint="any", is_optional=True),
    Part("how", "how", "word", _COMPARED),
    Part("value", "value", is_optional=True),
)
DAYS_PART = Part("weekdays", "on", "word", _DAY_WORDS)
_TIMEOUT = Part("timeout", "at most for", "duration")
_NAME = Part("name", "Name of the way")


# --------------------------------------------------------------------------------------------------------------- forms


def _write_send(fields: Fields) -> Body:
    channel, _, template = need(fields, "message", "Choose a message.").partition(":")
    return {
        "template": template,
        "channel": channel,
        **write_duration(fields, "expires", "After how long it is not worth sending", is_needed=False),
        **({"at": "best"} if fields.get("at") else {}),
        **write_flag(fields, "any_time"),
    }


def _read_send(body: Mapping[str, Any]) -> dict[str, str]:
    return {
        "message": f"{body.get('channel', 'email')}:{body['template']}",
        **read_duration(body, "expires"),
        "at": {"best": "yes", None: ""}[body.get("at")],
        **read_flag(body, "any_time"),
    }


def _write_message_wait(fields: Fields) -> Body:
    send = need(fields, "send", "Choose the message of this journey whose reader is waited for.")
    return {fields.get("how", "opened"): send, **write_duration(fields, "timeout", "How long to wait at most")}


def _read_message_wait(body: Mapping[str, Any]) -> dict[str, str]:
    how = next(key for key in ("opened", "clicked") if key in body)
    return {"how": how, "send": body[how], **read_duration(body, "timeout")}


def _write_segment_wait(fields: Fields) -> Body:
    segment = need(fields, "segment", "Choose a segment.")
    return {fields.get("how", "segment"): segment, **write_duration(fields, "timeout", "How long to wait at most")}


def _read_segment_wait(body: Mapping[str, Any]) -> dict[str, str]:
    how = next(key for key in ("segment", "left") if key in body)
    return {"how": how, "segment": body[how], **read_duration(body, "timeout")}


def write_date(fields: Fields) -> Body:
    """A date of the contact: `date`, and what moves it."""
    found: Body = {"date": need(fields, "date", "Name the attribute that holds the date, such as birthday.")}
    found |= write_flag(fields, "yearly")
    if fields.get("when", "on") != "on":
        number = write_number(fields, "days", "How many days")
        if not isinstance(number, int) or number < 1:
            raise ValueError("How many days must be a whole number, such as 7.")
        found[fields["when"]] = f"P{number}D"
    return {**found, **({"at": fields["at"]} if fields.get("at") else {})}


def read_date(body: Mapping[str, Any]) -> dict[str, str]:
    when = next((key for key in ("before", "after") if key in body), "on")
    days = re.fullmatch(r"P(\d{1,4})D", str(body[when])) if when != "on" else None
    if when != "on" and not days:
        raise ValueError(when)
    at = body.get("at", "")
    return {"date": body["date"], **read_flag(body, "yearly"), "when": when, "days": days[1] if days else "", "at": at}


DATE_PARTS = (
    Part("date", "Attribute with the date", hint="birthday"),
    Part("yearly", "every year", "flag"),
    Part("when", "When", "word", (("on", "on the day"), ("before", "days before"), ("after", "days after"))),
    Part("days", "days", "number", is_optional=True),
    Part("at", "at", "time", is_optional=True),
)  # fmt: skip


def _write_update(fields: Fields) -> Body:
    found: Body = {}
    if fields.get("attribute"):
        found["set"] = {fields["attribute"]: read_value(need(fields, "value", "Say which value the attribute gets."))}
    if fields.get("stage"):
        found["stage"] = fields["stage"]
    if not found:
        raise ValueError("Name an attribute, or choose a stage.")
    return found


def _read_update(body: Mapping[str, Any]) -> dict[str, str]:
    ((attribute, value),) = (body.get("set") or {"": ""}).items()
    return {"attribute": attribute, "value": _text(value), "stage": body.get("stage", "")}


def _write_both(what: str) -> Callable[[Fields], Body]:
    """Names to add and to take away, separated by commas."""

    def write(fields: Fields) -> Body:
        found = {key: names for key in ("add", "remove") if (names := _list(fields.get(key, "")))}
        if not found:
            raise ValueError(f"Name {what} to add, or one to take away.")
        return found

    return write


def _read_both(body: Mapping[str, Any]) -> dict[str, str]:
    return {key: ", ".join(body.get(key, [])) for key in ("add", "remove")}


def _write_owner(fields: Fields) -> Body:
    owners = _list(need(fields, "is", "Name who looks after them, such as mia@example.com."))
    return {"is": owners, **write_flag(fields, "replace")}


def _write_said(fields: Fields) -> Body:
    found: Body = {"name": need(fields, "name", "Name the event that happens to them.")}
    if fields.get("property"):
        found["properties"] = {fields["property"]: read_value(fields.get("value", ""))}
    return found


def _read_said(body: Mapping[str, Any]) -> dict[str, str]:
    ((name, value),) = (body.get("properties") or {"": ""}).items()
    return {"name": body["name"], "property": name, "value": _text(value)}


def _write_task(fields: Fields) -> Body:
    kind = fields.get("kind", "")
    found: Body = {"kind": kind, "title": need(fields, "title", "Say what is to be done.")}
    found |= {key: fields[key] for key in ("note", "assignee") if fields.get(key)}
    found |= write_duration(fields, "due", "When it is due", is_needed=False)
    if fields.get("timeout"):
        found |= write_duration(fields, "timeout", "How long to wait for the outcome")
        found["outcomes"] = {outcome: [] for outcome in KINDS[kind].outcomes}
    return found


def _read_task(body: Mapping[str, Any]) -> dict[str, str]:
    return {
        **_texts("kind", "title", "note", "assignee")(body),
        **read_duration(body, "due"),
        **read_duration(body, "timeout"),
    }


def _write_experiment(fields: Fields) -> Body:
    goal = {"goal": {"event": fields["goal"]}} if fields.get("goal") else {}
    return {
        **goal,
        **write_duration(fields, "within", "Within which time", is_needed=False),
        "winner": fields["winner"],
    }


def _read_experiment(body: Mapping[str, Any]) -> dict[str, str]:
    goal = body.get("goal", {"event": ""})
    if goal.keys() != {"event"}:
        raise ValueError("goal")
    return {"goal": goal["event"], **read_duration(body, "within"), "winner": body.get("winner", "automatic")}


def _write_way(fields: Fields) -> Body:
    return {"name": fields["name"]} if fields.get("name") else {}


def _write_value_way(fields: Fields) -> Body:
    values = [read_value(each) for each in _list(need(fields, "is", "Say for which value this way is."))]
    return {"is": values[0] if len(values) == 1 else values, **_write_way(fields)}


def _read_value_way(said: Mapping[str, Any]) -> dict[str, str]:
    values = said["is"] if isinstance(said["is"], list) else [said["is"]]
    return {"is": ", ".join(map(_text, values)), "name": said.get("name", "")}


_LANGUAGE_PARTS = (Part("is", "Language", hint="es, pt-BR"), _NAME._replace(is_optional=True))
_VALUE_PARTS = (Part("is", "Value", hint="ES, PT"), _NAME._replace(is_optional=True))

FORMS: Mapping[str, StepForm] = {
    each.key: each
    for each in (
        StepForm(
            "send", "send", "Send a message", "A mail, a text or another message that is published.",
            (
                Part("message", "Message", "choice", choices=lambda known: known.messages),
                Part("at", "wait for the hour at which each person reads", "flag"),
                Part("any_time", "also at quiet hours", "flag"),
                Part("expires", "not any more after", "duration", is_optional=True),
            ),
            _write_send, _read_send,
        ),
        StepForm(
            "wait", "wait", "Wait for a time", "Minutes, hours, days or weeks.",
            (Part("for", "For", "duration"), Part("spread", "and by lot up to", "duration", is_optional=True)),
            lambda fields: write_duration(fields, "for", "How long")
            | write_duration(fields, "spread", "How much more", is_needed=False),
            lambda body: read_duration(body, "for") | read_duration(body, "spread"),
        ),
        StepForm(
            "wait-until", "wait", "Wait until a time of day", "Nine in the morning where they live, on chosen days.",
            (Part("until", "Until", "time"), DAYS_PART),
            lambda fields: {"until": need(fields, "until", "Say a time of day."), **write_days(fields)},
            lambda body: {"until": body["until"], **read_days(body)},
        ),
        StepForm(
            "wait-date", "wait", "Wait for a date of theirs", "A birthday, the end of a trial.",
            DATE_PARTS, write_date, read_date,
        ),
        StepForm(
            "wait-moment", "wait", "Wait until a moment", "A certain day and time, where they live.",
            (Part("moment", "Until", "moment"),),
            lambda fields: {"moment": need(fields, "moment", "Say a day and a time.")},
            _texts("moment"),
        ),
        StepForm(
            "wait-open", "wait", "Wait for open hours", "By the calendar of the account.",
            (), lambda fields: {"open": True}, lambda body: {},
        ),
        StepForm(
            "wait-message", "wait", "Wait for a reader", "Until they open a message of this journey, or click in it.",
            (
                Part("how", "Until they have", "word", (("opened", "opened"), ("clicked", "clicked in"))),
                Part("send", "Message", "choice", choices=lambda known: known.sends),
                _TIMEOUT,
            ),
            _write_message_wait, _read_message_wait,
        ),
        StepForm(
            "wait-event", "wait", "Wait for something they do", "An order, a visit: any event, at most for some time.",
            (*EVENT_PARTS, _TIMEOUT),
            lambda fields: write_event(fields) | write_duration(fields, "timeout", "How long to wait at most"),
            lambda body: read_event(body) | read_duration(body, "timeout"),
        ),
        StepForm(
            "wait-form", "wait", "Wait for a form", "Until they submit it, at most for some time.",
            (Part("form", "Form", "choice", choices=forms), _TIMEOUT),
            lambda fields: {"form": need(fields, "form", "Choose a form.")}
            | write_duration(fields, "timeout", "How long to wait at most"),
            lambda body: {"form": body["form"], **read_duration(body, "timeout")},
        ),
        StepForm(
            "wait-segment", "wait", "Wait for a segment", "Until they are in it, or out of it.",
            (
                Part("how", "Until they", "word", (("segment", "are in"), ("left", "leave"))),
                Part("segment", "Segment", "choice", choices=segments),
                _TIMEOUT,
            ),
            _write_segment_wait, _read_segment_wait,
        ),
        StepForm(
            "branch", "branch", "Go different ways", "The first way whose conditions hold.",
            (), lambda fields: {}, lambda body: {},
            Ways("cases", (_NAME,), _write_way, _texts("name"), asks=True),
        ),
        StepForm(
            "match", "match", "Go by a value", "A way for each value of an attribute, such as the country.",
            (Part("attribute", "Attribute", hint="country"),),
            lambda fields: {"attribute": need(fields, "attribute", "Name an attribute, such as country.")},
            _texts("attribute"),
            Ways("cases", _VALUE_PARTS, _write_value_way, _read_value_way),
        ),
        StepForm(
            "language", "language", "Go by language", "A way for each language that people read.",
            (), lambda fields: {}, lambda body: {},
            Ways("cases", _LANGUAGE_PARTS, _write_value_way, _read_value_way),
        ),
        StepForm(
            "split", "split", "Split by lot", "So many percent go each way.",
            (), lambda fields: {}, lambda body: {},
            Ways(
                "ways", (_NAME, Part("percent", "Percent", "number")),
                lambda fields: {**_write_way(fields), "percent": write_number(fields, "percent", "Percent")},
                _texts("name", "percent"), least=2,
            ),
        ),
        StepForm(
            "experiment", "experiment", "Try variants", "Ways by lot, counted until the better one has won.",
            (
                Part("goal", "What counts (else the goal of the journey)", hint="Order Completed", is_optional=True),
                Part("within", "within", "duration", is_optional=True),
                Part("winner", "The winner is taken", "word", (("automatic", "by itself"), ("manual", "by a person"))),
            ),
            _write_experiment, _read_experiment,
            Ways(
                "variants", (Part("name", "Name, such as plain"), Part("weight", "Weight", "number", hint="1")),
                lambda fields: {
                    "name": need(fields, "name", "Give each variant a name."),
                    "weight": write_number({"weight": fields.get("weight") or "1"}, "weight", "The weight"),
                },
                lambda said: {"name": said["name"], "weight": _text(said.get("weight", 1))}, least=2,
            ),
        ),
        StepForm(
            "holdout", "holdout", "Hold some out", "A share of people leaves here, so that the others can be compared.",
            (Part("percent", "Percent", "number"),),
            lambda fields: {"percent": write_number(fields, "percent", "Percent")}, _texts("percent"),
        ),
        StepForm(
            "task", "task", "Ask a person", "A call or another task, and ways by what came of it.",
            (
                Part("kind", "What", "word", tuple((key, key) for key in KINDS)),
                Part("title", "What is to be done", hint="Ask how the tasting was"),
                Part("note", "Note", "area", is_optional=True),
                Part("assignee", "By whom (else their owner)", hint="mia@example.com", is_optional=True),
                Part("due", "due after", "duration", is_optional=True),
                Part("timeout", "go on by the outcome, waiting at most", "duration", is_optional=True),
            ),
            _write_task, _read_task,
        ),
        StepForm(
            "update", "update", "Change what is known", "Set an attribute, or the stage.",
            (
                Part("attribute", "Attribute", is_optional=True),
                Part("value", "becomes", is_optional=True),
                Part("stage", "Stage becomes", "choice", choices=stages, is_optional=True),
            ),
            _write_update, _read_update,
        ),
        StepForm(
            "list", "list", "Put into a list", "Static segments to put them into, or to take them out of.",
            (
                Part("add", "Into", "choice", choices=_static, is_optional=True),
                Part("remove", "Out of", "choice", choices=_static, is_optional=True),
            ),
            _write_both("a segment"), _read_both,
        ),
        StepForm(
            "tag", "tag", "Tag", "Words to add to them, or to take away.",
            (Part("add", "Add", hint="fair, vip", is_optional=True), Part("remove", "Take away", is_optional=True)),
            _write_both("a tag"), _read_both,
        ),
        StepForm(
            "points", "points", "Give points", "To a score, or take some away.",
            (Part("score", "Score", "choice", choices=_scores), Part("add", "Points", "number", hint="10")),
            lambda fields: {
                "score": need(fields, "score", "Choose a score."), "add": write_number(fields, "add", "Points")
            },
            _texts("score", "add"),
        ),
        StepForm(
            "owner", "owner", "Give an owner", "Who of you looks after them; of several one by lot.",
            (
                Part("is", "Owner", hint="mia@example.com, tom@example.com"),
                Part("replace", "also in place of the owner that they have", "flag"),
            ),
            _write_owner,
            lambda body: {"is": ", ".join(body["is"]), **read_flag(body, "replace")},
        ),
        StepForm(
            "event", "event", "Say that something happened", "An event of your own, which may start other journeys.",
            (
                Part("name", "Event", hint="Trial Nurtured"),
                Part("property", "with the property", is_optional=True),
                Part("value", "being", is_optional=True),
            ),
            _write_said, _read_said,
        ),
        StepForm(
            "goto", "goto", "Go back", "To another step, so many times at most.",
            (
                Part("step", "To", "choice", choices=lambda known: known.steps),
                Part("most", "times at most", "number", hint="1"),
            ),
            lambda fields: {
                "step": need(fields, "step", "Choose a step."),
                "most": write_number({"most": fields.get("most") or "1"}, "most", "How many times"),
            },
            lambda body: {"step": body["step"], "most": _text(body.get("most", 1))},
        ),
        StepForm(
            "goal", "goal", "Goal", "Who comes here has reached what the journey is for.",
            (Part("name", "What was reached", hint="tasting booked"),),
            lambda fields: {"name": need(fields, "name", "Say what was reached.")}, _texts("name"),
        ),
        StepForm(
            "exit", "exit", "End here", "They leave the journey.",
            (Part("reason", "Why", hint="no interest for now"),),
            lambda fields: {"reason": need(fields, "reason", "Say why they leave.")}, _texts("reason"),
        ),
    )
}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ the form


def conditions_of(sends: Choices) -> Mapping[str, Condition]:
    """What a way can ask: all that a segment can, and what became of the messages of this journey."""
    fates = (("opened", "opened"), ("clicked", "clicked in"))
    mark = Condition(
        "mark",
        "What became of a message of this journey",
        (Field("how", "They have", "word", fates), Field("what", "Message", "choice", choices=lambda book: sends)),
        _write_mark,
        lambda said: {"how": (how := next(key for key in ("opened", "clicked") if key in said)), "what": said[how]},
    )
    return {mark.key: mark, **CONDITIONS} if sends else CONDITIONS


def _write_mark(fields: Fields) -> dict[str, Any]:
    return {fields.get("how", ""): need(fields, "what", "Choose a message of this journey.")}


def blank(form: StepForm) -> Typed:
    """A step that is still to be filled in."""
    least = form.ways.least if form.ways else 0
    condition = segment_form.Form() if form.ways and form.ways.asks else None
    return Typed(form, {}, tuple(Way("", {}, condition) for _ in range(least)))


def find_form(step: Mapping[str, Any], conditions: Mapping[str, Condition]) -> Typed | None:
    """The form of a step, filled in; None when the step says more than any form can."""
    type_ = next((key for key in step if key != "id"), "")
    body = step.get(type_)
    if not isinstance(body, Mapping):
        return None
    for form in FORMS.values():
        if form.type == type_:
            # Whatever is not as a form has it is not its step.
            with suppress(KeyError, ValueError, StopIteration, TypeError, AttributeError):
                found = _read(form, body, conditions)
                if _usual(_write(found, body, conditions)[0], form) == _usual(body, form):
                    return found
    return None


def typed_fields(form: StepForm, fields: Mapping[str, str], conditions: Mapping[str, Condition]) -> Typed:
    """What a browser sent: ways are numbered, `way0.name`, and so is what each asks, `way0.row0.what`."""
    said = _pick(form.parts, fields, "")
    ways = []
    for number in range(MOST_WAYS if form.ways else 0):
        prefix = f"way{number}."
        if f"{prefix}was" in fields and form.ways:
            mine = {key.removeprefix(prefix): value for key, value in fields.items() if key.startswith(prefix)}
            asks = form.ways.asks and "kept" not in mine
            condition = segment_form.form_of_fields(mine, conditions) if asks else None
            ways.append(Way(mine["was"], _pick(form.ways.parts, mine, ""), condition))
    return Typed(form, said, tuple(ways))


def write_step(
    typed: Typed, step: Mapping[str, Any], conditions: Mapping[str, Condition]
) -> tuple[Body, dict[str, str]]:
    """The step that a form means, and what is wrong with it: a sentence by part of the form ("", "way1").

    `step` is the step as it is stored, whose ways keep their steps; empty for a new one.
    """
    body, problems = _write(typed, step.get(typed.form.type) or {}, conditions)
    return {**({"id": step["id"]} if "id" in step else {}), typed.form.type: body}, problems


def add_way(typed: Typed) -> Typed:
    if not typed.form.ways or len(typed.ways) >= MOST_WAYS:
        return typed
    return typed._replace(ways=(*typed.ways, Way("", {}, segment_form.Form() if typed.form.ways.asks else None)))


def remove_way(typed: Typed, number: int) -> Typed:
    return typed._replace(ways=tuple(way for at, way in enumerate(typed.ways) if at != number))


def change_condition(typed: Typed, number: int, change: Callable[[segment_form.Form], segment_form.Form]) -> Typed:
    """With the conditions of one way changed."""
    ways = [
        way._replace(condition=change(way.condition)) if at == number and way.condition else way
        for at, way in enumerate(typed.ways)
    ]
    return typed._replace(ways=tuple(ways))


def _read(form: StepForm, body: Mapping[str, Any], conditions: Mapping[str, Condition]) -> Typed:
    ways: list[Way] = []
    stored = body.get(form.ways.key, []) if form.ways else []
    if len(stored) > MOST_WAYS or any(isinstance(each, str) and len(each) > LONGEST_FIELD for each in body.values()):
        raise ValueError("more than the form can hold")
    for number, said in enumerate(stored):
        assert form.ways is not None
        condition = segment_form.form_of_condition(said.get("if"), conditions) if form.ways.asks else None
        ways.append(Way(str(number), form.ways.read(said), condition))
    return Typed(form, form.read(body), tuple(ways))


def _write(typed: Typed, body: Mapping[str, Any], conditions: Mapping[str, Condition]) -> tuple[Body, dict[str, str]]:
    form, problems = typed.form, {}
    try:
        written = form.write(typed.fields)
    except ValueError as error:
        written, problems[""] = {}, str(error)
    if form.ways:
        stored = body.get(form.ways.key, [])
        written[form.ways.key] = []
        for number, way in enumerate(typed.ways):
            was = stored[int(way.was)] if way.was.isdigit() and int(way.was) < len(stored) else {}
            try:
                said = form.ways.write(way.fields)
                if form.ways.asks:
                    said["if"] = _write_condition(way, was, conditions)
                written[form.ways.key].append({**said, "then": was.get("then", [])})
            except ValueError as error:
                problems[f"way{number}"] = str(error)
        if len(typed.ways) < form.ways.least:
            problems[""] = f"There must be {form.ways.least} ways at least." if form.ways.least > 1 else "Add a way."
    for outcome in written.get("outcomes", ()):
        written["outcomes"][outcome] = body.get("outcomes", {}).get(outcome, [])
    return {**written, **{arm: body[arm] for arm in ("then", "else") if arm in body}}, problems


def _write_condition(way: Way, was: Mapping[str, Any], conditions: Mapping[str, Condition]) -> Any:
    if way.condition is None:
        return was.get("if")
    condition, problems = segment_form.write_condition(way.condition, conditions)
    if problems:
        raise ValueError(" ".join(problems.values()))
    return condition


def _usual(body: Mapping[str, Any], form: StepForm) -> Mapping[str, Any]:
    """The same step as the form would write it: without what goes without saying."""
    plain = {key: value for key, value in body.items() if key not in ("then", "else", "outcomes")}
    if form.type == SendStep.key:
        plain.setdefault("channel", "email")
    for key, value in (("winner", "automatic"), ("most", 1)):
        if form.type in ("experiment", "goto") and plain.get(key) == value:
            del plain[key]
    if form.ways:
        plain[form.ways.key] = [
            {key: value for key, value in way.items() if key not in ("then", "if") and (key, value) != ("weight", 1)}
            for way in plain.get(form.ways.key, [])
        ]
    return plain


def _pick(parts: Iterable[Part], fields: Fields, prefix: str) -> dict[str, str]:
    keys = [key for part in parts for key in (part.key, *([f"{part.key}.unit"] if part.kind == "duration" else []))]
    return {key: fields.get(prefix + key, "").strip()[:LONGEST_FIELD] for key in keys}

"""Drawing a journey: its picture with an opening wherever a step can be put in, and a form for each step.

Every change is saved in the draft at once, and only if the journey can be read afterwards. Nothing is live before the
draft is published.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from functions.console import pages, segment_form, start_form, step_form
from functions.console.drafts import save_new
from functions.console.requests import Request, RequestError
from functions.console.responses import Response, redirect
from functions.console.routes.journeys import KIND, find_mistakes
from functions.console.step_form import FORMS, Choices, Known, StepForm, Typed
from functions.console.steps import describe_steps, name_templates
from postroad.errors import DefinitionError
from postroad.journeys import Journey, parse_journey
from postroad.journeys.drawing import COMPLETED, START, draw_journey
from postroad.journeys.editing import (
    OUTLINE,
    EditError,
    Slot,
    count_within,
    find_step,
    insert_step,
    move_step,
    new_id,
    remove_step,
    replace_step,
    settle_ids,
)
from postroad.journeys.steps import SendStep
from postroad_aws import books
from postroad_aws.storage import NotFoundError, VersionConflictError, definitions

# Names of so many templates are read for the list to choose from; further ones have their ids.
_MOST_NAMES = 100

Mistakes = tuple[tuple[str, str], ...]


class Open(NamedTuple):
    """The journey that is being changed: its draft, or what is live when there is none (`edit` 0)."""

    id: str
    document: dict[str, Any]
    edit: int
    journey: Journey

    @property
    def name(self) -> str:
        return self.journey.name


class Panel(NamedTuple):
    """What stands beside the picture. Of `start`, `typed` and neither at most one is shown."""

    step: str = ""
    slot: Slot | None = None
    typed: Typed | None = None
    start: start_form.Start | None = None
    problems: Mapping[str, str] = {}
    theirs: bool = False


def create(request: Request) -> Response:
    """A new draft with a name and one step, to be drawn further."""
    name = request.form().get("name", "").strip()
    if not name or len(name) > segment_form.LONGEST_NAME or not name.isprintable():
        raise RequestError(f"Give the journey a name of at most {segment_form.LONGEST_NAME} letters.")
    document = {
        "kind": KIND,
        "name": name,
        "trigger": {"api": True},
        "steps": [{"id": "pause", "wait": {"for": "P1D"}}],
    }
    journey_id = save_new(KIND, name, document, request.now, "journeys")
    return redirect(f"/console/journeys/{journey_id}/edit?step={START}")


def show(request: Request) -> Response:
    """The picture, and beside it what was clicked: a step, an opening, or how the journey starts."""
    opened = _open(request)
    return _show(request, opened, _panel(request, opened))


def save(request: Request) -> Response:
    """Do what a button says: change the draft and come back, or show the form once more."""
    opened, fields = _open(request), request.form()
    what, _, number = fields.get("then", "").partition(".")
    is_late = fields.get("edit") != str(opened.edit)
    if is_late and what in ("move", "remove"):
        return _show(request, opened, Panel(theirs=True), 409)
    try:
        if what == "move":
            return _keep(request, opened, move_step(opened.document, fields.get("step", ""), _slot(fields)))
        if what == "remove":
            return _keep(request, opened, remove_step(opened.document, fields.get("step", "")), "")
        if fields.get("step") == START:
            return _save_start(request, opened, what, number, is_late)
        return _save_step(request, opened, what, number, is_late)
    except DefinitionError as error:
        return _show(request, opened, _panel(request, opened, fields, _sentences(error)), 422)
    except EditError as error:
        return _show(request, opened, _panel(request, opened, fields, {"": str(error)}), 422)


def _save_start(request: Request, opened: Open, what: str, number: str, is_late: bool) -> Response:
    fields = request.form()
    conditions = step_form.conditions_of(_sends(opened.journey))
    start = start_form.form_of_fields(fields, conditions)
    buttons: Mapping[str, Callable[[], start_form.Start]] = {
        "trigger-add": lambda: start_form.add_trigger(start, fields.get("add", "")),
        "trigger-remove": lambda: start_form.remove_trigger(start, _number(number)),
        "row-add": lambda: start._replace(
            exits=segment_form.add_row(_exits(start), fields.get("exit.add", ""), conditions)
        ),
        "row-remove": lambda: start._replace(exits=segment_form.remove_row(_exits(start), _number(number))),
    }
    if what in buttons:
        return _show(request, opened, Panel(START, start=buttons[what]()))
    if is_late:
        return _show(request, opened, Panel(START, start=start, theirs=True), 409)
    document, problems = start_form.write_journey(start, opened.document, conditions)
    if not problems:
        try:
            return _keep(request, opened, document)
        except DefinitionError as error:
            problems = _sentences(error)
    return _show(request, opened, Panel(START, start=start, problems=problems), 422)


def _save_step(request: Request, opened: Open, what: str, number: str, is_late: bool) -> Response:
    fields = request.form()
    form = FORMS.get(fields.get("kind", ""))
    if form is None:
        raise RequestError("There is no such kind of step.")
    step_id = fields.get("step", "")
    stored = find_step(opened.document, step_id) if step_id else {}
    conditions = step_form.conditions_of(_sends(opened.journey))
    typed = step_form.typed_fields(form, fields, conditions)
    at, _, row = number.partition(".")
    buttons: Mapping[str, Callable[[], Typed]] = {
        "way-add": lambda: step_form.add_way(typed),
        "way-remove": lambda: step_form.remove_way(typed, _number(at)),
        "row-add": lambda: step_form.change_condition(
            typed, _number(at), lambda each: segment_form.add_row(each, fields.get(f"way{at}.add", ""), conditions)
        ),
        "row-remove": lambda: step_form.change_condition(
            typed, _number(at), lambda each: segment_form.remove_row(each, _number(row))
        ),
    }
    slot = None if step_id else _slot(fields)
    if what in buttons:
        return _show(request, opened, Panel(step_id, slot, buttons[what]()))
    if is_late:
        return _show(request, opened, Panel(step_id, slot, typed, theirs=True), 409)
    step, problems = step_form.write_step(typed, stored, conditions)
    if not problems:
        try:
            if slot is not None:
                step_id = new_id(opened.document, _wanted_id(step, form))
                return _keep(request, opened, insert_step(opened.document, slot, {"id": step_id, **step}), step_id)
            document = replace_step(opened.document, step_id, {**step, "id": step_id})
            if count_within(document, step_id) != count_within(opened.document, step_id):
                raise EditError("Steps stand in a way that would be gone. Move or remove them first.")
            return _keep(request, opened, document, step_id)
        except DefinitionError as error:
            problems = _sentences(error)
        except EditError as error:
            problems = {"": str(error)}
    return _show(request, opened, Panel(step_id, slot, typed, problems=problems), 422)


def _keep(request: Request, opened: Open, document: Mapping[str, Any], step_id: str | None = None) -> Response:
    """Save the draft and come back to the step. Raises DefinitionError when it cannot be read."""
    parse_journey(document)
    try:
        definitions.save_draft(KIND, opened.id, dict(document), edit=opened.edit, now=request.now)
    except VersionConflictError:
        return _show(request, _open(request), Panel(theirs=True), 409)
    step_id = request.form().get("step", "") if step_id is None else step_id
    base = f"/console/journeys/{opened.id}/edit"
    return redirect(f"{base}?step={step_id}#card-{step_id}" if step_id else base)


def _open(request: Request) -> Open:
    """Raises NotFoundError, and RequestError when the draft cannot be read."""
    journey_id = request.variables["journey_id"]
    draft = definitions.find_draft(KIND, journey_id)
    live = books.newest().manifest.live.get(f"{KIND}/{journey_id}")
    if draft:
        document, edit = draft.document, draft.edit
    elif live:
        document, edit = definitions.get_version(KIND, journey_id, live.version), 0
    else:
        raise NotFoundError("There is no journey of this name. The list has those that there are.")
    try:
        settled = settle_ids(document)
        return Open(journey_id, settled, edit, parse_journey(settled))
    except DefinitionError:
        raise RequestError(
            "The draft of this journey cannot be read, so it cannot be drawn. Its page says what your developer has "
            "to mend."
        ) from None


def _panel(
    request: Request, opened: Open, said: Mapping[str, str] | None = None, problems: Mapping[str, str] | None = None
) -> Panel:
    """What the address, or the fields that were sent, ask for."""
    asked = request.query if said is None else said
    step_id, problems = asked.get("step", ""), problems or {}
    conditions = step_form.conditions_of(_sends(opened.journey))
    if step_id == START:
        return Panel(START, start=start_form.form_of_journey(opened.document, conditions), problems=problems)
    if step_id and step_id in opened.journey.steps:
        step = find_step(opened.document, step_id)
        return Panel(step_id, None, step_form.find_form(step, conditions), problems=problems)
    if "number" in asked:
        form = FORMS.get(asked.get("kind", ""))
        return Panel("", _slot(asked), step_form.blank(form) if form else None, problems=problems)
    return Panel(problems=problems)


def _show(request: Request, opened: Open, panel: Panel, status: int = 200) -> Response:
    book, journey = books.newest(), opened.journey
    drawing = draw_journey(journey, is_open=True)
    sentences = describe_steps(journey, book)
    said = {card.id: sentences.get(card.id, card.sentence) for card in drawing.cards}
    titles = {card.id: card.title for card in drawing.cards}
    sends = _sends(journey)
    places = [(opening.slot, _describe_slot(opening.slot, journey, titles)) for opening in drawing.openings]
    values: dict[str, Any] = {
        "opened": opened,
        "panel": panel,
        "drawing": drawing,
        "sentences": said,
        "titles": titles,
        "places": places,
        "described": dict(places),
        "known": Known(book, _messages(), [(each, titles.get(each, each)) for each in journey.steps], sends),
        "conditions": step_form.conditions_of(sends),
        "units": step_form.units(),
        "forms": FORMS,
        "triggers": start_form.TRIGGERS,
        "trigger_sentences": [trigger.describe() for trigger in journey.triggers],
        "entry_parts": start_form.ENTRY_PARTS,
        "goal_parts": start_form.GOAL_PARTS,
        "within": count_within(opened.document, panel.step) if panel.step in journey.steps else 0,
        "mistakes": find_mistakes(opened.document, journey),
        "ends": (START, COMPLETED),
    }
    return pages.page(request, "journeys/edit.html", status=status, fragment="panel", **values)


def _describe_slot(slot: Slot, journey: Journey, titles: Mapping[str, str]) -> str:
    """Where an opening is, in words."""
    owner = journey.steps.get(slot.owner)
    ids = owner.arms[slot.arm] if owner else journey.outline
    if slot.number < len(ids):
        return f"before {titles[ids[slot.number]]}"
    if ids:
        return f"after {titles[ids[-1]]}"
    assert owner is not None
    return f"at {titles[owner.id]}: {owner.body.describe_arm(slot.arm).removesuffix(':')}"


def _sends(journey: Journey) -> Choices:
    """The messages of a journey, by their steps."""
    return [(step.id, step.id) for step in journey.steps.values() if isinstance(step.body, SendStep)]


def _messages() -> Choices:
    """The templates that are published, each with its channel."""
    book = books.newest()
    names = name_templates(sorted(book.templates)[:_MOST_NAMES], book)
    return sorted(
        ((f"{ref.channel}:{each}", f"{names.get(each, each)} ({ref.channel})") for each, ref in book.templates.items()),
        key=lambda pair: pair[1].lower(),
    )


def _wanted_id(step: Mapping[str, Any], form: StepForm) -> str:
    """What a new step is called: a message by its template, everything else by its type."""
    return str(step["send"]["template"]) if form.type == SendStep.key else form.type


def _sentences(error: DefinitionError) -> dict[str, str]:
    return {"": " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for _, sentence in error.mistakes[:3])}


def _slot(fields: Mapping[str, str]) -> Slot:
    """Where a step is to stand: `slot` of a list to choose from, or its three parts. Raises RequestError."""
    owner, arm, number = (
        fields["slot"].split("|", 2) if fields.get("slot", "").count("|") == 2
        else (fields.get("owner", ""), fields.get("arm", ""), fields.get("number", ""))
    )  # fmt: skip
    return Slot(*((owner, arm) if owner else OUTLINE), _number(number))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise RequestError("This is no place of this journey.")
    return int(text)


def _exits(start: start_form.Start) -> segment_form.Form:
    return start.exits or segment_form.Form(match="any")

"""Broadcasts: the list, one with what became of it, and drafting, scheduling and cancelling."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from functools import partial
from html import escape
from typing import Any, NamedTuple

from functions.console import pages
from functions.console.broadcast_form import (
    ASKED,
    Form,
    find_mistakes,
    form_of_draft,
    form_of_fields,
    read_form,
)
from functions.console.crowds import CROWDS
from functions.console.drafts import save_new
from functions.console.requests import Request, RequestError
from functions.console.responses import Response, redirect
from postroad.broadcasts.broadcast import CANCELLED, DRAFT, KIND, READER, UNDER_WAY, Run, Tally, parse_broadcast
from postroad.broadcasts.mix import describe_mix
from postroad.contacts.places import segment_place
from postroad.definitions import Known, known_in
from postroad.deliverability.doctor import BAD, examine
from postroad.errors import DefinitionError
from postroad.instants import parse_instant
from postroad.local_time import find_zone
from postroad.sending.holds import Hold, find_hold
from postroad.sending.messages import Message
from postroad_aws import books, email_account
from postroad_aws.storage import (
    VersionConflictError,
    contacts,
    definitions,
    holds,
    keys,
    memberships,
    messages,
    timeline,
)
from postroad_aws.usecases.cancel_broadcast import cancel_broadcast
from postroad_aws.usecases.find_contact import find_contacts
from postroad_aws.usecases.list_recipients import list_recipients
from postroad_aws.usecases.preview_message import Preview, preview_message
from postroad_aws.usecases.report_mix import report_mix
from postroad_aws.usecases.schedule_broadcast import schedule_broadcast
from postroad_aws.usecases.search_contacts import search_contacts
from postroad_aws.usecases.show_broadcasts import (
    BroadcastView,
    find_progress,
    get_broadcast,
    list_broadcasts,
    measure_progress,
    preview_audience,
)
from postroad_aws.usecases.steer_broadcast import (
    choose_broadcast_winner,
    pause_broadcast,
    resume_broadcast,
    send_broadcast_again,
)
from postroad_aws.wiring import broadcast_ports, production

_PAGE = 25
# The share of broadcasts is shown for so many months.
MONTHS = 12
# As many segments and messages are offered to choose from, and what is chosen.
MOST_CHOICES = 500


class Choice(NamedTuple):
    """What a field can be set to, and a sentence about it."""

    id: str
    name: str
    note: str


def show_list(request: Request) -> Response:
    """Every broadcast: drafts, then the latest first."""
    ports = broadcast_ports()
    found = list_broadcasts(ports, cursor=request.cursor, limit=_PAGE)
    counts = ports.stats.find_counts([f"{KIND}/{view.broadcast_id}" for view in found.items])
    rows = [(view, _when(view), counts[f"{KIND}/{view.broadcast_id}"].all_messages) for view in found.items]
    segments = {segment.id: segment.name for segment in books.current().segments.values()}
    return pages.page(request, "broadcasts/list.html", fragment="rows", rows=rows, next=found.next, segments=segments)


def show_mix(request: Request) -> Response:
    """Which share of each month's messages were broadcasts, for a card of the list."""
    ports, target = broadcast_ports(), books.current_policy().broadcast_share
    found = report_mix(ports.stats, ports.broadcasts, books.newest().manifest, request.now, MONTHS)
    sentence = describe_mix(found, target)
    return pages.part(request, "broadcasts/_mix.html", "mix", months=found, target=target, sentence=sentence)


def show_one(request: Request) -> Response:
    """One broadcast: a draft to be looked over, or what has become of it."""
    ports = broadcast_ports()
    view = get_broadcast(ports, request.variables["broadcast_id"])
    if request.is_fragment and request.text("seen") != view.state:
        # More than the numbers has changed: what can be done with it, too.
        return Response().with_(hx_refresh="true", cache_control="no-store")
    is_draft = view.state in (DRAFT, CANCELLED)
    measured = measure_progress(ports, view)
    values: dict[str, Any] = {
        "view": view,
        "at_time": _when(view),
        "segment": _segment(view),
        "sends": _template(view),
        "mistakes": find_mistakes(view.document, _known()) if is_draft else (),
        "is_draft": is_draft,
        "audience": measured.expected,
        "named": request.text("as"),
        "progress": measured.counts,
        "measured": measured,
        "plan": _describe_test(view),
        "held": _find_hold(view),
        "names": _names_of(view),
        "tally": view.run.tally if view.run and view.run.tally else Tally(),
    }
    return pages.page(request, "broadcasts/one.html", fragment="live", **values)


def show_readiness(request: Request) -> Response:
    """What is wrong with how mail is sent, for whoever is about to send some. It asks SES, so it comes by itself."""
    found = examine(email_account.find_facts(), books.current_policy())
    wrong = [check for check in found if check.state == BAD]
    return pages.part(request, "broadcasts/_readiness.html", "readiness", wrong=wrong)


def show_people(request: Request) -> Response:
    """To whom it went, and what became of each message."""
    ports = broadcast_ports()
    view = get_broadcast(ports, request.variables["broadcast_id"])
    crowd = CROWDS.get(request.text("who"), CROWDS["all"])
    progress = find_progress(ports, view.broadcast_id)
    found = list_recipients(
        messages, [f"{KIND}/{view.broadcast_id}"], crowd.wanted, cursor=request.cursor, enough=_PAGE
    )
    people = find_contacts(contacts, {message.contact_id for message in found.items})
    values: dict[str, Any] = {
        "view": view,
        "crowd": crowd,
        "tabs": [(each, count) for each in CROWDS.values() if (count := each.count(progress)) or each is crowd],
        "rows": [(message, people.get(message.contact_id)) for message in found.items],
        "next": found.next,
    }
    return pages.page(request, "broadcasts/people.html", fragment="rows", **values)


def show_preview(request: Request) -> Response:
    """The message as somebody would get it, for a frame that lets it do nothing: whom `as` names, else the first of
    the segment."""
    preview = _preview(get_broadcast(broadcast_ports(), request.variables["broadcast_id"]), request.text("as"))
    return pages.preview_of(preview.html or f"<p>{escape(preview.problem or preview.text)}</p>")


def show_audience(request: Request) -> Response:
    """How many a segment holds, while one is being chosen."""
    return pages.part(request, "broadcasts/form.html", "audience", **_audience(request.text("segment")))


def begin(request: Request) -> Response:
    """An empty form, or with `from` one that repeats another broadcast."""
    form = Form()
    if copied := request.text("from"):
        view = get_broadcast(broadcast_ports(), copied)
        form = _form_of(view)._replace(name=f"{view.name} (copy)", when="later", date="", edit="0")
    return _show_form(request, form)


def create(request: Request) -> Response:
    """A new draft, under an id made of its name."""
    form = form_of_fields(request.form())
    document, problems = read_form(form, KIND, _known(), _zone(), request.now)
    if problems:
        return _show_form(request, form, problems=problems)
    broadcast_id = save_new(KIND, form.name, document, request.now, "broadcasts")
    return redirect(f"/console/broadcasts/{broadcast_id}")


def edit(request: Request) -> Response:
    view = _get_draft(request)
    return _show_form(request, _form_of(view), view)


def save(request: Request) -> Response:
    """Save a draft, unless somebody else has saved it since the form was opened."""
    view = _get_draft(request)
    form = form_of_fields(request.form())
    document, problems = read_form(form, view.broadcast_id, _known(), _zone(), request.now)
    if problems:
        return _show_form(request, form, view, problems=problems)
    try:
        if form.edit != str(view.edit):
            raise VersionConflictError
        # What the form does not ask for stays.
        kept = {name: value for name, value in view.document.items() if name not in ASKED}
        definitions.save_draft(KIND, view.broadcast_id, {**kept, **document}, edit=view.edit, now=request.now)
    except VersionConflictError:
        newest = _get_draft(request)
        theirs = _form_of(newest)
        return _show_form(request, form._replace(edit=theirs.edit), newest, theirs=theirs)
    return redirect(f"/console/broadcasts/{view.broadcast_id}")


def schedule(request: Request) -> Response:
    """What was looked over begins at its time."""
    broadcast_id = request.variables["broadcast_id"]
    seen = request.form().get("edit", "")
    if not (seen.isascii() and seen.isdigit() and len(seen) < 9):
        raise RequestError("Open the broadcast, look it over, and schedule it there.")
    schedule_broadcast(broadcast_ports(), broadcast_id, edit=int(seen))
    return redirect(f"/console/broadcasts/{broadcast_id}")


def cancel(request: Request) -> Response:
    broadcast_id = request.variables["broadcast_id"]
    cancel_broadcast(broadcast_ports(), broadcast_id)
    return redirect(f"/console/broadcasts/{broadcast_id}")


def pause(request: Request) -> Response:
    return _steer(request, pause_broadcast)


def resume(request: Request) -> Response:
    return _steer(request, resume_broadcast)


def resend(request: Request) -> Response:
    return _steer(request, send_broadcast_again)


def choose_winner(request: Request) -> Response:
    """Somebody chooses what the rest gets."""
    template = request.form().get("template", "")
    return _steer(request, partial(choose_broadcast_winner, template=template))


def _steer(request: Request, change: Callable[..., Run]) -> Response:
    broadcast_id = request.variables["broadcast_id"]
    change(broadcast_ports(), broadcast_id)
    return redirect(f"/console/broadcasts/{broadcast_id}")


def _get_draft(request: Request) -> BroadcastView:
    """The broadcast of the address, as long as it can be changed."""
    view = get_broadcast(broadcast_ports(), request.variables["broadcast_id"])
    if view.state not in (DRAFT, CANCELLED):
        raise VersionConflictError(f"{view.name} has been scheduled in the meantime, so it cannot be changed any more.")
    return view


# -------------------------------------------------------------------------------------------------------------- forms


def _show_form(
    request: Request,
    form: Form,
    view: BroadcastView | None = None,
    *,
    problems: Mapping[str, str] | None = None,
    theirs: Form | None = None,
) -> Response:
    """The form as it was typed; `problems` by field, `theirs` is what somebody else has saved meanwhile."""
    values: dict[str, Any] = {
        "form": form,
        "view": view,
        "problems": problems or {},
        "theirs": theirs,
        "segments": _segments(form.segment),
        "templates": _templates(form.template),
        "events": _events(),
        "today": datetime.fromtimestamp(request.now, _zone()).date().isoformat(),
        **_audience(form.segment),
    }
    status = 409 if theirs else 422 if problems else 200
    return pages.page(request, "broadcasts/form.html", status=status, **values)


def _audience(segment_id: str) -> dict[str, Any]:
    segment = books.current().segments.get(segment_id)
    return {"chosen": segment, "audience": preview_audience(broadcast_ports(), segment_id) if segment else None}


def _form_of(view: BroadcastView) -> Form:
    if view.document.get("zone") == READER:  # the hour as it is written is that of each reader
        at = parse_instant(view.document.get("at")) if isinstance(view.document.get("at"), str) else None
        return form_of_draft(view.document, at, view.edit, UTC)
    return form_of_draft(view.document, _when(view), view.edit, _zone())


def _segments(chosen: str) -> list[Choice]:
    """To whom it can be sent, by name."""
    found = [Choice(each.id, each.name, each.describe()) for each in books.newest().segments.values()]
    found.sort(key=lambda choice: (choice.id != chosen, choice.name.lower()))
    return sorted(found[:MOST_CHOICES], key=lambda choice: choice.name.lower())


def _events() -> list[str]:
    """What may decide a test: the goals of journeys, and what brings points."""
    book = books.newest()
    known = {journey.goal.happening.pattern.name for journey in book.journeys.values() if journey.goal}
    for sheet in book.scores.values():
        known |= {rule.pattern.name for rule in sheet.event_rules} | {rule.pattern.name for rule in sheet.lasting_rules}
    return sorted(known)


def _templates(chosen: str) -> list[Choice]:
    """What can be sent, by name, with its subject or text."""
    known = books.newest().templates
    refs = [known[each] for each in sorted(known, key=lambda each: (each != chosen, each))[:MOST_CHOICES]]
    documents = definitions.load_versions([("template", ref.template_id, ref.version) for ref in refs])
    choices = []
    for ref in refs:
        document = documents["template", ref.template_id, ref.version]
        note = document.get("subject") or document.get("body") or document.get("text") or ""
        name = f"{document.get('name') or ref.template_id} ({ref.channel})"
        choices.append(Choice(ref.template_id, name, _without_code(note)))
    return sorted(choices, key=lambda choice: choice.name.lower())


# ------------------------------------------------------------------------------------------------------------ reading


def _zone() -> tzinfo:
    """Where the business is."""
    found = find_zone(books.current().policy.timezone) or find_zone("UTC")
    assert found is not None
    return found


def _when(view: BroadcastView) -> float | None:
    """When it begins, or began; None: as soon as it is scheduled."""
    if view.run and view.state != CANCELLED:
        return view.run.at
    with suppress(ValueError):
        return parse_instant(view.document.get("at"))
    return None


def _known() -> Known:
    return known_in(books.newest(), {})


def _segment(view: BroadcastView) -> Choice:
    segment_id = str(view.document.get("segment"))
    segment = books.current().segments.get(segment_id)
    return Choice(segment_id, segment.name, segment.describe()) if segment else Choice("", segment_id, "")


def _template(view: BroadcastView) -> Choice:
    template_id = str(view.document.get("template"))
    ref = books.current().templates.get(template_id)
    document = definitions.get_version("template", template_id, ref.version) if ref else {}
    name, subject = str(document.get("name") or template_id), _without_code(document.get("subject") or "")
    return Choice(ref.channel if ref else "", name, subject)


def _describe_test(view: BroadcastView) -> tuple[str, ...]:
    """What its test does, as far as the draft can be read."""
    try:
        return parse_broadcast(view.document).describe(_names_of(view))[1:]
    except DefinitionError:
        return ()


def _names_of(view: BroadcastView) -> dict[str, str]:
    """What the templates that a broadcast tests are called."""
    try:
        test = parse_broadcast(view.document).test
    except DefinitionError:
        return {}
    wanted = [str(view.document.get("template")), *test.against] if test else []
    known = books.newest().templates
    refs = [known[template_id] for template_id in wanted if template_id in known]
    documents = definitions.load_versions([("template", ref.template_id, ref.version) for ref in refs])
    return {
        template_id: str(document.get("name") or template_id) for (_, template_id, _), document in documents.items()
    }


def _find_hold(view: BroadcastView) -> Hold | None:
    """What keeps its messages from leaving, or slows them, if somebody else put it: a breaker, or people for all."""
    if view.state not in UNDER_WAY:
        return None
    ref = books.current().templates.get(str(view.document.get("template")))
    topic = books.current_policy().find_topic(ref.topic if ref else "")
    return find_hold(holds.list_holds(), f"{KIND}/{view.broadcast_id}", topic.transactional)


def _without_code(text: object) -> str:
    """A template's text as people read it: what is filled in is three dots."""
    return re.sub(r"(\{[{%#].*?[}%#]\}[ ,]*)+", "… ", str(text), flags=re.DOTALL).strip()


def _preview(view: BroadcastView, named: str) -> Preview:
    ref = books.current().templates.get(str(view.document.get("template")))
    if ref is None:
        return Preview(problem="There is no such template.")
    if named:
        found = [contact.contact_id for contact in search_contacts(contacts, keys.derive_key("contacts"), named)]
    else:
        place = segment_place(str(view.document.get("segment")))
        found = [member.contact_id for member in memberships.list_members(place, limit=1).items]
    if not found:
        return Preview(problem="Nobody is known by this." if named else "Nobody is in the segment yet.")
    message = Message("", found[0], f"{KIND}/{view.broadcast_id}", "", "", ref.channel, ref.topic,
                      ref.template_id, ref.version, "", 0.0)  # fmt: skip
    ports = production()
    return preview_message(contacts, timeline, ports.templates, ports.books, message, ports.catalogue)

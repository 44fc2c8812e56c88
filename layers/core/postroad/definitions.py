"""Definitions: documents that say what Postroad does; drafts until they are published, then immutable versions.

A kind of definition is one entry in KINDS.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.advice.rhythm import Learned
from postroad.book import (
    SALES_PUSH,
    Book,
    FormRef,
    Manifest,
    Published,
    TemplateRef,
    Winner,
    compile_book,
    next_manifest,
    publish_version,
)
from postroad.broadcasts import broadcast as broadcasts
from postroad.consent import confirmation
from postroad.content.built import ASKS, BUILT_FROM, NEEDS
from postroad.errors import DefinitionError
from postroad.events import ON_DEMAND
from postroad.forms import Form, parse_form
from postroad.instants import DAY
from postroad.journeys import Journey, describe_journey, parse_journey, validate_references
from postroad.journeys.transfers import STAY, read_transfer
from postroad.personas import Persona, parse_persona
from postroad.policy import Policy, parse_policy
from postroad.predicates.behaviour import find_excess
from postroad.predicates.contradictions import find_contradictions
from postroad.predicates.predicate import READABLE
from postroad.scoring.grades import Grade, parse_grade
from postroad.scoring.handovers import KIND as HANDOVER_KIND
from postroad.scoring.handovers import HandOver, parse_handover
from postroad.scoring.matrices import Matrix, list_cells, parse_matrix
from postroad.scoring.sheet import Score, parse_score
from postroad.segments import parse_segment
from postroad.sending.channels import CHANNELS
from postroad.sending.sms import describe_parts
from postroad.stages import parse_stages

if TYPE_CHECKING:
    from postroad.content.building import Kit
    from postroad.content.lint import Report

Mistakes = tuple[tuple[str, str], ...]

COUPON = "coupon"


class Known(NamedTuple):
    """What definitions may refer to: ids by kind (segment, score, stage, topic), templates, and the policy.

    Bands and cells have the id of their sheet before their own: "engagement/hot".
    """

    ids: Mapping[str, Collection[str]]
    templates: Mapping[str, TemplateRef]
    policy: Policy = Policy()


class Kind(NamedTuple):
    """What can be done with one kind of definition.

    `parse` reads a document or raises DefinitionError; `describe` says in lines what a parsed one does; `check` finds
    references to what is not there; `look` finds what may be better, None for a kind at which nobody looks;
    `unpublished` says what to do with a kind that is not published.
    """

    parse: Callable[[Mapping[str, Any]], Any]
    describe: Callable[[Any], tuple[str, ...]]
    check: Callable[[Any, Known], Mistakes] = lambda parsed, known: ()
    look: "Callable[[Any, Known], Report | None]" = lambda parsed, known: None
    unpublished: str = ""


def _parse_template(document: Mapping[str, Any]) -> Any:
    from postroad.content.rendering import compile_message_template  # loads Jinja2, which the fold does not need

    for key in BUILT_FROM:
        if document.get(key) is not None:
            raise DefinitionError((key, "is written by publishing; leave it out"))
    return compile_message_template(document)


def _parse_block(document: Mapping[str, Any]) -> Any:
    from postroad.content.building import parse_block  # loads MJML, which the fold does not need

    return parse_block(document)


def _check_facts(parsed: Any, known: Known) -> Mistakes:
    """A predicate that reads a segment or a score which nobody has published would never be true."""
    missing = []
    for kind, name in _list_named(parsed.reads):
        if kind != COUPON and name not in known.ids.get(kind, ()):
            sheet, _, part = name.partition("/")
            there = f"{kind} called {name!r}" if not part else f"{kind} {part!r} in {sheet!r}"
            missing.append(("", f"there is no published {there}"))
    return tuple(missing)


def _list_named(facts: Collection[str]) -> list[tuple[str, str]]:
    """The kind and the name of each of these facts that somebody has to publish."""
    pairs = (fact.partition(":") for fact in sorted(facts))
    return [(kind, name) for kind, _, name in pairs if name and kind in (*READABLE, COUPON)]


def _check_matrix(parsed: Matrix, known: Known) -> Mistakes:
    scores, grades, bands = (known.ids.get(kind, ()) for kind in ("score", "grade", "band"))
    missing = parsed.find_missing(scores, grades, bands)
    return (("", missing),) if missing else ()


def _check_handover(parsed: HandOver, known: Known) -> Mistakes:
    missing = list(_check_facts(parsed, known))
    if parsed.journey and parsed.journey not in known.ids.get("journey", ()):
        missing.append(("nurture.journey", f"there is no published journey called {parsed.journey!r}"))
    return tuple(missing)


def _check_policy(parsed: Policy, known: Known) -> Mistakes:
    missing = list(_check_mailbox("from", parsed.sender)) if parsed.sender else []
    for number, cap in enumerate(parsed.caps):
        if cap.score and cap.score not in known.ids.get("score", ()):
            missing.append((f"caps[{number}].score", f"there is no published score called {cap.score!r}"))
        elif bands := [band for band in cap.bands if f"{cap.score}/{band}" not in known.ids.get("band", ())]:
            missing.append((f"caps[{number}].bands", f"the score {cap.score!r} has no band {bands[0]!r}"))
    engaged = parsed.accounts.engaged
    if engaged and engaged not in known.ids.get("segment", ()):
        missing.append(("accounts.engaged", f"there is no published segment called {engaged!r}"))
    if parsed.strictness.levels:
        from postroad.content.lint import find_misnamed  # reads HTML, which the fold does not need

        missing += [(f"lint.levels.{rule}", why) for rule, why in find_misnamed(parsed.strictness)]
    return tuple(missing)


def _asks_to_confirm(parsed: Any) -> bool:
    """Whether a template is the mail that asks to confirm a consent, which goes out before there is one."""
    if isinstance(parsed, TemplateRef):
        return parsed.template_id == confirmation.TEMPLATE
    return "confirm_url" in parsed.variables


def _check_template(parsed: Any, known: Known) -> Mistakes:
    missing = []
    channel = CHANNELS[parsed.channel]
    needs_topic = channel.needs_topic and not _asks_to_confirm(parsed)
    if parsed.topic not in known.ids.get("topic", ()) and (parsed.topic or needs_topic):
        topics = ", ".join(sorted(known.ids.get("topic", ()))) or "none yet"
        missing.append(("topic", f"the policy has no topic {parsed.topic!r}; it has {topics}"))
    for kind, name in _list_named(parsed.reads):
        if kind == COUPON and name not in known.ids.get(COUPON, ()):
            there = ", ".join(known.ids.get(COUPON, ())) or "none yet"
            missing.append(("", f"it shows the coupon {name!r}, which the policy does not have; it has {there}"))
    if parsed.stage and parsed.stage not in known.ids.get("stage", ()):
        stages = ", ".join(known.ids.get("stage", ())) or "none yet"
        missing.append(("stage", f"the life cycle has no stage {parsed.stage!r}; it has {stages}"))
    if channel.to and parsed.to not in known.ids.get(channel.to, ()):
        there = ", ".join(known.ids.get(channel.to, ())) or "none yet"
        missing.append(("to", f"the policy has no {parsed.to!r} among its {channel.to}; it has {there}"))
    if channel.via and not known.ids.get(channel.via):
        missing.append(("channel", f"the policy has no {channel.via} yet, through which a {channel.key} goes"))
    # Of one that is live already the book knows no more than its facts.
    if not isinstance(parsed, TemplateRef):
        missing += (*_check_blocks(parsed, known), *_check_parts(parsed))
    missing += _check_facts(parsed, known)
    if _is_marketing_mail(parsed, known) and not known.policy.postal_address:
        missing.append(("topic", "it is marketing, and the policy has no postal_address, for which the law asks"))
    return tuple(missing)


def _check_mailbox(path: str, said: str) -> Mistakes:
    from postroad.content.mime import MimeError, parse_mailbox  # what the fold does not need

    try:
        parse_mailbox(said)
    except MimeError as error:
        return ((path, str(error)),)
    return ()


def _check_parts(parsed: Any) -> Mistakes:
    """Of what is the same for everybody, what would fail for each of them."""
    from postroad.envelopes import find_mistakes  # what the fold does not need

    missing: list[tuple[str, str]] = []
    if parsed.channel == "email" and parsed.from_:
        missing += _check_mailbox("from", parsed.from_)
    for start, parts in parsed.faces.items():
        certain = {key: part.certain for key, part in parts.items() if part.certain is not None}
        missing += [(f"{start}{key}", sentence) for key, sentence in find_mistakes(parsed.channel, certain)]
    return tuple(missing)


def _check_blocks(parsed: Any, known: Known) -> Mistakes:
    """The saved blocks for which a template asks that is not built yet."""
    blocks = ", ".join(sorted(known.ids.get("block", ()))) or "none yet"
    return tuple(
        ("blocks", f"there is no published block called {block!r}; there are {blocks}")
        for block in parsed.blocks
        if block not in known.ids.get("block", ())
    )


def _is_marketing_mail(parsed: Any, known: Known) -> bool:
    return parsed.channel == "email" and _is_marketing(parsed, known)


def _is_marketing(parsed: Any, known: Known) -> bool:
    return not known.policy.find_topic(parsed.topic).transactional


def _look_at_template(parsed: Any, known: Known) -> "Report | None":
    from postroad.content.lint import (  # reads HTML, which the fold does not need
        LOOKED_AT,
        join_reports,
        look_at,
        read_mail,
    )
    from postroad.content.rendering import Compiled

    if parsed.channel not in LOOKED_AT:
        return None
    stages = list(known.ids.get("stage", ()))
    reports = {}
    for start, face in parsed.faces.items():
        parts = {key: part for key, part in face.items() if isinstance(part, Compiled)}
        mail = read_mail(
            {key: part.source for key, part in parts.items()},
            is_marketing=_is_marketing(parsed, known),
            channel=parsed.channel,
            brand=known.policy.name,
            bare={key: part.unguarded for key, part in parts.items()},
            pushes_early=parsed.sales and parsed.stage in stages[:1],
        )
        reports[start] = look_at(mail, known.policy.strictness)
    return join_reports(reports)


def _check_journey(parsed: Any, known: Known) -> Mistakes:
    return validate_references(parsed, known.ids, known.templates)


def _check_form(parsed: Form | FormRef, known: Known) -> Mistakes:
    missing = [topic for topic in parsed.topics if topic not in known.ids.get("topic", ())]
    return tuple(("consents", f"the policy has no topic {topic!r}") for topic in missing)


def _check_broadcast(parsed: broadcasts.Broadcast, known: Known) -> Mistakes:
    return broadcasts.find_missing(parsed, known.ids.get("segment", ()), known.templates)


def _describe_template(template: Any) -> tuple[str, ...]:
    """What fills it, and of a text how many parts it is without that."""
    texts = [parts["text"].source for parts in template.faces.values()] if template.channel == "sms" else []
    return (*sorted(template.variables), *map(describe_parts, texts))


def _describe_predicate(parsed: Any) -> tuple[str, ...]:
    return (parsed.describe(),)


KINDS: Mapping[str, Kind] = {
    "policy": Kind(
        parse_policy,
        lambda policy: (
            *(topic.name for topic in policy.topics.values()),
            *(f"Everybody gets {cap.describe()}" for cap in policy.caps),
        ),
        _check_policy,
    ),
    "template": Kind(_parse_template, _describe_template, _check_template, _look_at_template),
    "block": Kind(_parse_block, lambda block: block.describe()),
    "segment": Kind(parse_segment, _describe_predicate, _check_facts),
    "score": Kind(parse_score, Score.describe, _check_facts),
    "grade": Kind(parse_grade, Grade.describe, _check_facts),
    "matrix": Kind(parse_matrix, Matrix.describe, _check_matrix),
    "stages": Kind(
        parse_stages,
        lambda model: tuple(f"{rule.id}: {rule.predicate.describe()}" for rule in model.stages),
        _check_facts,
    ),
    "persona": Kind(parse_persona, Persona.describe, _check_facts),
    "handover": Kind(parse_handover, HandOver.describe, _check_handover),
    "journey": Kind(parse_journey, describe_journey, _check_journey),
    "form": Kind(parse_form, Form.describe, _check_form),
    "broadcast": Kind(
        broadcasts.parse_broadcast,
        broadcasts.Broadcast.describe,
        _check_broadcast,
        unpublished="a broadcast is not published but scheduled: POST /api/v1/broadcasts/{id}/schedule",
    ),
}


def get_kind(kind: str) -> Kind:
    """The entry of a kind; raises DefinitionError when there is none."""
    if kind not in KINDS:
        raise DefinitionError(("kind", f"{kind[:40]!r} is no kind of definition; there are {', '.join(KINDS)}"))
    return KINDS[kind]


def known_in(book: Book, entering: Mapping[str, Mapping[str, Any]]) -> Known:
    """What definitions may refer to: what is live, and what is published together with them."""
    documents = [(key.partition("/"), document) for key, document in entering.items()]

    def added(kind: str) -> list[str]:
        return [name for (found, _, name), _ in documents if found == kind]

    def readable(kind: str) -> list[Any]:
        parsed = []
        for (found, _, _), document in documents:
            # One with mistakes is reported when it is checked itself.
            with suppress(DefinitionError):
                parsed += [KINDS[kind].parse(document)] if found == kind else []
        return parsed

    policy = [book.policy, *readable("policy")][-1]
    segments = [each for key, each in book.segments.items() if f"segment/{key}" not in entering] + readable("segment")
    staying = [model for model in book.stages.values() if f"stages/{model.id}" not in entering]
    sheets = [*(sheet for sheet in book.scores.values() if f"score/{sheet.id}" not in entering), *readable("score")]
    matrices = [*(each for each in book.matrices.values() if f"matrix/{each.id}" not in entering), *readable("matrix")]
    templates = {
        name: TemplateRef(
            name,
            0,
            str(document.get("channel", "")),
            str(document.get("topic") or ""),
            str(document.get("stage") or ""),
            SALES_PUSH if document.get("sales") else "",
            str(document.get("to") or ""),
        )
        for (kind, _, name), document in documents
        if kind == "template"
    }
    return Known(
        {
            "topic": policy.topics,
            "webhooks": policy.webhooks,
            "functions": policy.functions,
            "apps": policy.apps,
            COUPON: policy.coupons,
            "segment": [*book.segments, *added("segment")],
            "score": [*book.scores, *added("score")],
            "form": [*book.forms, *added("form")],
            "block": [*live_ids(book, "block"), *added("block")],
            "static segment": [segment.id for segment in segments if segment.is_static],
            "holiday": [day.name for day in policy.calendar.closed],
            "grade": [*book.grades, *added("grade")],
            "matrix": [*book.matrices, *added("matrix")],
            "band": [f"{sheet.id}/{band.id}" for sheet in sheets for band in sheet.bands],
            "cell": [
                f"{matrix.id}/{cell}"
                for matrix in matrices
                for cell in (*matrix.names, *list_cells(sheets, matrix.score))
            ],
            "journey": [*book.journeys, *added("journey")],
            "persona": [*(persona.id for persona in book.personas.personas), *added("persona")],
            "stage": [rule.id for model in (*staying, *readable("stages")) for rule in model.stages],
        },
        {**book.templates, **templates},
        policy,
    )


def live_ids(book: Book, kind: str) -> list[str]:
    """The ids of what is live of a kind that the book does not load."""
    return [published.definition_id for published in book.manifest.live.values() if published.kind == kind]


def check_definition(document: Mapping[str, Any], known: Known, kit: "Kit | None" = None) -> Any:
    """The parsed definition; raises DefinitionError with every mistake, with every reference to nothing, with
    conditions that nobody can fulfil, and with what the look at a mail forbids.

    With a kit a mail is read with its saved blocks filled in.
    """
    kind, parsed = _parse(document, kit)
    report = _look(kind, parsed, document, known)
    forbidden = [(each.path, each.describe()) for each in report.findings if each.blocks] if report else []
    mistakes = (*kind.check(parsed, known), *find_contradictions(document), *forbidden)
    if mistakes:
        raise DefinitionError(*mistakes)
    return parsed


def look_at_definition(document: Mapping[str, Any], known: Known, kit: "Kit | None" = None) -> "Report | None":
    """What may be better about a definition, with a kit read with its saved blocks filled in; None for one that is not
    looked at, or cannot be read."""
    try:
        return _look(*_parse(document, kit), document, known)
    except DefinitionError:
        return None


def _parse(document: Mapping[str, Any], kit: "Kit | None") -> tuple[Kind, Any]:
    kind = get_kind(str(document.get("kind", "")))
    parsed = kind.parse(document)
    saved = parsed.blocks if kit and document["kind"] == "template" else ()
    if kit and saved:
        from postroad.content.building import build_template  # loads MJML and Jinja2, which the fold does not need
        from postroad.content.rendering import compile_message_template

        parsed = replace(compile_message_template(build_template(document, kit)), blocks=saved)
    return kind, parsed


def _look(kind: Kind, parsed: Any, document: Mapping[str, Any], known: Known) -> "Report | None":
    report = kind.look(parsed, known)
    if report is None:
        return None
    from postroad.content.lint import place_in_source

    return place_in_source(report, document)


def _live_definitions(book: Book) -> list[tuple[str, Any]]:
    """Everything live that may refer to something else; a template by what the book knows of it."""
    kinds = {
        "template": book.templates,
        "segment": book.segments,
        "score": book.scores,
        "grade": book.grades,
        "matrix": book.matrices,
        "stages": book.stages,
        "persona": {persona.id: persona for persona in book.personas.personas},
        "handover": {HANDOVER_KIND: book.handover} if book.handover else {},
        "journey": book.journeys,
        "form": book.forms,
    }
    return [(f"{kind}/{name}", parsed) for kind, definitions in kinds.items() for name, parsed in definitions.items()]


def _find_circles(entering: Mapping[str, Mapping[str, Any]], book: Book) -> list[tuple[str, str]]:
    """What reads itself by way of others, such as a segment by way of a score, would never come to rest."""
    parsed = {key: found for key, found in _live_definitions(book) if key.partition("/")[0] in _IN_CIRCLES}
    for key, document in entering.items():
        if key.partition("/")[0] in _IN_CIRCLES:
            parsed[key] = KINDS[key.partition("/")[0]].parse(document)
    telling: dict[str, set[str]] = {}  # by the fact that tells of them; one tells of all personas, one of the hand-over
    for key in parsed:
        kind, _, name = key.partition("/")
        telling.setdefault(kind if kind in ("persona", HANDOVER_KIND) else f"{kind}:{name}", set()).add(key)
    reads = {key: set().union(*(telling.get(fact, ()) for fact in found.reads)) for key, found in parsed.items()}

    def reaches(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            fresh = reads[waiting.pop()] - seen
            seen |= fresh
            waiting += fresh
        return seen

    circle = sorted(key for key in reads if key in reaches(key))
    return [(key, f"it depends on itself, by way of {', '.join(circle)}") for key in circle if key in entering]


# The kinds that could read themselves by way of one another.
_IN_CIRCLES = ("segment", "score", "grade", "matrix", "persona", HANDOVER_KIND)


def _find_turned(book: Book, policy: Policy, entering: Collection[str]) -> list[tuple[str, str]]:
    """Mails that become marketing by the policy, and were not looked at as such."""
    return [
        (f"template/{name}: topic", _TURNED)
        for name, template in book.templates.items()
        if f"template/{name}" not in entering
        and template.channel == "email"
        and book.policy.find_topic(template.topic).transactional
        and not policy.find_topic(template.topic).transactional
    ]


_TURNED = "it is live, and becomes marketing by this policy; publish it together with the policy, so that it is checked"


class Publication(NamedTuple):
    """What publishing writes: the new immutable versions, and the manifest that makes them live."""

    versions: Mapping[tuple[str, str, int], Mapping[str, Any]]
    manifest: Manifest


# Seconds by which somebody may be late on their way: a clock that stood still, a wake that failed.
PATIENCE = 30 * DAY


def _follow(
    book: Book,
    now: float | None,
    entering: Collection[Published],
    compiled: Book | None = None,
    leaving: Collection[str] = (),
) -> Manifest:
    """The manifest after the book's; by `now` it lets go of versions in which nobody can be under way any more.

    `compiled` is the book that it makes, whose trackers it records, and to what that listens.
    """
    trackers = compiled.trackers if compiled else {}
    hears = [name for name in ON_DEMAND if compiled and compiled.hears(name)]
    if now is None:
        return next_manifest(book.manifest, entering, trackers, leaving, hears=hears)
    ends = {journey.key: now + journey.longest + PATIENCE for journey in book.versions.values()}
    return next_manifest(book.manifest, entering, trackers, leaving, ends=ends, now=now, hears=hears)


def plan_publication(
    entering: Mapping[str, Mapping[str, Any]],
    book: Book,
    documents: Mapping[tuple[str, str, int], Mapping[str, Any]],
    now: float | None = None,
    transfers: Mapping[str, Any] | None = None,
) -> Publication:
    """Check these documents ("journey/welcome" → document) together and make them the next versions.

    `documents` holds all that the current manifest names. By `now`, in epoch seconds, versions of journeys in which
    nobody can be any more are let go. `transfers` say, by the keys of journeys, what becomes of people under way
    (`read_transfer`). Raises DefinitionError; a path begins with the definition's key when several are published
    together.
    """
    known = known_in(book, entering)
    kit = find_kit(entering, book, documents)
    checked: dict[str, Any] = {}
    mistakes: list[tuple[str, str]] = []
    for key, document in entering.items():
        try:
            if unpublished := get_kind(key.partition("/")[0]).unpublished:
                raise DefinitionError(("kind", unpublished))
            checked[key] = check_definition(document, known, kit)
        except DefinitionError as error:
            prefix = f"{key}: " if len(entering) > 1 else ""
            mistakes += [(prefix + path, sentence) for path, sentence in error.mistakes]
    mistakes += _find_turned(book, known.policy, entering)
    for key, parsed in _live_definitions(book):
        if key not in entering:
            # What is live must go on meaning what it says.
            found = KINDS[key.partition("/")[0]].check(parsed, known)
            mistakes += [(f"{key}: {path}" if path else key, f"it is live, and {sentence}") for path, sentence in found]
    mistakes = mistakes or _find_circles(entering, book)
    if not mistakes:
        changed = find_changed_experiments(entering, book.journeys)
        mistakes = [(path if len(entering) == 1 else f"{key}: {path}", why) for key, path, why in changed]
    if mistakes:
        raise DefinitionError(*mistakes)
    versions: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    published = []
    for key, document in entering.items():
        kind, _, definition_id = key.partition("/")
        version = book.manifest.last_version(key) + 1
        stored = _build(checked[key], document, kit) if kind == "template" else document
        versions[kind, definition_id, version] = stored
        published.append(publish_version(stored, kind, definition_id, version))
    # Compiled once to learn what the manifest records.
    draft = _follow(book, now, published)
    compiled = compile_book(draft, {**documents, **versions})
    # What is too much already may still shrink.
    excess = find_excess(compiled.trackers.values())
    if excess and _memory_of(compiled) > _memory_of(book):
        raise DefinitionError(("", excess))
    manifest = _follow(book, now, published, compiled)
    wished = {
        key.partition("/")[2]: read_transfer(wish, compiled.journeys[key.partition("/")[2]])
        for key, wish in (transfers or {}).items()
        if key in entering and key.startswith("journey/")
    }
    taking = {name: each for name, each in wished.items() if each.under_way != STAY}
    running = {each.key for journey in compiled.journeys.values() for each in journey.experiments.values()}
    winners = {key: winner for key, winner in manifest.winners.items() if key in running}
    return Publication(versions, replace(manifest, transfers={**manifest.transfers, **taking}, winners=winners))


def _memory_of(book: Book) -> int:
    """Bytes that one contact's memories take at most."""
    return sum(tracker.most_bytes for tracker in book.trackers.values())


def _build(checked: Any, document: Mapping[str, Any], kit: "Kit") -> Mapping[str, Any]:
    """What is stored and sent of a template."""
    from postroad.content.building import build_template  # loads MJML, which the fold does not need

    asked = {ASKS: list(checked.asks), NEEDS: [":".join(named) for named in _list_named(checked.reads)]}
    return {**build_template(document, kit), **{key: found for key, found in asked.items() if found}}


def find_kit(
    entering: Mapping[str, Mapping[str, Any]],
    book: Book,
    documents: Mapping[tuple[str, str, int], Mapping[str, Any]],
) -> "Kit":
    """What templates are built with: the brand and the blocks that are live or enter. `documents` hold the live ones,
    by kind, id and version; who only tries something out may go without them."""
    from postroad.content.building import Kit

    policy = book.policy
    # One with mistakes is reported when it is checked itself.
    with suppress(DefinitionError):
        policy = parse_policy(entering["policy/policy"]) if "policy/policy" in entering else policy
    live = {name: book.manifest.live[f"block/{name}"].version for name in live_ids(book, "block")}
    saved = {name: documents[key] for name, version in live.items() if (key := ("block", name, version)) in documents}
    fresh = {key.partition("/")[2]: document for key, document in entering.items() if key.startswith("block/")}
    versions = live | {name: book.manifest.last_version(f"block/{name}") + 1 for name in fresh}
    return Kit(policy.brand, {**saved, **fresh}, versions)


def find_changed_experiments(
    entering: Mapping[str, Mapping[str, Any]], journeys: Mapping[str, Journey]
) -> list[tuple[str, str, str]]:
    """(key, path, sentence): an experiment that is running, or a holdout, compares what it has begun to compare.

    `journeys` are those that are live, by id; what enters must have no mistakes.
    """
    changed = []
    for key, document in entering.items():
        live = journeys.get(key.partition("/")[2]) if key.startswith("journey/") else None
        new = parse_journey(document).experiments if live else {}
        for step, before in live.experiments.items() if live else ():
            after = new.get(step)
            if after and after.terms != before.terms:
                changed.append((key, "steps" if step else "holdout", _CHANGED[bool(step)].format(step)))
    return changed


_CHANGED = {
    True: (
        "the experiment '{}' is running with other variants, weights or another goal; "
        "give the step a new id, and it is a new experiment"
    ),
    False: (
        "people are held out by another share, or compared by another goal, and the numbers would mix both; "
        "keep them, leave holdout out, or make it a journey with a new id"
    ),
}


def plan_winner(key: str, variant: str | None, because: str, book: Book, now: float) -> Publication:
    """Let a variant win an experiment ("welcome/subject"), so that newcomers get it; None takes that back.

    Raises DefinitionError when no live journey has that experiment or variant.
    """
    journey_id, _, step = key.partition("/")
    journey = book.journeys.get(journey_id)
    experiment = journey.experiments.get(step) if journey and step else None
    if experiment is None:
        raise DefinitionError(("", f"there is no live experiment '{key}'"))
    if variant is not None and variant not in experiment.weights:
        raise DefinitionError(("variant", f"is one of {', '.join(experiment.weights)}"))
    manifest = book.manifest
    winners = {name: winner for name, winner in manifest.winners.items() if name != key}
    if variant is not None:
        winners[key] = Winner(variant, now, because)
    return Publication({}, replace(manifest, revision=manifest.revision + 1, winners=winners))


def plan_lesson(learned: Learned, book: Book) -> Publication | None:
    """Let advice begin with what the account's people have taught; None when that is no news."""
    manifest = book.manifest
    if not learned.is_news(manifest.learned):
        return None
    return Publication({}, replace(manifest, revision=manifest.revision + 1, learned=learned))


def plan_withdrawal(
    key: str,
    book: Book,
    documents: Mapping[tuple[str, str, int], Mapping[str, Any]],
    now: float | None = None,
    coming: Collection[broadcasts.Broadcast] = (),
) -> Publication:
    """Take a definition ("journey/welcome") out of force; its drafts and versions stay. `coming` are broadcasts that
    have people to address yet.

    Nobody enters a withdrawn journey any more, and who is under way goes on to the end. Raises DefinitionError when it
    is not live, or when something that goes on or is to come refers to it.
    """
    if key not in book.manifest.live:
        raise DefinitionError(("", f"{key} is not live"))
    draft = _follow(book, now, (), None, (key,))
    rest = compile_book(draft, documents)
    known = known_in(rest, {})
    going_on = [*_live_definitions(rest), *((journey.key, journey) for journey in rest.versions.values())]
    mistakes = [
        (user, f"it goes on, and {sentence}")
        for user, parsed in dict(going_on).items()
        for _, sentence in KINDS[user.partition("/")[0]].check(parsed, known)
    ]
    mistakes += [
        (each.origin, f"it is scheduled, and {sentence}")
        for each in coming
        for _, sentence in broadcasts.find_missing(each, rest.segments, rest.templates)
    ]
    if mistakes:
        raise DefinitionError(*mistakes)
    return Publication({}, _follow(book, now, (), rest, (key,)))

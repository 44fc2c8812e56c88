"""The book: all published definitions, compiled, and indexed by what they read.

A contact in an account with 500 segments pays for those that an event can touch. What the book cannot be asked by an
index is not asked at all.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple

from postroad import policy as policies
from postroad.consent import confirmation
from postroad.contacts.contact import Contact, Enrollment, Points, journey_of
from postroad.content.built import BUILT_WITH, NEEDS
from postroad.content.choices import remembered_for
from postroad.events import Event
from postroad.journeys import Alarm, Journey, parse_journey
from postroad.journeys.experiments import Experiment
from postroad.manifest import BLOCK as BLOCK
from postroad.manifest import FORM as FORM
from postroad.manifest import TEMPLATE as TEMPLATE
from postroad.manifest import Manifest as Manifest
from postroad.manifest import Published as Published
from postroad.manifest import Winner as Winner
from postroad.manifest import parse_manifest as parse_manifest
from postroad.personas import Personas, parse_persona
from postroad.policy import Policy, parse_policy
from postroad.predicates.behaviour import Tracker, combine_trackers
from postroad.predicates.predicate import Sorter, View, parse_predicate
from postroad.scoring import handovers
from postroad.scoring.grades import Grade, parse_grade
from postroad.scoring.handovers import HandOver, parse_handover
from postroad.scoring.matrices import Matrix, parse_matrix
from postroad.scoring.sheet import Score, parse_score
from postroad.segments import Segment, parse_segment
from postroad.sending.channels import USUAL
from postroad.stages import Stages, parse_stages


def _template_facts(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Channel, topic, stage, whether it pushes for a sale, where it goes, what must be remembered for it, the saved
    blocks that it was built with, what must stay published; what is not said at the end is left out."""
    push = SALES_PUSH if document.get("sales") else ""
    facts = [document["channel"], *(document.get(key) or "" for key in ("topic", "stage")), push]
    facts += [document.get("to") or "", _remembered(document)]
    facts += [" ".join(document.get(key) or ()) for key in (BUILT_WITH, NEEDS)]
    while len(facts) > 2 and not facts[-1]:
        facts.pop()
    return tuple(facts)


def _remembered(document: Mapping[str, Any]) -> str:
    """The predicates of a template's choices that ask for what must be remembered of contacts, as JSON."""
    asking = remembered_for(document)
    return json.dumps(asking, separators=(",", ":"), sort_keys=True) if asking else ""


# What the book must know of each whose document the fold does not read.
_UNLOADED: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, ...]]] = {
    TEMPLATE: _template_facts,
    FORM: lambda document: tuple(sorted({box["topic"] for box in document.get("consents") or ()})),
    BLOCK: lambda document: (),
}


# All personas compete, so they are asked as one.
PERSONAS, HANDOVER = "personas/all", f"{handovers.KIND}/{handovers.KIND}"
# Who is engaged in their accounts.
ACCOUNTS = "accounts/all"

# What a template says of itself that pushes for a sale: who does not fit is spared it.
SALES_PUSH = "sales"

# So many older versions of a journey are held; who is still in an older one fails, with a reason.
MOST_HELD = 50


class TemplateRef(NamedTuple):
    """What the fold needs to know of a template; its text is the sender's affair.

    `stage` is the stage of the life cycle that it is for, or ""; `push` is SALES_PUSH when it pushes for a sale.
    `to` is the entry of the policy that says where it goes, for a channel that has such. `remembers` are, as JSON, the
    predicates for which something must be remembered of contacts; `built_with` the saved blocks and their versions that
    it was built with: "hours@3 closing@1"; `needs` what must stay published while it is live, as "coupon:spring
    segment:vip".
    """

    template_id: str
    version: int
    channel: str
    topic: str
    stage: str = ""
    push: str = ""
    to: str = ""
    remembers: str = ""
    built_with: str = ""
    needs: str = ""

    @property
    def reads(self) -> frozenset[str]:
        """What must stay published while it is live, as facts."""
        return frozenset(self.needs.split())

    @property
    def trackers(self) -> tuple[Tracker, ...]:
        """What must be remembered of contacts to compose it."""
        asking = json.loads(self.remembers) if self.remembers else ()
        return tuple(tracker for each in asking for tracker in parse_predicate(each).trackers)


class FormRef(NamedTuple):
    """What publishing needs to know of a form; the rest is the affair of whoever shows it."""

    form_id: str
    version: int
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """Everything live at one revision. Built by `compile_book`; never changed."""

    revision: int
    manifest: Manifest
    policy: Policy
    trackers: Mapping[str, Tracker]
    scores: Mapping[str, Score]
    grades: Mapping[str, Grade]
    matrices: Mapping[str, Matrix]
    segments: Mapping[str, Segment]
    stages: Mapping[str, Stages]
    personas: Personas
    handover: HandOver | None
    journeys: Mapping[str, Journey]
    versions: Mapping[tuple[str, int], Journey]
    experiments: Mapping[str, Experiment]
    templates: Mapping[str, TemplateRef]
    forms: Mapping[str, FormRef]
    trackers_by_event: Mapping[str, tuple[Tracker, ...]]
    scores_by_event: Mapping[str, tuple[Score, ...]]
    journeys_by_event: Mapping[str, tuple[Journey, ...]]
    alarms: Mapping[str, tuple[Journey, Alarm]]
    readers: Mapping[str, tuple[str, ...]]
    sorters: Mapping[str, Sorter]
    assumed: frozenset[str]
    expiries: Mapping[str, float]
    innate: tuple[str, ...]

    def view(
        self, contact: Contact, now: float, enrollment: Enrollment | None = None, event: Event | None = None
    ) -> View:
        """What predicates may look at when they are asked about a contact."""
        return View(
            contact,
            now,
            self.scores,
            enrollment,
            event,
            self.assumed,
            self.policy.timezone,
            sorters=self.sorters,
            expiries=self.expiries,
        )

    def find_template(self, template_id: str) -> TemplateRef | None:
        """What the fold needs to know of a template. The one that asks to confirm a consent is always there, and about
        no topic."""
        found = self.templates.get(template_id)
        if template_id != confirmation.TEMPLATE:
            return found
        return found._replace(topic="") if found else TemplateRef(template_id, 0, USUAL, "")

    def find_journey(self, journey_id: str, version: int) -> Journey | None:
        """The version that an enrollment is pinned to."""
        return self.versions.get((journey_id, version))

    def hears(self, name: str) -> bool:
        """Whether something listens to events of this name."""
        key = name.lower()
        indexes = (self.trackers_by_event, self.scores_by_event, self.journeys_by_event)
        return any(key in index for index in indexes) or any(key in j.waits_for for j in self.versions.values())

    def trackers_since(self, revision: int) -> list[Tracker]:
        """The trackers that a contact last folded at that revision does not have yet."""
        kept = self.manifest.trackers
        # One that the manifest does not know came with newer code, and remembers from then on.
        return [t for t in self.trackers.values() if t.tracker_id in kept and kept[t.tracker_id][0] > revision]

    def scores_since(self, revision: int) -> list[Score]:
        """The score sheets that give points for events and are newer than that revision."""
        return [
            sheet
            for sheet in self.scores.values()
            if sheet.events and self.manifest.live[f"score/{sheet.id}"].since > revision
        ]

    def reading(self, facts: Iterable[str]) -> dict[str, None]:
        """Keys of the definitions that read any of these facts, in the order in which they should be asked."""
        return dict.fromkeys(key for fact in facts for key in self.readers.get(fact, ()))

    def merge_memory(self, tracker_id: str, a: Any, b: Any, now: float) -> Any:
        """Two contacts' memories of one tracker, joined."""
        tracker = self.trackers.get(tracker_id)
        return tracker.merge(a, b, now) if tracker else a

    def merge_scores(self, sheet: str, a: Mapping[str, Points], b: Mapping[str, Points]) -> Mapping[str, Points]:
        """Two contacts' points on one score sheet, joined."""
        score = self.scores.get(sheet)
        return score.merge(a, b) if score else a

    def rank_stage(self, name: str) -> int:
        """How far a stage is; -1 of one that is in no life cycle."""
        return max((model.rank(name) for model in self.stages.values()), default=-1)

    def enters_once(self, journey_id: str) -> bool:
        """Whether nobody may go through this journey twice."""
        journey = self.journeys.get(journey_of(journey_id))
        return journey is None or journey.reentry.is_once


def compile_book(manifest: Manifest, documents: Mapping[tuple[str, str, int], Mapping[str, Any]]) -> Book:
    """Compile what the manifest names; `documents` by (kind, id, version) must hold all that it says is `loaded`."""

    def live(kind: str) -> list[tuple[Published, Mapping[str, Any]]]:
        found = [published for published in manifest.live.values() if published.kind == kind]
        return [(published, documents[published[:3]]) for published in found]

    scores = {p.definition_id: parse_score(document) for p, document in live("score")}
    grades = {p.definition_id: parse_grade(document) for p, document in live("grade")}
    matrices = {p.definition_id: parse_matrix(document) for p, document in live("matrix")}
    segments = {p.definition_id: parse_segment(document) for p, document in live("segment")}
    stages = {p.definition_id: parse_stages(document) for p, document in live("stages")}
    personas = Personas(tuple(parse_persona(document) for _, document in live("persona")))
    handover = next((parse_handover(document) for _, document in live(handovers.KIND)), None)
    journeys = {p.definition_id: _read_journey(p, document, manifest) for p, document in live("journey")}
    held = {
        (p.definition_id, p.version): _read_journey(p, documents[p[:3]], manifest)
        for p in manifest.held
        if p.kind == "journey"
    }
    versions = {**held, **{(journey.id, journey.version): journey for journey in journeys.values()}}
    found_policies = live(policies.KIND)
    policy = parse_policy(found_policies[0][1]) if found_policies else Policy()
    policy = replace(policy, rhythm=policy.rhythm.taught(manifest.learned))
    definitions: list[tuple[str, Any]] = [
        *((f"score/{sheet.id}", sheet) for sheet in scores.values()),
        *((f"grade/{grade.id}", grade) for grade in grades.values()),
        *((f"matrix/{matrix.id}", matrix) for matrix in matrices.values()),
        *((f"segment/{segment.id}", segment) for segment in segments.values()),
        *((f"stages/{model.id}", model) for model in stages.values()),
        (PERSONAS, personas),
        *([(HANDOVER, handover)] if handover else []),
        *((journey.key, journey) for journey in versions.values()),
        (ACCOUNTS, policy.accounts),
    ]
    alarms = {
        f"{journey.id}/{number}": (journey, trigger.alarm)
        for journey in journeys.values()
        for number, trigger in enumerate(journey.triggers)
        if trigger.alarm
    }
    templates = {
        p.definition_id: TemplateRef(p.definition_id, p.version, *p.facts)
        for p in manifest.live.values()
        if p.kind == TEMPLATE
    }
    remembering = (*(definition for _, definition in definitions), *templates.values())
    trackers = combine_trackers(tracker for each in remembering for tracker in each.trackers)
    book = Book(
        revision=manifest.revision,
        manifest=manifest,
        policy=policy,
        trackers=trackers,
        scores=scores,
        grades=grades,
        matrices=matrices,
        segments=segments,
        stages=stages,
        personas=personas,
        handover=handover,
        journeys=journeys,
        versions=versions,
        experiments={each.key: each for journey in versions.values() for each in journey.experiments.values()},
        templates=templates,
        forms={
            p.definition_id: FormRef(p.definition_id, p.version, p.facts)
            for p in manifest.live.values()
            if p.kind == FORM
        },
        trackers_by_event=_index((event, tracker) for tracker in trackers.values() for event in tracker.events),
        scores_by_event=_index((event, sheet) for sheet in scores.values() for event in sorted(sheet.events)),
        journeys_by_event=_index((event, j) for j in journeys.values() for event in sorted(j.starts_on)),
        alarms=alarms,
        readers=_index(
            [
                *(
                    (fact, key)
                    for key, definition in definitions
                    for fact in sorted(definition.watches if isinstance(definition, Journey) else definition.reads)
                ),
                *((fact, f"trigger/{key}") for key, (_, alarm) in alarms.items() for fact in sorted(alarm.reads)),
            ]
        ),
        sorters={
            key: definition for key, definition in definitions if key.partition("/")[0] in ("score", "grade", "matrix")
        },
        assumed=policy.assumed,
        expiries=policy.expiries,
        innate=(),
    )
    return replace(book, innate=tuple(_find_innate(book, book.view(Contact("nobody"), 0.0))))


def _find_innate(book: Book, nobody: View) -> Iterable[str]:
    """Keys of the definitions that hold of somebody about whom nothing is known: no first event need touch them."""
    yield from (f"segment/{segment.id}" for segment in book.segments.values() if segment.evaluate(nobody).truth)
    yield from (f"stages/{model.id}" for model in book.stages.values() if model.place(nobody).stage is not None)
    if book.personas.match(nobody).persona:
        yield PERSONAS
    if book.handover and book.handover.choose(nobody).to:
        yield HANDOVER


def _index(pairs: Iterable[tuple[str, Any]]) -> dict[str, tuple[Any, ...]]:
    index: dict[str, dict[Any, Any]] = {}
    for key, value in pairs:
        index.setdefault(key, {})[value if isinstance(value, str) else id(value)] = value
    return {key: tuple(values.values()) for key, values in index.items()}


def _read_journey(published: Published, document: Mapping[str, Any], manifest: Manifest) -> Journey:
    winners = {
        key.partition("/")[2]: winner.variant
        for key, winner in manifest.winners.items()
        if key.partition("/")[0] == published.definition_id
    }
    return parse_journey(document, version=published.version, winners=winners)


def publish_version(document: Mapping[str, Any], kind: str, definition_id: str, version: int) -> Published:
    """A version about to enter the manifest."""
    facts = _UNLOADED[kind](document) if kind in _UNLOADED else ()
    return Published(kind, definition_id, version, 0, facts)


def next_manifest(
    manifest: Manifest,
    entering: Iterable[Published],
    book_trackers: Mapping[str, Tracker],
    leaving: Iterable[str] = (),
    *,
    ends: Mapping[str, float] | None = None,
    now: float = -inf,
    hears: Iterable[str] = (),
) -> Manifest:
    """The manifest after publishing: `entering` replace their older versions, `leaving` (keys) are no longer live.

    Journeys hold on to what they replace or withdraw, for those under way: until the time in `ends`, and for at most
    MOST_HELD newer versions. `hears` are the events on demand to which the new book listens. `book_trackers` are its
    trackers; one that was kept already, at least as wide,
    keeps its `since`.
    """
    revision = manifest.revision + 1
    live, held, withdrawn = dict(manifest.live), list(manifest.held), dict(manifest.withdrawn)
    entered = {published.key: published._replace(since=revision) for published in entering}
    for key in (*entered, *leaving):
        before = live.pop(key, None)
        if before and before.kind == "journey":
            held.append(before)
        if before and key not in entered:
            withdrawn[key] = before.version
    live |= entered
    kept = {key: version for key, version in withdrawn.items() if key not in live}
    known = {**(ends or {}), **manifest.ends}
    held = [published for published in held if known.get(published.pinned, inf) >= now]
    held = [p for n, p in enumerate(held) if sum(later.key == p.key for later in held[n + 1 :]) < MOST_HELD]
    lasting = {published.pinned: known[published.pinned] for published in held if published.pinned in known}
    trackers = _kept_trackers(manifest, book_trackers, revision)
    return Manifest(
        revision,
        live,
        tuple(held),
        trackers,
        kept,
        lasting,
        manifest.winners,
        tuple(hears),
        manifest.transfers,
        manifest.learned,
    )


def _kept_trackers(
    manifest: Manifest, trackers: Mapping[str, Tracker], revision: int
) -> dict[str, tuple[int, int, float | None]]:
    kept = {}
    for tracker_id, tracker in trackers.items():
        since, keep, window = manifest.trackers.get(tracker_id, (revision, -1, None))
        wide_enough = keep >= tracker.keep and (window or 0.0) >= (tracker.window or 0.0)
        kept[tracker_id] = (since if wide_enough else revision, tracker.keep, tracker.window)
    return kept

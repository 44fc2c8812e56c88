"""Opinions: what definitions hold of a contact is asked again, until all agree."""

from collections.abc import Callable
from math import inf

from postroad import events as names
from postroad.book import HANDOVER, PERSONAS
from postroad.contacts.contact import Handed, Persona
from postroad.contacts.places import HANDED_OVER
from postroad.events import Event
from postroad.fold.accounts import note_engaged
from postroad.fold.attributes import set_attributes
from postroad.fold.folding import Folding
from postroad.fold.passages import NEEDLESS, close
from postroad.fold.standing import join, leave, set_stage
from postroad.journeys import end
from postroad.journeys.triggers import Account
from postroad.scoring.handovers import KIND, SALES, Choice, HandOver
from postroad.tasks import OWNER, assignee_of


def due_definitions(folding: Folding) -> dict[str, None]:
    return {key: None for key, at in folding.contact.turns.items() if at <= folding.now}


def settle(folding: Folding, keys: dict[str, None]) -> None:
    """Ask these definitions, and those that read what they change, until all agree."""
    asked = 0
    while keys:
        key = next(iter(keys))
        del keys[key]
        kind, _, definition_id = key.partition("/")
        ask = _ASK.get(kind)
        if ask is None:
            continue
        asked += 1
        if asked > 20 * (len(folding.book.segments) + len(folding.book.scores) + 10):
            folding.decide("book", "", "stopped", "the segments do not come to rest; do some exclude each other?")
            return
        try:
            facts = folding.note(ask(folding, definition_id))
        except Exception as error:  # a definition that throws harms only itself
            folding.contact.turns.pop(key, None)
            folding.decide(key, "", "failed", f"it could not be evaluated ({type(error).__name__})")
            continue
        keys |= folding.book.reading(facts)


def _ask_score(folding: Folding, sheet_id: str) -> list[str]:
    # Its value is never stored; whatever its rules read may have changed it.
    return [f"score:{sheet_id}"]


def _ask_grade(folding: Folding, grade_id: str) -> list[str]:
    return [f"grade:{grade_id}"]


def _ask_matrix(folding: Folding, matrix_id: str) -> list[str]:
    return [f"matrix:{matrix_id}"]


def _ask_segment(folding: Folding, segment_id: str) -> list[str]:
    contact, key = folding.contact, f"segment/{segment_id}"
    segment = folding.book.segments.get(segment_id)
    if segment is None:
        contact.turns.pop(key, None)
        return leave(folding, segment_id, "the segment is no longer live") if segment_id in contact.segments else []
    truth, turns_at = segment.evaluate(folding.view())
    folding.turn(key, turns_at)
    if truth == (segment_id in contact.segments):
        return []
    if not truth:
        return leave(folding, segment_id, f"no longer: {segment.describe()}")
    return join(folding, segment, segment.describe())


def _ask_stages(folding: Folding, stages_id: str) -> list[str]:
    model = folding.book.stages.get(stages_id)
    if model is None:
        folding.contact.turns.pop(f"stages/{stages_id}", None)
        return []
    placement = model.place(folding.view())
    folding.turn(f"stages/{stages_id}", placement.turns_at)
    if placement.stage is None or (folding.contact.stage and placement.stage == folding.contact.stage.name):
        return []
    return set_stage(folding, placement.stage, f"stages/{stages_id}", "", placement.because)


def _ask_trigger(folding: Folding, key: str) -> list[str]:
    """Arm what starts a journey by a date or schedule; when its time has come, say so, and arm it anew."""
    turn, alarmed = f"trigger/{key}", folding.book.alarms.get(key)
    armed = folding.contact.turns.get(turn, inf)
    if alarmed is None:
        folding.turn(turn, inf)
        return []
    journey, alarm = alarmed
    after = folding.now
    if armed <= folding.now and folding.is_news:
        said = {"journey": journey.id, "trigger": int(key.rpartition("/")[2]), **alarm.tell(folding.contact)}
        folding.causes_at(armed, alarm.event, said)
    elif armed <= folding.now:
        after = armed - 0.01  # what is due has yet to be told, if it is still meant
    policy = folding.book.policy
    account = Account((journey.timezone, policy.timezone), policy.calendar)
    folding.turn(turn, alarm.find_next(folding.contact, after, account))
    return []


def _ask_personas(folding: Folding, _: str) -> list[str]:
    contact, match = folding.contact, folding.book.personas.match(folding.view())
    folding.turn(PERSONAS, match.turns_at)
    before = contact.persona.name if contact.persona else None
    if match.persona is None:
        contact.persona = None
    elif match.persona == before and contact.persona:
        contact.persona = contact.persona._replace(confidence=match.confidence)
    else:
        contact.persona = Persona(match.persona, folding.now, match.confidence)
    if match.persona == before:
        return []
    sure = f"fits best, {match.confidence:.0%} sure" if match.persona else "no persona fits well enough"
    folding.decide(f"persona/{match.persona or before}", "", "persona" if match.persona else "no persona", sure)
    folding.causes(names.PERSONA_CHANGED, persona=match.persona, before=before, confidence=match.confidence)
    return ["persona"]


def _ask_handover(folding: Folding, _: str) -> list[str]:
    """Where somebody belongs: to sales, into nurture, or nowhere; what follows from it follows from its event."""
    contact, model = folding.contact, folding.book.handover
    choice = model.choose(folding.view()) if model else Choice("", "nothing is handed over any more")
    folding.turn(HANDOVER, choice.turns_at)
    before = contact.handed.to if contact.handed else ""
    facts: list[str] = []
    if choice.to != before:
        contact.handed = Handed(choice.to, folding.now) if choice.to else None
        facts = ["handover", *(_give_owner(folding, model) if model and choice.to == SALES else ())]
        folding.decide(HANDOVER, "", f"to {choice.to}" if choice.to else "to nobody", choice.because)
        owner = assignee_of(contact) if choice.to == SALES else None
        folding.causes(names.HANDED_OVER, to=choice.to or None, before=before or None, owner=owner)
    for nurturing in contact.enrollments_in(model.journey or "") if model and choice.to == SALES else ():
        key = f"journey/{nurturing.journey}@{nurturing.version}"
        folding.decide(key, nurturing.step, "exited", NEEDLESS[HANDED_OVER])
        close(folding, end(nurturing, "exited", HANDED_OVER))
    return facts


def _ask_accounts(folding: Folding, _: str) -> list[str]:
    note_engaged(folding)
    return []


def _give_owner(folding: Folding, model: HandOver) -> list[str]:
    """Somebody at sales gets an owner, who is kept in an attribute; one who is there already stays."""
    if assignee_of(folding.contact):
        return []
    owner = {OWNER: model.find_owner(folding.contact.contact_id)}
    return set_attributes(
        folding, Event("", names.ATTRIBUTES_UPDATED, folding.now, folding.now, trusted=True, attributes=owner)
    )


_ASK: dict[str, Callable[[Folding, str], list[str]]] = {
    "score": _ask_score,
    "segment": _ask_segment,
    "stages": _ask_stages,
    "trigger": _ask_trigger,
    "grade": _ask_grade,
    "matrix": _ask_matrix,
    "personas": _ask_personas,
    "accounts": _ask_accounts,
    KIND: _ask_handover,
}

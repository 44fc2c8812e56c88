"""Effects: what the steps of a journey ask for, each kind one entry in a table."""

from collections.abc import Callable
from typing import Any

from postroad import events as names
from postroad.advice.channels import CHANNEL, PHONE, rank
from postroad.contacts.contact import Enrollment, Exposure
from postroad.contacts.engagement import note_sent
from postroad.events import Event
from postroad.experiments import exposures
from postroad.fold.attributes import set_attributes
from postroad.fold.folding import Folding
from postroad.fold.opinions import settle
from postroad.fold.sends import candidate_of, queue
from postroad.fold.standing import put_into, set_stage, take_out_of
from postroad.journeys import Effect, Journey, Send, Update, on_mark
from postroad.journeys.asking import Ask
from postroad.journeys.changes import TAGS, List, Say, Tag
from postroad.journeys.experiments import Experiment, Expose
from postroad.journeys.steps import SendBest
from postroad.tasks import CALL, Task, asked_mark, assignee_of


def perform(folding: Folding, journey: Journey, enrollment: Enrollment, effect: Effect) -> Enrollment:
    """Do what a step asks for; the enrollment, with what it has to remember of that."""
    return _PERFORM[type(effect)](folding, journey, enrollment, effect)


def _ask_for(folding: Folding, enrollment: Enrollment, task: Task) -> Enrollment:
    """Put a task of a step up for a person; the enrollment remembers that."""
    folding.tasks.append(task)
    if task.kind == CALL:
        folding.contact.engagement = note_sent(folding.contact.engagement, PHONE, task.task_id, folding.now)
    return on_mark(enrollment, task.step, asked_mark(task.task_id))


def _update(folding: Folding, journey: Journey, enrollment: Enrollment, effect: Update) -> Enrollment:
    """Change the contact as an update step says; every definition and journey hears of it."""
    event = Event("", names.ATTRIBUTES_UPDATED, folding.now, folding.now, trusted=True, attributes=effect.set)
    facts = set_attributes(folding, event)
    for name in effect.unset:
        if folding.contact.attributes.pop(name, None):
            facts.append(f"attribute:{name}")
    if effect.stage:
        facts += set_stage(folding, effect.stage, journey.key, effect.step_id, f"the journey {journey.name} says so")
    settle(folding, folding.book.reading(folding.note(facts)))
    return enrollment


def _queue_best(folding: Folding, journey: Journey, enrollment: Enrollment, effect: SendBest) -> Enrollment:
    """Put a message up by the channel that suits the contact best; when that is the telephone, a call task."""
    templates = {send.channel: send for send in effect.sends}
    offered = (*templates, PHONE) if effect.call else (*templates,)
    template = folding.book.templates.get(effect.sends[0].template)
    topic = folding.book.policy.find_topic(template.topic) if template else None
    ways = [way for way in rank(folding.contact, topic, folding.now) if way.channel in offered]
    best = ways[0]
    folding.decide(journey.key, effect.step_id, f"channel {best.channel}", "; ".join(way.describe() for way in ways))
    if best.channel in templates:
        return queue(folding, journey, enrollment, templates[best.channel])
    replaced = next(way.channel for way in ways if way.channel in templates)
    candidate = candidate_of(folding, journey, enrollment, templates[replaced])
    if bar := folding.outbox.find_bar(candidate):
        gate, reason = bar
        folding.outbox.replace(candidate, reason, gate)
        return on_mark(enrollment, effect.step_id, "skipped")
    folding.outbox.replace(candidate, f"the telephone ranks first, {best.because}: a call takes its place", CHANNEL)
    assert effect.call is not None
    return on_mark(_PERFORM[Ask](folding, journey, enrollment, effect.call), effect.step_id, "skipped")


def _expose(folding: Folding, journey: Journey, enrollment: Enrollment, effect: Expose) -> Enrollment:
    """Note that the contact has been dealt a variant of the experiment of a step."""
    take_part(folding, journey, journey.experiments[effect.step_id], effect.variant)
    return enrollment


def take_part(folding: Folding, journey: Journey, experiment: Experiment, variant: str) -> None:
    part = Exposure(variant, folding.now, folding.now + experiment.within)
    if exposures.expose(folding.contact, experiment.key, part):
        said = {"journey": journey.id, "step": experiment.step, "variant": variant}
        folding.causes(names.EXPERIMENT_ENTERED, experiment_id=experiment.key, **said)


def _list(folding: Folding, journey: Journey, enrollment: Enrollment, effect: List) -> Enrollment:
    because = f"the step {effect.step_id} of {journey.key} says so"
    facts = [fact for segment in effect.add for fact in put_into(folding, segment, because)]
    facts += [fact for segment in effect.remove for fact in take_out_of(folding, segment, because)]
    settle(folding, folding.book.reading(folding.note(facts)))
    return enrollment


def _tag(folding: Folding, journey: Journey, enrollment: Enrollment, effect: Tag) -> Enrollment:
    known = folding.contact.find_value(TAGS)
    before = known if isinstance(known, list) else []
    tags = [*(tag for tag in before if tag not in effect.remove), *(tag for tag in effect.add if tag not in before)]
    return _update(folding, journey, enrollment, Update(effect.step_id, {TAGS: tags}, (), None))


def _say(folding: Folding, journey: Journey, enrollment: Enrollment, effect: Say) -> Enrollment:
    folding.causes(effect.name, **effect.properties)
    return enrollment


def _ask(folding: Folding, journey: Journey, enrollment: Enrollment, effect: Ask) -> Enrollment:
    task = Task(
        effect.task_id,
        folding.contact.contact_id,
        effect.kind,
        effect.title,
        journey.key,
        effect.step_id,
        enrollment.enrollment_id,
        folding.now,
        effect.due_at,
        assignee=assignee_of(folding.contact, effect.assignee),
        note=effect.note,
    )
    return _ask_for(folding, enrollment, task)


# How each kind of effect is performed: it may change the contact, put messages up, cause events, and decide.
_PERFORM: dict[type, Callable[[Folding, Journey, Enrollment, Any], Enrollment]] = {
    Send: queue,
    Update: _update,
    List: _list,
    Tag: _tag,
    Say: _say,
    Ask: _ask,
    Expose: _expose,
    SendBest: _queue_best,
}

"""Messages that steps and broadcasts put up for sending."""

from postroad.broadcasts import broadcast as broadcasts
from postroad.contacts.contact import USUAL_PRIORITY, Candidate, Enrollment, Exposure
from postroad.events import Event
from postroad.experiments.exposures import expose
from postroad.fold.folding import Folding
from postroad.journeys import Journey, Send, on_mark
from postroad.sending.gates import LOCAL_TIME
from postroad.sending.messages import QUEUED


def candidate_of(folding: Folding, journey: Journey, enrollment: Enrollment, send: Send) -> Candidate:
    """The message of a send step that wants to leave now."""
    return Candidate(
        message_id=send.message_id,
        origin=journey.key,
        step=send.step_id,
        enrollment_id=enrollment.enrollment_id,
        template=send.template,
        channel=send.channel,
        trigger_key=enrollment.trigger_key,
        since=folding.now,
        at=folding.now,
        expires_at=send.expires_at,
        priority=journey.priority,
        options=send.options,
    )


def queue(folding: Folding, journey: Journey, enrollment: Enrollment, send: Send) -> Enrollment:
    """Put the message of a send step up for sending."""
    # The step's own decision has said that it is sent.
    skipped = folding.outbox.put_up(candidate_of(folding, journey, enrollment, send))
    return on_mark(enrollment, send.step_id, "skipped") if skipped else enrollment


def queue_broadcast(folding: Folding, event: Event) -> None:
    """Put this contact's message of a broadcast up for sending."""
    said = event.properties
    broadcast_id, template_id = str(said.get("broadcast")), str(said.get("template"))
    template = folding.book.templates.get(template_id)
    attempt, local_time = said.get("attempt", 1), said.get("local_time")
    candidate = Candidate(
        message_id=broadcasts.message_id_of(broadcast_id, folding.contact.contact_id, attempt),
        origin=f"{broadcasts.KIND}/{broadcast_id}",
        step=str(said.get("variant", "")),
        enrollment_id="",
        template=template_id,
        channel=template.channel if template else "",
        trigger_key=event.key,
        since=folding.now,
        at=folding.now,
        priority=said.get("priority", USUAL_PRIORITY),
        options={LOCAL_TIME: local_time} if local_time else {},
    )
    if not folding.outbox.put_up(candidate):
        because = f"was in the segment {said.get('segment')} when the broadcast began"
        folding.decide(candidate.origin, candidate.step, QUEUED, because)
        if goal := said.get("goal"):
            part = Exposure(candidate.step, folding.now, folding.now + said["within"], goal=goal)
            expose(folding.contact, broadcasts.trial_key(broadcast_id), part)

"""What SES says became of a message: delivered, bounced, complained of; it may come late, twice and in any order."""

from postroad.events import (
    EMAIL_BOUNCED,
    EMAIL_COMPLAINED,
    EMAIL_DELIVERED,
    MESSAGE_FAILED,
    MESSAGE_SENT,
    ON_DEMAND,
    Event,
)
from postroad.sending.feedback import Feedback
from postroad.sending.messages import (
    BOUNCED,
    COMPLAINED,
    DEFERRED,
    DELIVERED,
    FAILED,
    SENDING,
    SENT,
    UNKNOWN,
    states_before,
)
from postroad_aws.ports import Ports
from postroad_aws.usecases.send_event import send_event
from postroad_aws.usecases.send_message import message_event, message_properties

_EVENTS = {
    SENT: MESSAGE_SENT,
    DELIVERED: EMAIL_DELIVERED,
    BOUNCED: EMAIL_BOUNCED,
    COMPLAINED: EMAIL_COMPLAINED,
    FAILED: MESSAGE_FAILED,
}


def record_feedback(ports: Ports, feedback: Feedback) -> None:
    """Write the suppression first, then the message's state, then let the contact hear of it.

    That SES took a message is written only where our own record is open: it settles what a sender left behind. That it
    took or delivered one the contact hears only while something listens.
    """
    now = ports.clock.now()
    if feedback.state == DEFERRED:
        ports.messages.note_engagement(feedback.message_id, DEFERRED, min(feedback.time, now))
        return
    message = ports.messages.find_message(feedback.message_id)
    for address in feedback.suppressed:
        evidence = {"message_id": feedback.message_id, "detail": feedback.reason}
        ports.refusals.save_suppression(f"email:{address}", feedback.reason, now, evidence)
    if message is None:
        return
    if feedback.state != SENT or message.state in (SENDING, UNKNOWN):
        at = min(feedback.time, now)
        ports.messages.settle(
            message.message_id, feedback.state, at, reason=feedback.reason, provider_id=feedback.provider_id
        )
    name = _EVENTS[feedback.state]
    if name in ON_DEMAND and not ports.books.hears(name):
        return
    if feedback.state == SENT:
        send_event(ports.queues, message_event(message, SENT, min(feedback.time, now)))
        return
    if feedback.state == FAILED and message.state not in (FAILED, *states_before(FAILED)):
        return
    event = Event(
        event_id=f"{message.message_id}:{feedback.state}",
        name=name,
        time=min(feedback.time, now),
        key_time=feedback.time,
        contact_id=message.contact_id,
        trusted=True,
        source="postroad",
        properties={
            **message_properties(message),
            "reason": feedback.reason,
            "addresses": [f"email:{address}" for address in feedback.suppressed],
        },
    )
    send_event(ports.queues, event)

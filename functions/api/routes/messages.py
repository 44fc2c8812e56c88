"""Messages: what was sent, or why not."""

from typing import Annotated, TypedDict

from functions.api.problems import RequestError
from functions.api.routes.contacts import read_contact
from functions.api.routing import Routes
from functions.api.schemas import Cursor, Example, Instant, Limit, Listed, OneOf
from postroad.deliverability.reactions import REACTIONS, reaction_of
from postroad.instants import format_instant
from postroad.sending.messages import STATES, Message
from postroad_aws import clock
from postroad_aws.storage import NotFoundError
from postroad_aws.storage import messages as storage

routes = Routes("Messages")

Origin = Annotated[str, Example("journey/welcome@1"), "What asked for it, and in which version."]


class MessageView(TypedDict):
    """One thing for one contact on one channel, and what became of it."""

    message_id: str
    contact_id: str
    state: Annotated[str, OneOf(STATES)]
    reason: Annotated[str | None, "Why it was skipped, bounced or failed."]
    channel: Annotated[str, Example("email")]
    topic: str
    template: str
    template_version: int
    origin: Origin
    step: str
    created_at: Instant
    times: Annotated[dict[str, str], "When it came to each state."]
    reaction: Annotated[
        str | None,
        OneOf(REACTIONS),
        "How its reader answered. `ignored`: no link was followed within seven days. Null: it is too early to tell.",
    ]


@routes.get("/messages")
def list_messages(
    contact: Annotated[str | None, "The `contact_id` of somebody."] = None,
    origin: Origin | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> Listed[MessageView]:
    """Messages of a contact, or of what asked for them, those the newest first.

    One of `contact` and `origin` must be given.
    """
    if contact is not None:
        found = read_contact(contact)
        page = storage.list_by_contact((found.contact_id, *found.merged_from), cursor=cursor, limit=limit)
    elif origin is not None:
        page = storage.list_newest(origin, cursor=cursor, limit=limit)
    else:
        raise RequestError("Say whose messages: contact=<contact_id> or origin=journey/welcome@3.")
    return {"items": [_show(message) for message in page.items], "next": page.next}


@routes.get("/messages/{message_id}")
def get_message(message_id: str) -> MessageView:
    """One message."""
    message = storage.find_message(message_id)
    if message is None:
        raise NotFoundError("There is no message with this id.")
    return _show(message)


def _show(message: Message) -> MessageView:
    return {
        "message_id": message.message_id,
        "contact_id": message.contact_id,
        "state": message.state,
        "reason": message.reason or None,
        "channel": message.channel,
        "topic": message.topic,
        "template": message.template,
        "template_version": message.template_version,
        "origin": message.origin,
        "step": message.step,
        "created_at": format_instant(message.created_at),
        "times": {state: format_instant(time) for state, time in sorted(message.times.items(), key=lambda i: i[1])},
        "reaction": reaction_of(message, clock.now()) or None,
    }

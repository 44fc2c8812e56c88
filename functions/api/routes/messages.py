"""Messages: what was sent, or why not."""

from typing import Any

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from functions.api.problems import RequestError
from functions.api.requests import read_page, read_query
from postroad.instants import format_instant
from postroad.messages import Message
from postroad_aws.storage import NotFoundError
from postroad_aws.storage import contacts as contacts_storage
from postroad_aws.storage import messages as storage
from postroad_aws.usecases.find_contact import find_contact

router = APIGatewayHttpRouter()


@router.get("/messages")
def list_messages() -> dict[str, Any]:
    """Messages of a contact (`contact=…`) or of what queued them (`origin=journey/welcome@3`)."""
    contact_id, origin = read_query(router, "contact"), read_query(router, "origin")
    cursor, limit = read_page(router)
    if contact_id:
        contact = find_contact(contacts_storage, contact_id)
        if contact is None:
            raise NotFoundError("There is no contact with this id.")
        page = storage.list_by_contact((contact.contact_id, *contact.merged_from), cursor=cursor, limit=limit)
    elif origin:
        page = storage.list_by_origin(origin, cursor=cursor, limit=limit)
    else:
        raise RequestError("Say whose messages: contact=<contact_id> or origin=journey/welcome@3.")
    return {"items": [show(message) for message in page.items], "next": page.next}


@router.get("/messages/<message_id>")
def get_message(message_id: str) -> dict[str, Any]:
    message = storage.find_message(message_id)
    if message is None:
        raise NotFoundError("There is no message with this id.")
    return show(message)


def show(message: Message) -> dict[str, Any]:
    """A message as the API speaks of it."""
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
    }

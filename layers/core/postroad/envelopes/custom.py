"""Calls of the operator's own Lambda functions: a channel that nobody but they know."""

import json
from dataclasses import dataclass

from postroad.envelopes.draft import Draft
from postroad.envelopes.webhook import NowhereError


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a function gets: `payload` is JSON, `to` the function's name."""

    message_id: str
    to: str
    payload: bytes


def wrap(draft: Draft) -> Invocation:
    """Address a rendered document, beside the id by which the function knows it again. Raises NowhereError."""
    name, message = draft.template.to, draft.message
    if name not in draft.policy.functions:
        raise NowhereError(f"the policy has no {name!r} among its functions")
    head = json.dumps({"message_id": message.message_id, "contact_id": message.contact_id})
    payload = f'{head[:-1]},"body":{draft.rendered.parts["body"]}}}'
    return Invocation(message.message_id, draft.policy.functions[name], payload.encode())

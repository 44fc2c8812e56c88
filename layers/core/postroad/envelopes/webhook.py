"""Webhooks: a JSON document for a machine, signed so that it knows who sent it.

The signature is that of the Standard Webhooks specification, version 1: HMAC-SHA256 over "id.timestamp.body". The id is
the message's, with `_d` for a dot, because dots part the three: a receiver drops what it has had, and what is too old.
"""

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass

from postroad.envelopes.draft import Draft
from postroad.errors import PostroadError
from postroad.sending.feedback import tag_of


class NowhereError(PostroadError):
    """The policy does not say where it goes."""


@dataclass(frozen=True, slots=True)
class Call:
    """A document, ready to be posted to the address `to`; `name` is the entry of the policy that has it."""

    message_id: str
    to: str
    name: str
    body: bytes

    @property
    def webhook_id(self) -> str:
        """By which a receiver knows it again."""
        return tag_of(self.message_id)


def wrap(draft: Draft) -> Call:
    """Address a rendered document. Raises NowhereError."""
    name = draft.template.to
    if name not in draft.policy.webhooks:
        raise NowhereError(f"the policy has no {name!r} among its webhooks")
    return Call(draft.message.message_id, draft.policy.webhooks[name], name, draft.rendered.parts["body"].encode())


def sign(webhook_id: str, body: bytes, key: bytes, now: float) -> dict[str, str]:
    """The headers by which a receiver knows who posts it, and when."""
    timestamp = str(int(now))
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}",
    }


def secret_of(key: bytes) -> str:
    """A key as receivers are told it."""
    return f"whsec_{b64encode(key).decode()}"

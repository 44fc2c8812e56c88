"""Reactions: how somebody answered a message, in one word of five; that nobody answered is told by time."""

from postroad.instants import DAY
from postroad.sending.messages import CONVERTED, DELIVERED, SENT, Message

SPAM, UNSUBSCRIBED, CLICKED, IGNORED = "spam", "unsubscribed", "clicked", "ignored"
# Of several the first counts: who bought and left is lost.
REACTIONS = (SPAM, UNSUBSCRIBED, CONVERTED, CLICKED, IGNORED)

# Who has not followed a link by then has ignored it; that a mail was opened tells too little.
PATIENCE = 7 * DAY

_TIMES = {"complained": SPAM, "unsubscribed": UNSUBSCRIBED, CONVERTED: CONVERTED, "clicked": CLICKED}


def reaction_of(message: Message, now: float) -> str:
    """One of REACTIONS; "" while it is too early to tell, and of what did not arrive."""
    found = [reaction for mark, reaction in _TIMES.items() if mark in message.times]
    if found:
        return found[0]
    arrived = message.times.get(DELIVERED, message.times.get(SENT))
    is_there = message.state in (SENT, DELIVERED) and arrived is not None
    return IGNORED if is_there and arrived is not None and now - arrived >= PATIENCE else ""

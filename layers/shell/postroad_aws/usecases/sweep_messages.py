"""Look after messages that got stuck: the stream was out, or a sender died."""

from collections import deque
from collections.abc import Collection
from typing import NamedTuple

from postroad.contacts.contact import SHARD_NAMES
from postroad.instants import DAY
from postroad.sending import messages as states
from postroad.sending.channels import CHANNELS
from postroad.sending.holds import PAUSE, Hold, find_hold, is_slowed
from postroad.sending.messages import Message
from postroad_aws.ports import KeylessPorts

PAGE = 200
TICK_SECONDS = 45.0
# Whoever has failed to send a message for so long will not succeed; and nobody wants it any more.
GIVE_UP = 4 * DAY


class Swept(NamedTuple):
    requeued: int
    unknown: int


def sweep_messages(ports: KeylessPorts) -> Swept:
    """Queue again what is still queued, and call unknown what a sender left behind."""
    now = ports.clock.now()
    holds = ports.holds.current()
    requeued = unknown = 0
    # A page of each in turn, so that none waits until the others are done.
    shards = deque(SHARD_NAMES)
    while shards and ports.clock.now() - now < TICK_SECONDS:
        shard = shards.popleft()
        pending = ports.messages.list_pending(shard, now, PAGE)
        held = {m.message_id for m in pending if _is_held(ports, holds, m)}
        free = [m for m in pending if m.state == states.QUEUED and m.message_id not in held]
        queued = [m.message_id for m in free if not _is_hopeless(m, now)]
        if queued:
            requeued += len(queued) - len(ports.queues.send_messages(queued))
        unknown += sum(_look_after(ports, message, now, message.message_id in held) for message in pending)
        if len(pending) == PAGE:
            shards.append(shard)
    for shard in SHARD_NAMES:
        if ports.clock.now() - now < TICK_SECONDS:
            requeued += _let_go(ports, holds, shard, now)
    return Swept(requeued, unknown)


def _let_go(ports: KeylessPorts, holds: Collection[Hold], shard: str, now: float) -> int:
    """Queue what a slow hold put off until later than now, and no hold keeps any more; how many."""
    if find_hold(holds, "", transactional=False):
        return 0  # all marketing is held
    free = []
    for message in ports.messages.scan_pending(shard, now, now + DAY):  # nothing is slowed for longer
        if ports.clock.now() - now >= TICK_SECONDS:
            break
        if message.state == states.QUEUED and is_slowed(message.reason) and not _find_hold(ports, holds, message):
            free.append(message.message_id)
    return len(free) - len(ports.queues.send_messages(free)) if free else 0


def _is_held(ports: KeylessPorts, holds: Collection[Hold], message: Message) -> bool:
    hold = _find_hold(ports, holds, message) if message.state == states.QUEUED else None
    return hold is not None and hold.kind == PAUSE


def _find_hold(ports: KeylessPorts, holds: Collection[Hold], message: Message) -> Hold | None:
    if not holds:
        return None
    topic = ports.books.current_policy().find_topic(message.topic)
    return find_hold(holds, message.origin, topic.transactional)


def _is_hopeless(message: Message, now: float) -> bool:
    wanted = max(message.created_at, message.not_before or 0.0)
    return message.state == states.QUEUED and now - wanted > GIVE_UP


def _look_after(ports: KeylessPorts, message: Message, now: float, is_held: bool) -> bool:
    """Say when to look again, which may be never; true when its outcome has become unknown."""
    if _is_hopeless(message, now) and not is_held:
        _fail(ports, message, now)
        return False
    claim_ends = (message.claimed_at or 0.0) + states.PATIENCE[states.SENDING]
    if message.state == states.SENDING and claim_ends <= now:
        if verdict := _find_verdict(ports, message):
            state, reason = verdict
            ports.messages.settle(message.message_id, state, now, reason=reason, owner=message.owner)
            return False
        reason = "its sender stopped before the channel's answer was recorded"
        if CHANNELS[message.channel].tries_for and message.owner:
            if ports.messages.release(message.message_id, message.owner, now, reason, now):
                ports.queues.send_messages([message.message_id])
            return False
        return ports.messages.settle(message.message_id, states.UNKNOWN, now, reason=reason, owner=message.owner)
    again = {states.QUEUED: now + states.PATIENCE[states.QUEUED], states.SENDING: claim_ends}
    # For what is held the days after which it is given up begin when the hold ends.
    not_before = max(now, message.not_before or 0.0) if is_held else None
    ports.messages.postpone(message.message_id, again.get(message.state), not_before)
    return False


def _fail(ports: KeylessPorts, message: Message, now: float) -> None:
    """Give a message up. Its contact hears of it first, so that a crash between the two loses nothing."""
    from postroad_aws.usecases.send_event import send_event
    from postroad_aws.usecases.send_message import message_event

    owner, reason = ports.ids.new_id(), "it could not be sent for four days"
    if not ports.messages.claim(message.message_id, owner, now):
        return  # somebody sends it at this very moment
    try:
        send_event(ports.queues, message_event(message, states.FAILED, now, reason=reason))
    except Exception:
        since = max(message.created_at, message.not_before or 0.0)
        ports.messages.release(message.message_id, owner, since, message.reason, now)
        raise
    ports.messages.settle(message.message_id, states.FAILED, now, reason=reason, owner=owner)


def _find_verdict(ports: KeylessPorts, message: Message) -> tuple[str, str] | None:
    """(state, reason) of which a sender told the contact before it stopped: then nothing has left."""
    from postroad_aws.usecases.find_contact import find_contact
    from postroad_aws.usecases.send_message import message_event  # renders, which the sweep seldom needs

    contact = find_contact(ports.contacts, message.contact_id)
    ids = (contact.contact_id, *contact.merged_from) if contact else (message.contact_id,)
    for state in (states.SKIPPED, states.FAILED):
        row = ports.timeline.find_row(ids, message_event(message, state, 0.0).key)
        if row:
            return state, str(row.event.properties.get("reason", ""))
    return None

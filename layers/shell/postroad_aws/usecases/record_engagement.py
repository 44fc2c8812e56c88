"""Opens and clicks: what a signed link of ours in a message says when it is fetched."""

import hashlib
from collections.abc import Mapping

from postroad import links
from postroad.bots import actor_of, is_prefetch
from postroad.events import EMAIL_CLICKED, EMAIL_OPENED, Event
from postroad.packing import pack
from postroad_aws.observability import logger
from postroad_aws.usecases.collect_events import DoorPorts

_MINUTE = 60.0


def record_open(ports: DoorPorts, signer: links.Signer, token: str, method: str, headers: Mapping[str, str]) -> bool:
    """Whether the token is an open pixel of ours; if so, the open is on the queue."""
    link = signer.find(links.Open, token)
    if link:
        _record(ports, EMAIL_OPENED, link, token, method, headers, {})
    return link is not None


def record_click(
    ports: DoorPorts, signer: links.Signer, token: str, method: str, headers: Mapping[str, str]
) -> str | None:
    """Where the link leads, or None when we did not sign it; if we did, the click is on the queue."""
    link = signer.find(links.Click, token)
    if link is None:
        return None
    _record(ports, EMAIL_CLICKED, link, token, method, headers, {"link": link.number, "url": link.url})
    return link.url


def _record(
    ports: DoorPorts,
    name: str,
    link: links.Open | links.Click,
    token: str,
    method: str,
    headers: Mapping[str, str],
    properties: Mapping[str, object],
) -> None:
    """Queue the event. A prefetch or a HEAD says nothing about anybody; a scanner's fetch is told by its `actor`."""
    if method != "GET" or is_prefetch(headers) or not link.contact_id:
        return
    now = ports.clock.now()
    actor = actor_of(headers)
    # One a minute: whoever fetches a link in a loop makes one event, and the queue drops the rest.
    minute = now // _MINUTE * _MINUTE
    digest = hashlib.sha256(f"{token}\n{actor}\n{minute:.0f}".encode()).hexdigest()
    event = Event(
        event_id=f"{link.purpose}-{digest[:32]}",
        name=name,
        time=round(now, 3),
        key_time=round(now, 3),
        contact_id=link.contact_id,
        trusted=True,
        source="postroad",
        properties={"message_id": link.message_id, "actor": actor, **properties},
        context={"user_agent": headers["user-agent"][:200]} if headers.get("user-agent") else {},
    )
    try:
        failed = bool(ports.queues.send_events(pack([event])))
    except Exception:
        # The reader gets the page all the same: a lost open is better than a dead link.
        logger.exception("an open or click was lost")
    else:
        if failed:
            logger.error("an open or click was lost", message_id=link.message_id)

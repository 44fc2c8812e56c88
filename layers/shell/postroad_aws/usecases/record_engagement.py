"""Opens and clicks: what a signed link of ours in a message says when it is fetched."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from postroad.content import links
from postroad.deliverability.bots import Throng, Verdict, is_prefetch, judge_fetch
from postroad.events import EMAIL_CLICKED, EMAIL_OPENED, Event
from postroad.tracking.packing import pack
from postroad_aws.observability import logger
from postroad_aws.usecases.collect_events import DoorPorts

_MINUTE = 60.0
# Who follows links here, as far as this process sees it.
_THRONG = Throng()


class Fetched(NamedTuple):
    """How a pixel or link was fetched. Header names are in lower case; the IP address `address` is not kept."""

    method: str
    headers: Mapping[str, str]
    address: str = ""


def record_open(ports: DoorPorts, signer: links.Signer, token: str, fetched: Fetched) -> bool:
    """Whether the token is an open pixel of ours; if so, the open is on the queue."""
    link = signer.find(links.Open, token)
    if link:
        _record(ports, EMAIL_OPENED, link, token, fetched, {})
    return link is not None


def record_click(ports: DoorPorts, signer: links.Signer, token: str, fetched: Fetched) -> str | None:
    """Where the link leads, or None when we did not sign it; if we did, the click is on the queue."""
    link = signer.find(links.Click, token)
    if link is None:
        return None
    _record(ports, EMAIL_CLICKED, link, token, fetched, {"link": link.number, "url": link.url})
    return link.url


def _record(
    ports: DoorPorts,
    name: str,
    link: links.Open | links.Click,
    token: str,
    fetched: Fetched,
    properties: Mapping[str, object],
) -> None:
    """Queue the event. A prefetch or a HEAD says nothing about anybody; a scanner's fetch is told by its `actor`."""
    if fetched.method != "GET" or is_prefetch(fetched.headers) or not link.contact_id:
        return
    now = ports.clock.now()
    actor, because = _judge(link, fetched, now)
    # One a minute: whoever fetches a link in a loop makes one event, and the queue drops the rest.
    minute = now // _MINUTE * _MINUTE
    digest = hashlib.sha256(f"{token}\n{actor}\n{minute:.0f}".encode()).hexdigest()
    event = Event(
        event_id=f"{link.purpose}-{digest[:20]}",
        name=name,
        time=round(now, 3),
        key_time=round(now, 3),
        contact_id=link.contact_id,
        trusted=True,
        source="postroad",
        properties={
            "message_id": link.message_id,
            "actor": actor,
            **({"actor_because": because} if because else {}),
            **properties,
        },
        context={"user_agent": agent[:200]} if (agent := fetched.headers.get("user-agent")) else {},
    )
    try:
        failed = bool(ports.queues.send_events(pack([event])))
    except Exception:
        # The reader gets the page all the same: a lost open is better than a dead link.
        logger.exception("an open or click was lost")
    else:
        if failed:
            logger.error("an open or click was lost", message_id=link.message_id)


def _judge(link: links.Open | links.Click, fetched: Fetched, now: float) -> Verdict:
    """What this request says, beside those before it that this process has seen."""
    verdict = judge_fetch(fetched.headers, fetched.address)
    if verdict.actor == "machine" or isinstance(link, links.Open) or not fetched.address:
        return verdict
    if _THRONG.is_machine(fetched.address, link.contact_id, now):
        return Verdict("machine", f"more than {Throng.MOST_PEOPLE} people's links were followed from one address")
    return verdict

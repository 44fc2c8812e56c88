"""After a publication: fold contacts that nobody has touched since by the new book."""

from collections.abc import Callable
from typing import NamedTuple

from postroad.packing import pack
from postroad_aws.observability import logger
from postroad_aws.ports import Ports
from postroad_aws.usecases.process_events import fold_cluster
from postroad_aws.usecases.wake_contacts import wake_event

PAGE = 100


class Rebuilt(NamedTuple):
    """How many contacts were folded; `cursor` is None when the shard is done, else call again with it."""

    folded: int
    cursor: str | None


def rebuild_contacts(
    ports: Ports, shard: str, revision: int, cursor: str | None, has_time: Callable[[], bool]
) -> Rebuilt:
    """Fold a shard's contacts, page by page, until it is done or time runs out.

    A contact is woken; whoever has already been folded by this book is not written.
    """
    folded = 0
    while True:
        ids, cursor = ports.contacts.list_ids(shard, cursor, PAGE)
        now = ports.clock.now()
        for contact_id in ids:
            try:
                fold_cluster(ports, [wake_event(contact_id, now)], revision=revision)
                folded += 1
            except Exception as error:  # one contact must not hold up a shard: the queue tries it again, by itself
                logger.exception("a contact could not be rebuilt", contact_id=contact_id, error=type(error).__name__)
                if ports.queues.send_events(pack([wake_event(contact_id, now)])):
                    raise
        if cursor is None or not has_time():
            return Rebuilt(folded, cursor)

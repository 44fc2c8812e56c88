"""After a publication: fold contacts that nobody has touched since by the new book."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from postroad.rebuilds import ShardProgress
from postroad.tracking.packing import pack
from postroad_aws.observability import logger
from postroad_aws.ports import Ports
from postroad_aws.usecases.process_events import fold_cluster
from postroad_aws.usecases.wake_contacts import wake_event

PAGE = 100


class Progress(Protocol):
    def count_contacts(self, shard: str) -> int:
        """How many contacts a shard has."""

    def save_progress(self, revision: int, progress: ShardProgress) -> None:
        """Say how far a shard is; the last word counts."""


class SoFar(NamedTuple):
    """How many of a shard's contacts calls before this one have folded, and of how many."""

    done: int
    of: int


class Rebuilt(NamedTuple):
    """How many contacts were folded; `cursor` is None when the shard is done, else call again with it and `so_far`."""

    folded: int
    cursor: str | None
    so_far: SoFar | None = None


def rebuild_contacts(
    ports: Ports,
    shard: str,
    revision: int,
    cursor: str | None,
    has_time: Callable[[], bool],
    *,
    progress: Progress | None = None,
    so_far: SoFar | None = None,
) -> Rebuilt:
    """Fold a shard's contacts, page by page, until it is done or time runs out; `progress` hears how far it is.

    A contact is woken; whoever has already been folded by this book is not written.
    """

    def tell(is_done: bool) -> None:
        if progress and so_far:
            now = ports.clock.now()
            progress.save_progress(revision, ShardProgress(shard, so_far.done, so_far.of, is_done, now))

    if progress and so_far is None:
        so_far = SoFar(0, progress.count_contacts(shard))
        tell(False)
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
        so_far = so_far and so_far._replace(done=so_far.done + len(ids))
        tell(cursor is None)
        if cursor is None or not has_time():
            return Rebuilt(folded, cursor, so_far)

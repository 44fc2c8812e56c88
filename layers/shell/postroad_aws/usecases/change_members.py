"""Put contacts into a static segment, and take them out of it."""

from collections.abc import Sequence

from postroad.contacts.identities import Identity
from postroad.events import SEGMENT_ADDED, SEGMENT_REMOVED
from postroad_aws.ports import Ports
from postroad_aws.usecases.tell_members import Changed, Told, tell_members


def change_members(
    ports: Ports,
    segment_id: str,
    adding: Sequence[Identity | str],
    removing: Sequence[Identity | str],
    because: str,
    source: str,
) -> Changed:
    """Contacts go by their id or by an identity; what happens then, and what it raises, is as `tell_members` says."""
    said = {"segment": segment_id, "because": because}
    return tell_members(
        ports,
        [Told(member, SEGMENT_ADDED, said) for member in adding],
        [Told(member, SEGMENT_REMOVED, said) for member in removing],
        source,
    )

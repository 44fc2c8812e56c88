"""Takes the people of an import, as far as the time goes."""

from typing import Any

from postroad_aws.usecases.import_contacts import import_contacts
from postroad_aws.wiring import import_ports

# What one page may take at the end of an invocation.
RESERVE_MS = 20_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Whether it is done; else it has to be called again, with the same import."""
    done = import_contacts(
        import_ports(), event["import_id"], lambda: context.get_remaining_time_in_millis() > RESERVE_MS
    )
    return {"import_id": event["import_id"], "done": done}

"""Every day: lets advice begin with what the account's people have taught about when they read."""

from typing import Any

from postroad_aws import clock
from postroad_aws.observability import logger
from postroad_aws.storage import contacts, definitions
from postroad_aws.usecases.learn_rhythm import learn_rhythm


def handler(event: dict[str, Any], context: object) -> dict[str, float]:
    """Answers from how many openings of how many people something new was learned, and which share has habits."""
    learned = learn_rhythm(definitions, contacts, clock)
    if learned is None:
        return {}
    told = {"openings": learned.openings, "people": learned.people, "habits": learned.habits}
    logger.info("the rhythm of the account's people was learned", **told)
    return told

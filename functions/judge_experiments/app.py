"""Every day: lets the winners of experiments win."""

from typing import Any

from postroad_aws import clock
from postroad_aws.observability import logger
from postroad_aws.storage import definitions, stats
from postroad_aws.usecases.judge_experiments import judge_experiments


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Answers the variant of each experiment that has won by this look, by the experiment's key."""
    won = judge_experiments(definitions, stats, clock)
    for key in won:
        logger.info("an experiment has a winner", journey=key)
    return won

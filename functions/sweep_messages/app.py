"""Every hour: looks after messages and runs that got stuck, and at how mail is received."""

from typing import Any

from postroad_aws import alarms, books, clock, runs
from postroad_aws.observability import logger
from postroad_aws.storage import holds, imports, privacy, stats
from postroad_aws.usecases.judge_sending import judge_sending
from postroad_aws.usecases.resume_runs import resume_runs
from postroad_aws.usecases.sweep_messages import sweep_messages
from postroad_aws.wiring import keyless


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers how many were queued again, and how many turned out to be unknown."""
    swept = sweep_messages(keyless())
    judge_sending(stats, holds, alarms, books.current_policy(), clock.now(), thoroughly=True)
    if unfinished := resume_runs(privacy, imports, runs, clock):
        logger.warning("privacy requests or imports are not done", number=unfinished)
    if any(swept):
        logger.warning("messages were stuck", requeued=swept.requeued, unknown=swept.unknown)
    return swept._asdict()

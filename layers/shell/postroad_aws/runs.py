"""Starting runs: state machines that work through all contacts."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from postroad_aws.clients import get_client
from postroad_aws.observability import logger
from postroad_aws.settings import settings


def start_rebuild(revision: int) -> None:
    """Start the state machine that folds every contact by the book of this revision."""
    _start(settings().require("rebuild_state_machine"), {"revision": revision})


def _start(state_machine: str, given: Mapping[str, Any]) -> None:
    """Start a run. What it is for has happened, so one that cannot start now is kept as a dead letter: an alarm tells
    of it, and a redrive starts it."""
    try:
        get_client("stepfunctions").start_execution(stateMachineArn=state_machine, input=json.dumps(given))
    except (BotoCoreError, ClientError) as error:
        logger.exception("a run could not be started", error=type(error).__name__)
        letter = {"state_machine_arn": state_machine, "input": given}
        get_client("sqs").send_message(
            QueueUrl=settings().require("dead_letters_url"), MessageBody=json.dumps(letter, separators=(",", ":"))
        )

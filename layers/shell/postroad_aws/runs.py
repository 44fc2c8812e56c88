"""Starting runs: state machines that work through all contacts, now or at a time."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from math import ceil
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from postroad.instants import format_instant
from postroad_aws.clients import get_client
from postroad_aws.observability import logger
from postroad_aws.settings import settings


def start_rebuild(revision: int) -> None:
    """Start the state machine that folds every contact by the book of this revision."""
    _start(settings().require("rebuild_state_machine"), {"revision": revision})


def start_broadcast(broadcast_id: str, number: int) -> None:
    """Start the state machine that runs a broadcast."""
    _start(settings().require("broadcast_state_machine"), {"broadcast_id": broadcast_id, "number": number})


def start_removal() -> None:
    """Start the state machine that removes the demo's data."""
    _start(settings().require("removal_state_machine"), {})


def start_privacy(request_id: str, kind: str) -> None:
    """Start the state machine that serves a privacy request. Doing it twice is harmless."""
    _start(settings().require(f"{kind}_state_machine"), {"request_id": request_id}, request_id)


def start_import(import_id: str) -> None:
    """Start the state machine that takes the people of an import. Doing it twice is harmless."""
    _start(settings().require("import_state_machine"), {"import_id": import_id}, import_id)


def schedule_broadcast(broadcast_id: str, number: int, at: float) -> None:
    """Have it started at a time to come, to the second. Doing it twice is harmless."""
    client = get_client("scheduler")
    # Whole seconds, and never before its time.
    moment = format_instant(ceil(at))[:19]
    with suppress(client.exceptions.ConflictException):
        client.create_schedule(
            Name=_schedule_name(broadcast_id, number, at),
            GroupName=settings().require("broadcast_schedules"),
            ScheduleExpression=f"at({moment})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": settings().require("broadcast_state_machine"),
                "RoleArn": settings().require("broadcast_schedule_role"),
                "Input": json.dumps({"broadcast_id": broadcast_id, "number": number}),
                "DeadLetterConfig": {"Arn": settings().require("dead_letters_arn")},
                "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
            },
        )


def unschedule_broadcast(broadcast_id: str, number: int, at: float) -> None:
    """Take back what `schedule_broadcast` has scheduled; nothing when it is no longer there."""
    client = get_client("scheduler")
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_schedule(
            Name=_schedule_name(broadcast_id, number, at), GroupName=settings().require("broadcast_schedules")
        )


def _schedule_name(broadcast_id: str, number: int, at: float) -> str:
    """At most 64 characters; an id is longer than there is room for, so its beginning is for people."""
    digest = hashlib.sha256(broadcast_id.encode()).hexdigest()[:12]
    return f"{re.sub('[^0-9a-z_-]', '-', broadcast_id[:28])}-{digest}-{number}-{ceil(at)}"


def _start(state_machine: str, given: Mapping[str, Any], name: str | None = None) -> None:
    """Start a run. What it is for has happened, so one that cannot start now is kept as a dead letter: an alarm tells
    of it, and a redrive starts it. With a name it is started once, however often it is asked for within 90 days."""
    client, named = get_client("stepfunctions"), {"name": name} if name else {}
    try:
        with suppress(client.exceptions.ExecutionAlreadyExists):
            client.start_execution(stateMachineArn=state_machine, input=json.dumps(given), **named)
    except (BotoCoreError, ClientError) as error:
        logger.exception("a run could not be started", error=type(error).__name__)
        letter = {"state_machine_arn": state_machine, "input": given}
        get_client("sqs").send_message(
            QueueUrl=settings().require("dead_letters_url"), MessageBody=json.dumps(letter, separators=(",", ":"))
        )

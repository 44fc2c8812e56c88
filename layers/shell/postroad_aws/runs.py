"""Starting runs: state machines that work through all contacts."""

import json

from postroad_aws.clients import get_client
from postroad_aws.settings import settings


def start_rebuild(revision: int) -> None:
    """Start the state machine that folds every contact by the book of this revision."""
    get_client("stepfunctions").start_execution(
        stateMachineArn=settings().require("rebuild_state_machine"), input=json.dumps({"revision": revision})
    )

"""Runs are started, or kept until they can be."""

import json

from postroad_aws import runs
from postroad_aws.clients import get_client
from tests.account import Account, account, bare_account, clients, receive

__all__ = ["account", "bare_account", "clients"]  # fixtures


def test_a_rebuild_is_started_with_its_revision(account: Account):
    runs.start_rebuild(7)
    states = get_client("stepfunctions")
    (run,) = states.list_executions(stateMachineArn=account.machine)["executions"]
    assert json.loads(states.describe_execution(executionArn=run["executionArn"])["input"]) == {"revision": 7}
    assert receive(account.dead_letters) == []


def test_a_run_that_cannot_start_is_kept_for_a_redrive(account: Account, capsys):
    get_client("stepfunctions").delete_state_machine(stateMachineArn=account.machine)
    runs.start_rebuild(7)
    (letter,) = receive(account.dead_letters)
    assert json.loads(letter) == {"state_machine_arn": account.machine, "input": {"revision": 7}}
    assert "a run could not be started" in capsys.readouterr().out

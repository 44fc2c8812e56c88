"""Publishing: all or nothing, checked together, and everybody is folded again."""

import json
from typing import Any

import pytest

from postroad.errors import DefinitionError
from postroad_aws import books, clock, runs
from postroad_aws.clients import get_client
from postroad_aws.storage import VersionConflictError, definitions
from postroad_aws.usecases.publish_definitions import Published, publish_definitions
from tests.account import Account

VIP = {"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "vip"}}
LOST = {"kind": "segment", "id": "lost", "if": {"segment": "vip"}}


def publish(*documents: dict[str, Any]) -> Published:
    return publish_definitions(definitions, runs, clock, {f"{d['kind']}/{d['id']}": d for d in documents})


def started(account: Account) -> list[dict[str, Any]]:
    """The inputs of the rebuilds that were started."""
    client = get_client("stepfunctions")
    arns = [run["executionArn"] for run in client.list_executions(stateMachineArn=account.machine)["executions"]]
    return [json.loads(client.describe_execution(executionArn=arn)["input"]) for arn in arns]


def test_the_first_publication_is_revision_one(bare_account):
    assert publish(VIP) == Published(1, {"segment/vip": 1})
    assert definitions.find_manifest().live["segment/vip"].version == 1
    assert started(bare_account) == [{"revision": 1}]


def test_a_published_version_never_changes(account):
    publish(VIP)
    later = {**VIP, "if": {"attribute": "plan", "is": "gold"}}
    assert publish(later).versions == {"segment/vip": 2}
    assert definitions.get_version("segment", "vip", 1) == VIP
    assert definitions.get_version("segment", "vip", 2) == later


def test_a_mistake_publishes_nothing_and_starts_nothing(account):
    with pytest.raises(DefinitionError) as caught:
        publish(VIP, {**LOST, "if": {"segment": "nobody"}}, {"kind": "segment", "id": "odd"})
    assert {path.partition(":")[0] for path, _ in caught.value.mistakes} == {"segment/lost", "segment/odd"}
    assert definitions.find_manifest().revision == 1
    assert started(account) == []


def test_what_refers_to_one_another_is_published_together(account):
    assert publish(LOST, VIP).versions == {"segment/lost": 1, "segment/vip": 1}


def test_of_two_at_once_the_later_is_refused(account):
    class Slow:
        """The definitions, read before somebody else publishes."""

        find_manifest = staticmethod(definitions.find_manifest)
        publish = staticmethod(definitions.publish)

        @staticmethod
        def load_versions(wanted: Any) -> Any:
            publish(VIP)
            return definitions.load_versions(wanted)

    with pytest.raises(VersionConflictError):
        publish_definitions(Slow(), runs, clock, {"segment/other": {**VIP, "id": "other"}})
    assert set(definitions.find_manifest().live) >= {"segment/vip"}
    assert started(account) == [{"revision": 2}]


def test_an_enrollment_stays_with_the_version_that_it_entered(account):
    account.sign_up()
    welcome = dict(definitions.get_version("journey", "welcome", 1))
    publish({**welcome, "steps": [{"id": "soon", "wait": {"for": "P1D"}}]})
    books.forget()
    account.fold(account.event("Page Viewed", "email:ana.marker@example.com", path="/"))
    contact = account.contact("email:ana.marker@example.com")
    assert contact.active["welcome"].version == 1
    assert contact.revision == 2
    assert [p.version for p in definitions.find_manifest().held] == [1]

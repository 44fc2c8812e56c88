"""Withdrawing: out of force at once, and everybody is folded again."""

import pytest

from postroad.errors import DefinitionError
from postroad.instants import format_instant
from postroad_aws import clock, runs, wiring
from postroad_aws.storage import broadcasts, definitions
from postroad_aws.usecases.cancel_broadcast import cancel_broadcast
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.run_broadcast import begin_broadcast
from postroad_aws.usecases.schedule_broadcast import schedule_broadcast
from postroad_aws.usecases.withdraw_definition import withdraw_definition
from tests.books import FOOTER

VIP = {"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "vip"}}


def test_a_withdrawn_segment_is_no_longer_live_and_its_version_stays(bare_account):
    publish_definitions(definitions, runs, clock, {"segment/vip": VIP})
    assert withdraw_definition(definitions, broadcasts, runs, clock, "segment/vip") == 2
    assert not definitions.find_manifest().live
    assert definitions.get_version("segment", "vip", 1) == VIP
    assert publish_definitions(definitions, runs, clock, {"segment/vip": VIP}).versions == {"segment/vip": 2}


def test_what_is_not_live_cannot_be_withdrawn(bare_account):
    with pytest.raises(DefinitionError):
        withdraw_definition(definitions, broadcasts, runs, clock, "segment/vip")
    assert definitions.find_manifest().revision == 0


POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "news", "name": "News", "opt_in": False}],
}
LETTER = {
    "kind": "template",
    "id": "letter",
    "channel": "email",
    "topic": "news",
    "subject": "Hi",
    "html": "<p>Hi</p>" + FOOTER,
}


@pytest.fixture
def scheduled(bare_account):
    """A letter to everybody in VIP that is to leave in a week."""
    documents = {"policy/policy": POLICY, "segment/vip": VIP, "template/letter": LETTER}
    publish_definitions(definitions, runs, clock, documents)
    schedule(bare_account.now() + 7 * 86_400, "weekly")
    return bare_account


def schedule(at, broadcast_id):
    parts = {"kind": "broadcast", "id": broadcast_id, "segment": "vip", "template": "letter", "at": format_instant(at)}
    definitions.save_draft("broadcast", broadcast_id, parts, edit=0, now=at)
    schedule_broadcast(wiring.broadcast_ports(), broadcast_id, edit=1)


@pytest.mark.parametrize(("kind", "name"), [("segment", "vip"), ("template", "letter")])
def test_what_only_a_scheduled_broadcast_uses_is_not_withdrawn_until_it_is_called_off(scheduled, kind, name):
    with pytest.raises(DefinitionError) as error:
        withdraw_definition(definitions, broadcasts, runs, clock, f"{kind}/{name}")
    assert error.value.mistakes == (
        ("broadcast/weekly", f"it is scheduled, and there is no published {kind} called '{name}'"),
    )
    cancel_broadcast(wiring.broadcast_ports(), "weekly")
    assert withdraw_definition(definitions, broadcasts, runs, clock, f"{kind}/{name}") == 2


def test_what_a_broadcast_uses_that_addresses_people_is_not_withdrawn(scheduled):
    scheduled.advance(7 * 86_400)
    begin_broadcast(wiring.run_ports(), "weekly", 1)
    with pytest.raises(DefinitionError, match="weekly"):
        withdraw_definition(definitions, broadcasts, runs, clock, "segment/vip")

"""Withdrawing: out of force at once, and everybody is folded again."""

import pytest

from postroad.errors import DefinitionError
from postroad_aws import clock, runs
from postroad_aws.storage import definitions
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.withdraw_definition import withdraw_definition

VIP = {"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "vip"}}


def test_a_withdrawn_segment_is_no_longer_live_and_its_version_stays(bare_account):
    publish_definitions(definitions, runs, clock, {"segment/vip": VIP})
    assert withdraw_definition(definitions, runs, clock, "segment/vip") == 2
    assert not definitions.find_manifest().live
    assert definitions.get_version("segment", "vip", 1) == VIP
    assert publish_definitions(definitions, runs, clock, {"segment/vip": VIP}).versions == {"segment/vip": 2}


def test_what_is_not_live_cannot_be_withdrawn(bare_account):
    with pytest.raises(DefinitionError):
        withdraw_definition(definitions, runs, clock, "segment/vip")
    assert definitions.find_manifest().revision == 0

"""Refusals: the contract of the port, and the proof behind every answer."""

from postroad_aws.ports import Refusals
from postroad_aws.storage import refusals
from tests.shell.port_contract import ANA, T0, RefusalsContract, at

PORT: Refusals = refusals


class TestRefusals(RefusalsContract):
    """The tables pass what memory passes."""


def test_every_answer_leaves_a_proof_even_one_that_comes_too_late(aws):
    refusals.save_consent(ANA, "offers", True, at(10), {"source": "form", "text": "Yes, send me offers"})
    refusals.save_consent(ANA, "offers", False, at(20), {"source": "link"})
    refusals.save_consent(ANA, "offers", True, at(5), {"source": "import"})
    refusals.save_consent(ANA, "offers", False, at(20), {"source": "link"})
    refusals.save_consent(ANA, "offers", False, at(20), {"source": "complaint"})
    proof = refusals.list_proof(ANA, "offers")
    assert [(one.granted, one.time) for one in proof] == [
        (True, at(5)),
        (True, at(10)),
        (False, at(20)),
        (False, at(20)),
    ]
    assert proof[1].evidence == {"source": "form", "text": "Yes, send me offers"}
    assert {one.evidence["source"] for one in proof[2:]} == {"link", "complaint"}
    assert refusals.list_proof(ANA, "news") == []


def test_no_table_holds_the_address_itself(aws):
    refusals.save_suppression(ANA, "bounced", T0, {"message_id": "enr-1.welcome"})
    refusals.save_consent(ANA, "offers", False, T0, {})
    stored = str([aws.scan(TableName=table)["Items"] for table in ("Suppressions", "Consents", "ConsentProof")])
    assert "enr-1.welcome" in stored
    assert "ana" not in stored.lower().replace("granted", "")


def test_the_models_read_what_is_written(aws):
    from postroad_aws.storage.rows import ConsentRow, SuppressionRow

    refusals.save_suppression(ANA, "bounced", T0, {"kind": "Permanent"})
    refusals.save_consent(ANA, "offers", True, T0, {})
    (suppression,) = SuppressionRow.scan()
    (consent,) = ConsentRow.scan()
    assert (suppression.reason, suppression.time, suppression.evidence) == ("bounced", T0, '{"kind":"Permanent"}')
    assert (consent.granted, consent.time) == (True, T0)

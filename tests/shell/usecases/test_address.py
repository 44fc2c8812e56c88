"""What is said about an address: in force at once, proven, and heard of by who has it."""

import pytest

from postroad.events import ADDRESS_RELEASED, ADDRESS_SUPPRESSED, SUBSCRIBED, UNSUBSCRIBED
from postroad_aws.storage import NotFoundError, refusals
from postroad_aws.usecases.lift_suppression import lift_suppression
from postroad_aws.usecases.record_consent import record_consent
from postroad_aws.usecases.suppress_address import suppress_address
from tests.account import ANA, to_identity

ADDRESS = to_identity(f"email:{ANA}")


def test_a_suppression_comes_before_the_event_that_tells_of_it(account, monkeypatch):
    account.sign_up()
    monkeypatch.setattr(account.ports.queues, "send_events", lambda messages: messages)
    with pytest.raises(ConnectionError):
        suppress_address(account.ports, ADDRESS, "asked us", "crm")
    assert refusals.find_suppression(str(ADDRESS)) == "asked us"


def test_who_has_the_address_hears_of_it(account):
    account.sign_up()
    suppress_address(account.ports, ADDRESS, "asked us", "crm")
    (event,) = account.arrived()
    assert (event.name, event.source, event.trusted) == (ADDRESS_SUPPRESSED, "crm", True)
    assert event.contact_id == account.contact(ADDRESS).contact_id
    asked_ses: list[str] = []
    assert lift_suppression(account.ports, refusals, ADDRESS, "again", "crm", {"email": asked_ses.append}) is None
    assert asked_ses == [ANA]
    assert [event.name for event in account.arrived()] == [ADDRESS_RELEASED]


@pytest.mark.parametrize(("granted", "name"), [(True, SUBSCRIBED), (False, UNSUBSCRIBED)])
def test_an_answer_leaves_a_proof_and_an_event(account, granted, name):
    account.sign_up()
    record_consent(account.ports, ADDRESS, "business", granted, "said so", "crm")
    assert refusals.find_consent(str(ADDRESS), "business").granted is granted
    (proof,) = refusals.list_proof(str(ADDRESS), "business")
    assert proof.evidence == {"by": "api", "source": "crm", "because": "said so"}
    (event,) = account.arrived()
    assert (event.name, event.properties) == (name, {"topic": "business", "channel": "email"})


def test_what_is_not_suppressed_cannot_be_lifted(account):
    with pytest.raises(NotFoundError):
        lift_suppression(account.ports, refusals, ADDRESS, "asked", "crm", {})

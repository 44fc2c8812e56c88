"""What functions do for privacy and consent, on moto, against their roles: an emulator allows everything."""

from typing import Any

import botocore.client
import pytest

from functions.serve_privacy import app as serving
from postroad.consent.privacy import ERASURE, EXPORT
from postroad.content.links import Confirm, Preferences, Unsubscribe
from postroad_aws.links import signer
from postroad_aws.storage import refusals
from tests.account import ANA, Account, account, bare_account, clients, forget, lambda_context
from tests.contracts.powers import find_missing, list_needs, list_powers
from tests.functions.test_public_consent import call
from tests.functions.test_serve_privacy import ask, seed
from tests.shell.conftest import table_properties

__all__ = ["account", "bare_account", "clients", "table_properties"]

EMAIL = f"email:{ANA}"


@pytest.fixture
def calls(account: Account, monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """Every call of AWS from now on: (service, operation, parameters)."""
    made: list[list[Any]] = []
    make_call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: Any, operation: str, parameters: Any) -> Any:
        made.append([client.meta.service_model.service_name, operation, parameters])
        return make_call(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", record)
    return made


def name_of(account: Account) -> dict[str, str]:
    """Logical ids of what has another name on moto; tables have their own."""
    return {account.events_queue: "EventsQueue", account.sends_queue: "SendsQueue", account.dead_letters: "DeadLetters"}


def lacks(account: Account, translated: dict[str, Any], function: str, calls: list[list[Any]]) -> set[tuple[str, str]]:
    return find_missing(translated, function, calls, name_of(account))


def test_an_export_and_an_erasure_have_every_power_that_they_need_and_no_other(account, translated, calls):
    ana = seed(account)
    exported, erased = ask(account, EXPORT, ana.contact_id), ask(account, ERASURE, ana.contact_id)
    forget()
    calls.clear()
    for request in (exported, erased, erased):  # the third is the second look
        assert serving.handler({"request_id": request.request_id}, lambda_context(60_000))["done"]
    assert lacks(account, translated, "ServePrivacy", calls) == set()
    used = {need for made in calls for need in list_needs(*made)}
    powers = {each for each in list_powers(translated, "ServePrivacy") if each[0].startswith("dynamodb:")}
    assert powers - used == set()


@pytest.mark.parametrize("path", ["p", "y", "u"])
def test_the_pages_behind_links_have_every_power_that_they_need(account, translated, calls, path):
    message = account.sign_up()
    refusals.save_suppression(EMAIL, "erased", account.now(), {})
    contact_id, now = message.contact_id, int(account.now())
    link = {
        "p": Preferences(contact_id, "email", message.message_id),
        "y": Confirm(contact_id, "offers", message.message_id, now),
        "u": Unsubscribe(contact_id, "email", "offers", message.message_id),
    }
    address = f"/{path}/{signer().sign(link[path])}"
    said = {"p": {"pause": "30", "frequency": "weekly", "do": "save"}, "y": {}, "u": {}}
    forget()
    calls.clear()
    answers = [call("GET", address), call("POST", address, **said[path])]
    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert {service for service, _, _ in calls} == {"dynamodb", "sqs"}
    assert lacks(account, translated, "Public", calls) == set()

"""The OpenAPI document is true: schemathesis asks every route for what it says, and for what it does not."""

from functools import cache

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from functions.api.openapi import build_document
from functions.api.routes import TABLE
from postroad.commits import Commit
from postroad.tasks import Task
from postroad_aws.storage import keys
from tests.functions.api.client import EMAIL, ask, call
from tests.functions.api.test_imports import AGREEMENT, LIST
from tests.functions.api.test_privacy import WHY, serve
from tests.functions.api.wsgi import application

# A cursor, an address or a definition has to mean something, whatever its type says.
NOT_PROMISED = [positive_data_acceptance]
BOUNDED = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class ApiKey:
    def get(self, case, context):
        return "demo-api-key"

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def load():
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    schema.auth(ApiKey)
    return schema


everything = load()
sound = load()
sound.config.generation.update(modes=[GenerationMode.POSITIVE])


@everything.parametrize()
@BOUNDED
def test_every_route_answers_as_its_document_says(ana, case):
    case.call_and_validate(excluded_checks=NOT_PROMISED)


def make_task(account, ana):
    task = Task("known.ring", ana.contact_id, "call", "Call Ana", "journey/trial@1", "ring", "known", 1.8e9, 1.8e9)
    account.ports.contacts.commit(Commit(account.contact(EMAIL), tasks=(task,)))
    return task.task_id


def make_broadcast(account, ana):
    letter = {"segment": "customers", "template": "welcome", "at": "2999-01-01T09:00:00Z"}
    call("PUT", "/api/v1/definitions/broadcast/letter", body=letter)
    assert call("POST", "/api/v1/broadcasts/letter/schedule")[0] == 200
    return "letter"


def make_account(account, ana):
    assert call("PUT", "/api/v1/accounts/acme", body={"attributes": {"plan": "pro"}})[0] == 200
    return "acme"


def make_journey(account, ana):
    variants = [{"name": name, "then": [{"wait": {"for": "P1D"}}]} for name in ("short", "long")]
    trial = {
        "trigger": {"event": "Trial Started"},
        "goal": {"event": "Order Completed"},
        "steps": [{"id": "length", "experiment": {"variants": variants}}],
    }
    call("PUT", "/api/v1/definitions/journey/trial", body=trial)
    assert call("POST", "/api/v1/definitions/journey/trial/publish")[0] == 200
    return "trial"


def make_import(account, ana):
    return call("POST", "/api/v1/imports", body={**LIST, "agreement": AGREEMENT})[1]["import_id"]


def make_export(account, ana):
    exported = call("POST", f"/api/v1/contacts/{ana.contact_id}/export", body=WHY)[1]
    serve(exported["request_id"])
    return exported["request_id"]


# What a path may name that is there; what takes its time is made for those paths alone that name it.
THERE = {
    "segment_id": "customers",
    "score_id": "engagement",
    "stage": "lead",
    "persona_id": "office-manager",
    "to": "sales",
    "step": "length",
    "coupon_id": "comeback",
    "workflow_id": "birthday",
    "template_id": "welcome",
    "kind": "journey",
    "definition_id": "welcome",
    "version": 1,
    "revision": 1,
    "key_id": keys.hash_key("demo-write-key"),
}
MADE = {
    "contact_id": lambda account, ana: ana.contact_id,
    "message_id": lambda account, ana: ana.message_id,
    "account_id": make_account,
    "journey_id": make_journey,
    "broadcast_id": make_broadcast,
    "task_id": make_task,
    "import_id": make_import,
    "request_id": make_export,
}


@pytest.fixture
def known(account, ana):
    """What a name in a path may stand for that is there."""
    return cache(lambda name: MADE[name](account, ana) if name in MADE else THERE[name])


@sound.include(path_regex=r"\{").parametrize()
@BOUNDED
def test_what_is_there_is_shown_as_the_document_says(known, case):
    case.path_parameters.update({name: known(name) for name in case.path_parameters})
    response = case.call_and_validate(excluded_checks=NOT_PROMISED)
    assert response.status_code != 404


def test_the_document_and_its_page_need_no_key_and_load_nothing_from_elsewhere():
    for path in ("openapi.json", "docs", "docs/docs.css", "docs/docs.js"):
        answer = ask("GET", f"/api/v1/{path}", key=None)
        assert answer["statusCode"] == 200
        assert "script-src 'self'" in answer["headers"]["content-security-policy"]
        assert "unsafe" not in answer["headers"]["content-security-policy"]
        assert "http://" not in answer["body"]
        assert "https://" not in answer["body"]
    assert "<style" not in ask("GET", "/api/v1/docs", key=None)["body"]
    for path in ("/api/v1", "/api/v1/"):
        assert ask("GET", path, key=None)["headers"]["location"] == "/api/v1/docs"


def test_every_route_and_every_parameter_says_what_it_is():
    document = build_document()
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names)) == len(TABLE)
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"].endswith("."), operation["operationId"]
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"].endswith("."), name

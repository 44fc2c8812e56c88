"""Exports and erasures by the API: asked for, served by a run, told about in a report."""

import json

from functions.serve_privacy import app
from postroad_aws.clients import get_client
from postroad_aws.storage import privacy
from tests.account import lambda_context
from tests.functions.api.client import call

WHY = {"because": "a letter of 23 November"}


def started(account):
    """What the runs were started with."""
    client = get_client("stepfunctions")
    found = client.list_executions(stateMachineArn=account.privacy_machine)["executions"]
    return [json.loads(client.describe_execution(executionArn=each["executionArn"])["input"]) for each in found]


def serve(request_id):
    assert app.handler({"request_id": request_id}, lambda_context(60_000))["done"]


def test_an_export_is_asked_for_served_and_read_page_by_page(account, ana):
    status, asked = call("POST", f"/api/v1/contacts/{ana.contact_id}/export", body=WHY)
    assert (status, asked["kind"], asked["state"], asked["asked_by"]) == (202, "export", "running", "demo-api")
    assert started(account) == [{"request_id": asked["request_id"]}]
    records = f"/api/v1/privacy-requests/{asked['request_id']}/records"
    assert call("GET", records)[0] == 404
    serve(asked["request_id"])
    found, cursor = [], None
    while True:
        status, page = call("GET", records, {"cursor": cursor} if cursor else {})
        assert status == 200
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [
        r
        for n in range(privacy.get_request(asked["request_id"]).pages)
        for r in privacy.find_page(asked["request_id"], n)
    ]
    assert {record["part"] for record in found} >= {"contacts", "timeline", "messages"}
    status, done = call("GET", f"/api/v1/privacy-requests/{asked['request_id']}")
    assert (done["state"], done["readable_until"] is not None) == ("done", True)
    account.advance(8 * 86_400)
    assert call("GET", records)[0] == 404


def test_an_erasure_ends_with_a_report_and_the_contact_is_gone(account, ana):
    status, asked = call("POST", f"/api/v1/contacts/{ana.contact_id}/erasure", body=WHY)
    assert (status, asked["kind"]) == (202, "erasure")
    serve(asked["request_id"])
    assert call("GET", f"/api/v1/contacts/{ana.contact_id}")[0] == 404
    status, report = call("GET", f"/api/v1/privacy-requests/{asked['request_id']}")
    assert (report["state"], report["counts"]["contacts"], report["readable_until"]) == ("done", 1, None)
    assert call("POST", f"/api/v1/contacts/{ana.contact_id}/erasure", body=WHY)[0] == 404


def test_many_are_forgotten_at_once_and_their_number_is_bounded(account, ana):
    body = {"contacts": [ana.contact_id], **WHY}
    status, asked = call("POST", "/api/v1/erasures", body=body)
    assert (status, asked["contacts"]) == (202, [ana.contact_id])
    assert call("POST", "/api/v1/erasures", body={"contacts": [], **WHY})[0] == 422
    assert call("POST", "/api/v1/erasures", body={"contacts": [ana.contact_id, "nobody"], **WHY})[0] == 404
    assert call("POST", "/api/v1/erasures", body={"contacts": ["x"] * 101, **WHY})[0] == 422
    assert call("GET", "/api/v1/privacy-requests/nothing")[0] == 404

"""What the bench asks every route of the JSON API."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from functions.api.routes import TABLE
from functions.api.routing import Route
from tests.bench.cloud import Stack
from tests.bench.crowd import API_KEY
from tests.bench.meter import Context

SEGMENT = {"name": "Bench", "if": {"attribute": "country", "is": "PT"}}
LETTER = {"name": "Bench", "segment": "customers", "template": "second-offer", "at": "2999-01-01T09:00:00Z"}
LOT = {
    "name": "Bench",
    "trigger": [{"event": "Bench Begun"}, {"api": True}],
    "goal": {"event": "Order Completed"},
    "steps": [
        {
            "id": "lot",
            "experiment": {
                "variants": [
                    {"name": "one", "weight": 50, "then": [{"wait": {"for": "P1D"}}]},
                    {"name": "other", "weight": 50, "then": [{"wait": {"for": "P2D"}}]},
                ]
            },
        }
    ],
}
STATE_MACHINE = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


class Sent(NamedTuple):
    """What is sent to a route; `names` are those in its path that are others than usual."""

    query: Mapping[str, str] = {}
    body: Any = None
    headers: Mapping[str, str] = {}
    names: Mapping[str, str] = {}


def requests_of(contact_id: str) -> dict[str, Sent]:
    """What each route is asked, by the name of its function; a route that is not here is asked for nothing more."""
    eve = "email:eve@example.com"
    return {
        "list_messages": Sent({"origin": "journey/welcome@1"}),
        "list_journey_contacts": Sent({"step": "first-purchase"}),
        "list_definitions": Sent({"kind": "template"}),
        "save_draft": Sent({}, SEGMENT, {"if-match": "*"}),
        "publish_together": Sent({}, {"definitions": ["segment/bench"]}),
        "list_consents": Sent({"address": eve}),
        "suppress": Sent({}, {"address": eve, "reason": "asked us"}),
        "lift": Sent({}, {"address": eve, "because": "asked us"}),
        "record_answer": Sent({}, {"address": eve, "topic": "offers", "granted": True, "because": "asked us"}),
        "make_key": Sent({}, {"kind": "write", "name": "bench"}),
        "estimate_members": Sent({}, {"if": SEGMENT["if"]}),
        "put_account": Sent({}, {"attributes": {"plan": "pro"}}),
        "change_account_members": Sent({}, {"add": [{"contact": contact_id, "role": "buyer"}]}),
        "suppress_account": Sent({}, {"because": "in talks"}),
        "enroll_members": Sent({}, {"journey": "bench-lot"}),
        "change_segment_members": Sent({}, {"add": [contact_id]}, names={"segment_id": "bench-list"}),
        "put_winner": Sent({}, {"variant": "one"}, names={"journey_id": "bench-lot", "step": "lot"}),
        "list_experiments": Sent(names={"journey_id": "bench-lot"}),
        "plan_transfer": Sent({}, {"under_way": "stay"}),
        "enroll": Sent({}, {"contact": contact_id}, names={"journey_id": "bench-lot"}),
        "simulate": Sent({}, {"people": 20, "days": 7}),
        "explain": Sent({"journey": "welcome"}),
        "get_suggestions": Sent({"goal": "Order Completed"}),
        "draft_suggestions": Sent({}, {"goal": "Order Completed"}),
        "get_leads": Sent({"score": "engagement", "place": "segment/hot-leads"}),
        "export_leads": Sent({"score": "engagement", "place": "segment/hot-leads"}),
        "assign": Sent({}, {"assignee": "rui@tidewater.example"}),
        "save": Sent(
            {},
            {
                "products": [
                    {
                        "id": "bench",
                        "name": "Bench",
                        "price": 1.5,
                        "currency": "EUR",
                        "url": "https://shop.example/bench",
                    }
                ]
            },
        ),
        "delete": Sent({}, {"ids": ["bench"]}),
        "check_import": Sent({}, {"csv": "email\nana@example.com\n", "consent": "a form"}),
        "resume_sending_again": Sent({}, {"note": "bench"}),
        "make_ticket": Sent({}, {"identity": "user:eve"}),
        "install_workflow": Sent({}, {"settings": {"site": "https://shop.example"}}),
    }


class Caller:
    """Calls the API on one stack."""

    function = "api"

    def __init__(self, stack: Stack) -> None:
        from functions.api.app import handler

        self.stack, self.handler = stack, handler
        stack.environment.update(_make_runs(stack))
        stack.enter()
        (contact,) = self.ask("GET", "/contacts", {"limit": "1"})["items"]
        found = self.ask("GET", "/messages", {"origin": "journey/welcome@1", "limit": "1"})
        self.ask("PUT", "/definitions/segment/bench", body=SEGMENT)
        self.ask("POST", "/definitions/segment/bench/publish")
        self.ask("PUT", "/definitions/broadcast/bench", body=LETTER)
        self.ask("PUT", "/definitions/segment/bench-list", body={"name": "Bench", "static": True})
        self.ask("PUT", "/definitions/journey/bench-lot", body=LOT)
        both = {"definitions": ["segment/bench-list", "journey/bench-lot"]}
        revision = self.ask("POST", "/definitions/publish", body=both)["revision"]
        self.ask("PUT", "/accounts/bench", body={"attributes": {"plan": "free"}})
        task, other = self.ask("GET", "/tasks", {"limit": "2"})["items"]
        self.names = {
            "contact_id": contact["contact_id"],
            "message_id": found["items"][0]["message_id"],
            "account_id": "bench",
            "segment_id": "customers",
            "journey_id": "welcome",
            "broadcast_id": "bench",
            "coupon_id": "comeback",
            "kind": "segment",
            "definition_id": "bench",
            "version": "1",
            "score_id": "engagement",
            "stage": "customer",
            "persona_id": "home-brewer",
            "to": "sales",
            "revision": str(revision),
            "step": "lot",
            "task_id": task["task_id"],
            "workflow_id": "birthday",
            "template_id": "welcome",
            "key_id": self.ask("POST", "/keys", body={"kind": "write", "name": "bench"})["key_id"],
        }
        completed = Sent({}, {"outcome": "accepted"}, names={"task_id": other["task_id"]})
        whose = {"contact": contact["contact_id"]}
        shown = {**whose, "code": self.ask("POST", "/coupons/comeback/codes", body=whose)["code"]}
        coupons = {
            "give": Sent({}, whose),
            "check": Sent({}, shown),
            "redeem": Sent({}, {**shown, "order_id": "bench"}),
        }
        self.sent = {**requests_of(contact["contact_id"]), **coupons, "complete": completed}

    def events(self) -> dict[str, dict[str, Any]]:
        """What each route is called with, by method and path."""
        events = {}
        for route in _in_order():
            sent = self.sent.get(route.function.__name__, Sent())
            path = route.path.format(**{**self.names, **sent.names})
            events[f"{route.method} {route.path}"] = http_event(route.method, path, sent)
        return events

    def handle(self, event: Any, context: Any) -> Any:
        answer = self.handler(event, context)
        return {**answer, "statusCode": 200} if answer["statusCode"] < 300 else answer

    def ask(self, method: str, path: str, query: Mapping[str, str] = {}, **more: Any) -> Any:
        answer = self.handler(http_event(method, path, Sent(query, **more)), Context())
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{method} {path}: {answer['statusCode']} {answer['body']}"[:1000])
        return json.loads(answer["body"])


def http_event(method: str, path: str, sent: Sent) -> dict[str, Any]:
    """An HTTP API's event, payload version 2.0."""
    return {
        "version": "2.0",
        "rawPath": f"/api/v1{path}",
        "rawQueryString": urlencode(sent.query),
        "headers": {"authorization": f"Bearer {API_KEY}", **sent.headers},
        "requestContext": {"http": {"method": method, "path": f"/api/v1{path}"}, "stage": "$default"},
        "body": None if sent.body is None else json.dumps(sent.body),
        "isBase64Encoded": False,
    }


def _in_order() -> list[Route]:
    """As the table has them, but for what undoes another: that comes later, so that a round ends as it began."""
    last = ("cancel", "withdraw", "lift", "lift_account")
    # Of a broadcast that is under way; here none is, for its state machine ends at once.
    steering = ("pause", "resume", "choose_template", "resend")
    # They start runs of their own, send, or ask about what such a run has made.
    apart = (
        *("export_contact", "erase_contact", "erase_contacts", "get_privacy_request", "list_records"),
        *("start_import", "get_import", "send"),
    )
    asked = [route for route in TABLE if route.function.__name__ not in (*steering, *apart)]
    return sorted(asked, key=lambda route: route.function.__name__ in last)


def _make_runs(stack: Stack) -> dict[str, str]:
    """State machines that end at once, and a group of schedules: publishing and scheduling start them."""
    machines = stack.client("stepfunctions")
    made: dict[str, str] = {}
    for variable in ("REBUILD_STATE_MACHINE_ARN", "BROADCAST_STATE_MACHINE_ARN"):
        answer = machines.create_state_machine(
            name=f"{stack.name}-{variable[:9].lower()}",
            definition=json.dumps(STATE_MACHINE),
            roleArn="arn:aws:iam::000000000000:role/bench",
        )
        made[variable] = answer["stateMachineArn"]
    stack.client("scheduler").create_schedule_group(Name=f"{stack.name}-broadcasts")
    return {
        **made,
        "BROADCAST_SCHEDULES": f"{stack.name}-broadcasts",
        "BROADCAST_SCHEDULE_ROLE_ARN": "arn:aws:iam::000000000000:role/bench",
        "DEAD_LETTERS_ARN": "arn:aws:sqs:us-east-1:000000000000:dead",
    }

"""Lists: limits and cursors, whoever made them up."""

import base64
import json
from typing import Any

import pytest

from postroad.sending.messages import Message
from tests.functions.api.client import call, problem

LISTS = ["/api/v1/contacts", "/api/v1/quarantine", "/api/v1/messages?origin", "/api/v1/definitions?kind",
         "/api/v1/messages?contact", "timeline"]  # fmt: skip


def listed(path: str, ana: Message, query: dict[str, str]) -> tuple[int, Any]:
    name, _, parameter = path.partition("?")
    if name == "timeline":
        name = f"/api/v1/contacts/{ana.contact_id}/timeline"
    values = {"origin": "journey/welcome@1", "kind": "segment", "contact": ana.contact_id}
    return call("GET", name, {**query, **({parameter: values[parameter]} if parameter else {})})


LIMITS = ["0", "-1", "201", "x", "1.5", "\u0663", "000050999999", "1e2", "5,5", " 5", "0" * 5_000]


@pytest.mark.parametrize("path", LISTS)
def test_a_limit_is_a_number_up_to_200(ana, path):
    for limit in LIMITS:
        assert problem(listed(path, ana, {"limit": limit}))[0] == 400
    for limit in ("1", "200", "007"):
        assert listed(path, ana, {"limit": limit})[0] == 200


def forge(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


BAD_CURSORS = ["x", "%%%", "é", "\ud800", "a" * 5_000, forge({}), forge([]), forge([0]), forge("x"), forge([0, 0, 0]),
               forge([10**30, "x"]), forge([-5, "x"]), forge([99, None]), forge([0, ""]), forge([0, "x" * 700]),
               forge([0, "\ud800"]), forge([float("inf"), []]), forge([float("nan"), []]), forge([True, "x"]),
               forge(["", ""]), forge(["x", "\ud800"]), forge([1e300, []]), forge([0.5, [{}, [], None]]),
               forge([10**8, "x"]), base64.urlsafe_b64encode(b"[" * 3_000).decode()[:990]]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_somebody_elses_making_is_refused_or_finds_its_place(ana, path):
    for cursor in BAD_CURSORS:
        answer = listed(path, ana, {"cursor": cursor})
        if answer[0] != 200:
            assert problem(answer)[0] == 400, cursor

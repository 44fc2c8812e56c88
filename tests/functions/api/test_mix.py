"""How much of what leaves are broadcasts."""

from collections import Counter

import pytest

from demo.documents import load_definitions
from postroad.stats import MESSAGES, Cell, day_of
from postroad_aws import books, clock, runs
from postroad_aws.storage import definitions, stats
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.functions.api.client import call, problem

LETTER = {"name": "Autumn", "segment": "customers", "template": "welcome", "at": "2999-01-01T09:00:00Z"}


def test_c11_what_left_by_month_is_shown_beside_the_line_of_the_policy(account):
    call("PUT", "/api/v1/definitions/broadcast/autumn", body={**LETTER, "at": None})
    assert call("POST", "/api/v1/broadcasts/autumn/schedule")[0] == 200
    today = day_of(account.now())
    stats.add(
        Counter(
            {
                Cell("broadcast/autumn", MESSAGES, today, "autumn", "delivered"): 30,
                Cell("broadcast/autumn", MESSAGES, today, "autumn", "skipped"): 500,
                Cell("journey/welcome", MESSAGES, today, "welcome", "delivered"): 9,
                Cell("journey/welcome", MESSAGES, today, "welcome", "sent"): 1,
                Cell("journey/welcome", MESSAGES, "2020-01-01", "welcome", "sent"): 99,
            }
        )
    )
    status, found = call("GET", "/api/v1/mix")
    assert status == 200
    assert len(found["months"]) == 12
    assert found["target"] == load_definitions()["policy/policy"]["broadcast_share"]
    assert found["months"][-1] == {
        "month": today[:7], "broadcasts": 30, "journeys": 10, "share": 75.0, "above": True,
    }  # fmt: skip
    assert "above the line of 60 %" in found["sentence"]
    publish_definitions(
        definitions, runs, clock,
        {"policy/policy": {**load_definitions()["policy/policy"], "broadcast_share": 80}},
    )  # fmt: skip
    books.forget()
    assert call("GET", "/api/v1/mix", query={"months": "1"})[1]["months"][0]["above"] is False


@pytest.mark.parametrize("months", ["0", "25", "x"])
def test_so_many_months_cannot_be_shown(account, months):
    assert problem(call("GET", "/api/v1/mix", query={"months": months}))[0] == 400

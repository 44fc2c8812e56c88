"""The cost meter: counts that can be checked by hand, and their price."""

import time

import pytest

from tests.local_cloud import PATIENCE


@pytest.fixture
def bill(cloud):
    """The bill of one mail on its way through the whole product."""
    cloud.advance("PT0S")
    cloud.call("POST", "/_local/costs/reset", {})
    cloud.start_thing("bill", mail_to="bill@example.com")
    cloud.advance("PT0S")
    deadline = time.monotonic() + PATIENCE
    # The word that the mail left, and the one that it arrived, are heard on their own.
    while (bill := cloud.call("GET", "/_local/costs").json)["functions"].get("Hear", {}).get("invocations") != 2:
        assert time.monotonic() < deadline, bill["functions"]
        time.sleep(0.05)
    return bill


def test_every_call_is_counted_by_function_and_operation(bill):
    functions = bill["functions"]
    assert {name: each["invocations"] for name, each in functions.items()} == {
        "Front": 1,
        "Hear": 2,
        "Keep": 1,
        "Post": 1,
        "Relay": 1,
    }
    assert functions["Front"]["operations"]["sqs:SendMessage"]["fifo_chunks"] == 1
    assert functions["Relay"]["operations"]["sqs:SendMessage"]["fifo_chunks"] == 0
    assert functions["Keep"]["operations"]["dynamodb:PutItem"]["write_units"] == 1
    assert functions["Keep"]["poller_fifo_requests"] == 2
    assert functions["Post"]["poller_requests"] == 2
    assert functions["Post"]["operations"]["sesv2:SendEmail"]["count"] == 1
    assert all(each["cpu_ms"] > 0 and each["billed_ms"] > each["cpu_ms"] for each in functions.values())


def test_the_bill_is_the_sum_of_its_lines(bill):
    services = bill["services"]
    assert services["http_api"] == {"http_chunks": 1, "usd": pytest.approx(1e-6)}
    assert services["dynamodb"]["usd"] == pytest.approx(services["dynamodb"]["write_units"] * 0.625e-6)
    assert services["sqs"]["usd"] == pytest.approx((1 + 2) * 0.5e-6 + (1 + 2) * 0.4e-6)
    assert bill["usd"] == pytest.approx(
        sum(each["usd"] for name, each in services.items() if name not in ("ses", "sms"))
    )
    assert bill["usd_channels"] == pytest.approx(160e-6)


def test_an_index_costs_units_of_its_own_and_a_refused_write_costs_one(cloud):
    cloud.call("POST", "/_local/costs/reset", {})
    cloud.start_thing("indexed", wake_in=1)
    cloud.advance("PT1M")
    bill = cloud.call("GET", "/_local/costs").json
    assert bill["functions"]["Keep"]["operations"]["dynamodb:PutItem"]["write_units"] == 2
    assert bill["counts"]["express_requests"] == bill["counts"]["schedules"] == 1


def test_a_reset_starts_anew(cloud):
    cloud.call("POST", "/_local/costs/reset", {})
    bill = cloud.call("GET", "/_local/costs").json
    assert (bill["usd"], bill["functions"]) == (0, {})

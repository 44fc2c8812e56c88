"""The arithmetic of the bill, with real values."""

import pytest

from demo.documents import load_definitions
from postroad.book import Manifest, compile_book
from postroad.definitions import plan_publication
from tests.bench.cloud import memory_of_functions, unrelated_brand
from tests.bench.prices import Usage, billed_ms, item_size, read_units, total, write_units

WRITE_UNIT, READ_UNIT = 0.625e-6, 0.125e-6


@pytest.mark.parametrize(
    ("size", "transactional", "units"),
    [
        (1, False, 1),
        (1024, False, 1),
        (1025, False, 2),
        (1536, False, 2),
        (1536, True, 4),
        (400, True, 2),
        (0, False, 1),
    ],
)
def test_a_write_costs_a_unit_for_each_started_kilobyte_and_twice_in_a_transaction(size, transactional, units):
    assert write_units(size, transactional=transactional) == units


@pytest.mark.parametrize(
    ("size", "consistent", "units"),
    [(0, False, 0.5), (4096, False, 0.5), (4097, False, 1.0), (4097, True, 2.0), (9_000, True, 3.0)],
)
def test_a_read_costs_a_unit_for_each_started_four_kilobytes_and_half_when_eventual(size, consistent, units):
    assert read_units(size, consistent=consistent) == units


def test_an_item_weighs_its_names_and_its_values():
    item = {
        "contact_id": {"S": "x" * 20},  # 10 + 20
        "body": {"B": b"y" * 900},  # 4 + 900
        "version": {"N": "12"},  # 7 + 2
        "created_at": {"N": "1790000000.123"},  # 10 + 8: thirteen digits
        "note": {"S": "é"},  # 4 + 2
        "times": {"M": {"sent": {"N": "7"}}},  # 5 + 3 + 1 + 4 + 2
        "open": {"BOOL": True},  # 4 + 1
    }
    assert item_size(item) == 30 + 904 + 9 + 18 + 6 + 15 + 5


def test_lambda_bills_the_share_of_a_processor_and_the_wait_for_aws_by_the_started_millisecond():
    assert billed_ms(1.0, 0.0, 1769) == 1
    assert billed_ms(10.0, 5.0, 1769) == 15
    assert billed_ms(2.0, 13.0, 256) == 27  # 2 ms of a processor take 13.8 ms at 256 MB
    assert billed_ms(1.0, 0.0, 3538) == 1  # one thread has no use for a second processor


def test_a_function_is_billed_for_all_that_it_used():
    usage = Usage(
        512, invocations=1_000, cpu_ms=2_000, latency_ms=10_000, read_units=500, write_units=4_000, sqs_fifo=2_000
    )
    usd = usage.usd()
    assert usd["Lambda requests"] == pytest.approx(0.0002)
    assert usd["Lambda compute"] == pytest.approx(1_000 * 0.017 * 0.5 * 13.3334e-6)  # 6.9 + 10 ms, so 17
    assert usd["DynamoDB writes"] == pytest.approx(4_000 * WRITE_UNIT)
    assert usd["DynamoDB reads"] == pytest.approx(500 * READ_UNIT)
    assert usd["SQS"] == pytest.approx(2_000 * 0.5e-6)


def test_the_http_api_is_part_of_the_bill():
    lines = total({"collect": Usage(256, invocations=1)}, http_requests=1_000_000)
    assert lines["HTTP API"] == pytest.approx(1.0)


def test_every_function_of_the_template_has_its_memory():
    memory = memory_of_functions()
    assert memory["collect"] == 256
    assert set(memory) >= {"collect", "process_events", "relay_messages", "send_message", "record_feedback"}


def test_the_unrelated_brands_can_be_published_beside_the_demo_brand_and_read_none_of_its_events():
    documents = load_definitions()
    book = compile_book(Manifest(), {})
    first = plan_publication(documents, book, {})
    book = compile_book(first.manifest, first.versions)
    second = plan_publication(unrelated_brand(documents, 1), book, first.versions)
    grown = compile_book(second.manifest, {**first.versions, **second.versions})
    assert len(grown.segments) == 2 * len(book.segments)
    assert len(grown.journeys) == 2 * len(book.journeys)
    for index in ("trackers_by_event", "scores_by_event", "journeys_by_event"):
        before, after = getattr(book, index), getattr(grown, index)
        assert {event: len(each) for event, each in before.items()} == {event: len(after[event]) for event in before}

"""The queues: batches within SQS's limits, and what it did not take comes back."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from postroad.contacts.identities import Identity
from postroad.events import Event
from postroad.tracking.packing import QueueMessage, pack, unpack
from postroad_aws import queues
from postroad_aws.clients import forget_clients, get_client
from postroad_aws.settings import settings


@pytest.fixture(autouse=True)
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        forget_clients()
        client = get_client("sqs")
        events = client.create_queue(QueueName="events.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        monkeypatch.setenv("EVENTS_QUEUE_URL", events)
        monkeypatch.setenv("SENDS_QUEUE_URL", client.create_queue(QueueName="sends")["QueueUrl"])
        settings.cache_clear()
        yield client
    settings.cache_clear()
    forget_clients()


def drain(sqs: Any, url: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = sqs.receive_message(
            QueueUrl=url or settings().events_queue_url, MaxNumberOfMessages=10, AttributeNames=["All"]
        )
        if not answer.get("Messages"):
            return found
        found += answer["Messages"]
        for message in answer["Messages"]:
            sqs.delete_message(QueueUrl=url or settings().events_queue_url, ReceiptHandle=message["ReceiptHandle"])


def people(count: int) -> list[Event]:
    return [Event(f"e{n}", "A", 1.0, 1.0, identities=(Identity("user", f"u{n}"),)) for n in range(count)]


def test_events_of_many_people_arrive_in_their_groups(sqs):
    messages = pack(people(23))
    assert list(queues.send_events(messages)) == []
    arrived = drain(sqs)
    assert {m["Attributes"]["MessageGroupId"] for m in arrived} == {message.group for message in messages}
    assert sorted(unpack(m["Body"]).events[0].event_id for m in arrived) == sorted(f"e{n}" for n in range(23))


def test_a_retry_of_the_same_request_puts_nothing_on_the_queue_again(sqs):
    queues.send_events(pack(people(3)))
    queues.send_events(pack(people(3)))
    assert len(drain(sqs)) == 3


def test_nothing_to_send_calls_nobody():
    forget_clients()
    assert list(queues.send_events([])) == []


def test_a_batch_stays_within_what_the_queue_takes(sqs, monkeypatch):
    calls: list[list[dict[str, Any]]] = []
    real = sqs.send_message_batch
    monkeypatch.setattr(sqs, "send_message_batch", lambda **call: calls.append(call["Entries"]) or real(**call))
    messages = [QueueMessage(f"g{n}", f"d{n}", "x" * 100_000) for n in range(5)]
    messages += [QueueMessage(f"h{n}", f"h{n}", "y") for n in range(25)]
    assert list(queues.send_events(messages)) == []
    assert [len(entries) for entries in calls] == [2, 2, 10, 10, 6]
    assert all(sum(len(entry["MessageBody"]) for entry in entries) <= 256 * 1024 for entries in calls)


class _Flaky:
    """SQS that refuses the named groups, as often as told."""

    def __init__(self, real: Any, refusals: dict[str, int]) -> None:
        self.real, self.refusals = real, refusals

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        bad = [entry for entry in Entries if self.refusals.get(entry["MessageGroupId"], 0) > 0]
        for entry in bad:
            self.refusals[entry["MessageGroupId"]] -= 1
        good = [entry for entry in Entries if entry not in bad]
        answer = self.real.send_message_batch(QueueUrl=QueueUrl, Entries=good) if good else {}
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in bad]
        return {**answer, "Failed": failed}


def test_what_the_queue_refuses_once_is_tried_once_more(sqs, monkeypatch, capsys):
    messages = [QueueMessage(f"g{n}", f"d{n}", f"body {n}") for n in range(12)]
    flaky = _Flaky(sqs, {"g3": 1, "g11": 2})
    monkeypatch.setattr(queues, "get_client", lambda _: flaky)
    assert list(queues.send_events(messages)) == [messages[11]]
    assert len(drain(sqs)) == 11
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (line["level"], line["failed"], line["reason"]) == ("WARNING", 1, "InternalError")


def test_messages_go_up_for_sending_by_their_id(sqs):
    assert list(queues.send_messages([f"enrollment.{n}" for n in range(12)])) == []
    bodies = [message["Body"] for message in drain(sqs, settings().sends_queue_url)]
    assert sorted(bodies) == sorted(f"enrollment.{n}" for n in range(12))


@pytest.mark.parametrize(("delay", "seconds"), [(0.0, 0), (-5.0, 0), (90.7, 91), (86_400.0, 900)])
def test_a_delay_is_cut_to_what_the_queue_can_wait(sqs, monkeypatch, delay, seconds):
    calls: list[Any] = []
    monkeypatch.setattr(sqs, "send_message_batch", lambda **call: calls.append(call) or {})
    queues.send_messages(["m1"], delay)
    assert calls[0]["Entries"][0]["DelaySeconds"] == seconds


def test_the_backlog_is_counted(sqs):
    assert queues.events_backlog() == 0
    queues.send_events(pack(people(7)))
    assert queues.events_backlog() == 7

"""The stream of the messages table onto the sends queue."""

from typing import Any

import pytest

from functions.relay_messages.app import handler
from postroad_aws.clients import get_client
from tests.account import Account


def inserted(*message_ids: str) -> dict[str, Any]:
    """Stream records as the event source hands them over, behind the filter of the template."""
    return {
        "Records": [
            {
                "eventName": "INSERT",
                "dynamodb": {
                    "Keys": {"message_id": {"S": message_id}},
                    "SequenceNumber": f"1000{number}",
                    "NewImage": {"message_id": {"S": message_id}, "state": {"S": "queued"}},
                },
            }
            for number, message_id in enumerate(message_ids)
        ]
    }


def test_every_queued_message_is_put_up_for_sending(account: Account):
    ids = [f"enrollment-{number}.welcome~2" for number in range(25)]
    assert handler(inserted(*ids), None) == {"batchItemFailures": []}
    assert sorted(account.sends()) == sorted(ids)


def test_what_the_queue_refuses_comes_again_with_all_after_it(account: Account, monkeypatch):
    client = get_client("sqs")
    send = client.send_message_batch

    def refuse_b(QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:
        refused = [entry for entry in Entries if entry["MessageBody"] == "b"]
        taken = [entry for entry in Entries if entry["MessageBody"] != "b"]
        answer = send(QueueUrl=QueueUrl, Entries=taken) if taken else {}
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in refused]
        return {**answer, "Failed": failed}

    monkeypatch.setattr(client, "send_message_batch", refuse_b)
    assert handler(inserted("a", "b", "c"), None) == {"batchItemFailures": [{"itemIdentifier": "10001"}]}
    assert sorted(account.sends()) == ["a", "c"]


def test_when_the_queue_cannot_be_reached_the_whole_batch_comes_again(account: Account):
    get_client("sqs").delete_queue(QueueUrl=account.sends_queue)
    with pytest.raises(Exception, match="queue"):
        handler(inserted("a"), None)


def test_nothing_is_no_trouble(account: Account):
    assert handler({"Records": []}, None) == {"batchItemFailures": []}
    assert account.sends() == []

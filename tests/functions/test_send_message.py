"""The function behind the sends queue: each message by itself, and no start without the time to end."""

from moto.backends import get_backend

from functions.send_message import app
from functions.send_message.app import RESERVE_MS, handler
from postroad_aws.clients import get_client
from postroad_aws.ports import Accepted, Refused
from postroad_aws.storage import messages
from tests.account import ANA, Account, Channel, lambda_context, records


def state(message_id: str) -> str:
    message = messages.find_message(message_id)
    assert message is not None
    return message.state


def test_a_batch_is_sent_and_nothing_comes_again(account: Account):
    sent = [account.sign_up(f"person{number}@example.com") for number in range(3)]
    bodies = [message.message_id for message in sent]
    assert handler(records(bodies), lambda_context()) == {"batchItemFailures": []}
    assert [state(message_id) for message_id in bodies] == ["sent"] * 3
    assert handler(records(bodies), lambda_context()) == {"batchItemFailures": []}
    mails = get_backend("ses")["123456789012"]["us-east-1"].sent_messages
    assert [set(mail.destinations) for mail in mails] == [{f"person{number}@example.com"} for number in range(3)]


def test_one_that_cannot_be_sent_comes_again_and_the_others_leave(account: Account, capsys):
    first, second = account.sign_up(ANA), account.sign_up("second@example.com")
    get_client("sqs").delete_queue(QueueUrl=account.events_queue)
    from postroad_aws.storage import refusals

    refusals.save_suppression(f"email:{ANA}", "bounced", account.now(), {})
    answer = handler(records([first.message_id, second.message_id]), lambda_context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "r0"}]}
    assert (state(first.message_id), state(second.message_id)) == ("queued", "sent")
    printed = capsys.readouterr()
    assert "a message could not be sent" in printed.out
    assert "marker" not in printed.out + printed.err


def test_what_would_start_too_late_waits_for_its_next_delivery(account: Account):
    message = account.sign_up()
    answer = handler(records([message.message_id]), lambda_context(remaining=RESERVE_MS - 1))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "r0"}]}
    assert state(message.message_id) == "queued"


def test_a_body_that_names_no_message_is_done_with(account: Account):
    assert handler(records(["nobody.here", "x" * 900, "ü"]), lambda_context()) == {"batchItemFailures": []}


def test_a_template_that_fails_does_not_come_again(account: Account):
    message = account.sign_up("jürgen@example.com")
    assert handler(records([message.message_id]), lambda_context()) == {"batchItemFailures": []}
    assert state(message.message_id) == "failed"


def test_a_recipient_that_the_channel_refuses_for_good_harms_nobody_else_of_the_batch(account: Account, monkeypatch):
    """Once elsewhere a whole batch was sent again and again because of one address."""
    sent = [account.sign_up(f"person{number}@example.com").message_id for number in range(10)]
    channel = Channel(*([Accepted("p")] * 3), Refused("MessageRejected", None), Accepted("p"))
    ports = account.with_channels(email=channel)
    monkeypatch.setattr(app, "production", lambda: ports)
    for _ in range(2):
        assert app.handler(records(sent), lambda_context()) == {"batchItemFailures": []}
    assert sorted(state(message_id) for message_id in sent) == ["failed"] + ["sent"] * 9
    assert len({envelope.message_id for envelope in channel.sent}) == len(channel.sent) == 10

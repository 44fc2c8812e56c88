"""The hourly look at messages that got stuck."""

from functions.sweep_messages.app import handler
from postroad.sending.messages import PATIENCE
from postroad_aws.storage import messages
from tests.account import ANA, Account

QUEUED, SENDING = PATIENCE["queued"], PATIENCE["sending"]


def test_what_is_still_queued_is_queued_again_and_later_once_more(account: Account, capsys):
    message = account.sign_up()
    assert handler({}, None) == {"requeued": 0, "unknown": 0}
    account.advance(QUEUED + 1)
    assert handler({}, None) == {"requeued": 1, "unknown": 0}
    assert account.sends() == [message.message_id]
    assert handler({}, None) == {"requeued": 0, "unknown": 0}
    account.advance(QUEUED + 1)
    assert handler({}, None)["requeued"] == 1
    printed = capsys.readouterr()
    assert "messages were stuck" in printed.out
    assert "marker" not in printed.out


def test_a_claim_that_nobody_finished_is_unknown_and_never_sent_again(account: Account):
    message = account.sign_up()
    account.advance(QUEUED + 1)
    assert messages.claim(message.message_id, "dead", account.now())
    assert handler({}, None) == {"requeued": 0, "unknown": 0}
    account.advance(SENDING + 1)
    assert handler({}, None) == {"requeued": 0, "unknown": 1}
    found = messages.find_message(message.message_id)
    assert found is not None
    assert (found.state, found.is_pending) == ("unknown", False)
    assert "stopped" in found.reason
    assert account.sends() == []
    account.advance(90_000)
    assert handler({}, None) == {"requeued": 0, "unknown": 0}
    # Its sender was only slow, and its word still counts.
    assert messages.settle(message.message_id, "sent", account.now(), owner="dead", address=ANA)


def test_what_was_sent_is_left_alone(account: Account):
    message = account.sign_up()
    messages.settle(message.message_id, "sent", account.now())
    account.advance(90_000)
    assert handler({}, None) == {"requeued": 0, "unknown": 0}


def test_what_waits_for_its_time_is_left_until_then(account: Account):
    message = account.sign_up()
    messages.claim(message.message_id, "owner", account.now())
    messages.release(message.message_id, "owner", account.now() + 5_000, "throttled", account.now())
    account.advance(3_600)
    assert handler({}, None) == {"requeued": 0, "unknown": 0}
    account.advance(1_500)
    assert handler({}, None)["requeued"] == 1


def test_after_an_outage_more_than_a_page_is_queued_again_at_once(account: Account, monkeypatch):
    from postroad_aws.usecases import sweep_messages

    monkeypatch.setattr(sweep_messages, "PAGE", 2)
    from postroad.commits import Commit
    from postroad_aws.storage import contacts

    message = account.sign_up()
    for number in range(3):
        many = tuple(message.with_(message_id=f"many.{number}-{n}") for n in range(25))
        contacts.commit(Commit(account.contact(f"email:{ANA}"), messages=many))
    account.advance(QUEUED + 1)
    assert handler({}, None)["requeued"] == 76
    assert len(account.sends()) == 76

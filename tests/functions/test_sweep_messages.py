"""The hourly look at messages and runs that got stuck."""

import json
from typing import Any

import pytest

from functions.sweep_messages.app import handler
from postroad.consent.privacy import ERASURE, EXPORT
from postroad.imports import People, Person
from postroad.sending.messages import PATIENCE
from postroad_aws import clock, ids, runs
from postroad_aws.clients import get_client
from postroad_aws.storage import imports, messages, privacy
from postroad_aws.usecases.ask_import import ask_import
from postroad_aws.usecases.ask_privacy import ask_privacy
from postroad_aws.usecases.serve_privacy import serve_privacy
from postroad_aws.wiring import privacy_ports
from tests.account import ANA, Account, receive

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


class DiesBeforeItStarts:
    """Whoever asks is gone before the run is started."""

    def start_privacy(self, request_id: str, kind: str) -> None:
        raise KeyboardInterrupt

    def start_import(self, import_id: str) -> None:
        raise KeyboardInterrupt


def list_started(account: Account) -> list[Any]:
    states = get_client("stepfunctions")
    found = states.list_executions(stateMachineArn=account.privacy_machine)["executions"]
    return [json.loads(states.describe_execution(executionArn=each["executionArn"])["input"]) for each in found]


@pytest.mark.parametrize("kind", [EXPORT, ERASURE])
def test_a_privacy_request_whose_run_never_began_is_begun_within_the_hour_and_once(account: Account, kind, capsys):
    ana = account.sign_up().contact_id
    with pytest.raises(KeyboardInterrupt):
        ask_privacy(privacy, DiesBeforeItStarts(), clock, ids, kind, [ana], "demo-api", "a letter")
    (request,) = privacy.list_requests().items
    handler({}, None)
    assert list_started(account) == []  # whoever has just asked is about to start it
    account.advance(3_600)
    handler({}, None)
    handler({}, None)
    assert list_started(account) == [{"request_id": request.request_id}]
    assert "not done" in capsys.readouterr().out
    assert receive(account.dead_letters) == []


def test_a_privacy_request_that_is_served_is_not_begun_again(account: Account):
    ana = account.sign_up().contact_id
    done = ask_privacy(privacy, runs, clock, ids, ERASURE, [ana], "demo-api", "a letter")
    assert serve_privacy(privacy_ports(), done.request_id, lambda: True)
    under_way = ask_privacy(privacy, runs, clock, ids, EXPORT, [ana], "demo-api", "a letter")
    account.advance(3_600)
    handler({}, None)
    assert sorted(each["request_id"] for each in list_started(account)) == sorted(
        [done.request_id, under_way.request_id]
    )


def test_an_import_whose_run_never_began_is_begun_within_the_hour_and_once(account: Account):
    found = People((Person(2, ("email:lena@example.com",), {}),), ())
    with pytest.raises(KeyboardInterrupt):
        ask_import(imports, DiesBeforeItStarts(), clock, ids, found, None, "Porto", "marta@tidewater.example")
    (job,) = imports.list_imports()
    account.advance(3_600)
    handler({}, None)
    handler({}, None)
    assert list_started(account) == [{"import_id": job.import_id}]

"""Machines that pass for people: what is told before it counts, and what is taken back when it shows later."""

from dataclasses import replace
from typing import Any

import pytest

from postroad.contacts.fetches import TRAP
from postroad.events import Event
from postroad.sending.feedback import Feedback
from postroad.sending.messages import DELIVERED, SENT
from postroad_aws import books, clock, runs
from postroad_aws.storage import definitions, timeline
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.record_feedback import record_feedback
from postroad_aws.usecases.send_message import send_message
from tests.account import ANA, Account, Channel

EMAIL = f"email:{ANA}"
CLICKERS = {"kind": "segment", "id": "clickers", "name": "Clickers", "if": {"message": "clicked", "at_least": 1}}
KEEN = {
    "kind": "score",
    "id": "keen",
    "rules": [
        {"id": "click", "event": "Email Link Clicked", "where": {"property": "actor", "is": "human"}, "points": 5}
    ],
}


class Reader:
    """Somebody who got the welcome mail, and what is fetched of it, in seconds after its delivery."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.message = account.sign_up()
        assert send_message(account.with_channels(email=Channel()), self.message.message_id) == SENT
        self.delivered = account.now()
        record_feedback(account.ports, Feedback(self.message.message_id, DELIVERED, self.delivered, "ses-1"))

    def fetch(self, name: str, after: float, **said: Any) -> Event:
        event = self.account.event(name, message_id=self.message.message_id, actor="human", **said)
        at = round(self.delivered + after, 3)
        return replace(event, contact_id=self.message.contact_id, time=at, key_time=at, source="postroad")

    def click(self, link: int, after: float) -> Event:
        return self.fetch("Email Link Clicked", after, link=link)

    @property
    def marks(self) -> dict[str, float]:
        times = self.account.messages(EMAIL)["welcome"].times
        return {name: round(at - self.delivered, 3) for name, at in times.items() if "ed" in name and "click" in name}

    def actors(self) -> list[str]:
        rows = timeline.list_rows([self.message.contact_id], newest_first=False).items
        return [row.event.properties["actor"] for row in rows if row.event.name == "Email Link Clicked"]


@pytest.fixture
def reader(account: Account) -> Reader:
    publish_definitions(definitions, runs, clock, {"segment/clickers": CLICKERS, "score/keen": KEEN})
    books.forget()
    return Reader(account)


def test_a_click_at_the_moment_of_delivery_counts_nowhere(account: Account, reader: Reader) -> None:
    account.fold(reader.click(1, 2.0))
    assert reader.actors() == ["machine"]
    assert reader.marks == {"machine_clicked": 2.0}
    contact = account.contact(EMAIL)
    assert ("clickers" in contact.segments, contact.scores.get("keen")) == (False, None)
    (row,) = [r for r in timeline.list_rows([contact.contact_id]).items if r.event.name == "Email Link Clicked"]
    assert row.event.properties["actor_because"] == "a link was followed 2 s after the mail arrived"


def test_a_scanner_that_comes_in_one_batch_never_counts(account: Account, reader: Reader) -> None:
    account.fold(*(reader.click(link, 60.0 + link) for link in (1, 2, 3)))
    assert reader.actors() == ["machine"] * 3
    assert reader.marks == {"machine_clicked": 61.0}
    assert "clickers" not in account.contact(EMAIL).segments


def test_what_a_scanner_did_before_it_showed_is_taken_back_everywhere(account: Account, reader: Reader) -> None:
    account.fold(reader.click(1, 60.0))
    account.fold(reader.click(2, 61.0))
    before = account.contact(EMAIL)
    assert ("clickers" in before.segments, before.scores["keen"]["click"].points) == (True, pytest.approx(10))
    assert reader.marks == {"clicked": 60.0}
    account.fold(reader.click(3, 62.0))
    after = account.contact(EMAIL)
    assert ("clickers" in after.segments, after.scores.get("keen")) == (False, None)
    assert reader.actors() == ["machine"] * 3
    assert reader.marks == {"machine_clicked": 62.0}
    told = [
        d.because
        for row in timeline.list_rows([after.contact_id]).items
        for d in row.decisions
        if d.verdict == "taken back"
    ]
    assert told == [
        "2 opens and clicks before this one had been taken for a person's, and this shows that a machine did it"
    ]
    account.fold(reader.click(1, 7_200.0))
    assert "clickers" in account.contact(EMAIL).segments
    assert reader.actors()[-1] == "human"


def test_the_hidden_link_takes_the_last_hour_back(account: Account, reader: Reader) -> None:
    account.fold(reader.fetch("Email Opened", 100.0))
    account.fold(reader.click(1, 120.0))
    account.fold(reader.click(TRAP, 2_000.0))
    contact = account.contact(EMAIL)
    assert "clickers" not in contact.segments
    times = account.messages(EMAIL)["welcome"].times
    assert {name for name in times if "opened" in name or "clicked" in name} == {"machine_opened", "machine_clicked"}
    # And what follows it within a minute.
    account.fold(reader.click(2, 2_030.0))
    assert "clickers" not in account.contact(EMAIL).segments


def test_a_person_who_opens_and_then_clicks_counts_at_once(account: Account, reader: Reader) -> None:
    account.fold(reader.fetch("Email Opened", 4.0), reader.click(2, 7.0))
    assert reader.actors() == ["human"]
    assert "clickers" in account.contact(EMAIL).segments

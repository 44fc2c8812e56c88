"""Advice and tasks where they act: messages wait for the best hour, calls take the place of mails, outcomes branch."""

from collections.abc import Mapping
from typing import Any

import pytest

from postroad import events as names
from postroad.advice.report import advise
from postroad.commits import Row
from postroad.contacts.codec import decode_contact, encode_contact
from postroad.contacts.contact import Attribute, Contact
from postroad.contacts.engagement import HOUR, OPENED, Sent
from postroad.documents import DefinitionError
from postroad.events import Event
from postroad.explaining import ask_gates, why_message
from postroad.fold import Outcome, begin, fold
from postroad.instants import DAY
from postroad.journeys import describe_journey, parse_journey
from postroad.sending.messages import QUEUED, SKIPPED, Message
from postroad.tasks import CANCELLED, DONE, OPEN, Settled, Task, complete, completed
from tests.books import FOOTER, Shelf
from tests.core.advice.people import START

# A Monday, eight in the morning.
NOW = (START + 8) * HOUR + 60.0


def _template(template_id: str, channel: str, **parts: Any) -> dict[str, Any]:
    return {"kind": "template", "id": template_id, "channel": channel, "topic": "news", **parts}


def _journey(*steps: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    return {"kind": "journey", "id": "cart", "trigger": {"event": "Cart Left"}, "steps": list(steps), **parts}


TEMPLATES = (
    {
        "kind": "policy",
        "id": "policy",
        "postal_address": "1 High Street",
        "timezone": "UTC",
        "topics": [{"id": "news", "opt_in": False}],
    },
    _template("mail", "email", subject="Hi", html="<p>Hi</p>" + FOOTER),
    _template("text", "sms", text="Hi"),
)
AT_BEST = {"id": "offer", "send": {"template": "mail", "at": "best", "within": "P7D"}}
BEST = {
    "id": "offer",
    "send": {
        "channel": "best",
        "templates": {"email": "mail", "sms": "text"},
        "call": {"title": "Call about the cart", "due": "PT4H"},
    },
}
RING = {
    "id": "ring",
    "task": {
        "kind": "call",
        "title": "Call about the cart",
        "timeout": "P3D",
        "outcomes": {
            "interested": [{"update": {"set": {"plan": "pro"}}}],
            "no_answer": [{"id": "mail", "send": {"template": "mail"}}],
        },
        "else": [{"update": {"set": {"plan": "lost"}}}],
    },
}


class Ana:
    """Somebody with an address and a number, as a book folds what happens to her."""

    def __init__(self, *journeys: Mapping[str, Any], **facts: Any) -> None:
        self.book = Shelf(*TEMPLATES, *journeys).book
        self.now = NOW
        contact = begin("ana", self.book, self.now)
        contact.identities = {"email:ana@example.com": NOW, "phone:+883510012345": NOW}
        contact.attributes = {name: Attribute(value, NOW, True) for name, value in facts.items()}
        self.contact = contact
        self.messages: list[Message] = []
        self.tasks: list[Task | Settled] = []
        self.said: list[tuple[str, str, str]] = []
        self.number = 0

    def hears(self, event: Event) -> Outcome:
        outcome = fold(self.contact, event, self.book, self.now)
        body = encode_contact(outcome.contact)
        wake_at = outcome.contact.wake_at
        self.contact = decode_contact("ana", 1, body, created_at=NOW, wake_at=wake_at)
        self.messages += outcome.messages
        self.tasks += outcome.tasks
        self.said += [(d.step, d.verdict, d.because) for d in outcome.decisions]
        return outcome

    def does(self, name: str, **properties: Any) -> Outcome:
        self.number += 1
        event = Event(f"e-{self.number}", name, self.now, self.now, trusted=True, properties=properties)
        return self.hears(event)

    def sleeps(self, seconds: float) -> None:
        """Time goes by, and the contact wakes whenever it is due."""
        until = self.now + seconds
        while self.contact.wake_at is not None and self.contact.wake_at <= until:
            self.now = max(self.now, self.contact.wake_at)
            self.does(names.WAKE)
        self.now = until

    def finds(self, verdict: str) -> list[str]:
        return [because for _, said, because in self.said if said == verdict]


def _thursdays(contact: Contact) -> None:
    """Fourteen mails of fourteen weeks, each read on the Thursday at midnight."""
    first = START + 3 * 24 - 14 * 7 * 24
    contact.engagement = {
        "email": tuple(Sent(first - 14 + week * 7 * 24, f"{week:02d}", OPENED, 14) for week in range(14))
    }


def test_c24_a_message_leaves_at_the_best_hour_of_the_person_and_the_reason_is_kept() -> None:
    ana = Ana(_journey(AT_BEST))
    _thursdays(ana.contact)
    ana.does("Cart Left")
    assert ana.messages == []
    (because,) = ana.finds("postponed")
    assert "Thursday 00:00 (UTC) is their best hour by then, from 14 openings of 14 messages" in because
    ana.sleeps(4 * DAY)
    (message,) = ana.messages
    assert (message.state, message.created_at) == (QUEUED, (START + 3 * 24) * HOUR)


def test_c24_a_message_never_waits_longer_than_it_may() -> None:
    ana = Ana(_journey({"id": "offer", "send": {"template": "mail", "at": "best"}}))
    _thursdays(ana.contact)
    ana.does("Cart Left")
    ana.sleeps(7 * DAY)
    (message,) = ana.messages
    assert NOW <= message.created_at <= NOW + DAY


def test_c24_only_what_people_do_is_learned_from() -> None:
    ana = Ana(_journey({"id": "offer", "send": {"template": "mail"}}))
    ana.does("Cart Left")
    (message,) = ana.messages
    for actor in ("machine", "unknown"):
        ana.does(names.EMAIL_OPENED, message_id=message.message_id, actor=actor)
        ana.does(names.EMAIL_CLICKED, message_id=message.message_id, actor=actor)
    assert [sent.answered for sent in ana.contact.engagement["email"]] == [False]
    ana.now += 5 * HOUR
    ana.does(names.EMAIL_OPENED, message_id=message.message_id, actor="human")
    (sent,) = ana.contact.engagement["email"]
    assert (sent.response, sent.delay) == (OPENED, 5)


def test_c24_a_scanner_that_opens_everything_at_once_hides_no_habit() -> None:
    ana = Ana(_journey({"id": "offer", "send": {"template": "mail"}}, reentry="always"))
    ana.now = (START - 15 * 7 * 24 + 10) * HOUR
    for _ in range(12):  # each Monday at ten, and she reads it at eight in the evening
        ana.does("Cart Left")
        message_id = ana.messages[-1].message_id
        ana.does(names.EMAIL_OPENED, message_id=message_id, actor="machine")
        ana.does(names.EMAIL_CLICKED, message_id=message_id, actor="machine")
        ana.now += 10 * HOUR
        ana.does(names.EMAIL_OPENED, message_id=message_id, actor="human")
        ana.now += 6 * DAY + 14 * HOUR
    at = advise(ana.contact, ana.book.policy, ana.now).send_times["email"][0]
    assert (at.hour, at.read, at.sent, at.confidence) == (20, 12, 12, "high")


@pytest.mark.parametrize("name", [names.MESSAGE_SKIPPED, names.MESSAGE_FAILED, names.EMAIL_BOUNCED])
def test_a_message_that_nobody_got_teaches_nothing(name: str) -> None:
    ana = Ana(_journey({"id": "offer", "send": {"template": "mail"}}))
    ana.does("Cart Left")
    assert ana.contact.engagement
    ana.does(name, message_id=ana.messages[0].message_id)
    assert ana.contact.engagement == {}


def test_c25_the_best_channel_of_each_person_takes_the_message_and_the_ranking_is_kept() -> None:
    for preferred, channel, template in (("sms", "sms", "text"), ("email", "email", "mail"), (None, "email", "mail")):
        ana = Ana(_journey(BEST), **({"preferred_channel": preferred} if preferred else {}))
        ana.does("Cart Left")
        (message,) = ana.messages
        assert (message.channel, message.template, message.state) == (channel, template, QUEUED)
        (because,) = ana.finds(f"channel {channel}")
        assert because.startswith(f"{channel}: ")
        assert "phone: " in because


def test_c25_a_journey_branches_on_the_best_channel() -> None:
    way = {
        "branch": {
            "cases": [{"name": "calls", "if": {"best_channel": "phone"}, "then": [{"exit": {"reason": "call"}}]}],
            "else": [{"exit": {"reason": "write"}}],
        }
    }
    for preferred, reason in (("phone", "call"), ("sms", "write")):
        ana = Ana(_journey(way), preferred_channel=preferred)
        outcome = ana.does("Cart Left")
        (ended,) = [event for event in outcome.caused if event.name == names.JOURNEY_ENDED]
        assert ended.properties["reason"] == reason


def test_c26_when_the_telephone_ranks_first_a_call_task_takes_the_place_of_the_mail() -> None:
    ana = Ana(_journey(BEST), preferred_channel="phone", owner="bo@example.com")
    ana.does("Cart Left")
    (task,) = ana.tasks
    assert isinstance(task, Task)
    assert (task.kind, task.title, task.assignee, task.state) == ("call", "Call about the cart", "bo@example.com", OPEN)
    assert task.due_at == ana.now + 4 * HOUR
    (message,) = ana.messages
    assert (message.state, message.channel) == (SKIPPED, "email")
    assert message.reason == ("the telephone ranks first, said to be preferred (no calls yet): a call takes its place")
    assert task.task_id == message.message_id


def test_c26_nobody_is_called_in_place_of_a_message_that_was_not_to_be_sent_to_them_at_all() -> None:
    """Such as somebody who does not fit, or who is in the control group: a call pushes as well."""
    send = {**BEST["send"], "templates": {"email": "push", "sms": "text"}}
    offers = _template("push", "email", subject="Buy", html="<p>Buy</p>" + FOOTER, sales=True)
    fit = {"attribute": "size", "gte": 20}
    handover = {"kind": "handover", "id": "handover", "if": fit, "fit": fit, "owners": ["bo@example.com"]}
    journey = _journey({"id": "offer", "send": send})
    for size, tasks, gate in ((5, 0, "fit"), (50, 1, "channel")):
        ana = Ana(journey, offers, handover, preferred_channel="phone", size=size)
        outcome = ana.does("Cart Left")
        assert len([task for task in ana.tasks if isinstance(task, Task)]) == tasks
        assert [message.state for message in ana.messages] == [SKIPPED]
        assert gate in [decision.gate for decision in outcome.decisions if decision.verdict == SKIPPED]
        (finding,) = ask_gates(ana.contact, parse_journey(journey, version=1), "offer", ana.book, ana.now)
        assert (finding.key, finding.verdict) == (gate, "no")


def test_c26_who_never_answers_calls_is_written_to_again() -> None:
    ana = Ana(_journey(BEST, reentry="always"))
    ana.contact.engagement = {"phone": tuple(Sent(START - 99 + n, f"{n:02d}", "a") for n in range(3))}
    for _ in range(16):
        ana.does("Cart Left")
        ana.now += DAY
        for task in [task for task in ana.tasks if isinstance(task, Task)]:
            done = complete(task, "no_answer", "", "crm", ana.now)
            assert isinstance(done, Task)
            ana.hears(completed(done))
    channels = [message.state for message in ana.messages]
    assert channels[0] == SKIPPED
    assert QUEUED in channels[8:]


def test_c26_why_a_mail_was_not_sent_names_the_call_and_asks_no_gate_afterwards() -> None:
    ana = Ana(_journey(BEST), preferred_channel="phone")
    outcome = ana.does("Cart Left")
    cause = Event("e-1", "Cart Left", ana.now, ana.now, trusted=True)
    told = why_message(ana.messages[0], [Row("ana", cause, outcome.caused, outcome.decisions)])
    findings = {finding.key: finding for finding in told}
    assert findings["channel"].verdict == "no"
    assert "a call takes its place" in findings["channel"].sentence
    assert findings["template"].sentence == "Nobody asked any more."


def test_c26_a_dry_run_tells_the_ranking_and_the_gates_of_the_channel_that_would_be_taken() -> None:
    journey = parse_journey(_journey(BEST), version=1)
    for preferred, verdict, asked in (("phone", "no", False), ("sms", "yes", True)):
        ana = Ana(_journey(BEST), preferred_channel=preferred)
        findings = list(ask_gates(ana.contact, journey, "offer", ana.book, ana.now))
        assert (findings[0].key, findings[0].verdict) == ("channel", verdict)
        assert findings[0].sentence.startswith(f"Of all ways {preferred}: said to be preferred")
        assert ("address" in [finding.key for finding in findings]) is asked


@pytest.mark.parametrize(("outcome", "plan", "mails"), [("interested", "pro", 0), ("no_answer", None, 1)])
def test_c39_the_outcome_of_a_call_decides_the_way(outcome: str, plan: str | None, mails: int) -> None:
    ana = Ana(_journey(RING))
    ana.does("Cart Left")
    (task,) = ana.tasks
    assert isinstance(task, Task)
    ana.now += HOUR
    done = complete(task, outcome, "", "crm", ana.now)
    assert isinstance(done, Task)
    ana.hears(completed(done))
    assert ana.contact.find_value("plan") == plan
    assert len(ana.messages) == mails
    settled = ana.tasks[-1]
    assert isinstance(settled, Settled)
    assert (settled.state, settled.outcome) == (DONE, outcome)
    assert [sent.answered for sent in ana.contact.engagement["phone"]] == [outcome == "interested"]


def test_c39_a_call_that_nobody_makes_in_time_goes_the_other_way_and_stays_open() -> None:
    ana = Ana(_journey(RING))
    ana.does("Cart Left")
    ana.sleeps(4 * DAY)
    assert ana.contact.find_value("plan") == "lost"
    assert len(ana.tasks) == 1


@pytest.mark.parametrize(
    ("parts", "event"),
    [
        ({"goal": {"event": "Order Completed"}}, ("Order Completed", {})),
        ({"exit_if": {"event": "Moved Away"}}, ("Moved Away", {})),
    ],
)
def test_the_task_of_somebody_who_needs_it_no_more_is_called_off(parts: dict[str, Any], event: tuple[str, Any]) -> None:
    ana = Ana(_journey(RING, **parts))
    ana.does("Cart Left")
    ana.does(event[0], **event[1])
    task, settled = ana.tasks
    assert isinstance(settled, Settled)
    assert (settled.task_id, settled.state) == (task.task_id, CANCELLED)
    assert settled.reason
    assert ana.contact.engagement == {}


def test_folding_the_same_again_asks_for_the_same_task() -> None:
    first, second = Ana(_journey(RING)), Ana(_journey(RING))
    first.does("Cart Left")
    second.does("Cart Left")
    assert first.tasks == second.tasks


@pytest.mark.parametrize(
    ("send", "path"),
    [
        ({"channel": "best", "template": "mail"}, "steps[0].send.templates"),
        ({"channel": "best", "templates": {"email": "mail"}}, "steps[0].send.templates"),
        ({"channel": "best", "call": {"title": "Call"}}, "steps[0].send.templates"),
        ({"template": "mail", "templates": {"sms": "text"}}, "steps[0].send.channel"),
        ({"template": "mail", "within": "P1D"}, "steps[0].send.within"),
        ({"template": "mail", "at": "noon"}, "steps[0].send.at"),
        ({"template": "mail", "at": "best", "within": "P8D"}, "steps[0].send.within"),
        ({"channel": "best", "templates": {"email": "mail", "sms": "mail"}}, "steps[0].send.templates.sms"),
        ({"channel": "sms"}, "steps[0].send.template"),
    ],
)
def test_a_send_step_that_cannot_be_advised_is_refused_where_it_is_wrong(send: dict[str, Any], path: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        Shelf(*TEMPLATES, _journey({"id": "offer", "send": send}))
    assert f"journey/cart: {path}" in [where for where, _ in caught.value.mistakes]


def test_a_step_with_advice_says_so_in_a_sentence() -> None:
    lines = "\n".join(describe_journey(parse_journey(_journey(BEST, {**AT_BEST, "id": "later"}))))
    assert (
        "Send mail (email) or text (sms) or a call (Call about the cart) by the channel that suits each person" in lines
    )
    assert "Send mail by email, at their best hour within 1 week" in lines

"""One person's life with a workflow of the gallery, folded as production would, in days that take milliseconds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from demo.documents import load_definitions
from postroad import events as names
from postroad.contacts import Contact
from postroad.events import Event
from postroad.fold import begin, fold
from postroad.gallery import build, get_workflow
from postroad.instants import parse_duration, parse_instant
from postroad.journeys import Journey
from postroad.messages import QUEUED, Message
from postroad.policy import parse_policy
from postroad.tasks import Task
from tests.books import Shelf

MONDAY = parse_instant("2026-11-02T09:00:00Z")
POLICY = load_definitions()["policy/policy"]
SITE = "https://shop.example"
# The verdicts of waits, by the way that they mean.
WAYS = {"yes": "then", "over": "else"}


class Life:
    """What one person does, and what the workflow makes of it."""

    def __init__(self, book: Any, taken: set[tuple[str, str]], start: float, known: Mapping[str, Any]) -> None:
        self.book, self.taken, self.now = book, taken, start
        self.messages: list[Message] = []
        self.tasks: list[Task] = []
        self.ended: list[str] = []
        self.number = 0
        self.contact: Contact = begin("ana", book, start)
        self.contact.identities["email:ana@example.com"] = start
        self.hears("Identified", {"email": "ana@example.com", "first_name": "Ana", **known})

    def hears(self, name: str, known: Mapping[str, Any] | None = None, /, **properties: Any) -> None:
        self.number += 1
        event = Event(
            f"event-{self.number}",
            name,
            self.now,
            self.now,
            contact_id="ana",
            trusted=True,
            attributes=known or {},
            properties=properties,
        )
        outcome = fold(self.contact, event, self.book, self.now)
        self.contact = outcome.contact
        self.messages += [message for message in outcome.messages if message.state == QUEUED]
        self.tasks += [task for task in outcome.tasks if isinstance(task, Task)]
        self.taken.update((each.step, WAYS.get(each.verdict, each.verdict)) for each in outcome.decisions)
        for caused in outcome.caused:
            if caused.name == names.JOURNEY_ENDED:
                self.ended.append(str(caused.properties["reason"]))
        assert not [each for each in outcome.decisions if each.verdict == "failed"], outcome.decisions

    def does(self, name: str, /, **properties: Any) -> "Life":
        """Something that the site tells of."""
        self.hears(name, **properties)
        return self

    def says(self, **attributes: Any) -> "Life":
        """Attributes become known."""
        self.hears("Identified", attributes)
        return self

    def waits(self, duration: str) -> "Life":
        """Time passes, and what is due happens in its order."""
        until = self.now + parse_duration(duration)
        while self.contact.wake_at is not None and self.contact.wake_at <= until:
            self.now = max(self.now, self.contact.wake_at)
            self.hears(names.WAKE)
        self.now = until
        return self

    def opens(self, template: str) -> "Life":
        """A person opens the latest mail of this template."""
        return self.feeds_back(names.EMAIL_OPENED, template)

    def clicks(self, template: str) -> "Life":
        """A person follows a link of the latest mail of this template."""
        return self.feeds_back(names.EMAIL_CLICKED, template)

    def feeds_back(self, name: str, template: str) -> "Life":
        message = next(message for message in reversed(self.messages) if message.template == template)
        self.hears(name, message_id=message.message_id, email_id=message.template, actor="human")
        return self

    def completes(self, outcome: str) -> "Life":
        """Somebody does the latest task."""
        task = self.tasks[-1]
        said = {"task_id": task.task_id, "kind": task.kind, "step": task.step, "origin": task.origin}
        self.hears(names.TASK_COMPLETED, outcome=outcome, enrollment_id=task.enrollment_id, **said)
        return self

    @property
    def got(self) -> list[str]:
        """The templates of what was sent, in order."""
        return [message.template for message in self.messages]

    def find_value(self, attribute: str) -> Any:
        return self.contact.find_value(attribute)


class Walks:
    """Lives with one workflow. `taken` are the ways that any of them went, as (step, way)."""

    def __init__(
        self, workflow_id: str, *more: Mapping[str, Any], calendar: Mapping[str, Any] | None = None, **settings: Any
    ) -> None:
        policy = POLICY if calendar is None else {**POLICY, "calendar": calendar}
        documents = build(get_workflow(workflow_id), {"site": SITE, **settings}, parse_policy(policy))
        self.book = Shelf(policy, *more, *documents.values(), now=MONDAY).book
        self.taken: set[tuple[str, str]] = set()

    def live(self, start: float = MONDAY, **known: Any) -> Life:
        """Somebody new of whom this is known."""
        return Life(self.book, self.taken, start, known)

    def find_untaken(self) -> set[tuple[str, str]]:
        """The ways that nobody went."""
        return {way for journey in self.book.journeys.values() for way in ways_of(journey)} - self.taken


def ways_of(journey: Journey) -> set[tuple[str, str]]:
    """Every way on of a journey, as (step, way)."""
    return {(step.id, way) for step in journey.steps.values() for way in step.arms}


@contextmanager
def every_path(workflow_id: str, *more: Mapping[str, Any], **settings: Any) -> Iterator[Walks]:
    """Lives with one workflow that, all together, go every way of its journeys; `more` are definitions beside it."""
    walks = Walks(workflow_id, *more, **settings)
    yield walks
    untaken = walks.find_untaken()
    assert not untaken, f"nobody went {sorted(untaken)}"

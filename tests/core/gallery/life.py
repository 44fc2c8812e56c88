"""People who live with a workflow of the gallery, and whether they went all its ways."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from demo.documents import load_definitions
from postroad import events as names
from postroad.fold import Outcome
from postroad.gallery import build, get_workflow
from postroad.instants import format_instant, parse_instant
from postroad.journeys import Journey
from postroad.policy import parse_policy
from postroad.tasks import Task
from tests.books import Shelf
from tests.people import Person

MONDAY = parse_instant("2026-11-02T09:00:00Z")
# Without what names a segment of the demo's.
POLICY = {key: value for key, value in load_definitions()["policy/policy"].items() if key != "accounts"}
SITE = "https://shop.example"
# The verdicts of waits, by the way that they mean.
WAYS = {"yes": "then", "over": "else"}


class Life(Person):
    """One person, and what the workflow makes of what they do. `taken` gathers the ways that they go."""

    def __init__(self, shelf: Shelf, taken: set[tuple[str, str]], known: Mapping[str, Any]) -> None:
        self.taken, self.tasks = taken, list[Task]()
        super().__init__(now=format_instant(MONDAY), shelf=shelf, first_name="Ana", **known)

    def hear(self, outcome: Outcome) -> None:
        assert not [each for each in outcome.decisions if each.verdict == "failed"], outcome.decisions
        self.tasks += [task for task in outcome.tasks if isinstance(task, Task)]
        self.taken.update((each.step, WAYS.get(each.verdict, each.verdict)) for each in outcome.decisions)

    def completes(self, outcome: str) -> "Life":
        """Somebody does the latest task."""
        task = self.tasks[-1]
        said = {"task_id": task.task_id, "kind": task.kind, "step": task.step, "origin": task.origin}
        self.does(names.TASK_COMPLETED, outcome=outcome, enrollment_id=task.enrollment_id, **said)
        return self

    @property
    def ended(self) -> list[str]:
        """Why passages through the journey ended, in order."""
        return [str(event.properties["reason"]) for event in self.caused if event.name == names.JOURNEY_ENDED]


class Walks:
    """Lives with one workflow. `taken` are the ways that any of them went, as (step, way)."""

    def __init__(
        self, workflow_id: str, *more: Mapping[str, Any], calendar: Mapping[str, Any] | None = None, **settings: Any
    ) -> None:
        policy = POLICY if calendar is None else {**POLICY, "calendar": calendar}
        documents = build(get_workflow(workflow_id), {"site": SITE, **settings}, parse_policy(policy))
        self.shelf = Shelf(policy, *more, *documents.values(), now=MONDAY)
        self.taken: set[tuple[str, str]] = set()

    def live(self, **known: Any) -> Life:
        """Somebody new of whom this is known."""
        return Life(self.shelf, self.taken, known)

    def find_untaken(self) -> set[tuple[str, str]]:
        """The ways that nobody went."""
        return {way for journey in self.shelf.book.journeys.values() for way in ways_of(journey)} - self.taken


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

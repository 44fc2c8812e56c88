"""The steps that only say which way a contact goes on, or that the journey ends here."""

from collections.abc import Mapping
from dataclasses import dataclass

from postroad.documents import Reader
from postroad.journeys.reading import Scope
from postroad.journeys.stepping import Answer, End, Go, Here, StepType
from postroad.predicates import Predicate


@dataclass(frozen=True, slots=True)
class BranchStep(StepType):
    key = "branch"
    cases: Mapping[str, Predicate]

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "BranchStep":
        cases: dict[str, Predicate] = {}
        for number, child in enumerate(reader.children("cases", most=20), 1):
            name = child.text("name", f"case {number}", longest=64)
            if name in cases or name == "else":
                child.mistake(f"two ways are called '{name}'; give each case a name of its own", "name")
            cases[name] = scope.predicate(child.child("if"))
            scope.arm(child, "then", name)
        scope.arm(reader, "else")
        return cls(cases)

    def enter(self, here: Here) -> Answer:
        for name, predicate in self.cases.items():
            if predicate.evaluate(here.view).truth:
                return Go(name, name, predicate.describe())
        return Go("else", "else", f"none of: {'; '.join(predicate.describe() for predicate in self.cases.values())}")

    def is_choice(self, name: str) -> bool:
        return name in self.cases

    def describe(self) -> str:
        return "Take the first way that holds"

    def describe_arm(self, name: str) -> str:
        predicate = self.cases.get(name)
        if predicate is None:
            return "Otherwise:"
        return f"{name[:1].upper()}{name[1:]}, if: {predicate.describe()}"


@dataclass(frozen=True, slots=True)
class ExitStep(StepType):
    key = "exit"
    ends = True
    reason: str

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "ExitStep":
        return cls(reader.text("reason", "exit", longest=100))

    def enter(self, here: Here) -> Answer:
        return End("exited", self.reason, f"reached the exit '{self.reason}'")

    def describe(self) -> str:
        return f"Exit: {self.reason}"

"""The steps that only say which way a contact goes on, or that the journey ends here."""

from collections.abc import Mapping
from dataclasses import dataclass

from postroad.documents import Reader
from postroad.journeys.reading import Scope
from postroad.journeys.stepping import Answer, End, Go, Here, StepType, show
from postroad.lots import choose, is_among
from postroad.predicates.operators import describe_name
from postroad.predicates.predicate import Predicate

# Percentages are compared to the hundredth.
WHOLE = 100.0
# The attributes that say which language somebody reads, the first that is there counts.
LANGUAGES = ("language", "locale")


@dataclass(frozen=True, slots=True)
class BranchStep(StepType):
    key = "branch"
    is_question = True
    cases: Mapping[str, Predicate]

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "BranchStep":
        cases: dict[str, Predicate] = {}
        for name, child in read_cases(reader, scope, 20):
            cases[name] = scope.predicate(child.child("if"))
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
class MatchStep(BranchStep):
    """One way for each value of an attribute."""

    key = "match"
    attribute: str

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "MatchStep":
        attribute = reader.text("attribute", longest=100)
        cases: dict[str, Predicate] = {}
        for name, child in read_cases(reader, scope, 100, "is"):
            values = list(child.values("is"))
            wanted = {"attribute": attribute or "-", "in": values or ["-"]}
            cases[name] = scope.predicate(Reader(wanted, child.path, child))
        scope.arm(reader, "else")
        return cls(cases, attribute)

    def describe(self) -> str:
        return f"Go on by {describe_name(self.attribute)}"


@dataclass(frozen=True, slots=True)
class LanguageStep(StepType):
    """One way for each language; a region ("pt-BR") goes before its language ("pt")."""

    key = "language"
    is_question = True
    cases: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "LanguageStep":
        none: tuple[str, ...] = ()
        cases = {name: child.read("is", _parse_languages, none) for name, child in read_cases(reader, scope, 100, "is")}
        scope.arm(reader, "else")
        return cls(cases)

    def enter(self, here: Here) -> Answer:
        said = next((value for name in LANGUAGES if (value := here.view.contact.find_value(name)) is not None), None)
        spoken = said.strip().replace("_", "-").lower() if isinstance(said, str) else ""
        known = [(tag, name) for name, tags in self.cases.items() for tag in tags]
        for tag, name in sorted(known, key=lambda pair: -len(pair[0])):
            if spoken == tag or spoken.startswith(f"{tag}-"):
                return Go(name, name, f"reads {said}")
        return Go("else", "else", f"reads {said}" if spoken else "it is not known what language they read")

    def is_choice(self, name: str) -> bool:
        return name in self.cases

    def describe(self) -> str:
        return "Go on by language"

    def describe_arm(self, name: str) -> str:
        tags = self.cases.get(name)
        return f"{name[:1].upper()}{name[1:]}, if they read {' or '.join(tags)}" if tags else "Otherwise:"


@dataclass(frozen=True, slots=True)
class SplitStep(StepType):
    """Ways drawn by lot: the same contact always draws the same one here."""

    key = "split"
    shares: Mapping[str, float]

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "SplitStep":
        before = len(reader.mistakes)
        ways = read_cases(reader, scope, 20, key="ways")
        shares = {name: child.number("percent", least=0, most=WHOLE) for name, child in ways}
        total = round(sum(shares.values()), 2)
        if len(reader.mistakes) == before and total != WHOLE:
            reader.mistake(f"its percentages add up to {total:g}; they must add up to 100", "ways")
        return cls(shares)

    def enter(self, here: Here) -> Answer:
        name = choose(self.shares, "split", here.enrollment.journey, here.step_id, here.view.contact.contact_id)
        return Go(name, name, f"drawn by lot ({self.shares[name]:g} %)")

    def is_choice(self, name: str) -> bool:
        return name in self.shares

    def describe(self) -> str:
        return "Draw lots"

    def describe_arm(self, name: str) -> str:
        return f"{name[:1].upper()}{name[1:]}, {self.shares[name]:g} %"


@dataclass(frozen=True, slots=True)
class HoldoutStep(StepType):
    """A share of people, always the same ones, goes no further, so that the others can be compared with them."""

    key = "holdout"
    percent: float

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "HoldoutStep":
        return cls(reader.number("percent", least=0.01, most=WHOLE))

    def enter(self, here: Here) -> Answer:
        if is_among(self.percent, "holdout", here.enrollment.journey, here.step_id, here.view.contact.contact_id):
            return End("exited", "holdout", f"is one of the {self.percent:g} % who are held out here")
        return Go("", "goes on", f"is not one of the {self.percent:g} % who are held out here")

    def describe(self) -> str:
        return f"Hold {self.percent:g} % out"


@dataclass(frozen=True, slots=True)
class GotoStep(StepType):
    """A jump to another step, so many times at most in one passage; then the next step follows."""

    key = "goto"
    step: str
    most: int

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "GotoStep":
        return cls(reader.id("step"), reader.integer("most", 1, least=1, most=100))

    @property
    def jump(self) -> str:
        return self.step

    def enter(self, here: Here) -> Answer:
        visit = here.enrollment.visits[here.step_id]
        if visit <= self.most:
            return Go("", "again", f"goes to {self.step}, time {visit} of {self.most}", to=self.step)
        return Go("", "goes on", f"has gone to {self.step} {describe_times(self.most)}, and that is the most")

    def describe(self) -> str:
        return f"Go to {self.step}, {describe_times(self.most)} at most"


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


@dataclass(frozen=True, slots=True)
class GoalStep(StepType):
    """Who comes here has reached what the journey is for."""

    key = "goal"
    ends = True
    name: str

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "GoalStep":
        return cls(reader.text("name", "goal", longest=100))

    def enter(self, here: Here) -> Answer:
        return End("completed", "goal", f"reached the goal '{self.name}'")

    def describe(self) -> str:
        return f"Goal: {self.name}"


def read_cases(
    reader: Reader, scope: Scope, most: int, naming: str = "", *, key: str = "cases"
) -> list[tuple[str, Reader]]:
    """The ways on under a key, each with its name and an arm `then`; one without a name is called by `naming`, its
    place in the list if that says nothing."""
    found: dict[str, Reader] = {}
    for number, child in enumerate(reader.children(key, most=most), 1):
        usual = f"case {number}" if key == "cases" else f"way {number}"
        said = child.document.get(naming)
        name = child.text("name", str(said) if isinstance(said, str | int) and said else usual, longest=64)
        if name in found or name == "else":
            child.mistake(f"two ways are called '{name}'; give each {usual.split()[0]} a name of its own", "name")
        scope.arm(child, "then", name)
        found[name] = child
    return list(found.items())


def _parse_languages(raw: object) -> tuple[str, ...]:
    tags = raw if isinstance(raw, list | tuple) else [raw]
    if not tags or not all(isinstance(tag, str) and tag and tag.replace("-", "").isalnum() for tag in tags):
        raise ValueError(f"{show(raw)} is no language; write for example fr or pt-BR")
    return tuple(str(tag).lower() for tag in tags)


def describe_times(number: int) -> str:
    """`once`, `3 times`."""
    return "once" if number == 1 else f"{number} times"

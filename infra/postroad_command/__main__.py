"""`postroad`: pull, validate, plan, apply and simulate definitions that are kept as files. docs/journeys-as-code.md."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from postroad.book import Manifest
from postroad.content.lint import Finding
from postroad.definitions import (
    KINDS,
    check_definition,
    find_changed_experiments,
    find_kit,
    known_in,
    look_at_definition,
)
from postroad.deliverability.doctor import is_healthy
from postroad.errors import DefinitionError, PostroadError
from postroad.journeys import Journey, parse_journey
from postroad.journeys.transfers import STAY, WAYS
from postroad.schemas import build_schemas
from postroad.simulation import Habits, Shelf, Trial, learn_habits, parse_habits, usual_deeds
from postroad.simulation.simulate import START
from postroad_command import folder as files
from postroad_command.doctor import examine_stack, tell_checks
from postroad_command.domain_records import find_texts
from postroad_command.folder import SCHEMAS, Document, FolderError
from postroad_command.plan import Change, Live, find_changes, foresee_people, load_live, tell_change
from postroad_command.simulating import read_counts, simulate_in_parts, tell_forecast
from postroad_command.stack import Stack, StackError, path_of

URL, KEY = "POSTROAD_URL", "POSTROAD_API_KEY"
FOLDER = "definitions"
# What `plan` ends with when there is something to apply; 1 is for what went wrong.
CHANGES = 2
# As many as the API publishes at once.
MOST_AT_ONCE = 90

Say = Callable[[str], None]


def pull(given: argparse.Namespace, say: Say) -> int:
    live = load_live(_connect(given))
    written = files.write_folder(given.folder, {key: each.document for key, each in live.items()})
    write_schemas(Path(given.folder) / SCHEMAS)
    for path in written:
        say(f"wrote {path}")
    missing = sorted(files.read_folder(given.folder).keys() - live.keys())
    for key in missing:
        say(f"not live: {key}")
    say(f"{len(live)} definitions, {len(written)} written")
    return 0


def validate(given: argparse.Namespace, say: Say) -> int:
    placed = files.place_folder(given.folder)
    around = {} if given.offline or not _is_connected(given) else load_live(_connect(given))
    mistakes = find_mistakes({key: each.document for key, each in placed.items()}, around)
    for key, path, sentence in mistakes:
        where = f"{placed[key].path}: " if key in placed else ""
        say(f"{where}{key}: {path or 'document'}: {sentence}")
    if mistakes:
        return 1
    for key, finding in find_warnings({key: each.document for key, each in placed.items()}, around):
        say(f"{placed[key].path}: {key}: {finding.path or 'document'}: warning: {finding.describe()}")
    say(f"{len(placed)} definitions have no mistakes")
    return 0


def plan(given: argparse.Namespace, say: Say) -> int:
    stack, wanted = _connect(given), files.read_folder(given.folder)
    changes = _plan(stack, wanted, given.under_way, say)
    return CHANGES if changes else 0


def apply(given: argparse.Namespace, say: Say) -> int:
    stack, wanted = _connect(given), files.read_folder(given.folder)
    changes = _plan(stack, wanted, given.under_way, say)
    if not changes:
        return 0
    _refuse_mistakes(wanted, load_live(stack))
    publishing = [change.key for change in changes if not KINDS[change.key.partition("/")[0]].unpublished]
    if len(publishing) > MOST_AT_ONCE:
        raise FolderError(
            f"{len(publishing)} definitions have changed, and at most {MOST_AT_ONCE} are published at once; "
            "apply a folder with fewer of them first."
        )
    for change in changes:
        _save_draft(stack, change)
        say(f"saved {change.key}")
    if publishing:
        body: dict[str, Any] = {"definitions": publishing}
        if given.under_way != STAY:
            journeys = [key for key in publishing if key.startswith("journey/")]
            body["transfers"] = {key: {"under_way": given.under_way} for key in journeys}
        published = stack.call("POST", "/definitions/publish", body)
        for key, version in sorted(published["versions"].items()):
            say(f"published {key}, version {version}")
        say(f"revision {published['revision']} is live")
    return 0


def simulate(given: argparse.Namespace, say: Say) -> int:
    stack = _connect(given) if _is_connected(given) else None
    around = {key: each.document for key, each in load_live(stack).items()} if stack and not given.offline else {}
    own = files.read_folder(given.folder) if Path(given.folder).is_dir() else {}
    documents = {
        key: document
        for key, document in {**around, **own}.items()
        if not KINDS.get(key.partition("/")[0], KINDS["policy"]).unpublished
    }
    shelf = Shelf().put(documents)
    usual = Habits(deeds=usual_deeds(*shelf.documents_around(given.journey), at=START))
    if given.history:
        if stack is None:
            raise FolderError(f"To learn from live numbers, say where: {URL} and {KEY}, or --url and --key.")
        usual = _learn(stack, shelf, given.journey, usual)
    habits = usual
    if given.habits:
        (said, *_) = files.parse_text(Path(given.habits).read_text("utf-8")) or [{}]
        habits = parse_habits(said, usual)
    trial = Trial(shelf, given.journey, days=given.days, seed=given.seed, habits=habits)
    forecast = simulate_in_parts(trial, given.people, given.processes)
    for line in tell_forecast(forecast):
        say(line)
    if given.messages:
        with Path(given.messages).open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(sent._asdict()) + "\n" for sent in sorted(forecast.messages, key=_by_time))
        say(f"wrote {given.messages}")
    return 0


def doctor(given: argparse.Namespace, say: Say) -> int:
    found = examine_stack(_connect(given), find_texts)
    for line in tell_checks(found):
        say(line)
    return 0 if is_healthy(found) else 1


def schemas(given: argparse.Namespace, say: Say) -> int:
    for path in write_schemas(Path(given.folder)):
        say(f"wrote {path}")
    return 0


def write_schemas(folder: Path) -> list[Path]:
    """Write the JSON Schema of each kind of definition that differs from what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, schema in build_schemas().items():
        path, text = folder / f"{kind}.json", json.dumps(schema, indent=2) + "\n"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            written.append(path)
    return written


def find_mistakes(wanted: Mapping[str, Document], live: Mapping[str, Live]) -> list[tuple[str, str, str]]:
    """(key, path, sentence) of each mistake in definitions that stand together, beside what is live."""
    documents = {**{key: each.document for key, each in live.items()}, **wanted}
    known = known_in(Shelf(Manifest()).book, documents)
    mistakes = []
    for key, document in wanted.items():
        try:
            check_definition(document, known)
        except DefinitionError as error:
            mistakes += [(key, path, sentence) for path, sentence in error.mistakes]
    if not mistakes:
        try:
            Shelf().put({key: document for key, document in documents.items() if not _is_unpublished(key)})
        except DefinitionError as error:
            mistakes += [("", path, sentence) for path, sentence in error.mistakes]
    return mistakes or find_changed_experiments(wanted, _read_journeys(live))


def find_warnings(wanted: Mapping[str, Document], live: Mapping[str, Live]) -> list[tuple[str, Finding]]:
    """By key, what may be better about mails that nothing hinders from being published."""
    documents = {**{key: each.document for key, each in live.items()}, **wanted}
    book = Shelf(Manifest()).book
    known, kit = known_in(book, documents), find_kit(documents, book, {})
    reports = {key: look_at_definition(document, known, kit) for key, document in wanted.items()}
    return [(key, finding) for key, report in reports.items() if report for finding in report.findings]


def _read_journeys(live: Mapping[str, Live]) -> dict[str, Journey]:
    """The journeys that are live, by id; but for those that only newer code can read."""
    found: dict[str, Journey] = {}
    for key, each in live.items():
        with suppress(DefinitionError):
            found |= {key.partition("/")[2]: parse_journey(each.document)} if key.startswith("journey/") else {}
    return found


def _is_unpublished(key: str) -> bool:
    return bool(KINDS[key.partition("/")[0]].unpublished)


def _refuse_mistakes(wanted: Mapping[str, Document], live: Mapping[str, Live]) -> None:
    mistakes = find_mistakes(wanted, live)
    if mistakes:
        raise DefinitionError(*((f"{key}: {path}" if key else path, sentence) for key, path, sentence in mistakes))


def _plan(stack: Stack, wanted: Mapping[str, Document], under_way: str, say: Say) -> list[Change]:
    live = load_live(stack)
    changes = find_changes(wanted, live)
    for change in changes:
        for line in tell_change(change, foresee_people(stack, change, under_way)):
            say(line)
        say("")
    for key in sorted(live.keys() - wanted.keys()):
        say(f"{key}: not in the folder; it stays as it is")
    new = sum(change.before is None for change in changes)
    say(f"{new} new, {len(changes) - new} changed, {len(wanted) - len(changes)} the same")
    return changes


def _save_draft(stack: Stack, change: Change) -> None:
    """Save over the draft that is there, whatever somebody may have begun in it; but not over one saved meanwhile."""
    draft = stack.find(path_of(change.key))
    headers = {"If-Match": f'"{draft["edit"]}"'} if draft else {}
    stack.call("PUT", path_of(change.key), change.document, headers)


def _learn(stack: Stack, shelf: Shelf, journey_id: str, usual: Habits) -> Habits:
    goal = shelf.journey(journey_id).get("goal")
    event = str(goal.get("event", "")) if isinstance(goal, Mapping) else ""
    counts = read_counts(stack.call("GET", f"/journeys/{journey_id}/counts"))
    return learn_habits(counts, shelf.book.journeys[journey_id].steps, usual, event)


def _by_time(sent: Any) -> Any:
    return sent.at, sent.contact_id, sent.step


def _is_connected(given: argparse.Namespace) -> bool:
    return bool(given.url or os.environ.get(URL))


def _connect(given: argparse.Namespace) -> Stack:
    url, key = given.url or os.environ.get(URL), given.key or os.environ.get(KEY)
    if not url or not key:
        raise StackError(f"Say where the stack is, and its API key: {URL} and {KEY}, or --url and --key.")
    return Stack(url, key)


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="postroad", description="Keeps definitions as files in step with a stack.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[argparse.Namespace, Say], int], what: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what[:1].upper() + what[1:] + ".")
        command.set_defaults(run=run)
        return command

    def add_stack(command: argparse.ArgumentParser) -> None:
        command.add_argument("--url", help=f"where the stack is, such as http://localhost:8080 ({URL})")
        command.add_argument("--key", help=f"a key for its JSON API; better kept in {KEY}")

    for name, run, what in (
        ("pull", pull, "write what is live in the stack into the folder"),
        ("validate", validate, "find the mistakes in the folder's definitions"),
        ("plan", plan, f"show what applying the folder would change; ends with {CHANGES} when there is something"),
        ("apply", apply, "publish what has changed in the folder, all or none"),
    ):
        command = add(name, run, what)
        command.add_argument("folder", nargs="?", default=FOLDER, help=f"where the definitions are ({FOLDER})")
        add_stack(command)
        if run in (plan, apply):
            what = "what becomes of people who are in a journey that changes (stay)"
            command.add_argument("--under-way", choices=WAYS, default=STAY, help=what)
        if run is validate:
            command.add_argument("--offline", action="store_true", help="look at the folder alone")
    command = add("simulate", simulate, "let made-up people go through a journey")
    command.add_argument("journey", help="the journey's id")
    command.add_argument("--folder", default=FOLDER, help=f"where the definitions are ({FOLDER})")
    command.add_argument("--people", type=_count, default=1_000, help="how many (1000)")
    command.add_argument("--days", type=_count, default=21, help="for how many days (21)")
    command.add_argument("--seed", type=int, default=1, help="the same seed, the same forecast (1)")
    command.add_argument("--habits", help="a YAML file that says what people do")
    command.add_argument("--history", action="store_true", help="learn what people do from the stack's live numbers")
    command.add_argument("--messages", help="a file for who gets what and when, one JSON object a line")
    command.add_argument("--processes", type=_count, help="how many processes share the work (one for each processor)")
    command.add_argument("--offline", action="store_true", help="look at the folder alone")
    add_stack(command)
    add_stack(add("doctor", doctor, "tell whether all is set up so that mail arrives; ends with 1 when it is not"))
    command = add("schemas", schemas, "write the JSON Schema of each kind of definition")
    command.add_argument("folder", nargs="?", default=f"{FOLDER}/{SCHEMAS}", help=f"where to ({FOLDER}/{SCHEMAS})")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be a number from 1 to 1000000")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns what the process ends with."""
    given = _read_arguments(arguments)
    try:
        return int(given.run(given, print))
    except DefinitionError as error:
        for path, sentence in error.mistakes:
            print(f"{path or 'document'}: {sentence}", file=sys.stderr)
    except BrokenPipeError:
        # Whoever read what is said has had enough of it; Python would complain once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (PostroadError, OSError) as error:
        print(error, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

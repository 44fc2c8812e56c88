"""The documents cannot rot: what they list is what the code has, and their examples work."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator

import templatecheck
from demo.__main__ import DEMO_KEYS
from demo.documents import load_definitions
from functions.api.problems import PROBLEMS
from functions.api.repeats import MAX_KEY
from functions.api.requests import MAX_BODY, MAX_DEPTH
from functions.api.routes import TABLE, trying
from functions.api.routes.definitions import MAX_TOGETHER
from functions.api.schemas import MAX_LIMIT
from functions.public.bodies import MAX_BODY as MAX_FORM
from keys import KINDS as key_kinds
from localcloud.server import Local
from postroad.book import MOST_HELD, Book, Manifest, compile_book
from postroad.broadcasts import broadcast as broadcasts
from postroad.contacts.contact import MAX_ATTRIBUTES, MAX_UNCONFIRMED
from postroad.contacts.identities import parse_identity
from postroad.contacts.resolution import MAX_IDENTITIES
from postroad.contacts.ring import BUSY, KEEP, RETRY_HORIZON
from postroad.content import filters, rendering
from postroad.content.lint import RULES
from postroad.content.rendering import compile_message_template, compile_template
from postroad.definitions import KINDS, PATIENCE, check_definition, known_in, plan_publication
from postroad.events import ATTRIBUTE_LIMIT, RESERVED
from postroad.fold.folding import MAX_MESSAGES
from postroad.forms import FIELD_TYPES, LONGEST_ANSWER, LONGEST_TEXT, MOST_FIELDS
from postroad.gallery import list_workflows
from postroad.instants import DAY
from postroad.journeys import parse_journey
from postroad.journeys.definition import MOST_LEVELS, MOST_STEPS
from postroad.journeys.reading import REMEMBERED, TRIGGER_AGE
from postroad.journeys.steps import STEP_TYPES
from postroad.journeys.triggers import TRIGGERS
from postroad.journeys.waits import WAITS
from postroad.predicates.behaviour import EXACT, FREQUENCIES, HOURLY, LONGEST_VALUE
from postroad.predicates.conditions import AGGREGATES, FATES
from postroad.predicates.operators import MOST_DAYS, MOST_DAYS_ROUND, OPERATORS, THRESHOLDS
from postroad.predicates.predicate import CONTACT, EVENT, FACTS, JOURNEY, SUBJECTS, parse_predicate
from postroad.schemas import build_schema
from postroad.scoring import sheet as scoring
from postroad.scoring.grades import READS_GRADES
from postroad.scoring.sheet import READS_SCORES
from postroad.sending.channels import CHANNELS
from postroad.sending.messages import STATES
from postroad.simulation.habits import WEIGHT
from postroad.simulation.lives import MOST_FOLDS
from postroad.tracking.quarantine import RAW_LIMIT
from postroad.tracking.wire import ROUTES, Refused, Request, Source, parse_pixel, parse_request, read_events
from postroad_aws.settings import Settings
from postroad_aws.storage.requests import KEPT_SECONDS
from postroad_aws.storage.timeline import RETENTION
from postroad_aws.usecases.submit_form import MOST_FOREIGN, MOST_SHOWN
from postroad_command.folder import parse_text

ROOT = templatecheck.ROOT
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text() for path in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
}
ALL = "\n".join(PAGES.values())


def page(name: str) -> str:
    return PAGES[f"docs/{name}.md"]


class Block(NamedTuple):
    """A fenced block of a page, by what its fence says it is."""

    page: str
    line: int
    kind: str
    text: str


def _list_blocks() -> Iterator[Block]:
    for name, text in PAGES.items():
        for found in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield Block(name, text.count("\n", 0, found.start()) + 1, found[1], found[2])


BLOCKS = list(_list_blocks())


def blocks(kind: str) -> Any:
    """The blocks of a kind, as parameters of a test."""
    found = [block for block in BLOCKS if block.kind == kind]
    assert found, f"no page has a block of {kind!r}"
    return pytest.mark.parametrize("block", found, ids=[f"{block.page}:{block.line}" for block in found])


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their heads."""
    body = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    body = re.split(r"^#+ ", body, maxsplit=1, flags=re.MULTILINE)[0]
    tables = re.findall(r"^\|[-| ]+\|\n((?:\|.*\n?)*)", body, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()]
    assert lines, f"there is no table under {heading!r}"
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def plain(cell: str) -> str:
    return cell.strip("`")


def column(text: str, heading: str) -> list[str]:
    """The code words in the first cells of the tables under a heading."""
    return [word for cells in rows(text, heading) for word in re.findall(r"`([^`]+)`", cells[0])]


class Shop(NamedTuple):
    """The demo brand, as if published: its book, and the documents in it."""

    book: Book
    documents: dict[tuple[str, str, int], Any]

    def publish(self, document: dict[str, Any]) -> None:
        """Publish one definition more; raises DefinitionError when that would be refused."""
        plan_publication({f"{document['kind']}/{document['id']}": document}, self.book, self.documents)


@pytest.fixture(scope="module")
def shop() -> Shop:
    plan = plan_publication(load_definitions(), compile_book(Manifest(), {}), {})
    return Shop(compile_book(plan.manifest, plan.versions), dict(plan.versions))


# ---------------------------------------------------------------- what the code has is in the documents, and reverse


def test_every_setting_is_listed_as_the_code_describes_it():
    listed = {plain(name): what for name, what in rows(page("deploy"), "What functions find in their environment")}
    assert listed == {field.metadata["variable"]: field.metadata["description"] for field in fields(Settings)}


def test_every_parameter_is_listed_with_its_default(template):
    listed = {plain(cells[0]): plain(cells[1]) for cells in rows(page("deploy"), "The first time") if len(cells) == 3}
    parameters = {name: str(each["Default"]) or "empty" for name, each in template["Parameters"].items()}
    assert {name: listed.get(name) for name in parameters} == parameters


def test_every_kind_of_key_is_listed():
    listed = {plain(cells[0]): plain(cells[1]) for cells in rows(page("deploy"), "The first time")}
    assert {kind: prefix for kind, (prefix, _) in key_kinds.items()}.items() <= listed.items()


def _list_api_routes() -> set[str]:
    return {f"{route.method} /api/v1{route.path}" for route in TABLE}


def test_every_route_of_the_api_has_its_section():
    assert set(re.findall(r"^### `([A-Z]+ /api/v1/[^`]*)`$", page("api"), re.MULTILINE)) == _list_api_routes()


def test_every_route_of_the_api_has_an_example_in_curl_and_in_python():
    for section in re.split(r"^### (?=`[A-Z]+ /api)", page("api"), flags=re.MULTILINE)[1:]:
        assert re.search(r"^    curl ", section, re.MULTILINE), section.splitlines()[0]
        assert "```python" in section, section.splitlines()[0]


def test_every_problem_of_the_api_is_listed_as_the_code_describes_it():
    listed = [(int(status), plain(name), when) for status, name, when in rows(page("api"), "What holds everywhere")]
    assert listed == [(problem.status, problem.name, problem.when) for problem in dict.fromkeys(PROBLEMS.values())]


def test_every_address_of_the_tracking_api_is_listed():
    text = page("tracking")
    for address in ROUTES:
        word = address.rpartition("/")[2]
        assert re.search(rf"(?:`|/){re.escape(word)}`", text) or address in text, address


def test_every_route_of_the_template_is_in_a_document(template):
    for resource in template["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            address = event.get("Properties", {}).get("Path", "") if event["Type"] == "HttpApi" else ""
            assert address.replace("/{proxy+}", "/") in ALL, address


@pytest.mark.parametrize(
    ("name", "heading", "words"),
    [
        ("journeys", "Triggers", TRIGGERS),
        ("journeys", "Steps", STEP_TYPES),
        ("journeys", "wait", None),
        ("journeys", "What becomes of a message", STATES),
        ("predicates", "Subjects", SUBJECTS.keys() - {"all", "any", "not"}),
        ("predicates", "Combining", {"all", "any", "not"}),
        ("predicates", "Comparing values", OPERATORS),
        ("predicates", "Counting events", None),
        ("predicates", "Adding up", {*AGGREGATES, "first", "last", "when", "most"}),
        ("predicates", "Messages", {*FATES, "template", "origin", "step", "channel", "by"}),
        ("predicates", "Facts", FACTS),
        ("predicates", "Scores", THRESHOLDS),
        ("channels", "Channels", CHANNELS),
        ("templates", "Filters", [entry.key for entry in filters.FILTERS]),
        ("definitions", "Definitions", KINDS),
        ("lint", "Rules", RULES),
        ("forms", "Fields", FIELD_TYPES),
        ("broadcasts", "What becomes of it", broadcasts.STATES),
        ("gallery", "Workflows", [workflow.id for workflow in list_workflows()]),
    ],
)
def test_a_table_lists_what_the_code_has_and_nothing_else(name, heading, words):
    listed = {plain(re.sub(r"\[(.*)\]\(.*\)", r"\1", cells[0])) for cells in rows(page(name), heading)}
    if heading == "wait":
        listed, words = {plain(cells[1]) for cells in rows(page(name), heading)}, WAITS
    if heading == "Counting events":
        listed, words = listed - RESERVED, FREQUENCIES
    assert listed == set(words)


def test_every_subject_is_listed_where_it_is_allowed():
    where = {plain(cells[0]): cells[2] for cells in rows(page("predicates"), "Subjects")}
    for subject, allowed in where.items():
        assert (allowed == "`where` only") == (subject in EVENT), subject
        assert (allowed == "journeys") == (subject in JOURNEY - CONTACT), subject
        assert allowed.startswith("everywhere but") == (subject in CONTACT), subject
        assert ("scores" in allowed) == (subject in READS_SCORES), subject
        assert ("grades" in allowed) == (subject in READS_GRADES), subject


def test_every_event_of_ours_is_listed():
    listed = {plain(cells[0]) for cells in rows(page("predicates"), "Counting events")} - FREQUENCIES.keys()
    aside = {"Wake", "Attributes Updated"}
    assert listed == RESERVED - aside
    assert all(f"`{name}`" in page("predicates") for name in aside)


def test_every_test_and_alias_of_the_template_language_is_named():
    named = set(re.findall(r"`(\w+)(?:\(\d\))?`", page("templates")))
    assert named >= {*filters.TESTS, *filters.TEST_ALIASES, *filters.FILTER_ALIASES}
    codes = re.search(r"A date's pattern knows `([^`]+)`", page("templates"))
    assert codes
    assert set(codes[1].split()) == set(filters._DATE_CODES)


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_part_of_a_template_is_listed(channel):
    listed = {plain(cells[0]) for cells in rows(page("templates"), "Templates")}
    assert {part.key for part in CHANNELS[channel].parts} <= listed


def test_every_command_is_named_somewhere():
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in set(targets) - {"lock"}:
        assert re.search(rf"make {target}\b", ALL), f"make {target}"


def test_the_addresses_of_the_local_cloud_are_those_that_it_answers():
    listed = rows(page("local-cloud"), "Addresses")
    table = Local(None).table
    unlisted = {pattern for _, pattern, _ in table}
    for cells in listed:
        method, address = plain(cells[0]).split(" ")
        address = re.sub(r"\{\w+\}|…", "x", address).removeprefix("/_local")
        found = {pattern for known, pattern, _ in table if re.fullmatch(pattern, address) and known in (method, "*")}
        assert found, cells[0]
        unlisted -= found
    assert unlisted == set()


def test_the_fixed_keys_are_those_of_the_demo_brand():
    assert {plain(cells[0]) for cells in rows(page("local-cloud"), "Keys")} == set(DEMO_KEYS)


def test_the_map_names_every_function_table_queue_and_module(template):
    text = page("architecture")
    resources = template["Resources"]

    def named(type_: str) -> set[str]:
        return {name for name, each in resources.items() if each["Type"] == type_}

    functions = {f"functions/{path.parent.name}" for path in (ROOT / "functions").glob("*/app.py")}
    assert set(column(text, "Functions")) == functions
    assert set(column(text, "Tables")) == named("AWS::DynamoDB::Table")
    for name in named("AWS::SQS::Queue") | named("AWS::Serverless::StateMachine"):
        assert name in text, name
    listed = {
        word.rstrip("/") for word in column(text, "Who may import whom") if not word.startswith(("layers", "infra"))
    }
    core = ROOT / "layers/core/postroad"
    modules = {path.stem for path in core.glob("*.py")} | {path.parent.name for path in core.glob("*/__init__.py")}
    assert listed - {"functions/<name>"} == modules - {"__init__", "__pycache__"}


def test_the_way_to_change_something_names_what_exists():
    text = page("architecture")
    changes = " ".join(cells[1] for cells in rows(text, "Where do I change what"))
    code = "\n".join(path.read_text() for folder in ("layers", "functions") for path in (ROOT / folder).rglob("*.py"))
    for word in re.findall(r"`([A-Z_]+)`", changes):
        assert re.search(rf"^{word}\b", code, re.MULTILINE), word
    for name in re.findall(r"`([\w/]+\.(?:py|yaml))`", changes):
        assert list(ROOT.glob(name)) or list((ROOT / "layers").glob(f"*/*/{name}")), name


NUMBERS = {2: "two", 5: "five", 7: "seven"}
LIMITS = [
    ("journeys", f"at most {MOST_STEPS} in all, nested at most {MOST_LEVELS} levels deep"),
    ("predicates", f"exact up to {EXACT}"),
    ("predicates", f"the {EXACT} newest events count exactly"),
    ("predicates", f"windows of up to {NUMBERS[HOURLY / DAY]} days"),
    ("predicates", f"value of more than {LONGEST_VALUE} bytes"),
    ("predicates", f"up to {EXACT} different messages"),
    ("predicates", f"reaches {MOST_DAYS:,} days, `anniversary_in` {MOST_DAYS_ROUND}"),
    ("definitions", f"from {-scoring.MOST_POINTS:.0f} to {scoring.MOST_POINTS:.0f}"),
    ("definitions", f"`PT1H` and `P{scoring.LONGEST_HALF_LIFE / DAY:.0f}D`"),
    ("forms", f"what is asked, at most {MOST_FIELDS}."),
    ("forms", f"one line of at most {LONGEST_ANSWER} characters"),
    ("forms", f"at most {LONGEST_TEXT:,} characters; kept with the event"),
    ("forms", f"413 over {MAX_FORM:,} bytes"),
    ("forms", f"a form {MOST_SHOWN} times in ten minutes, and {MOST_FOREIGN} times"),
    ("templates", f"| {rendering.MAX_SOURCE:,} characters |"),
    ("templates", f"| {rendering.MAX_TAGS:,}, with {rendering.MAX_CODE:,} characters in them |"),
    ("templates", f"| {rendering.MAX_DEPTH} levels |"),
    ("templates", f"| {rendering.MAX_STEPS:,} steps"),
    ("templates", f"| {filters.MAX_TEXT:,} characters |"),
    ("templates", f"| {rendering.MAX_OUTPUT:,} characters |"),
    ("templates", f"| {filters.MAX_VALUES:,} entries, {filters.MAX_VALUES_TEXT:,} characters |"),
    ("templates", f"at most {rendering.MAX_SUBJECT} characters"),
    ("templates", f"at most {rendering.MAX_LOOPS} loops"),
    ("api", f"kept for {RETENTION / DAY:.0f} days"),
    ("api", f"cut at {RAW_LIMIT // 1024} KB"),
    ("api", f"`people` (200, at most {trying.MAX_PEOPLE}), `days` (21, at most {trying.MAX_DAYS})"),
    ("api", f"the first {trying.MAX_TOLD:,} `messages`"),
    ("api", f"The latest {trying.MAX_ROWS:,} events"),
    ("simulator", f"for up to {trying.MAX_PEOPLE} people"),
    ("simulator", f"folded {MOST_FOLDS:,} times at most"),
    ("simulator", f"counts as {WEIGHT} messages more"),
    ("architecture", f"The ring keeps {KEEP}\nhashes, and every one younger than {RETRY_HORIZON / 60:.0f} minutes"),
    ("architecture", f"with {BUSY} young ones"),
    ("api", f"at most {MAX_BODY:,} bytes, nested at most {MAX_DEPTH} levels"),
    ("api", f"of up to {MAX_KEY} characters"),
    ("api", f"within {KEPT_SECONDS / 3600:.0f} hours"),
    ("api", f"`limit` is 1 to {MAX_LIMIT}"),
    ("api", f"at most {MAX_TOGETHER}, all or none"),
    ("tracking", f"at most {MAX_ATTRIBUTES} attributes, of at most {ATTRIBUTE_LIMIT:,} bytes each"),
    ("tracking", f"most {MAX_UNCONFIRMED} of them on the word of public sources"),
    ("tracking", f"at most {MAX_IDENTITIES} identities"),
    ("definitions", f"and {PATIENCE / DAY:.0f} days, after it was replaced"),
    ("definitions", f"at most {MOST_HELD} older versions"),
    ("journeys", f"asks for about {MAX_MESSAGES} messages to one contact"),
    ("journeys", f"more than {NUMBERS[TRIGGER_AGE / DAY]} days old when it arrives starts no journey"),
    ("journeys", f"the {NUMBERS[REMEMBERED]} latest times of the last {NUMBERS[TRIGGER_AGE / DAY]} days"),
]


@pytest.mark.parametrize(("name", "sentence"), LIMITS)
def test_a_limit_is_the_one_in_the_code(name, sentence):
    assert " ".join(sentence.split()) in " ".join(page(name).split())


# ---------------------------------------------------------------- examples work


def test_every_block_says_what_it_is():
    known = {
        "yaml definition",
        "yaml draft",
        "yaml predicate",
        "yaml steps",
        "jinja template",
        "json",
        "json values",
        "python",
    }
    assert [block for block in BLOCKS if block.kind not in known] == []


@blocks("yaml definition")
def test_a_definition_could_be_published_beside_the_demo_brand(block, shop):
    shop.publish(yaml.safe_load(block.text))


@blocks("yaml draft")
def test_a_draft_has_no_mistakes_beside_the_demo_brand(block, shop):
    check_definition(yaml.safe_load(block.text), known_in(shop.book, {}))


@blocks("yaml definition")
def test_an_example_is_what_its_schema_says(block):
    (document,) = parse_text(block.text)
    assert [error.message for error in Draft202012Validator(build_schema(document["kind"])).iter_errors(document)] == []


@blocks("yaml predicate")
def test_a_predicate_is_read(block):
    assert parse_predicate(yaml.safe_load(block.text), JOURNEY).describe()


@blocks("yaml steps")
def test_steps_are_those_of_a_journey(block, shop):
    journey = {
        "kind": "journey",
        "id": "example",
        "trigger": {"event": "Signed Up"},
        "steps": yaml.safe_load(block.text),
    }
    assert parse_journey(journey).steps
    shop.publish(journey)


def _values() -> dict[str, Any]:
    (block,) = [block for block in BLOCKS if block.kind == "json values"]
    return dict(json.loads(block.text))


@blocks("jinja template")
def test_a_template_compiles_and_renders(block):
    assert compile_template(block.text, html=True).render(_values()).strip()


@blocks("json")
def test_json_is_json(block):
    json.loads(block.text)


@blocks("python")
def test_python_compiles(block):
    compile(block.text, block.page, "exec")


@pytest.mark.parametrize("heading", ["Comparing values", "Counting events", "Adding up", "Messages", "Facts", "Scores"])
def test_an_operator_says_what_its_row_says(heading):
    for cells in rows(page("predicates"), heading):
        if cells[1].startswith("`{"):
            assert parse_predicate(yaml.safe_load(plain(cells[1])), JOURNEY).describe() == cells[2], cells[0]
            said = yaml.safe_load(plain(cells[1]))
            assert plain(cells[0]) in (*said, said.get("message")), cells[0]
        elif len(cells) > 2:
            assert plain(cells[0]) in RESERVED


def test_a_filter_does_what_its_row_says():
    described = {entry.key: entry.describe for entry in filters.FILTERS}
    for name, what, example, result in rows(page("templates"), "Filters"):
        assert what == described[plain(name)]
        assert re.search(rf"\| {plain(name)}\b", example), name
        rendered = compile_template(plain(example), html=True).render(_values())
        assert rendered.replace("\n", "").strip() == plain(result), name


def test_the_example_of_the_tracking_pixel_is_taken():
    (address,) = re.findall(r'<img src="([^"]+)"', page("tracking"))
    request = parse_pixel(dict(parse_qsl(urlsplit(address).query)), {})
    assert isinstance(request, Request)
    assert read_events(request, Source("page", False), 1_793_610_000.0).rejects == ()


def _list_curls() -> list[tuple[str, str]]:
    return [
        (name, command)
        for name, text in PAGES.items()
        for command in re.findall(r"(?:^    |`)(curl (?:[^`\n])*)", text, re.MULTILINE)
    ]


CURLS = _list_curls()


@pytest.mark.parametrize(("name", "command"), CURLS, ids=[f"{name} {number}" for number, (name, _) in enumerate(CURLS)])
def test_a_curl_goes_to_a_route_that_takes_it(name, command):
    words = shlex.split(command)
    (url,) = [word for word in words if word.startswith("http")]
    body = words[words.index("-d") + 1] if "-d" in words else ""
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    parts = urlsplit(url)
    assert parts.netloc == "localhost:8080"
    if body:
        json.loads(body)
    if parts.path.startswith("/_local"):
        path = parts.path.removeprefix("/_local")
        assert any(re.fullmatch(pattern, path) and known == method for known, pattern, _ in Local(None).table)
    elif parts.path.startswith("/api/"):
        assert "Authorization: Bearer demo-api-key" in words
        patterns = [re.sub("{[^}]+}", "[^/]+", route) for route in _list_api_routes()]
        assert any(re.fullmatch(pattern, f"{method} {parts.path}") for pattern in patterns)
        named = dict(parse_qsl(parts.query)).get("identity")
        assert named is None or parse_identity(named)
    else:
        assert words[words.index("-u") + 1] == "demo-write-key:"
        request = parse_request(parts.path, {"authorization": "Basic ZGVtby13cml0ZS1rZXk6"}, {}, body.encode())
        assert not isinstance(request, Refused)
        accepted = read_events(request, Source("server", True), 1_793_610_000.0)
        assert accepted.events
        assert accepted.rejects == ()


def test_the_readme_says_what_the_first_run_prints_and_sends():
    text = " ".join(PAGES["README.md"].split())
    name = yaml.safe_load((ROOT / "infra/localcloud/settings.yaml").read_text())["name"]
    assert f"`{name} is running at http://localhost:8080`" in text
    assert "\nPORT ?= 8080\n" in (ROOT / "Makefile").read_text()
    mails = [compile_message_template(d) for d in load_definitions().values() if d.get("channel") == "email"]
    subjects = {mail.render({"contact": {"first_name": "Ana"}}).subject for mail in mails}
    named = set(re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", text))
    assert named == {"Welcome aboard, Ana", "How was the first cup?"}
    assert named <= subjects


# ---------------------------------------------------------------- links, proofs, words


def _slug(heading: str) -> str:
    """The anchor that a heading gets where these pages are read."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def _list_links() -> list[tuple[str, str]]:
    pages = {**PAGES, "CHANGELOG.md": (ROOT / "CHANGELOG.md").read_text()}
    return [
        (name, target)
        for name, text in pages.items()
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    ]


def test_every_link_leads_somewhere():
    for name, target in _list_links():
        if re.match(r"[a-z]+:", target):
            continue
        address, _, anchor = target.partition("#")
        path = (ROOT / name).parent / address if address else ROOT / name
        assert path.exists(), f"{name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            assert anchor in {_slug(heading) for heading in headings}, f"{name}: {target}"


def test_every_page_can_be_reached_from_the_readme():
    reached, ahead = set(), ["README.md"]
    links: dict[str, list[str]] = {}
    for name, target in _list_links():
        path = ((ROOT / name).parent / target.partition("#")[0]).resolve()
        if path.suffix == ".md" and path.exists():
            links.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += links.get(name, [])
    assert reached >= set(PAGES)


def test_every_promise_is_proven_by_a_test_that_exists():
    text = page("guarantees")
    promises = re.split(r"^- ", text.partition("## Not promised")[0], flags=re.MULTILINE)[1:]
    assert len(promises) > 20
    for promise in promises:
        proofs = re.findall(r"\[`(\w+)`\]\(([^)]+)\)", promise)
        assert proofs, promise
        for test, address in proofs:
            source = (DOCS / address).read_text()
            assert re.search(rf"^ *def {test}\(", source, re.MULTILINE), f"{address} has no {test}"
            if address.endswith("invariants.py"):
                assert re.search(rf"^        {test},$", source, re.MULTILINE), f"{test} is not asked"


def test_every_invariant_of_the_simulation_is_a_promise():
    (table,) = re.findall(
        r"^INVARIANTS.*?\n}$", (ROOT / "tests/faults/invariants.py").read_text(), re.MULTILINE | re.DOTALL
    )
    invariants = re.findall(r"^        (\w+),$", table, re.MULTILINE)
    assert len(invariants) >= 10
    assert [name for name in invariants if f"[`{name}`]" not in page("guarantees")] == []


def test_the_glossary_is_in_order_and_names_each_word_once():
    words = [cells[0] for cells in rows(page("glossary"), "Glossary")]
    assert words == sorted(set(words))


# What no page may speak of. In two halves, so that this file does not name them either.
FORBIDDEN = [
    r"(?<![\w./])/(?:work|root|tmp)/",
    r"(?<![\w.])/home/" + r"\w",
    r"\.lib" + r"rary\b",
    "py" + r"pi\.org",
    "python" + r"hosted",
    "npm" + r"js\.",
    r"(?i)\bissues? #?\d",
    r"(?i)\bissues " + "show",
    r"(?i)\bthis ses" + r"sion\b",
    r"(?i)\bTO" + r"DO\b",
    r"(?i)\bas an? (?:AI|language model)\b",
]


@pytest.mark.parametrize("name", [*PAGES, "CHANGELOG.md"])
def test_a_page_names_no_place_or_tool_of_its_making(name):
    text = (ROOT / name).read_text()
    assert [found[0] for pattern in FORBIDDEN for found in re.finditer(pattern, text)] == []


@pytest.mark.parametrize("name", [*PAGES, "CHANGELOG.md"])
def test_a_page_begins_with_its_title_and_has_one(name):
    text = re.sub(r"^```.*?^```", "", (ROOT / name).read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert text.startswith("# ")

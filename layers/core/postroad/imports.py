"""Imports: people who come from elsewhere in a table, what of it is taken, and what is not.

An import adds and never takes away. It fills in what is not known yet, it lifts no refusal, it brings back nobody who
was erased, and it makes a yes only where somebody says where, when and to which words these people agreed.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from postroad.consent.rule import ERASED, EVERY_TOPIC, consent_key, in_force, later, stands
from postroad.contacts.contact import Consent, Contact
from postroad.contacts.identities import ADDRESSES, Identity, find_identity, parse_identity
from postroad.deliverability.list_check import Source, check_addresses
from postroad.errors import DefinitionError
from postroad.events import (
    ADDRESS_SUPPRESSED,
    ATTRIBUTE_LIMIT,
    IDENTIFIED,
    SUBSCRIBED,
    UNSUBSCRIBED,
    Event,
    attribute_size,
)
from postroad.instants import parse_instant
from postroad.sending.channels import CHANNELS, address_kind
from postroad.spreadsheets import Row, Spreadsheet, SpreadsheetError, read_spreadsheet

MOST_ROWS = 20_000
# So many lines are told one by one; all are counted.
MOST_TOLD = 100
# So many people are taken at once.
PAGE = 100
RUNNING, DONE = "running", "done"
SOURCE = "import"

# What a column may be, beside an attribute, which is written `text:first_name` or `number:orders`.
LEFT_OUT, EMAIL, PHONE, USER = "-", "email", "phone", "user"
CHANNEL, ADDRESS = "channel", "address"
AGREED, AGREED_ON, LEFT, INACTIVE = "agreed", "agreed_on", "left", "inactive"
TEXT, NUMBER = "text", "number"
TARGETS = {
    LEFT_OUT: "leave it out",
    EMAIL: "e-mail address",
    PHONE: "phone number",
    USER: "user id",
    CHANNEL: "which kind of address the next one is (EMAIL, SMS)",
    ADDRESS: "address of that kind",
    AGREED: "agreed (yes or no)",
    AGREED_ON: "the day on which they agreed",
    LEFT: "unsubscribed from everything (yes or no)",
    INACTIVE: "address that nothing may go to (INACTIVE)",
}

# What columns are called elsewhere; those with dots are of Pinpoint's endpoints.
_KNOWN = {
    "email": EMAIL,
    "e-mail": EMAIL,
    "mail": EMAIL,
    "email_address": EMAIL,
    "e-mail_address": EMAIL,
    "phone": PHONE,
    "phone_number": PHONE,
    "mobile": PHONE,
    "user_id": USER,
    "userid": USER,
    "user.userid": USER,
    "customer_id": USER,
    "channeltype": CHANNEL,
    "optout": LEFT,
    "unsubscribed": LEFT,
    "opted_out": LEFT,
    "endpointstatus": INACTIVE,
    "agreed": AGREED,
    "consent": AGREED,
    "opt_in": AGREED,
    "agreed_on": AGREED_ON,
    "consent_date": AGREED_ON,
    "opt_in_time": AGREED_ON,
    "location.country": "text:country",
    "location.city": "text:city",
    "location.region": "text:region",
    "location.postalcode": "text:postal_code",
    "demographic.timezone": "text:timezone",
    "demographic.locale": "text:locale",
    **dict.fromkeys(("id", "applicationid", "effectivedate", "creationdate", "requestid", "cohortid"), LEFT_OUT),
}
_OF_PINPOINT = {"user.userattributes.": TEXT, "attributes.": TEXT, "metrics.": NUMBER}
# Digits that nobody reckons with.
_CODES = ("zip", "post", "code", "id", "phone", "number")
_YES = frozenset(("yes", "y", "true", "1", "all", "on", "inactive"))
_NO = frozenset(("no", "n", "false", "0", "none", "off", "active"))
_KIND_OF_CHANNEL = {"EMAIL": EMAIL, "SMS": PHONE, "VOICE": PHONE}


class Agreement(NamedTuple):
    """How these people agreed to a topic: where and to which words, on which day unless their line says another."""

    topic: str
    channel: str
    where: str
    text: str
    on: str


class Person(NamedTuple):
    """One line: who it is, as `kind:value`, and what it says. `agreed_on` is a day, "" when they did not agree; `left`
    says that they want nothing any more, `inactive` that nothing may go to their addresses."""

    line: int
    identities: tuple[str, ...]
    attributes: Mapping[str, Any]
    agreed_on: str = ""
    left: bool = False
    inactive: bool = False


class Problem(NamedTuple):
    """Why a line is not taken. The sentences repeat nothing of what stands there."""

    line: int
    sentences: tuple[str, ...]


class People(NamedTuple):
    """What a table comes to."""

    people: tuple[Person, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Import:
    """An import under way, or done. `pages` are those of its people, `taken` how many of them are; `counts` says what
    became of people, by OUTCOMES. Times are epoch seconds."""

    import_id: str
    name: str
    asked_at: float
    asked_by: str
    agreement: Agreement | None
    people: int
    problems: tuple[Problem, ...]
    bad: int
    pages: int
    taken: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    state: str = RUNNING
    finished_at: float | None = None

    def after(self, page: int, counts: Mapping[str, int], now: float) -> "Import":
        """When a page is taken; the last one ends it."""
        added = {key: self.counts.get(key, 0) + counts.get(key, 0) for key in OUTCOMES}
        is_over = page + 1 >= self.pages
        ends = {"state": DONE, "finished_at": now} if is_over else {}
        return replace(self, taken=page + 1, counts=added, **ends)  # type: ignore[arg-type]

    def to_document(self) -> dict[str, Any]:
        agreement = self.agreement._asdict() if self.agreement else None
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "agreement": agreement,
            "problems": [list(each) for each in self.problems],
        }


def begin_of_id(time: float) -> str:
    """How the id of an import begins that was asked for then, so that ids sort by time."""
    return f"{datetime.fromtimestamp(time, UTC):%Y%m%dT%H%M%S}"


def parse_import(document: Mapping[str, Any]) -> Import:
    """The import of a document that `to_document` wrote."""
    said = document["agreement"]
    problems = tuple(Problem(line, tuple(sentences)) for line, sentences in document["problems"])
    return Import(**{**document, "agreement": Agreement(**said) if said else None, "problems": problems})


# ------------------------------------------------------------------------------------------------------------- reading


def read_table(text: str) -> Spreadsheet:
    """The table of a file: CSV, or Pinpoint's endpoints as JSON, one a line. Raises SpreadsheetError."""
    return _read_endpoints(text) if text.lstrip("\ufeff \r\n").startswith("{") else read_spreadsheet(text, MOST_ROWS)


def _read_endpoints(text: str) -> Spreadsheet:
    """Endpoints as a table with the names of Pinpoint's own CSV files."""
    columns: dict[str, int] = {}
    found: list[tuple[int, dict[str, str]]] = []
    for line, written in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not written.strip():
            continue
        if len(found) == MOST_ROWS:
            raise SpreadsheetError(f"There are more than {MOST_ROWS:,} lines. Cut the file into several.")
        try:
            cells = dict(_flatten("", json.loads(written)))
        except (ValueError, RecursionError, AttributeError):
            raise SpreadsheetError(f"Line {line} is no JSON object, as the lines before it are.") from None
        found.append((line, cells))
        columns.update({name: len(columns) for name in cells if name not in columns})
    rows = tuple(Row(line, tuple(cells.get(name, "") for name in columns)) for line, cells in found)
    return Spreadsheet(tuple(columns), rows)


def _flatten(start: str, said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in said.items():
        if isinstance(value, dict):
            yield from _flatten(f"{start}{name}.", value)
        elif isinstance(value, list):
            yield f"{start}{name}", "; ".join(map(str, value))
        elif value is not None:
            yield f"{start}{name}", f"{value:g}" if isinstance(value, float) else str(value)


def guess_targets(sheet: Spreadsheet) -> tuple[str, ...]:
    """What each column seems to be, by its name; an attribute is a number where nothing else stands."""
    names = ["_".join(name.casefold().split()) for name in sheet.columns]
    found = []
    for at, (written, name) in enumerate(zip(sheet.columns, names, strict=True)):
        start = next((each for each in _OF_PINPOINT if name.startswith(each)), None)
        if name == ADDRESS and "channeltype" in names:
            found.append(ADDRESS)
        elif name in _KNOWN:
            found.append(_KNOWN[name])
        elif start:
            found.append(f"{_OF_PINPOINT[start]}:{written[len(start) :][:100]}")
        elif not name or name.startswith("demographic."):
            found.append(LEFT_OUT)
        else:
            is_code = any(word in name for word in _CODES)
            found.append(f"{TEXT if is_code or not _are_numbers(sheet, at) else NUMBER}:{name[:100]}")
    return tuple(found)


def _are_numbers(sheet: Spreadsheet, at: int) -> bool:
    cells = [row.cells[at] for row in sheet.rows if at < len(row.cells) and row.cells[at]]
    return bool(cells) and all(_find_number(cell) is not None for cell in cells)


def _find_number(cell: str) -> float | int | None:
    """A number that is written as one; what begins with a nought is none, but a code."""
    plain = cell.removeprefix("-")
    if not plain.replace(".", "", 1).isdigit() or not plain.isascii() or len(plain) > 15:
        return None
    if plain[0] == "0" and plain not in ("0",) and not plain.startswith("0."):
        return None
    return int(cell) if plain.isdigit() else float(cell)


def check_targets(sheet: Spreadsheet, targets: Sequence[str]) -> None:
    """Raises DefinitionError when the columns cannot be these."""
    mistakes = []
    if len(targets) != len(sheet.columns):
        mistakes.append(("columns", f"must be as many as the table has columns: {len(sheet.columns)}"))
    for number, target in enumerate(targets):
        kind, _, name = target.partition(":")
        if target not in TARGETS and not (kind in (TEXT, NUMBER) and 0 < len(name) <= 200 and name.isprintable()):
            mistakes.append((f"columns[{number}]", "must be a way to take a column, or text:name, or number:name"))
    if not {EMAIL, PHONE, USER, ADDRESS} & set(targets):
        mistakes.append(
            ("columns", "must have an e-mail address, a phone number or a user id, by which people are known")
        )
    if mistakes:
        raise DefinitionError(*mistakes)


def check_agreement(said: Mapping[str, str], topics: Collection[str], today: str) -> Agreement | None:
    """The agreement of a form's fields; None when no topic is named. Raises DefinitionError."""
    if not said.get("topic"):
        return None
    agreement = Agreement(**{name: said.get(name, "").strip() for name in Agreement._fields})
    mistakes = []
    if agreement.topic not in topics:
        mistakes.append(("topic", "must be a topic of the policy"))
    if agreement.channel not in CHANNELS or address_kind(agreement.channel) not in ADDRESSES:
        mistakes.append(("channel", "must be email or sms"))
    for name, longest, sentence in (
        ("where", 200, "say where they agreed, such as the form on our site"),
        ("text", 1_000, "say the words that they agreed to"),
    ):
        if not 0 < len(getattr(agreement, name)) <= longest:
            mistakes.append((name, f"{sentence}, in at most {longest:,} characters"))
    if _find_day(agreement.on, today) is None:
        mistakes.append(("on", "say the day on which they agreed, such as 2024-05-31; it cannot be one to come"))
    if mistakes:
        raise DefinitionError(*mistakes)
    return agreement


def _find_day(text: str, today: str) -> str | None:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return day.isoformat() if "1990-01-01" <= day.isoformat() <= today else None


def read_people(sheet: Spreadsheet, targets: Sequence[str], agreement: Agreement | None, today: str) -> People:
    """The people of a table whose columns are these. A good line is taken, a bad one told."""
    people: list[Person] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for row in sheet.rows:
        given: dict[str, list[str]] = {}
        for target, cell in zip(targets, row.cells, strict=False):
            if target != LEFT_OUT and cell:
                given.setdefault(target, []).append(cell)
        if AGREED in targets:  # an empty cell is no yes
            given.setdefault(AGREED, ["no"])
        person = _read_person(row.line, given, agreement, today)
        if isinstance(person, Problem):
            problems.append(person)
            continue
        twin = next((seen[each] for each in person.identities if each in seen), None)
        if twin is not None:
            problems.append(Problem(row.line, (f"{_TWIN} {twin}",)))
        else:
            people.append(person)
            seen.update({each: row.line for each in person.identities if not each.startswith(f"{USER}:")})
    return People(tuple(people), tuple(problems))


def _read_person(
    line: int, given: Mapping[str, list[str]], agreement: Agreement | None, today: str
) -> Person | Problem:
    mistakes: list[str] = []
    identities: list[Identity] = []
    for target in (USER, EMAIL, PHONE, ADDRESS):
        kind = target if target != ADDRESS else _KIND_OF_CHANNEL.get(given.get(CHANNEL, [""])[0].upper(), "")
        for cell in given.get(target, ())[:1]:
            found = find_identity(kind, cell) if kind else None
            if found:
                identities.append(found)
            elif not kind:
                mistakes.append("its kind of address is none of EMAIL, SMS and VOICE")
            else:
                mistakes.append(_NO_IDENTITY[kind])
    if not identities and not mistakes:
        mistakes.append("names nobody")
    flags = {}
    for target in (AGREED, LEFT, INACTIVE):
        cell = given.get(target, [""])[0].casefold()
        if cell and cell not in _YES | _NO:
            mistakes.append(f"{TARGETS[target]}: must be yes or no")
        flags[target] = cell in _YES
    day = agreement.on if agreement else ""
    if agreement and AGREED_ON in given:
        day = _find_day(given[AGREED_ON][0], today) or ""
        if not day:
            mistakes.append("the day on which they agreed must be one such as 2024-05-31, and not to come")
    attributes: dict[str, Any] = {}
    for target, cells in given.items():
        kind, _, name = target.partition(":")
        if kind == NUMBER and name:
            number = _find_number(cells[0])
            attributes[name] = number
            if number is None:
                mistakes.append(f"{name} must be a number")
        elif kind == TEXT and name:
            attributes[name] = cells[0] if len(cells) == 1 else cells
        if name and attribute_size(attributes.get(name)) > ATTRIBUTE_LIMIT:
            mistakes.append(f"{name} is longer than {ATTRIBUTE_LIMIT:,} bytes")
    if mistakes:
        return Problem(line, tuple(mistakes))
    said_no = AGREED in given and not flags[AGREED]
    agreed_on = "" if said_no or flags[LEFT] else day
    return Person(line, tuple(map(str, identities)), attributes, agreed_on, flags[LEFT], flags[INACTIVE])


_TWIN = "has an address of line"
_NO_IDENTITY = {
    EMAIL: "the address is no e-mail address",
    PHONE: "the phone number needs its country, such as +351 912 345 678",
    USER: "the user id can name nobody",
}


def find_obstacles(found: People, agreement: Agreement | None) -> tuple[str, ...]:
    """Why a list is not taken at all: too much of it looks bought, neglected or mistyped."""
    emails = [text.partition(":")[2] for person in found.people for text in person.identities if text.startswith(EMAIL)]
    bad = sum(_NO_IDENTITY[EMAIL] in problem.sentences for problem in found.problems)
    twins = sum(_TWIN in sentence for problem in found.problems for sentence in problem.sentences)
    if not emails and not bad:
        return () if found.people else ("There is nobody in it who can be taken.",)
    said = agreement.where if agreement else "nobody is said to have agreed"
    report = check_addresses([*emails, *([""] * bad), *(emails[:1] * twins)], Source(said))
    return report.obstacles


# -------------------------------------------------------------------------------------------------------------- taking

# What becomes of people, and how it is said of a number of them.
OUTCOMES = {
    "added": "were not known before",
    "known": "were known already; what was not known of them was added",
    "agreed": "have agreed now",
    "refused": "had said no before, so their yes does not count",
    "left": "want nothing any more",
    "suppressed": "have an address that nothing may go to",
    "erased": "were erased and stay so",
}


class Stood(NamedTuple):
    """What was said by an address before: why it is suppressed, and the answers by their topics."""

    suppression: str | None
    consents: Mapping[str, Consent]


class Answer(NamedTuple):
    """A yes or no to be written, with its proof."""

    address: str
    topic: str
    granted: bool
    time: float
    evidence: Mapping[str, str]


class Settled(NamedTuple):
    """What one person of an import comes to: what is written first, what contacts hear then, and what is counted."""

    answers: tuple[Answer, ...] = ()
    suppressed: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    outcomes: tuple[str, ...] = ()


def topics_of(agreement: Agreement | None) -> tuple[str, ...]:
    """The topics about which must be known what was said before."""
    return (EVERY_TOPIC, agreement.topic) if agreement else (EVERY_TOPIC,)


def settle(
    person: Person, job: Import, known: Contact | None, answers: Mapping[str, Stood], *, was_erased: bool
) -> Settled:
    """What is done about a person, given who has their identities now, and what was said by their addresses.

    The same arguments give the same events and proofs, so a page that is taken once more changes nothing.
    """
    if was_erased or any(each.suppression == ERASED for each in answers.values()):
        return Settled(outcomes=("erased",))
    identities = tuple(parse_identity(each) for each in person.identities)
    addresses = [each for each in identities if each.kind in ADDRESSES]
    learned = {
        name: value
        for name, value in person.attributes.items()
        if not (known and (attribute := known.attributes.get(name)) and attribute.confirmed)
    }

    def event(suffix: str, name: str, time: float, **properties: Any) -> Event:
        return Event(
            event_id=f"{job.import_id}-{person.line}{suffix}",
            name=name,
            time=time,
            key_time=job.asked_at,
            identities=identities,
            trusted=True,
            source=SOURCE,
            attributes=learned if name == IDENTIFIED else {},
            properties={**properties, "import": job.import_id},
        )

    evidence = {"by": SOURCE, "import": job.import_id, "list": job.name, "source": job.asked_by}
    events, said, outcomes = [event("", IDENTIFIED, job.asked_at)], [], ["known" if known else "added"]
    suppressed: tuple[str, ...] = ()
    if person.left:
        outcomes.append("left")
        for address in addresses:
            channel = _channel_of(address)
            said.append(Answer(str(address), EVERY_TOPIC, False, job.asked_at, evidence))
            events.append(event(f"-no-{channel}", UNSUBSCRIBED, job.asked_at, topic=EVERY_TOPIC, channel=channel))
    if person.inactive and addresses:
        suppressed = tuple(map(str, addresses))
        outcomes.append("suppressed")
        events.append(event("-gone", ADDRESS_SUPPRESSED, job.asked_at, addresses=list(suppressed), reason=SOURCE))
    elif any(each.suppression for each in answers.values()):
        outcomes.append("suppressed")
    agreement, now, copies = job.agreement, job.asked_at, known.consents if known else {}
    agreed = [each for each in addresses if agreement and each.kind == address_kind(agreement.channel)]
    if agreement and person.agreed_on and agreed:
        time = parse_instant(f"{person.agreed_on}T00:00:00Z")
        proof = {**evidence, "where": agreement.where, "text": agreement.text, "on": person.agreed_on}
        address = agreed[0]
        every, topic = (
            in_force(
                later(answers[str(address)].consents.get(each), copies.get(consent_key(agreement.channel, each))), now
            )
            for each in topics_of(agreement)
        )
        if stands(topic, every, assumed=True):
            said.append(Answer(str(address), agreement.topic, True, time, proof))
            events.append(event("-yes", SUBSCRIBED, time, topic=agreement.topic, channel=agreement.channel))
            outcomes.append("agreed")
        else:
            outcomes.append("refused")
    return Settled(tuple(said), suppressed, tuple(events), tuple(outcomes))


def _channel_of(address: Identity) -> str:
    return next(each.key for each in CHANNELS.values() if each.address_kind == address.kind)

"""Forms: what a visitor fills in, on our page or on any site's, becomes an event and a contact.

Whoever fills in a form may type anything, also somebody else's address. So what is typed is the person's unconfirmed
word, and a tick in a box of consent counts where the address has not refused (see the use case `submit_form`).

A field's type is one entry in FIELD_TYPES.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from postroad.contacts.identities import Identity, find_identity
from postroad.content.brand import contrast
from postroad.content.links import target_is_safe
from postroad.documents import Reader, read_head, refuse_twins
from postroad.events import CONSENT_REQUESTED, FORM_SUBMITTED, RESERVED, SUBSCRIBED, Event
from postroad.sending.channels import ANSWERED, USUAL, address_kind, full_address

KIND = "form"
MOST_FIELDS = 30
LONGEST_ANSWER, LONGEST_TEXT = 250, 2_000
# Nobody reads and fills in a form faster than this; a page left open longer than this has to be shown again.
FASTEST, SLOWEST = 2.0, 86_400.0
# A field that people do not see and robots fill in. It needs a name that they like.
TRAP = "homepage"
# What a form carries beside its fields; no field can have such a name.
SEAL, BACK, VISITOR = "_seal", "_back", "_anonymous_id"


# -------------------------------------------------------------------------------------------------------- definition


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is asked. `options` are what a choice offers."""

    id: str
    type: str
    label: str
    hint: str
    required: bool
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConsentBox:
    """A box to tick: `text` is the sentence that a person agrees to, for a topic on a channel."""

    topic: str
    channel: str
    text: str
    required: bool

    @property
    def version(self) -> str:
        """Eight characters that change with the text: what is ticked says which text was read."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        """The name of its input."""
        return f"consent.{self.topic}" if self.channel == USUAL else f"consent.{self.channel}.{self.topic}"


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it was published. `sites` are the hosts whose pages may hold it, and to which it may lead back.

    `confirms` says that its consents count once a mail was confirmed.
    """

    id: str
    name: str
    description: str
    version: int
    title: str
    text: str
    fields: tuple[Field, ...]
    consents: tuple[ConsentBox, ...]
    button: str
    success_title: str
    success_text: str
    event: str
    sites: tuple[str, ...]
    redirect: str | None
    privacy: str | None
    color: str
    confirms: bool = False

    @property
    def topics(self) -> tuple[str, ...]:
        """What it asks consent to."""
        return tuple(sorted({box.topic for box in self.consents}))

    def describe(self) -> tuple[str, ...]:
        asked = ", ".join(f"{field.label}{' (required)' if field.required else ''}" for field in self.fields)
        boxes = (f"asks for consent to {box.topic}: {box.text}" for box in self.consents)
        return (f"asks for {asked}", *boxes, f"becomes the event {self.event}")

    def find_way_back(self, wanted: str, our_hosts: Collection[str]) -> str | None:
        """Where to lead somebody after the form: as the post says or the form does, if that is an allowed place."""
        for url in (wanted, self.redirect or ""):
            if url and target_is_safe(url) and self.is_site(url, our_hosts):
                return url
        return None

    def is_site(self, url: str, our_hosts: Collection[str]) -> bool:
        """Whether an address, or an Origin header, belongs to one of the form's sites or is our own."""
        try:
            host = urlsplit(url).netloc.lower()
        except ValueError:  # such as "http://["
            return False
        return bool(host) and host in (*our_hosts, *self.sites)


_ID_OF_TYPE = {"email": "email", "phone": "phone"}
_FORBIDDEN_IDS = frozenset((TRAP, "consent", "consents"))
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?")
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


def parse_form(document: object, *, version: int = 0) -> Form:
    """The form of a document. Raises DefinitionError with all its mistakes."""
    reader = Reader(document)
    head = read_head(reader, KIND)
    fields = _read_fields(reader)
    consents = _read_consents(reader, fields)
    success = reader.find_child("success")
    no_sites: tuple[str, ...] = ()
    form = Form(
        *head,
        version=version,
        title=reader.text("title", head.name),
        text=reader.text("text", "", longest=2_000),
        fields=fields,
        consents=consents,
        button=reader.text("button", "Send", longest=60),
        success_title=success.text("title", "Thank you") if success else "Thank you",
        success_text=success.text("text", "", longest=2_000) if success else "",
        event=reader.read("event", _parse_event, FORM_SUBMITTED, FORM_SUBMITTED),
        sites=reader.read("sites", _parse_sites, no_sites, no_sites),
        redirect=reader.read("redirect", _parse_url, None, None),
        privacy=reader.read("privacy", _parse_url, None, None),
        color=reader.read("color", _parse_color, "", "#1f5fbf"),
        confirms=reader.flag("confirm", False),
    )
    if form.redirect and not form.is_site(form.redirect, ()):
        reader.mistake("its host is none of the form's sites; add it there", "redirect")
    reader.finish()
    return form


def _read_fields(reader: Reader) -> tuple[Field, ...]:
    fields = []
    no_options: tuple[str, ...] = ()
    children = reader.children("fields", most=MOST_FIELDS)
    refuse_twins(children)
    for child in children:
        field_id, kind = child.id("id"), child.choice("type", FIELD_TYPES, "text")
        options = child.read("options", _parse_options, no_options, no_options)
        field = Field(
            id=field_id,
            type=kind,
            label=child.text("label", field_id or "?", longest=200),
            hint=child.text("hint", "", longest=300),
            required=child.flag("required", False),
            options=options,
        )
        expected = _ID_OF_TYPE.get(kind)
        if expected and field_id and field_id != expected:
            child.mistake(
                f"a field of the type {kind} has the id {expected}: that is what the attribute is called", "id"
            )
        if field_id in {*_ID_OF_TYPE.values()} and kind not in _ID_OF_TYPE:
            child.mistake(f"a field with the id {field_id} is of the type {field_id}", "type")
        if field_id in _FORBIDDEN_IDS:
            child.mistake(f"'{field_id}' means something else in a form; choose another id", "id")
        if (kind == "choice") != bool(options):
            child.mistake("a choice offers options, and nothing else has any", "options")
        fields.append(field)
    if children and not any(field.type in _ID_OF_TYPE and field.required for field in fields):
        reader.mistake("must have an email or a phone field that is required: who answers must be known", "fields")
    return tuple(fields)


def _read_consents(reader: Reader, fields: Iterable[Field]) -> tuple[ConsentBox, ...]:
    asked = {field.type for field in fields}
    boxes: list[ConsentBox] = []
    for child in reader.children("consents", least=0, most=10):
        channel = child.choice("channel", ANSWERED, USUAL)
        box = ConsentBox(child.id("topic"), channel, child.text("text", longest=1_000), child.flag("required", False))
        if address_kind(channel) not in asked:
            child.mistake(f"consent to {channel} needs a field of the type {address_kind(channel)}", "channel")
        if box.name in [other.name for other in boxes]:
            child.mistake("is asked twice", "topic")
        boxes.append(box)
    return tuple(boxes)


def _parse_event(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip() or len(raw) > 200 or not raw.isprintable():
        raise ValueError("must be the name of an event, in the past tense, such as 'Form Submitted'")
    if raw in RESERVED:
        raise ValueError(f"only Postroad itself says {raw!r}; choose another name")
    return raw.strip()


def _parse_sites(raw: object) -> tuple[str, ...]:
    hosts = raw if isinstance(raw, list | tuple) else (raw,)
    if len(hosts) > 50:
        raise ValueError("must be a list of at most 50 hosts")
    for host in hosts:
        if not isinstance(host, str) or not _HOST.fullmatch(host.lower()):
            raise ValueError(f"{str(host)[:60]!r} is no host; write it as in an address, such as www.example.com")
    return tuple(host.lower() for host in hosts)


def _parse_url(raw: object) -> str:
    if not isinstance(raw, str) or not target_is_safe(raw):
        raise ValueError("must be an address such as https://www.example.com/thanks")
    return raw


def _parse_options(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list | tuple) or not 2 <= len(raw) <= 50:
        raise ValueError("must be a list of 2 to 50 texts")
    if not all(isinstance(option, str) and option.strip() and len(option) <= 100 for option in raw):
        raise ValueError("must be texts of at most 100 characters")
    if len(set(raw)) < len(raw):
        raise ValueError("has an option twice")
    return tuple(option.strip() for option in raw)


def _parse_color(raw: object) -> str:
    if not isinstance(raw, str) or not _COLOR.fullmatch(raw):
        raise ValueError("must be a color such as '#1f3b4d', in quotes")
    if contrast(raw, "#ffffff") < 4.5:
        raise ValueError("is too light for white letters on it; take a darker one")
    return raw.lower()


# -------------------------------------------------------------------------------------------------------- submission


class Given(NamedTuple):
    """A consent that was ticked: for a topic on a channel, to be written to at `address` ("email:…")."""

    topic: str
    channel: str
    address: str
    text: str
    version: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody said: `attributes` become the contact's, `answers` are what the event says of it."""

    identities: tuple[Identity, ...]
    attributes: Mapping[str, Any]
    answers: Mapping[str, Any]
    consents: tuple[Given, ...]


class Mistakes(NamedTuple):
    """What has to be mended, by the name of the input, as sentences for whoever fills in the form."""

    by_input: Mapping[str, str]


def read_submission(form: Form, values: Mapping[str, str]) -> Submission | Mistakes:
    """What the inputs of a form say. Inputs that the form does not have are left out."""
    mistakes: dict[str, str] = {}
    attributes: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    for field in form.fields:
        raw = values.get(field.id, "").strip()
        kind = FIELD_TYPES[field.type]
        if not raw:
            if field.required:
                mistakes[field.id] = kind.missing
            continue
        try:
            value = kind.parse(raw, field)
        except ValueError as error:
            mistakes[field.id] = str(error)
            continue
        if kind.stays:
            attributes[field.id] = value
        if field.type not in _ID_OF_TYPE:
            answers[field.id] = value
    found = [find_identity(kind, attributes.get(kind)) for kind in _ID_OF_TYPE]
    found.append(find_identity("anon", values.get(VISITOR)))
    consents = []
    for box in form.consents:
        given = values.get(box.name, "").strip()
        address = attributes.get(address_kind(box.channel))
        if given and given != box.version:
            mistakes[box.name] = "This text has changed. Please read it again, and tick it if you agree."
        elif given and address is None:
            mistakes.setdefault(address_kind(box.channel), "To agree to this, say where we may write to.")
        elif given:
            consents.append(
                Given(box.topic, box.channel, full_address(box.channel, address or ""), box.text, box.version)
            )
        elif box.required:
            mistakes[box.name] = "Please tick this box: we can only go on if you agree."
    if mistakes:
        return Mistakes(mistakes)
    return Submission(tuple(identity for identity in found if identity), attributes, answers, tuple(consents))


def events_of(
    form: Form,
    submission: Submission,
    *,
    submission_id: str,
    key_time: float,
    now: float,
    page: str,
    refused: Iterable[Given],
    pending: Collection[Given] = (),
    is_asked: bool = True,
) -> tuple[Event, ...]:
    """The events that a submission becomes: the consents first, so that what the form starts may be sent.

    `refused` are the consents that do not count, because the address has refused, `pending` those that count once they
    are confirmed, for which a mail asks if `is_asked`.
    """
    stands_refused = frozenset(refused)

    def event(suffix: str, name: str, properties: Mapping[str, Any]) -> Event:
        return Event(
            event_id=submission_id + suffix,
            name=name,
            time=now,
            key_time=key_time,
            identities=submission.identities,
            source=f"{KIND}/{form.id}",
            attributes=submission.attributes,
            properties=properties,
            context={"page": {"url": page[:1_000]}} if page else {},
        )

    subscribed = [
        event(
            f"-{given.channel}-{given.topic}",
            SUBSCRIBED,
            {"topic": given.topic, "channel": given.channel, "form": form.id, "text_version": given.version},
        )
        for given in submission.consents
        if given not in stands_refused and given not in pending
    ]
    if pending and is_asked:
        topics = [given.topic for given in submission.consents if given in pending]
        said = {"topics": topics, "channel": USUAL, "form": form.id}
        subscribed.append(event("-confirm", CONSENT_REQUESTED, said))
    consents = [
        {
            "topic": given.topic,
            "channel": given.channel,
            "text_version": given.version,
            **({"kept": "an earlier refusal"} if given in stands_refused else {}),
            **({"pending": True} if given in pending else {}),
        }
        for given in submission.consents
    ]
    answers = {**submission.answers, "form": form.id, "form_name": form.name, "form_version": form.version}
    return (*subscribed, event("", form.event, {**answers, **({"consents": consents} if consents else {})}))


# -------------------------------------------------------------------------------------------------------- field types


class FieldType(NamedTuple):
    """One type of field: how an answer is read (ValueError with a sentence), how it is asked for, and whether it stays
    with the contact as an attribute."""

    parse: Callable[[str, Field], Any]
    missing: str
    input: str
    stays: bool = True


def _line(raw: str, field: Field) -> str:
    text = " ".join(raw.split())
    if len(text) > LONGEST_ANSWER:
        raise ValueError(f"Write at most {LONGEST_ANSWER} characters; these are {len(text)}.")
    return _plain(text)


def _long_text(raw: str, field: Field) -> str:
    text = raw.replace("\r\n", "\n")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"Write at most {LONGEST_TEXT:,} characters; these are {len(text):,}.")
    return "\n".join(_plain(line) for line in text.split("\n"))


def _plain(text: str) -> str:
    """Text without control characters and halves of surrogate pairs, which nobody types."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\t\u200d")


def _address(raw: str, field: Field) -> str:
    found = find_identity("email", raw)
    if found is None:
        raise ValueError("This is no e-mail address. Write it like ana@example.com.")
    return found.value


def _phone(raw: str, field: Field) -> str:
    found = find_identity("phone", raw)
    if found is None:
        raise ValueError("Write the number with its country, like +351 912 345 678.")
    return found.value


def _number(raw: str, field: Field) -> float | int:
    try:
        number = float(raw.replace(",", ".") if raw.count(",") == 1 and "." not in raw else raw)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or abs(number) > 1e15 or "_" in raw:
        raise ValueError("Write a number, in digits.")
    return int(number) if number == int(number) else number


def _date(raw: str, field: Field) -> str:
    try:
        return date.fromisoformat(raw).isoformat()
    except ValueError:
        raise ValueError("Write a date as year, month and day, like 2026-11-23.") from None


def _choice(raw: str, field: Field) -> str:
    if raw not in field.options:
        raise ValueError("Choose one of the answers offered.")
    return raw


_YES = frozenset(("yes", "on", "true", "1"))
_NO = frozenset(("no", "off", "false", "0"))


def _tick(raw: str, field: Field) -> bool:
    if raw.lower() not in _YES | _NO:
        raise ValueError("Tick the box, or leave it.")
    if field.required and raw.lower() in _NO:
        raise ValueError("Please tick this box.")
    return raw.lower() in _YES


FIELD_TYPES: Mapping[str, FieldType] = {
    "text": FieldType(_line, "Please fill this in.", "text"),
    "long_text": FieldType(_long_text, "Please write something here.", "textarea", stays=False),
    "email": FieldType(_address, "Write your e-mail address, like ana@example.com.", "email"),
    "phone": FieldType(_phone, "Write your phone number with its country, like +351 912 345 678.", "tel"),
    "number": FieldType(_number, "Write a number, in digits.", "number"),
    "date": FieldType(_date, "Choose a date.", "date"),
    "choice": FieldType(_choice, "Choose one of these.", "select"),
    "tick": FieldType(_tick, "Please tick this box.", "checkbox"),
}

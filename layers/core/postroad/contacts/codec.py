"""How contacts and timeline rows are stored: compact JSON, deflated with a preset dictionary.

A write costs by the kilobyte and a read by four, so the size of these bodies decides the bill. The first byte says the
format: which dictionary, and how the JSON is laid out. Formats are only ever added, so whatever was stored can be
read. Dictionaries must never change; a better one is a new format.

Inside a body, times are whole milliseconds counted from when the contact was created (in a row: from the time in its
key), because short numbers compress well; keys are one letter; what is empty is left out. Fields that later code adds
go to the top level of a contact's document: code that does not know them keeps them in `Contact.extra`.
"""

import json
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from postroad.commits import Row
from postroad.contacts.contact import (
    Attribute,
    Candidate,
    Consent,
    Contact,
    Enrollment,
    Exposure,
    Handed,
    Passage,
    Persona,
    Points,
    Seat,
    Spent,
    Stage,
    journey_of,
)
from postroad.contacts.engagement import Sent
from postroad.contacts.fetches import Fetch
from postroad.contacts.identities import Identity
from postroad.contacts.ring import Ring
from postroad.decisions import Decision
from postroad.errors import PostroadError
from postroad.events import Event
from postroad.instants import parse_instant

# What bodies are likely to hold, the likeliest last (RFC 1951 counts distances from the end). Never change one.
_CONTACT_DICTIONARY_1 = (
    b'"timezone":["Europe/London","America/New_York","Europe/Berlin","Europe/Madrid","Europe/Paris",'
    b'"company":["industry":["title":["role":["phone":["gender":["birthday":["address":["city":["state":["postal_code":['
    b'"website":["employees":["source":["utm_source":["utm_campaign":["utm_medium":["google","newsletter","facebook",'
    b'"enterprise","starter","developer","marketing","manager","engineer","female","male","trial","free","pro",'
    b'"subscriber","lead","mql","sql","opportunity","customer","evangelist","lifecycle","stages/lifecycle":'
    b'"segment/active-","segment/new-","segment/vip":"segment/customers":"segment/engaged":"active":"newsletter":'
    b'"offers":"product":"news":"engagement":{"fit":{"interest":{"welcome":"onboarding":"abandoned-cart":"nurture":'
    b'"first-purchase":"reminder":["opened","clicked"]"sent","delivered","bounced","completed"]"exited"]"failed"]'
    b'"goal""grace":1"morning":1"order":1"look":1"wait":1"welcome":["opened"]"reminder":1'
    b'"user:"phone:+1"phone:+33"phone:+34"phone:+44"anon:"email:@outlook.com":@yahoo.com":@hotmail.com":@gmail.com":'
    b'"language":["en","locale":["en-US","country":["US",["FR",["DE",["ES",["GB","plan":["last_name":["name":["email":['
    b'"first_name":[",1],"@example.com",true,1],false,1],null,0],"i":{"anon:","a":{"email":["f":["d":["x":{"o":{"'
    b'"s":{"engagement":{"t":["customer",0],"e":{"u":{"segment/"p":{"m":{":[1,17:[2,17:[3,1793.0,179.0],"'
    b'"w":0,"n":{"m":{"d":8640000,"s":"v":1,"e":0,"k":"2026-11-2027-0T00:00:00.000Z#","i":"'
    b'{"b":1,"n":1,"i":{"email:","r":[null,null,"l":0'
)
_ROW_DICTIONARY_1 = (
    b'"utm_source":"utm_medium":"utm_campaign":"newsletter""google""facebook""email""cpc""organic"'
    b'"shipping":"tax":"discount":"coupon":"revenue":"affiliation":"order_id":"checkout_id":"cart_id":"payment_method":'
    b'"brand":"variant":"category":"image_url":"position":1,"quantity":1,"price":9.99,"sku":"product_id":"name":"'
    b'"products":[{"product_id":"currency":"USD""EUR""total":"value":"subtotal":"query":"list_id":'
    b'"Order Completed","Product Added","Product Viewed","Product List Viewed","Cart Viewed","Checkout Started",'
    b'"Products Searched","Signed Up","Trial Started","Account Created","Form Submitted","Segment Entered",'
    b'"Segment Left","Stage Changed","Attributes Updated","Journey Started","Journey Ended","Message Skipped",'
    b'"Message Failed","Email Bounced","Email Marked as Spam","Unsubscribed","Subscribed","SMS Replied","Wake",'
    b'"Email Opened","Email Link Clicked","Identified","Page Viewed",'
    b'"enrollment_id":"journey":"message_id":"step":"template":"link":"bot":false"address":"reason":"topic":"state":'
    b'"segment":"stage":"before":null"completed""exited""goal"'
    b'"timezone":"Europe/"America/"country":"US""plan":"first_name":"last_name":"email":"@example.com"@gmail.com"'
    b'"user_agent":"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) '
    b'Version/18.0 Mobile/15E148 Safari/604.1"'
    b'"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)(Macintosh; Intel Mac OS X 10_15_7)(X11; Linux x86_64)'
    b'(Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36 Edg/"'
    b'"locale":"en-US","referrer":"https://www.google.com/","search":"?utm_source=","title":"","url":"https://www.'
    b'.com/pricing/products/cart/checkout","path":"/","page":{"campaign":{"medium":"source":"name":"'
    b'["identity","","kept apart","an identity of this event belongs to another contact"]'
    b'["contact","no longer: "it could not be evaluated ("its rule holds"and made at least within days is'
    b" is at least 50 before after not the contact unsubscribed from the address is suppressed: "
    b'"started","","ended","completed","goal","entered","","left","wait","yes","no","opened 2026-11-0'
    b'["segment/["stages/lifecycle","","stage ["journey/@1","step","queued","email with "'
    b'"d":[["journey/welcome@1","","segment/"e":[{"n":"Segment Entered","c":1,"T":1,"P":{"segment":"vip","name":"'
    b'"x":{"page":{"path":"/","P":{"a":{"i":[["user","["email","["anon","],"T":1,"s":"{"n":"'
)
_CONTACT_DICTIONARIES = {1: _CONTACT_DICTIONARY_1}
_ROW_DICTIONARIES = {1: _ROW_DICTIONARY_1}
_CONTACT_FORMAT = max(_CONTACT_DICTIONARIES)
_ROW_FORMAT = max(_ROW_DICTIONARIES)

# Raw deflate: the table checks its own bytes. A window of 8 KB holds a dictionary and most bodies, and is quickly made.
_WINDOW = -13

_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class FormatError(PostroadError):
    """A stored body is in a format that this version of the code does not know."""


def stored_due(at: float) -> float:
    """An instant to come, and the wake armed for it, as they are stored: in whole milliseconds, never before it."""
    rounded = round(at, 3)
    return rounded if rounded >= at else round(rounded + 0.001, 3)


def encode_contact(contact: Contact) -> bytes:
    """The body of a contact's item; contact_id, version, created_at and wake_at are attributes of the item itself."""
    base = round(contact.created_at * 1000)

    def ms(time: float) -> int:
        return round(time * 1000) - base

    c = contact
    document: dict[str, Any] = {
        "b": c.revision,
        "n": c.events_folded,
        "i": {text: ms(since) for text, since in c.identities.items()},
        "c": sorted(c.claims),
        "a": {
            name: [word.value, ms(word.time), 1] if word.confirmed else [word.value, ms(word.time)]
            for name, word in c.attributes.items()
        },
        "o": {topic: _consent_document(consent, ms) for topic, consent in c.consents.items()},
        "x": c.suppressions,
        "m": c.behaviour,
        "s": {
            sheet: {rule: _points_document(points, ms) for rule, points in held.items()}
            for sheet, held in c.scores.items()
        },
        "t": c.stage and _stage_document(c.stage, ms),
        "h": [_stage_document(stage, ms) for stage in c.stages_before],
        "g": c.persona and [c.persona.name, ms(c.persona.since), c.persona.confidence],
        "k": c.handed and [c.handed.to, ms(c.handed.since)],
        "e": {segment: ms(since) for segment, since in c.segments.items()},
        "u": {key: ms(stored_due(at)) for key, at in c.turns.items()},
        "j": {journey: _enrollment_document(enrollment, ms) for journey, enrollment in c.active.items()},
        "p": {
            journey: [
                p.times,
                ms(p.last_entered),
                None if p.last_ended is None else ms(p.last_ended),
                p.last_state,
                *([p.last_enrollment] if p.last_enrollment else []),
            ]
            for journey, p in c.passages.items()
        },
        "y": _budget_document(c, base, ms),
        "z": {channel: _sents_document(sents, base) for channel, sents in c.engagement.items()},
        "q": {account_id: _seat_document(seat, ms) for account_id, seat in c.accounts.items()},
        "v": [[ms(fetch.time), *fetch[1:]] for fetch in c.fetches],
        "W": c.frequency,
        "f": c.merged_from,
        "d": c.dropped,
        "r": _ring_document(c.ring, base, ms),
    }
    document = {key: value for key, value in document.items() if value}
    if c.last_seen:
        document["l"] = ms(c.last_seen)
    if c.last_sign != c.last_seen:
        document["w"] = ms(c.last_sign) if c.last_sign else None
    if c.erased_at is not None:
        document["E"] = ms(c.erased_at)
    document.update(c.extra)
    return _pack(document, _CONTACT_FORMAT, _CONTACT_DICTIONARIES)


def decode_contact(contact_id: str, version: int, body: bytes, *, created_at: float, wake_at: float | None) -> Contact:
    """The contact of an item. Raises FormatError for a body that later code wrote in a format of its own."""
    base = round(created_at * 1000)

    def time(ms: int) -> float:
        return (base + ms) / 1000

    document = _unpack(body, _CONTACT_DICTIONARIES)
    take = document.pop
    stage, persona, handed = take("t", None), take("g", None), take("k", None)
    last_seen = time(take("l")) if "l" in document else 0.0
    # Most of what happens is the person's doing: then one time says both.
    last_sign = last_seen if "w" not in document else 0.0 if (sign := take("w")) is None else time(sign)
    return Contact(
        contact_id=contact_id,
        version=version,
        created_at=created_at,
        wake_at=wake_at,
        revision=take("b", 0),
        last_seen=last_seen,
        last_sign=last_sign,
        events_folded=take("n", 0),
        identities={text: time(since) for text, since in take("i", {}).items()},
        claims=frozenset(take("c", ())),
        attributes={name: Attribute(word[0], time(word[1]), len(word) > 2) for name, word in take("a", {}).items()},
        consents={topic: _read_consent(answer, time) for topic, answer in take("o", {}).items()},
        suppressions=take("x", {}),
        behaviour=take("m", {}),
        scores={
            sheet: {rule: _read_points(given, time) for rule, given in held.items()}
            for sheet, held in take("s", {}).items()
        },
        stage=_read_stage(stage, time) if stage else None,
        stages_before=tuple(_read_stage(before, time) for before in take("h", ())),
        persona=Persona(persona[0], time(persona[1]), persona[2]) if persona else None,
        handed=Handed(handed[0], time(handed[1])) if handed else None,
        segments={segment: time(since) for segment, since in take("e", {}).items()},
        turns={key: time(at) for key, at in take("u", {}).items()},
        active={journey: _read_enrollment(journey, entry, time) for journey, entry in take("j", {}).items()},
        passages={
            journey: Passage(p[0], time(p[1]), None if p[2] is None else time(p[2]), *p[3:])
            for journey, p in take("p", {}).items()
        },
        **_read_budget(take("y", {}), base, time),
        engagement={channel: _read_sents(text, base) for channel, text in take("z", {}).items()},
        accounts={account_id: _read_seat(entry, time) for account_id, entry in take("q", {}).items()},
        fetches=tuple(Fetch(time(fetch[0]), *fetch[1:]) for fetch in take("v", ())),
        frequency=take("W", ""),
        erased_at=time(take("E")) if "E" in document else None,
        merged_from=tuple(take("f", ())),
        dropped=tuple(take("d", ())),
        ring=_read_ring(take("r", None), base, time),
        extra=document,
    )


def _consent_document(consent: Consent, ms: Callable[[float], int]) -> list[int]:
    return [int(consent.granted), ms(consent.time), *([] if consent.until is None else [ms(consent.until)])]


def _read_consent(answer: list[int], time: Callable[[int], float]) -> Consent:
    return Consent(bool(answer[0]), *map(time, answer[1:]))


def _points_document(held: Points, ms: Callable[[float], int]) -> list[Any]:
    """[points, at], and of a rule with a cap its latest windows behind that, each as three numbers."""
    return [held.points, ms(held.at), *(part for n, points, at in held.windows for part in (n, points, ms(at)))]


def _read_points(given: list[Any], time: Callable[[int], float]) -> Points:
    points, at, *rest = given
    windows = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
    return Points(points, time(at), tuple((n, within, time(since)) for n, within, since in windows))


def _stage_document(stage: Stage, ms: Callable[[float], int]) -> list[Any]:
    return [stage.name, ms(stage.since), *([stage.because] if stage.because else [])]


def _read_stage(entry: list[Any], time: Callable[[int], float]) -> Stage:
    return Stage(entry[0], time(entry[1]), *entry[2:])


def _seat_document(seat: Seat, ms: Callable[[float], int]) -> list[Any]:
    """The parts of a seat in their order; those at the end that say nothing are left out."""
    document = [
        *(seat.role, ms(seat.since), ms(seat.role_said) if seat.role_said else None, int(seat.is_engaged)),
        *(seat.version, dict(seat.attributes), seat.suppressed, list(seat.roles)),
    ]
    while document[-1] == _BLANK_SEAT[len(document) - 1]:
        document.pop()
    return document


def _read_seat(entry: list[Any], time: Callable[[int], float]) -> Seat:
    role, since, said, engaged, version, attributes, suppressed, roles = entry + _BLANK_SEAT[len(entry) :]
    return Seat(
        role,
        time(since),
        0.0 if said is None else time(said),
        bool(engaged),
        version,
        attributes,
        suppressed,
        tuple(roles),
    )


_BLANK_SEAT: list[Any] = ["", None, None, 0, 0, {}, "", []]


def _budget_document(contact: Contact, base: int, ms: Callable[[float], int]) -> dict[str, Any]:
    """s: what has been spent of caps, in seconds; p: messages that wait for a gate; x: parts in experiments;
    g: what they are about, where no book knows it."""
    document = {
        "s": [[round(spent.at) - base // 1000, spent.channel, spent.message] for spent in contact.spent],
        "p": {
            message_id: [
                *(c.origin, c.step, c.enrollment_id, c.template, c.channel, c.trigger_key, ms(c.since)),
                ms(stored_due(c.at)),
                None if c.expires_at is None else ms(c.expires_at),
                c.priority,
                dict(c.options),
            ]
            for message_id, c in contact.postponed.items()
        },
        "x": {
            experiment: [x.variant, ms(x.at), ms(x.until), *([] if x.converted is None else [ms(x.converted)])]
            for experiment, x in contact.exposures.items()
        },
        "g": {experiment: x.goal for experiment, x in contact.exposures.items() if x.goal},
    }
    return {key: value for key, value in document.items() if value}


def _read_budget(document: Mapping[str, Any], base: int, time: Callable[[int], float]) -> dict[str, Any]:
    """The fields of a contact that `_budget_document` wrote."""
    postponed = {}
    for message_id, (*said, since, at, expires_at, priority, options) in document.get("p", {}).items():
        ends = None if expires_at is None else time(expires_at)
        postponed[message_id] = Candidate._make((message_id, *said, time(since), time(at), ends, priority, options))
    goals = document.get("g", {})
    exposures = {
        experiment: Exposure(variant, time(at), time(until), time(rest[0]) if rest else None, goals.get(experiment, ""))
        for experiment, (variant, at, until, *rest) in document.get("x", {}).items()
    }
    spent = tuple(Spent(float(at + base // 1000), *rest) for at, *rest in document.get("s", ()))
    return {"spent": spent, "postponed": postponed, "exposures": exposures}


def _sents_document(sents: Sequence[Sent], base: int) -> str:
    """Messages as short as can be: name, hours since the one before (or the contact's first), response, delay."""
    before, parts = base // _HOUR, []
    for hour, name, response, delay in sents:
        parts.append(f"{name}{hour - before}{response}{delay}" if response else f"{name}{hour - before}")
        before = hour
    return " ".join(parts)


def _read_sents(text: str, base: int) -> tuple[Sent, ...]:
    hour, sents = base // _HOUR, []
    for part in text.split(" "):
        name, since, response, delay = _SENT.fullmatch(part).groups()  # type: ignore[union-attr]
        hour += int(since)
        sents.append(Sent(hour, name, response, int(delay or 0)))
    return tuple(sents)


_HOUR = 3_600_000
_SENT = re.compile(r"([\w-]{2})(-?\d+)([a-z]?)(\d*)", re.ASCII)


# Zero is a time like any other: the moment at which the contact was created.
_ENROLLMENT_TIMES = ("e", "d", "w")


def _enrollment_document(enrollment: Enrollment, ms: Callable[[float], int]) -> dict[str, Any]:
    e = enrollment
    document = {
        "i": e.enrollment_id,
        "v": e.version,
        "e": ms(e.entered),
        "k": e.trigger_key,
        "s": e.step,
        "d": None if e.due is None else ms(stored_due(e.due)),
        "t": "" if e.state == "active" else e.state,
        "r": e.reason,
        "w": ms(e.since) if e.since else None,
        "m": e.marks,
        "n": e.visits,
        "b": int(e.is_before),
        "o": e.done,
    }
    return {key: value for key, value in document.items() if value or (value == 0 and key in _ENROLLMENT_TIMES)}


def _read_enrollment(slot: str, entry: Mapping[str, Any], time: Callable[[int], float]) -> Enrollment:
    get = entry.get
    return Enrollment(
        enrollment_id=get("i", ""),
        journey=journey_of(slot),
        key=slot.partition("/")[2],
        version=get("v", 0),
        entered=time(entry["e"]),
        trigger_key=get("k", ""),
        step=get("s", ""),
        due=time(entry["d"]) if "d" in entry else None,
        state=get("t", "active"),
        reason=get("r", ""),
        since=time(entry["w"]) if "w" in entry else 0.0,
        marks={step: tuple(marks) for step, marks in get("m", {}).items()},
        visits=get("n", {}),
        is_before=bool(get("b")),
        done=tuple(get("o", ())),
    )


def _ring_document(ring: Ring, base: int, ms: Callable[[float], int]) -> list[Any] | None:
    """[turned, minute, hashes, minute, hashes, …]; null is never turned, and the minute of what is certain."""
    if ring == Ring():
        return None
    document: list[Any] = [ms(ring.turned) if ring.turned else None]
    for minute, hashes in ring.runs:
        document += (minute - base // 60_000 if minute else None, b64encode(hashes).decode())
    return document


def _read_ring(document: list[Any] | None, base: int, time: Callable[[int], float]) -> Ring:
    if not document:
        return Ring()
    turned, *runs = document
    minutes = (0 if minute is None else minute + base // 60_000 for minute in runs[::2])
    hashes = (b64decode(text) for text in runs[1::2])
    return Ring(tuple(zip(minutes, hashes, strict=True)), 0.0 if turned is None else time(turned))


def encode_row(row: Row) -> bytes:
    """The body of a timeline row; contact_id and key are attributes of the item itself."""
    event = row.event
    base, *usual = _read_key(event.key)
    document = _event_document(event, row.contact_id, base, base, *usual)
    if row.caused:
        document["e"] = [
            _event_document(caused, row.contact_id, base, _ms(event.time), f"{event.event_id}/{number}", event.source)
            for number, caused in enumerate(row.caused)
        ]
    if row.decisions:
        document["d"] = [decision if decision.gate else decision[:4] for decision in row.decisions]
    return _pack(document, _ROW_FORMAT, _ROW_DICTIONARIES)


def decode_row(contact_id: str, key: str, body: bytes) -> Row:
    """The row of an item. Raises FormatError for a body that later code wrote in a format of its own."""
    document = _unpack(body, _ROW_DICTIONARIES)
    base, *usual = _read_key(key)
    event = _read_event(document, contact_id, base, base, *usual)
    return Row(
        contact_id,
        event,
        tuple(
            _read_event(caused, contact_id, base, _ms(event.time), f"{event.event_id}/{number}", event.source)
            for number, caused in enumerate(document.get("e", ()))
        ),
        tuple(Decision(*decision[:5]) for decision in document.get("d", ())),
    )


def _ms(time: float) -> int:
    return round(time * 1000)


def _read_key(key: str) -> tuple[int, str, str]:
    """What a key tells of its event: milliseconds, the id, and the source, unless that is told by the body."""
    instant, _, rest = key.partition("#")
    event_id, _, author = rest.partition("#")
    return _ms(parse_instant(instant)), event_id, author.removeprefix("~")


def _event_document(event: Event, contact_id: str, base: int, usual: int, event_id: str, source: str) -> dict[str, Any]:
    """One event without what is usual in its row: the times (milliseconds), the id and the source."""
    document = {
        "n": event.name,
        "t": _ms(event.time) - usual,
        "k": _ms(event.key_time) - base,
        "I": None if event.event_id == event_id else event.event_id,
        "i": [list(identity) for identity in event.identities],
        "c": 1 if event.contact_id == contact_id else event.contact_id,
        "p": list(event.previous) if event.previous else None,
        "T": int(event.trusted),
        "s": None if event.source == source else event.source,
        "a": event.attributes,
        "P": event.properties,
        "x": event.context,
    }
    return {key: value for key, value in document.items() if value or (value == "" and key in _USUAL)}


# Where nothing is said, the usual holds; so no id and no source have to be said.
_USUAL = ("I", "s")


def _read_event(
    document: Mapping[str, Any], contact_id: str, base: int, usual: int, event_id: str, source: str
) -> Event:
    get = document.get
    owner = get("c")
    return Event(
        event_id=get("I", event_id),
        name=get("n", ""),
        time=(usual + get("t", 0)) / 1000,
        key_time=(base + get("k", 0)) / 1000,
        identities=tuple(Identity(*pair) for pair in get("i", ())),
        contact_id=contact_id if owner == 1 else owner,
        previous=Identity(*document["p"]) if "p" in document else None,
        trusted=bool(get("T")),
        source=get("s", source),
        attributes=get("a", {}),
        properties=get("P", {}),
        context=get("x", {}),
    )


def _pack(document: Mapping[str, Any], form: int, dictionaries: Mapping[int, bytes]) -> bytes:
    # Lone surrogates are legal in JSON text and must not make a contact unstorable.
    text = _encode_json(document).encode(errors="surrogatepass")
    deflate = zlib.compressobj(6, zlib.DEFLATED, _WINDOW, 8, zlib.Z_DEFAULT_STRATEGY, dictionaries[form])
    return bytes((form,)) + deflate.compress(text) + deflate.flush()


def _unpack(body: bytes, dictionaries: Mapping[int, bytes]) -> dict[str, Any]:
    dictionary = dictionaries.get(body[0]) if body else None
    if dictionary is None:
        raise FormatError(f"This was stored in format {body[0] if body else 'none'}, which only newer code can read.")
    inflate = zlib.decompressobj(_WINDOW, dictionary)
    document: dict[str, Any] = json.loads(
        (inflate.decompress(body[1:]) + inflate.flush()).decode(errors="surrogatepass")
    )
    return document


def dictionary_digests(checksum: Callable[[bytes], str]) -> Iterable[tuple[str, int, str]]:
    """(what, format, checksum) of every dictionary, for the test that holds them unchanged."""
    for what, dictionaries in (("contact", _CONTACT_DICTIONARIES), ("row", _ROW_DICTIONARIES)):
        for form, dictionary in dictionaries.items():
            yield what, form, checksum(dictionary)

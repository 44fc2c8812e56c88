"""The policy: what holds for the whole account: topics, sender, postal address, time zone."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from postroad.accounts import NO_RULES, AccountRules, read_account_rules
from postroad.advice.rhythm import USUAL_RHYTHM, Rhythm, read_rhythm
from postroad.consent.rule import Topic
from postroad.contacts.contact import Contact
from postroad.contacts.devices import PLATFORMS
from postroad.content.brand import PLAIN, Brand, read_brand
from postroad.content.coupons import Coupon, read_coupons
from postroad.content.strictness import USUAL, Strictness, read_strictness
from postroad.deliverability.sunset import Sunset, read_sunset
from postroad.deliverability.warm_up import WarmUp, read_warm_up
from postroad.documents import Reader, form, read_head, refuse_twins
from postroad.instants import DAY
from postroad.local_time import find_zone
from postroad.sending.calendars import ALWAYS_OPEN, ANY_TIME, TEXTS, Calendar, Opening, read_calendar
from postroad.sending.caps import Cap, read_caps
from postroad.sending.channels import CHANNELS

KIND = "policy"

# What becomes of a message for which the caps have no room.
POSTPONE, SKIP = "postpone", "skip"
# The opt-in of a topic whose yes has to be confirmed by mail.
DOUBLE = "double"


@dataclass(frozen=True, slots=True)
class Policy:
    """Account-wide settings. `sender` is "Name <address>"; `topics` by id.

    A message for which `caps` have no room waits, `postpone_at_most` seconds, or is skipped, as `when_full` says.
    `rhythm` is when the account usually writes, and when its people read.
    `control` is the share of people, in percent, who get no marketing at all, so that its worth can be seen.
    `broadcast_share` is the percentage of a month's messages that broadcasts should stay within, None without a line.
    `calendar` says at which hours messages leave. `webhooks` are the addresses to which a webhook may go, by id,
    `functions` the Lambda functions that may be called, `apps` the SNS platform applications by the type of a device;
    `coupons` are those of which people get codes of their own.
    `accounts` says who is engaged in an account, and which accounts get no marketing.
    `warm_up` is the plan of a new sending domain, `sunset` what becomes of who has been silent for months.
    `strictness` is how the look at a mail is set.
    `brand` is how mails look.
    """

    name: str = "Postroad"
    timezone: str = "UTC"
    sender: str = ""
    sms_sender: str = ""
    postal_address: str = ""
    topics: Mapping[str, Topic] = field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    when_full: str = POSTPONE
    postpone_at_most: float = 3 * DAY
    control: float = 0.0
    broadcast_share: float | None = None
    rhythm: Rhythm = USUAL_RHYTHM
    calendar: Calendar = ALWAYS_OPEN
    webhooks: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    apps: Mapping[str, str] = field(default_factory=dict)
    coupons: Mapping[str, Coupon] = field(default_factory=dict)
    accounts: AccountRules = NO_RULES
    warm_up: WarmUp | None = None
    sunset: Sunset | None = None
    strictness: Strictness = USUAL
    brand: Brand = PLAIN

    def find_topic(self, topic_id: str) -> Topic:
        """The topic; one that nobody declared needs an opt-in, because then nobody said that it stands.

        What is about no topic goes to a machine, and nobody subscribes to it."""
        if not topic_id:
            return _NO_TOPIC
        return self.topics.get(topic_id) or Topic(topic_id, topic_id, opt_in=True)

    def next_opening(self, contact: Contact, channel: str, topic_id: str, hours: str, now: float) -> Opening:
        """When a message may leave by the calendar; `at` None: it is given up. `hours` is what its step asks for."""
        if self.find_topic(topic_id).transactional or (hours == ANY_TIME and channel != TEXTS):
            return Opening(now, "")
        calendar = self.calendar.of_channel(channel)
        if hours == ANY_TIME:  # but no advertising rings at night
            calendar = replace(calendar, open=None, closed=())
        opening = calendar.next_opening(contact, now, self.timezone)
        gives_up = opening.at != now and calendar.when_closed == SKIP
        return Opening(None, opening.because) if gives_up else opening

    @property
    def expiries(self) -> dict[str, float]:
        """After how many seconds a yes to a topic ends, of those whose does."""
        return {t.topic_id: t.expires_after for t in self.topics.values() if t.expires_after is not None}

    @property
    def assumed(self) -> frozenset[str]:
        """The topics that stand until they are refused."""
        return frozenset(topic.topic_id for topic in self.topics.values() if not topic.opt_in)


_NO_TOPIC = Topic("", "no topic", opt_in=False, transactional=True)

_ADDRESS = r"https://[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(/[!\"$-\[\]-~]*)?"


@form({"type": "string", "pattern": f"^{_ADDRESS}$", "maxLength": 1_000})
def _parse_address(raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) > 1_000 or not re.fullmatch(_ADDRESS, raw):
        raise ValueError("must be an address such as https://hooks.example.com/crm, without a port or a user")
    return raw


# Of all functions of the account only these may be called: the sender's powers say so, too.
_FUNCTION = r"postroad-channel-[A-Za-z0-9_-]{1,47}"


@form({"type": "string", "pattern": f"^{_FUNCTION}$"})
def _parse_function(raw: Any) -> str:
    if not isinstance(raw, str) or not re.fullmatch(_FUNCTION, raw):
        raise ValueError("must be the name of a Lambda function that begins with postroad-channel-")
    return raw


_APPLICATION = rf"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{{12}}:app/({'|'.join(PLATFORMS)})/[A-Za-z0-9_.-]{{1,256}}"


@form({"type": "string", "pattern": f"^{_APPLICATION}$"})
def _parse_application(raw: Any) -> str:
    if not isinstance(raw, str) or not re.fullmatch(_APPLICATION, raw):
        raise ValueError("must be the ARN of an SNS platform application, such as arn:aws:sns:…:app/GCM/shop")
    return raw


def _read_targets(reader: Reader, key: str, target: str, parse: Callable[[Any], str]) -> dict[str, str]:
    """Where messages for machines, or for devices of a type, may go, by id."""
    children = reader.children(key, least=0, most=50)
    refuse_twins(children)
    return {child.id("id"): child.read(target, parse, "") for child in children}


def _zone(value: Any) -> str:
    if not isinstance(value, str) or find_zone(value) is None:
        raise ValueError(f"{value!r} is no time zone; write for example Europe/Madrid")
    return value


@form({"anyOf": [{"type": "boolean"}, {"const": DOUBLE}]})
def _parse_opt_in(raw: Any) -> str:
    if raw != DOUBLE and not isinstance(raw, bool):
        raise ValueError("must be true, false, or double: then a mail asks to confirm the yes")
    return {True: "single", False: ""}.get(raw, DOUBLE)


def _read_topic(reader: Reader, topic_id: str) -> Topic:
    opt_in = reader.read("opt_in", _parse_opt_in, "", "single")
    topic = Topic(
        topic_id,
        reader.text("name", topic_id),
        bool(opt_in),
        reader.flag("transactional", False),
        opt_in == DOUBLE,
        reader.duration("expires_after", None, least=DAY, most=10 * 366 * DAY),
    )
    if topic.expires_after is not None and not topic.opt_in:
        reader.mistake("only a yes can end; give the topic opt_in: true", "expires_after")
    return topic


def parse_policy(document: object) -> Policy:
    """Read a policy document; raises DefinitionError with all its mistakes."""
    reader = Reader(document)
    head = read_head(reader, KIND)
    if head.id and head.id != KIND:
        reader.mistake("an account has one policy, and its id is policy", "id")
    topics = {}
    for child in reader.children("topics"):
        topic_id = child.id("id")
        if topic_id in topics:
            child.mistake(f"two topics are called {topic_id!r}; give each an id of its own", "id")
        topics[topic_id] = _read_topic(child, topic_id)
    policy = Policy(
        name=head.name,
        timezone=reader.read("timezone", _zone, "UTC", "UTC"),
        sender=reader.text("from", ""),
        sms_sender=reader.text("sms_from", ""),
        postal_address=reader.text("postal_address", ""),
        topics=topics,
        caps=read_caps(reader, "caps"),
        when_full=reader.choice("when_full", (POSTPONE, SKIP), POSTPONE),
        postpone_at_most=reader.duration("postpone_at_most", 3 * DAY, least=3_600, most=30 * DAY),
        control=reader.number("control", 0.0, least=0, most=50),
        broadcast_share=reader.number("broadcast_share", None, least=0, most=100),
        rhythm=read_rhythm(reader),
        calendar=read_calendar(hours, CHANNELS) if (hours := reader.find_child("calendar")) else ALWAYS_OPEN,
        webhooks=_read_targets(reader, "webhooks", "url", _parse_address),
        functions=_read_targets(reader, "functions", "function", _parse_function),
        apps=_read_targets(reader, "apps", "application", _parse_application),
        coupons=read_coupons(reader),
        accounts=read_account_rules(reader),
        warm_up=read_warm_up(reader),
        sunset=read_sunset(reader),
        strictness=read_strictness(reader, "lint"),
        brand=read_brand(reader),
    )
    reader.finish()
    return policy

"""Take what somebody filled in: the yes is written with its proof, then the events go onto the queue.

Who fills in a form is not proven to own the address. Where the topic or the form says so, a mail asks to confirm the
yes, which counts nowhere until then. A yes counts where nobody has said no: it never lifts a refusal, which came from
the address itself, by a link that only its owner has. The page says the same either way, so that nobody learns from it
who is known here.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import NamedTuple, Protocol

from postroad.consent.confirmation import MOST_A_DAY
from postroad.consent.rule import EVERY_TOPIC, consent_key, in_force, later, stands
from postroad.contacts.contact import Consent, Contact
from postroad.contacts.identities import claim_of, contact_id_of, parse_identity, plain_address
from postroad.content.links import Shown
from postroad.forms import FASTEST, SEAL, SLOWEST, TRAP, Form, Given, Mistakes, Submission, events_of, read_submission
from postroad.instants import DAY
from postroad.sending.channels import USUAL
from postroad.tracking.packing import pack
from postroad_aws.observability import logger
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_contacts

# So many posts of one network to one form in ten minutes; fewer where we did not show the page ourselves.
WINDOW = 600.0
MOST_SHOWN, MOST_FOREIGN = 30, 15
_HOUR = 3_600.0


class Visits(Protocol):
    def count_visit(self, visitor: str, window: float, now: float) -> int:
        """Count one visit; returns how many there were in this window."""


@dataclass(frozen=True, slots=True)
class Post:
    """A post of a form. `address` is the visitor's IP address, `origin` and `page` what the browser says of the page
    that held the form, `hosts` are our own."""

    form: Form
    values: Mapping[str, str]
    address: str
    origin: str
    page: str
    hosts: Collection[str]


class Accepted(NamedTuple):
    """It is on the queue."""


class Again(NamedTuple):
    """A person is asked to send it once more, for this reason; a robot does not come back."""

    reason: str


class Stranger(NamedTuple):
    """The page that held the form belongs to none of its sites."""


class TooMany(NamedTuple):
    """Too much came from this network; seconds until it may go on."""

    retry_after: int


class Busy(NamedTuple):
    """The queue did not take it; sending it again harms nobody."""


def submit_form(ports: Ports, visits: Visits, post: Post) -> Accepted | Mistakes | Again | Stranger | TooMany | Busy:
    """Take a post of a form. When this returns Accepted, what it consents to is written and its events are queued."""
    form, now = post.form, ports.clock.now()
    shown = ports.signer.find(Shown, post.values.get(SEAL, ""))
    is_ours = shown is not None and shown.form_id == form.id
    if not is_ours and post.origin not in ("", "null") and not form.is_site(post.origin, post.hosts):
        return Stranger()
    visitor = _hash(ports.contact_key, form.id, _network(post.address))
    if visits.count_visit(visitor, WINDOW, now) > (MOST_SHOWN if is_ours else MOST_FOREIGN):
        return TooMany(int(WINDOW - now % WINDOW) + 1)
    if post.values.get(TRAP):
        return Again("A field that must stay empty was filled in. Please send it once more.")
    if is_ours and shown and now - shown.at < FASTEST:
        return Again("That was quick, so we ask to be sure: please send it once more.")
    if is_ours and shown and now - shown.at > SLOWEST:
        return Again("This page was open for a long time. Please send it once more.")
    submission = read_submission(form, post.values)
    if isinstance(submission, Mistakes):
        return submission
    refused = _find_refused(ports, submission)
    submission_id = _submission_id(form, post.values, "" if is_ours else str(now // _HOUR))
    pending = _find_pending(ports, form, submission, refused)
    for given in submission.consents:
        if given not in refused:
            evidence = {
                "by": "form",
                "form": form.id,
                "form_version": form.version,
                "text": given.text,
                "text_version": given.version,
                "page": post.page[:1_000],
                "submission": submission_id,
            }
            if given in pending:
                ports.refusals.save_request(given.address, given.topic, now, evidence)
            else:
                ports.refusals.save_consent(given.address, given.topic, True, now, evidence)
    events = events_of(
        form,
        submission,
        submission_id=submission_id,
        key_time=float(shown.at) if is_ours and shown else now // _HOUR * _HOUR,
        now=now,
        page=post.page,
        refused=refused,
        pending=pending,
        is_asked=_may_ask(ports, visits, pending, now),
    )
    if ports.queues.send_events(pack(events)):
        return Busy()
    logger.info("a form was submitted", form=form.id, refused=len(refused), pending=len(pending))
    return Accepted()


def _find_pending(ports: Ports, form: Form, submission: Submission, refused: Collection[Given]) -> frozenset[Given]:
    """The consents that count once a mail was confirmed. A yes to texts cannot be: it counts at once."""
    asked = [given for given in submission.consents if given.channel == USUAL and given not in refused]
    if not asked:
        return frozenset()
    policy = ports.books.current_policy()
    return frozenset(given for given in asked if form.confirms or policy.find_topic(given.topic).is_confirmed)


def _may_ask(ports: Ports, visits: Visits, pending: Collection[Given], now: float) -> bool:
    """Whether the address has not been asked too often today: strangers must not fill somebody's inbox by our mails."""
    for address in {given.address for given in pending}:
        asked = _hash(ports.contact_key, "confirmation", plain_address(address))
        if visits.count_visit(asked, DAY, now) > MOST_A_DAY:
            return False
    return True


def _find_refused(ports: Ports, submission: Submission) -> frozenset[Given]:
    """The consents that do not count, because the address, or the person who has it, has said no."""
    if not submission.consents:
        return frozenset()
    asked: dict[str, set[str]] = {}
    for given in submission.consents:
        asked.setdefault(given.address, {EVERY_TOPIC}).add(given.topic)
    answers, now = ports.refusals.find_answers(asked), ports.clock.now()
    owners = {address: _find_owners(ports, address) for address in asked}

    def latest(given: Given, topic: str) -> Consent | None:
        copies = (owner.consents.get(consent_key(given.channel, topic)) for owner in owners[given.address])
        return in_force(later(answers[given.address].consents.get(topic), *copies), now)

    return frozenset(
        given
        for given in submission.consents
        if not stands(latest(given, given.topic), latest(given, EVERY_TOPIC), assumed=True)
    )


def _find_owners(ports: Ports, address: str) -> list[Contact]:
    """Whoever has this address, and whoever claims it."""
    identity = parse_identity(address)
    ids = [contact_id_of(each, ports.contact_key) for each in (identity, claim_of(identity))]
    return list(find_contacts(ports.contacts, ids).values())


def _network(address: str) -> str:
    """Whoever has one IPv6 address has billions; an IPv4 address is one household or office."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip_network(f"{found}/64", strict=False)) if found.version == 6 else str(found)


def _hash(key: bytes, form_id: str, network: str) -> str:
    """Nobody can tell the address from this."""
    return urlsafe_b64encode(hmac.digest(key, f"visitor\0{form_id}\0{network}".encode(), "sha256")[:15]).decode()


def _submission_id(form: Form, values: Mapping[str, str], hour: str) -> str:
    """The same for the same answers on the same page: a second press of the button says nothing new."""
    said = json.dumps([form.id, hour, sorted(values.items())])
    return "f-" + hashlib.sha256(said.encode()).hexdigest()[:24]

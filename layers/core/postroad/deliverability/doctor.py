"""The doctor: whether all is set up so that mail arrives, and how to mend what is not, check by check in a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from postroad.policy import Policy

OK, BAD, UNKNOWN = "ok", "bad", "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an account's mail; None where it could not be found out.

    `suppresses` are the reasons for which the account keeps its own list ("BOUNCE", "COMPLAINT"), `events` the kinds of
    SES events that come back to us, `quota` how many mails may leave within a day, and `sent` how many did. `dmarc` are
    the TXT records at _dmarc of the domain, `spf` those of the MAIL FROM domain.
    """

    identity: str = ""
    is_verified: bool | None = None
    dkim: str | None = None
    dkim_bits: str | None = None
    mail_from: str | None = None
    mail_from_state: str | None = None
    is_in_production: bool | None = None
    is_sending: bool | None = None
    enforcement: str | None = None
    quota: float | None = None
    rate: float | None = None
    sent: float | None = None
    suppresses: frozenset[str] | None = None
    events: frozenset[str] | None = None
    dmarc: Sequence[str] | None = None
    spf: Sequence[str] | None = None


class Check(NamedTuple):
    """One thing that has to be so: `state` is OK, BAD or UNKNOWN, `finding` what was found, `mend` what to do."""

    id: str
    state: str
    finding: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class _Question:
    """A check: `ask` answers (whether it is so, what was found), or None when that could not be found out."""

    id: str
    ask: Callable[[Facts, Policy], tuple[bool, str] | None]
    mend: str


def examine(facts: Facts, policy: Policy) -> tuple[Check, ...]:
    """Every check, in the order in which they are best mended."""
    return tuple(_judge(question, facts, policy) for question in _QUESTIONS)


def examine_records(facts: Facts) -> tuple[Check, ...]:
    """The checks that DNS alone can tell."""
    return tuple(_judge(question, facts, Policy()) for question in _QUESTIONS if question.id in ("spf", "dmarc"))


def _judge(question: _Question, facts: Facts, policy: Policy) -> Check:
    answer = question.ask(facts, policy)
    if answer is None:
        return Check(question.id, UNKNOWN, "this cannot be checked here")
    is_so, finding = answer
    return Check(question.id, OK if is_so else BAD, finding, "" if is_so else question.mend)


def is_healthy(checks: Iterable[Check]) -> bool:
    """Whether nothing is known to be wrong."""
    return all(check.state != BAD for check in checks)


# What SES has to tell us: without it a bounce would be written to again.
NEEDED_EVENTS = frozenset(("SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE", "DELIVERY_DELAY"))


def _ask_identity(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.is_verified is None:
        return None
    return facts.is_verified, f"{facts.identity} is {'verified' if facts.is_verified else 'not verified'}"


def _ask_dkim(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.dkim is None:
        return None
    bits = (facts.dkim_bits or "").replace("RSA_", "").replace("_BIT", "")
    is_short = bits == "1024"
    found = f"DKIM is {facts.dkim.lower().replace('_', ' ')}" + (f", with a key of {bits} bits" if bits else "")
    return facts.dkim == "SUCCESS" and not is_short, found


def _ask_mail_from(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.mail_from is None:
        return None
    if not facts.mail_from:
        return False, "bounces go to a domain of Amazon's"
    state = (facts.mail_from_state or "pending").lower()
    return state == "success", f"bounces go to {facts.mail_from}, which is {state}"


def _ask_spf(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.spf is None or not facts.mail_from:
        return None
    found = [text for text in facts.spf if text.lower().startswith("v=spf1")]
    is_so = len(found) == 1 and "include:amazonses.com" in found[0]
    return is_so, f"{facts.mail_from} says {found[0]}" if found else f"{facts.mail_from} has no SPF record"


def read_dmarc(texts: Iterable[str]) -> Mapping[str, str] | None:
    """The tags of the one DMARC record among these texts (RFC 7489); None when there is none, or more than one."""
    records = [text for text in texts if text.replace(" ", "").lower().startswith("v=dmarc1")]
    if len(records) != 1:
        return None
    tags = (part.partition("=") for part in records[0].split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in tags if name.strip()}


def _ask_dmarc(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.dmarc is None:
        return None
    tags = read_dmarc(facts.dmarc)
    if tags is None:
        return False, "the domain has no DMARC record" if not facts.dmarc else "the domain has no one DMARC record"
    is_so = tags.get("p") in ("none", "quarantine", "reject")
    return is_so, f"DMARC asks for {tags.get('p') or 'nothing'}"


def _ask_production(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.is_in_production is None:
        return None
    room = f", {facts.quota:,.0f} mails a day, {facts.rate:,.0f} a second" if facts.quota and facts.rate else ""
    where = "out of the sandbox" if facts.is_in_production else "in the sandbox"
    return facts.is_in_production, f"the account is {where}{room}"


def _ask_health(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.is_sending is None:
        return None
    state = (facts.enforcement or "HEALTHY").lower().replace("_", " ")
    found = f"sending is {'on' if facts.is_sending else 'off'}, and SES calls the account {state}"
    return facts.is_sending and state == "healthy", found


def _ask_events(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.events is None:
        return None
    missing = sorted(kind.lower().replace("_", " ") for kind in NEEDED_EVENTS - facts.events)
    return not missing, f"SES does not tell of {', '.join(missing)}" if missing else "SES tells what becomes of mails"


def _ask_suppression(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if facts.suppresses is None:
        return None
    missing = sorted({"BOUNCE", "COMPLAINT"} - facts.suppresses)
    found = f"does not keep {' and '.join(missing).lower()}s" if missing else "keeps bounces and complaints"
    return not missing, f"the account's own list {found}"


def _ask_postal_address(facts: Facts, policy: Policy) -> tuple[bool, str]:
    return bool(policy.postal_address), policy.postal_address or "the policy has no postal address"


def _ask_sender(facts: Facts, policy: Policy) -> tuple[bool, str] | None:
    if not policy.sender:
        return False, "the policy names no sender"
    domain = policy.sender.rpartition("@")[2].rstrip("> ").lower()
    identity = facts.identity.rpartition("@")[2].lower()
    if not identity or facts.is_verified is None:
        return None
    is_so = domain == identity or domain.endswith(f".{identity}")
    return is_so, f"mails come from {domain}, and {identity} is what SES knows"


_QUESTIONS = (
    _Question("identity", _ask_identity, "Publish the three CNAME records that SES shows for the identity, and wait."),
    _Question(
        "dkim", _ask_dkim, "Turn Easy DKIM on for the identity, with 2048 bits, and publish its three CNAME records."
    ),
    _Question(
        "mail_from",
        _ask_mail_from,
        "Set a custom MAIL FROM domain, such as bounce.example.com, and publish the MX and TXT records that SES shows.",
    ),
    _Question("spf", _ask_spf, 'Publish one TXT record at the MAIL FROM domain: "v=spf1 include:amazonses.com ~all".'),
    _Question(
        "dmarc",
        _ask_dmarc,
        'Publish a TXT record at _dmarc of your domain: "v=DMARC1; p=none; rua=mailto:dmarc@example.com".',
    ),
    _Question("sandbox", _ask_production, "Ask SES for production access: in the sandbox only verified ones get mail."),
    _Question("health", _ask_health, "Look at the reputation dashboard of SES, and answer the case that it opened."),
    _Question(
        "events", _ask_events, "Deploy the stack again: its configuration set sends these events to EventBridge."
    ),
    _Question(
        "suppression",
        _ask_suppression,
        "Turn the account's suppression list on: aws sesv2 put-account-suppression-attributes"
        " --suppressed-reasons BOUNCE COMPLAINT",
    ),
    _Question("sender", _ask_sender, "Let `from` of the policy be an address of the verified domain."),
    _Question(
        "postal_address",
        _ask_postal_address,
        "Put `postal_address` into the policy: the law asks for it in each marketing mail.",
    ),
)

CHECKS = tuple(question.id for question in _QUESTIONS)

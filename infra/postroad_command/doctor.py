"""The doctor as a command: what the stack tells of SES, with what DNS tells of the domain."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from postroad.deliverability.doctor import BAD, OK, UNKNOWN, Check, Facts, examine_records
from postroad_command.domain_records import FindTexts, find_dmarc
from postroad_command.stack import Stack

_MARKS = {OK: "good   ", BAD: "wrong  ", UNKNOWN: "unknown"}


def examine_stack(stack: Stack, ask: FindTexts) -> tuple[Check, ...]:
    """Every check: those of the stack, and in their places those that DNS has to tell. Raises StackError."""
    told = stack.call("GET", "/deliverability/checks")
    domain, mail_from = str(told["identity"]).rpartition("@")[2], str(told["mail_from"])
    facts = Facts(
        mail_from=mail_from or None,
        dmarc=_find(domain, lambda: find_dmarc(domain, ask)),
        spf=_find(mail_from, lambda: ask(mail_from)),
    )
    seen = {check.id: check for check in examine_records(facts)}
    return tuple(seen.get(each["id"], Check(**each)) for each in told["checks"])


def _find(domain: str, ask: Callable[[], Sequence[str] | None]) -> Sequence[str] | None:
    """Names of this machine, and those that are kept for examples, are nobody's."""
    is_nobodys = not domain or domain.endswith(("localhost", ".local", ".example", ".test", ".invalid"))
    return None if is_nobodys else ask()


def tell_checks(checks: Iterable[Check]) -> Iterator[str]:
    """A line for each check, and one for what to do."""
    for check in checks:
        yield f"{_MARKS[check.state]}  {check.id}: {check.finding}"
        if check.mend:
            yield f"         {check.mend}"

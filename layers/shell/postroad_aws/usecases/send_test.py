"""Send a test of a mail to people of the account: what they get is what a contact would get, and counts as nothing.

It is no message: it has no row, no link of ours and no pixel, no cap and no timeline knows of it. It goes to the
address of whoever asks, and to addresses at the domain that the account sends from; never to a suppressed one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.contact import Contact
from postroad.content.mime import Mailbox, build_mime, parse_mailbox
from postroad.envelopes.email import Email
from postroad.errors import PostroadError
from postroad.sending.channels import USUAL, full_address
from postroad_aws.ports import Accepted, Ports
from postroad_aws.usecases.preview_template import preview_template

if TYPE_CHECKING:
    from postroad.content.rendering import CompiledMessage

MOST_ADDRESSES = 5
MOST_AN_HOUR = 60
MARK = "[Test] "


class TestError(PostroadError):
    """No test can be sent; the sentence says why."""

    __test__ = False


class Quota(Protocol):
    """Counts the tests of an hour."""

    def take(self, count: int, most: int, now: float, /) -> bool: ...


class Tried(NamedTuple):
    """What became of one address: `problem` is empty when the mail has left."""

    address: str
    problem: str = ""


def send_test(
    ports: Ports,
    quota: Quota,
    template: "CompiledMessage",
    contact: Contact,
    addresses: Sequence[str],
    *,
    asker: str = "",
    properties: dict[str, Any] | None = None,
) -> list[Tried]:
    """Send the mail as `contact` would get it to each address, once. `asker` is the address of who is signed in.

    Raises TestError when an address may not get it, or the mail cannot be made.
    """
    now, policy = ports.clock.now(), ports.books.current_policy()
    if template.channel != USUAL:
        raise TestError("Only mails can be tried by sending them; look at the preview of other messages.")
    wanted = list(dict.fromkeys(each.strip().lower() for each in addresses if each.strip()))
    if not 1 <= len(wanted) <= MOST_ADDRESSES:
        raise TestError(f"Name one to {MOST_ADDRESSES} addresses.")
    sender = parse_mailbox(template.from_ or policy.sender)
    home = sender.address.rpartition("@")[2].lower()
    for address in wanted:
        _check(address, home, asker.strip().lower())
    look = preview_template(
        ports.books, template, contact, now, properties or {}, f"{ports.base_url}/u/test", ports.catalogue
    )
    if look.preview.problem:
        raise TestError(look.preview.problem)
    if not quota.take(len(wanted), MOST_AN_HOUR, now):
        raise TestError(f"At most {MOST_AN_HOUR} tests leave within an hour; wait a little.")
    answers = ports.refusals.find_answers({full_address(USUAL, each): {EVERY_TOPIC} for each in wanted})
    tried = []
    for address in wanted:
        if answers[full_address(USUAL, address)].suppression:
            tried.append(Tried(address, "nothing may be sent there: it is suppressed"))
            continue
        message_id = f"test-{ports.ids.new_id()}"
        raw = build_mime(
            from_=sender,
            to=Mailbox(address),
            subject=f"{MARK}{look.preview.subject}"[:500],
            html=look.preview.html,
            text=look.preview.text,
            headers={},
            date=now,
            boundary=message_id[:60],
        )
        result = ports.channels[USUAL].send(Email(message_id, address, template.from_ or policy.sender, raw))
        tried.append(Tried(address, "" if isinstance(result, Accepted) else result.reason))
    return tried


def _check(address: str, home: str, asker: str) -> None:
    try:
        parsed = parse_mailbox(address).address
    except PostroadError:
        parsed = ""
    if parsed != address:
        raise TestError(f"{address[:80]!r} is no e-mail address.")
    if address != asker and address.rpartition("@")[2] != home:
        who = "your own address, and " if asker else ""
        raise TestError(f"Tests go to {who}addresses at {home}, from which the account sends; not to {address[:80]}.")

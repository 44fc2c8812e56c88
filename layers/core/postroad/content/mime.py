"""One mail as bytes: RFC 5322 headers, RFC 2047 words, and multipart/alternative with a text and an HTML part.

It writes just this shape, because the standard library's EmailMessage takes ten times as long; the tests prove it by
reading every mail back with the standard library. Every header is refused if a control character is in it.
"""

import re
from base64 import b64encode
from binascii import b2a_base64, b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from postroad.contacts.identities import find_wire_domain
from postroad.errors import PostroadError


class MimeError(PostroadError):
    """A mail cannot be written from these headers or addresses."""


# -------------------------------------------------------------------------------------------------------- addresses

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LOCAL_PART = re.compile(_LOCAL)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAMED = re.compile(r"\s*(?P<name>\"(?:[^\"\\]|\\.)*+\"|[^<>\"]*?)\s*<(?P<address>[^<>\s]+)>\s*")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and the name to show with it."""

    address: str
    name: str = ""


@lru_cache(maxsize=64)  # the senders of an account are few
def parse_mailbox(text: str) -> Mailbox:
    """Read `ana@example.com` or `Ana Ruiz <ana@example.com>`. Raises MimeError."""
    if named := _NAMED.fullmatch(_checked("of an address", text)):
        name = named["name"]
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        mailbox = Mailbox(named["address"], name)
    else:
        mailbox = Mailbox(text.strip())
    _write_mailbox(mailbox, 0)
    return mailbox


@lru_cache(maxsize=1024)
def wire_address(address: str) -> str:
    """The address as it goes over the wire, an international domain in punycode. Raises MimeError.

    The local part must be plain ASCII without quotes: SES takes no other.
    """
    local, at, domain = address.rpartition("@")
    host = find_wire_domain(domain) or ""
    if not at or not _LOCAL_PART.fullmatch(local) or not _DOMAIN.fullmatch(host) or len(local) > 64 or len(host) > 253:
        raise MimeError("an address is not one that mail can be sent to")
    return f"{local}@{host}"


# ---------------------------------------------------------------------------------------------------------- headers

# Everything that any mail program, old or new, may take for the end of a line, and all other controls.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_OWN_HEADERS = frozenset(
    (
        *("from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id"),
        *("mime-version", "return-path", "received", "dkim-signature"),
    )
)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_Q_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
_Q = {byte: chr(byte) if byte in _Q_PLAIN else "_" if byte == 32 else f"={byte:02X}" for byte in range(256)}
_LINE, _HARD_LINE, _WORD = 76, 998, 75
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# Without what would end the URL inside its angle brackets or begin another.
_UNSUBSCRIBE_URL = re.compile(r"(?:https://|http://(?:localhost|127\.0\.0\.1)[:/])[!-+\-.-;=?-~]+")


def unsubscribe_headers(url: str) -> dict[str, str]:
    """The two headers of RFC 8058 that let a mail program unsubscribe with one click (a POST to that https address).

    The local cloud's own http://localhost is let through. Raises MimeError.
    """
    if not _UNSUBSCRIBE_URL.fullmatch(url) or len(url) > 900:
        raise MimeError("the unsubscribe address must be an https URL of at most 900 plain characters, without a comma")
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _checked(name: str, value: str) -> str:
    if _CONTROL.search(value):
        raise MimeError(f"the header {name} has a control character or a line break")
    return value


def _encoded_words(text: str, used: int) -> str:
    """RFC 2047 words on folded lines; `used` characters are on the first line already."""
    data = text.encode()
    shown = sum(len(_Q[byte]) for byte in data)
    quoted = shown <= (len(data) + 2) // 3 * 4
    words: list[str] = []
    chunk: list[str] = []
    size, room = 0, _LINE - used - 12
    for sign in text:
        raw = sign.encode()
        cost = sum(len(_Q[byte]) for byte in raw) if quoted else len(raw)
        # Base64 makes four characters of three bytes.
        limit = min(room, _WORD - 12) if quoted else min(room, _WORD - 12) // 4 * 3
        if size + cost > limit and (chunk or words or used > 1):
            words.append("".join(chunk))
            chunk, size, room = [], 0, _LINE - 1 - 12
        chunk.append(sign)
        size += cost
    words.append("".join(chunk))

    def word(part: str) -> str:
        if not part:
            return ""
        if quoted:
            return f"=?utf-8?q?{''.join(_Q[byte] for byte in part.encode())}?="
        return f"=?utf-8?b?{b64encode(part.encode()).decode()}?="

    return "\r\n ".join(map(word, words))


def _fold(name: str, value: str) -> str:
    """`Name: value` on lines of at most 76 characters where spaces allow it, and never of more than 998."""
    line = f"{name}: {value}"
    if len(line) <= _LINE:
        return line + "\r\n"
    lines, current = [], f"{name}:"
    for word in value.split(" "):
        if len(current) + 1 + len(word) > _LINE and current != f"{name}:" and word and current.strip():
            lines.append(current)
            current = ""
        current += f" {word}"
    lines.append(current)
    if any(len(folded) > _HARD_LINE for folded in lines):
        raise MimeError(f"the header {name} has a word that is too long for one line")
    return "\r\n".join(lines) + "\r\n"


def _write_text(name: str, value: str) -> str:
    """A header of free text."""
    value = _checked(name, value).replace("\t", " ").strip(" ")
    # A subject's long words can be cut when encoded; another header's must stay whole, a URL for one.
    if value.isascii() and "=?" not in value and (name != "Subject" or max(map(len, value.split(" "))) < 60):
        return _fold(name, value)
    return f"{name}: {_encoded_words(value, len(name) + 2)}\r\n"


def _write_mailbox(mailbox: Mailbox, used: int) -> str:
    """`name <address>`; `used` characters are on its line already."""
    address = wire_address(mailbox.address)
    name = " ".join(_checked("of an address", mailbox.name).split())
    if not name:
        return address
    if not name.isascii() or "=?" in name or len(name) > 60:
        written = _encoded_words(name, used)
    elif _ATOMS.fullmatch(name):
        written = name
    else:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        written = f'"{escaped}"'
    last = len(written) - written.rfind("\n") - 1 + (0 if "\n" in written else used)
    return f"{written}{' ' if last + len(address) + 3 <= _LINE else _FOLD}<{address}>"


_FOLD = "\r\n "


def _write_date(time: float) -> str:
    at = datetime.fromtimestamp(time, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} +0000"


# ----------------------------------------------------------------------------------------------------------- bodies

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_BOUNDARY = re.compile(r"[A-Za-z0-9'()+_,./:=?-]{1,60}")


def _write_part(kind: str, text: str) -> bytes:
    """One part in UTF-8, as quoted-printable or base64, whichever is shorter."""
    if "\r" in text:
        text = _LINE_BREAK.sub("\n", text)
    data = text.replace("\n", "\r\n").encode("utf-8", "replace")
    quoted = b2a_qp(data, quotetabs=False, istext=True)
    if b"\n" not in data:
        # binascii takes the kind of its line breaks from the data.
        quoted = quoted.replace(b"\n", b"\r\n")
    if len(quoted) <= (len(data) + 2) // 3 * 4 + len(data) // 57 * 2:
        encoding, body = b"quoted-printable", quoted
    else:
        coded = b2a_base64(data, newline=False)
        encoding, body = b"base64", b"\r\n".join(coded[i : i + 76] for i in range(0, len(coded), 76))
    head = f'Content-Type: {kind}; charset="utf-8"\r\nContent-Transfer-Encoding: '.encode()
    return head + encoding + b"\r\n\r\n" + body


def build_mime(
    *,
    from_: Mailbox,
    to: Mailbox,
    subject: str,
    html: str,
    text: str,
    date: float,
    boundary: str,
    headers: Mapping[str, str] | None = None,
    reply_to: Mailbox | None = None,
    message_id: str = "",
) -> bytes:
    """The mail, the same bytes for the same arguments.

    `date` is in epoch seconds. `boundary` is any id (1 to 60 letters, digits or `'()+_,./:=?-`); neither encoding can
    produce the `=_` put before it. `message_id` as in `<id@host>`; SES writes its own over it. `headers` may not name
    what has an argument of its own. Raises MimeError.
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise MimeError("the boundary must be 1 to 60 letters, digits or signs that RFC 2046 allows")
    top = [
        f"From: {_write_mailbox(from_, 6)}\r\n",
        f"To: {_write_mailbox(to, 4)}\r\n",
        _write_text("Subject", subject),
        f"Date: {_write_date(date)}\r\n",
    ]
    if reply_to:
        top.append(f"Reply-To: {_write_mailbox(reply_to, 10)}\r\n")
    if message_id:
        if not re.fullmatch(rf"<{_LOCAL}@[A-Za-z0-9.-]+>", message_id) or len(message_id) > 250:
            raise MimeError("the message id must look like <id@host>")
        top.append(f"Message-ID: {message_id}\r\n")
    seen: set[str] = set()
    for name, value in (headers or {}).items():
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name) or lower in _OWN_HEADERS or lower.startswith("content-") or lower in seen:
            raise MimeError("a header has a name that is not allowed here")
        seen.add(lower)
        top.append(_write_text(name, value))
    top.append(f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="=_{boundary}"\r\n')
    edge = f"\r\n--=_{boundary}".encode()
    # The plain text comes first: a reader takes the last part that it understands (RFC 2046 section 5.1.4).
    return b"".join(
        (
            "".join(top).encode("ascii"),
            edge,
            b"\r\n",
            _write_part("text/plain", text),
            edge,
            b"\r\n",
            _write_part("text/html", html),
            edge,
            b"--\r\n",
        )
    )

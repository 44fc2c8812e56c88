"""Webhooks: one POST to an address of the policy, from inside the account, so only to addresses of the open internet.

The name is resolved once, and the connection goes to the very address that was looked at. No redirect is followed, and
neither time nor size is the receiver's to choose: 8 seconds for all of it, 4 KB of answer. Environment variables hold a
function's credentials, and link-local addresses hand out others: nothing but https to a public IPv4 address is asked.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

from postroad.envelopes.webhook import Call, sign
from postroad_aws import clock
from postroad_aws.channels import LATER, SOON, judge_status, tell_answer
from postroad_aws.ports import Accepted, Refused, Unclear
from postroad_aws.settings import settings
from postroad_aws.storage import keys

TIMEOUT = 8.0
MOST_ANSWER = 4_096
# After a receiver has let a call time out, others wait for so long: a silent one must not hold up everybody's mail.
SILENT_FOR = 30.0

_silent: dict[str, float] = {}


class Answer(NamedTuple):
    """What the receiver answered: its status, the seconds that it asks to wait, and the beginning of its body."""

    status: int
    retry_after: str
    body: bytes


class Unreachable(Exception):
    """Nothing was sent. `retry_after` is None when nothing ever will be."""

    def __init__(self, sentence: str, retry_after: float | None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


def send(call: Call) -> Accepted | Refused | Unclear:
    """Post a document, once. An answer of 2xx is a delivery, and its body, if that is a small JSON object, is told."""
    host = urlsplit(call.to).netloc
    if time.monotonic() < _silent.get(host, 0.0):
        return Refused(f"{host} did not answer just now", SILENT_FOR)
    headers = {
        "content-type": "application/json",
        "user-agent": "Postroad",
        **sign(call.webhook_id, call.body, keys.derive_key(f"webhook/{call.name}"), clock.now()),
    }
    try:
        answer = _post(call.to, call.body, headers)
    except Unreachable as error:
        if isinstance(error.__cause__, TimeoutError):
            _silent[host] = time.monotonic() + SILENT_FOR
        return Refused(str(error), error.retry_after)
    except TimeoutError:
        _silent[host] = time.monotonic() + SILENT_FOR
        return Unclear(f"{host} did not answer within {TIMEOUT:.0f} seconds")
    except (OSError, http.client.HTTPException) as error:
        return Unclear(f"the connection to {host} broke ({type(error).__name__})")
    refused = judge_status(host, answer.status, answer.retry_after)
    return refused or Accepted("", {"status": answer.status, **tell_answer(answer.body)})


def _post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Raises Unreachable before, and TimeoutError, OSError and HTTPException while something is sent."""
    gateway = settings().webhook_gateway
    if gateway:
        headers = {**headers, "postroad-to": url}
    parts = urlsplit(gateway or url)
    ends = time.monotonic() + TIMEOUT
    raw = _open(parts.hostname or "", parts.port or 443, ends, is_trusted=bool(gateway))
    connection = http.client.HTTPConnection(parts.hostname or "")
    # It has the socket from here on, encrypted or not.
    connection.sock = used = (
        raw if gateway else _context().wrap_socket(raw, server_hostname=parts.hostname, do_handshake_on_connect=False)
    )
    expired = threading.Event()

    def cut() -> None:
        # A receiver that sends a byte now and then would never let a read time out.
        expired.set()
        with suppress(OSError):
            socket.socket.shutdown(used, socket.SHUT_RDWR)

    watch = threading.Timer(max(0.0, ends - time.monotonic()), cut)
    watch.daemon = True
    watch.start()
    try:
        if isinstance(used, ssl.SSLSocket):
            _shake_hands(used)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {**headers, "host": parts.netloc, "connection": "close"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers.get("retry-after", ""), answer.read(MOST_ANSWER))
    except (OSError, http.client.HTTPException, ValueError) as error:
        if expired.is_set():
            raise TimeoutError from error
        raise
    finally:
        watch.cancel()
        connection.close()


def _open(host: str, port: int, ends: float, *, is_trusted: bool) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} was not found", SOON) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not is_trusted and not all(map(is_public, addresses)):
        raise Unreachable(f"{host} leads to an address that is not public", None)
    try:
        # What a slow resolver has taken is not there for the connection: a timeout of nothing would not wait at all.
        return socket.create_connection((addresses[0], port), timeout=max(0.1, ends - time.monotonic()))
    except OSError as error:
        raise Unreachable(f"{host} could not be reached", SOON) from error


def _shake_hands(used: ssl.SSLSocket) -> None:
    try:
        used.do_handshake()
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"{used.server_hostname} has no certificate that can be trusted", LATER) from error


@cache
def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def is_public(address: str) -> bool:
    """Whether an IPv4 address is one of the open internet."""
    parsed = ipaddress.ip_address(address)
    return parsed.version == 4 and parsed.is_global and not parsed.is_multicast

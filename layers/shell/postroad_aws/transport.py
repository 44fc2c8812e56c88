"""A shorter way for botocore's bytes: one kept connection for each thread instead of urllib3's pool.

botocore builds, signs, retries and parses as ever; only the sending is done here, which saves half of a call's
processor time (`make bench`): urllib3 and http.client read an answer's headers as if they were an e-mail's. What goes
wrong is raised as botocore's own exceptions, so retries, or none for channels, stay its affair. Where a proxy is set,
urllib3 goes on doing the work.
"""

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from math import inf
from typing import IO, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

_PORTS = {"http": 80, "https": 443}
# Far more than AWS sends; an answer beyond it is not one.
_MAX_LINE, _MAX_HEADERS = 65_536, 100


def shorten(client: Any, *, connect_timeout: float, read_timeout: float, max_idle: float = inf) -> None:
    """Have this client send through a kept connection, unless its requests go through a proxy.

    What lies between may have forgotten a connection that was idle for more than `max_idle` seconds: a call that is
    never tried again makes a new one.
    """
    endpoint = client._endpoint
    if not get_environ_proxies(endpoint.host):
        # botocore was told by its configuration whom to trust, and keeps it in the session that is replaced.
        verify = getattr(endpoint.http_session, "_verify", True)
        endpoint.http_session = KeptConnection(connect_timeout, read_timeout, verify, max_idle)
        endpoint.prepare_request = _prepare


def _prepare(request: AWSRequest) -> AWSPreparedRequest:
    """What botocore's own preparing comes to when a body of bytes is posted: its headers are not copied twice."""
    body, headers = request.data, request.headers
    if type(body) is not bytes or not body or request.params or "Content-Length" in headers:
        return request.prepare()
    headers["Content-Length"] = str(len(body))
    return AWSPreparedRequest(request.method, request.url, headers, body, request.stream_output, request.context)


class KeptConnection:
    """What botocore asks of an HTTP session: `send` and `close`."""

    def __init__(
        self, connect_timeout: float, read_timeout: float, verify: bool | str = True, max_idle: float = inf
    ) -> None:
        self._connect_timeout, self._read_timeout, self._verify = connect_timeout, read_timeout, verify
        self._max_idle = max_idle
        self._kept = threading.local()

    def send(self, request: Any) -> AWSResponse:
        """Send a prepared request of botocore, once."""
        parts = urlsplit(request.url)
        connection = self._connection(request.url, parts)
        try:
            connection.sendall(_write(request, parts))
            with connection.makefile("rb") as answers:
                answer = _read(answers, request.method)
        except TimeoutError as error:
            self.close()
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except (OSError, _Garbled) as error:
            self.close()
            raise ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error
        if answer.is_last:
            self.close()
        self._kept.used_at = time.time()
        return AWSResponse(request.url, answer.status, _worth_keeping(answer), _Content(answer.body))

    def close(self) -> None:
        """Let this thread's connection go."""
        connection: socket.socket | None = getattr(self._kept, "connection", None)
        self._kept.connection = None
        if connection is not None:
            connection.close()

    def _connection(self, url: str, parts: SplitResult) -> socket.socket:
        kept: socket.socket | None = getattr(self._kept, "connection", None)
        if kept is not None:
            # The other side closes what idles, and a sandbox may have slept for long: then there is something to read.
            if self._is_fresh() and not select.select([kept], [], [], 0)[0]:
                return kept
            self.close()
        address = (parts.hostname or "", parts.port or _PORTS[parts.scheme])
        try:
            made = socket.create_connection(address, timeout=self._connect_timeout)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if parts.scheme == "https":
                made = self._context().wrap_socket(made, server_hostname=parts.hostname)
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=url, error=error) from error
        made.settimeout(self._read_timeout)
        self._kept.connection, self._kept.used_at = made, time.time()
        return made

    def _is_fresh(self) -> bool:
        # By the wall clock: others stand still while a sandbox is frozen.
        return self._max_idle == inf or 0 <= time.time() - self._kept.used_at <= self._max_idle

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=get_cert_path(self._verify))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        return context


class _Garbled(Exception):
    """What came is no whole HTTP answer."""


class _Answer(NamedTuple):
    """`is_last` says that the other side closes the connection after it."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_last: bool


def _worth_keeping(answer: _Answer) -> dict[str, str]:
    """Of an answer that went well only AWS's own headers: botocore goes through all of them thrice."""
    if answer.status != 200:
        return answer.headers
    return {name: value for name, value in answer.headers.items() if name.startswith("x-amz")}


def _write(request: Any, parts: SplitResult) -> bytes:
    """The bytes of a request; botocore has said its length, and signed the host as it is written here."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{_PORTS[parts.scheme]}")
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
    for name, value in request.headers.items():
        lines.append(f"{name}: {value.decode('latin-1') if isinstance(value, bytes) else value}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("A header of a request holds a line break.")
    body = request.body or b""
    return f"{head}\r\n\r\n".encode("latin-1") + (body.encode() if isinstance(body, str) else body)


def _read(answers: IO[bytes], method: str) -> _Answer:
    """One answer (RFC 9112), after those that only say that one will come."""
    while True:
        words = _line(answers).split(None, 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
            raise _Garbled("the answer does not begin as one")
        status, headers = int(words[1]), _headers(answers)
        if status >= 200:
            break
    is_last = words[0] == "HTTP/1.0" or "close" in headers.get("connection", "").lower()
    if method == "HEAD" or status in (204, 304):
        return _Answer(status, headers, b"", is_last)
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _Answer(status, headers, b"".join(_chunks(answers)), is_last)
    if "content-length" in headers:
        return _Answer(status, headers, _exactly(answers, _number(headers["content-length"], 10)), is_last)
    return _Answer(status, headers, answers.read(), True)


def _headers(answers: IO[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    while line := _line(answers):
        name, colon, value = line.partition(":")
        if not colon or len(headers) >= _MAX_HEADERS:
            raise _Garbled("a header is none, or there are too many")
        name = name.lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return headers


def _chunks(answers: IO[bytes]) -> Iterator[bytes]:
    while size := _number(_line(answers).partition(";")[0], 16):
        yield _exactly(answers, size)
        _line(answers)
    _headers(answers)  # a trailer


def _line(answers: IO[bytes]) -> str:
    line = answers.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise _Garbled("the connection ended within a line")
    return line.rstrip(b"\r\n").decode("latin-1")


def _number(text: str, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError:
        raise _Garbled("a length is no number") from None
    if number < 0:
        raise _Garbled("a length is negative")
    return number


def _exactly(answers: IO[bytes], size: int) -> bytes:
    content = answers.read(size)
    if len(content) != size:
        raise _Garbled("the connection ended within the body")
    return content


class _Content(BytesIO):
    """A body that was read, as botocore wants it: whole, or to be read by whoever called."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.getvalue()

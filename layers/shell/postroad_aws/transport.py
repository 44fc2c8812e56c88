"""A shorter way for botocore's bytes: one kept connection for each thread instead of urllib3's pool.

botocore builds, signs, retries and parses as ever; only the sending is done here, which saves a quarter of a call's
processor time (`make bench`). What goes wrong is raised as botocore's own exceptions, so retries, or none for channels,
stay its affair. Where a proxy is set, urllib3 goes on doing the work.
"""

import http.client
import select
import ssl
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies


def shorten(client: Any, *, connect_timeout: float, read_timeout: float) -> None:
    """Have this client send through a kept connection, unless its requests go through a proxy."""
    endpoint = client._endpoint
    if not get_environ_proxies(endpoint.host):
        # botocore was told by its configuration whom to trust, and keeps it in the session that is replaced.
        verify = getattr(endpoint.http_session, "_verify", True)
        endpoint.http_session = KeptConnection(connect_timeout, read_timeout, verify)


class KeptConnection:
    """What botocore asks of an HTTP session: `send` and `close`."""

    def __init__(self, connect_timeout: float, read_timeout: float, verify: bool | str = True) -> None:
        self._connect_timeout, self._read_timeout, self._verify = connect_timeout, read_timeout, verify
        self._kept = threading.local()

    def send(self, request: Any) -> AWSResponse:
        """Send a prepared request of botocore, once."""
        connection = self._connection(request.url)
        try:
            parts = urlsplit(request.url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(request.method, target, request.body, dict(request.headers))
            answer = connection.getresponse()
            content = answer.read()
        except TimeoutError as error:
            self.close()
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error
        if answer.will_close:
            self.close()
        return AWSResponse(request.url, answer.status, answer.headers, _Content(content))

    def close(self) -> None:
        """Let this thread's connection go."""
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        self._kept.connection = None
        if connection is not None:
            connection.close()

    def _connection(self, url: str) -> http.client.HTTPConnection:
        kept: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if kept is not None and kept.sock is not None:
            # The other side closes what idles, and a sandbox may have slept for long: then there is something to read.
            if not select.select([kept.sock], [], [], 0)[0]:
                return kept
            self.close()
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        made: http.client.HTTPConnection
        if parts.scheme == "https":
            made = http.client.HTTPSConnection(host, port, timeout=self._connect_timeout, context=self._context())
        else:
            made = http.client.HTTPConnection(host, port, timeout=self._connect_timeout)
        try:
            made.connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=url, error=error) from error
        made.sock.settimeout(self._read_timeout)
        self._kept.connection = made
        return made

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=get_cert_path(self._verify))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


class _Content:
    """A body that was read, as botocore wants it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content

"""The one port: the product's HTTP API, and under /_local/ what production cannot have.

The standard library's threaded server: it keeps fifty connections alive, and costs a request well under a millisecond
beside the function's several.
"""

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

from localcloud.costs import Meter
from localcloud.gateway import BODY_LIMIT, Gateway, Request, Response
from localcloud.inbox import Inbox, LostAnswerError
from localcloud.signin import SignIn
from localcloud.timemachine import Clock, NotQuietError, TimeMachine, iso

PAGES = Path(__file__).parent / "pages"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A mail may load pictures (as a reader's program does, so opens are seen) and open links in new tabs. Nothing else.
MAIL_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; font-src data:; form-action 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
# A site in a folder: its own scripts and styles, and whatever the product serves beside it.
SITE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
KINDS = {".css": "text/css", ".js": "text/javascript", ".html": "text/html"}


class Parts(Protocol):
    """What the server answers from; the local cloud replaces the gateway when it deploys anew."""

    gateway: Gateway
    inbox: Inbox
    clock: Clock
    time_machine: TimeMachine
    meter: Meter
    site: Path | None
    sign_in: SignIn

    def reset(self) -> None: ...
    def costs(self) -> dict[str, Any]: ...
    def reset_costs(self) -> None: ...


def _page(path: Path, policy: str) -> Response:
    return Response(
        200,
        [
            ("content-type", f"{KINDS[path.suffix]}; charset=utf-8"),
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ],
        path.read_bytes(),
    )


def _wants_page(request: Request) -> bool:
    """Whether a browser asks; anything else gets JSON."""
    return any(name.lower() == "accept" and "text/html" in value for name, value in request.headers)


class Local:
    """Everything under /_local/, as one table of method, path and answer."""

    def __init__(self, parts: Parts):
        self.parts = parts
        self.table: list[tuple[str, str, Callable[..., Response]]] = [
            ("GET", r"/?", lambda request: Response(302, [("location", "/_local/inbox")])),
            ("GET", r"/inbox", self.inbox),
            ("POST", r"/inbox/account", self.account),
            ("GET", r"/inbox/([\w-]+)/html", self.mail),
            ("GET", r"/inbox/([\w-]+)/raw", self.raw),
            ("GET", r"/sign-in/oauth2/authorize", lambda request: parts.sign_in.authorize(request)),
            ("POST", r"/sign-in/oauth2/token", lambda request: parts.sign_in.token(request)),
            ("GET", r"/sign-in/logout", lambda request: parts.sign_in.logout(request)),
            (
                "GET",
                r"/assets/((?:inbox|clock|sign-in)\.(?:css|js))",
                lambda request, name: _page(PAGES / name, PAGE_POLICY),
            ),
            ("GET", r"/clock", self.clock),
            ("POST", r"/clock", self.advance),
            ("POST", r"/reset", self.reset),
            ("GET", r"/costs", lambda request: Response.of(200, parts.costs())),
            ("POST", r"/costs/reset", self.reset_costs),
            ("GET", r"/site(/[\w./-]*)?", self.site),
            ("POST", r"/webhooks", self.webhook),
            ("*", r"/ses(/.*)", lambda request, path: parts.inbox.ses(request.method, path, request.body)),
        ]

    def handle(self, request: Request) -> Response:
        path = request.target.partition("?")[0].removeprefix("/_local")
        headers = {name.lower(): value for name, value in request.headers}
        origin = headers.get("origin")
        if request.method != "GET" and origin and origin.partition("://")[2] != headers.get("host"):
            return Response.of(403, {"message": "Another site may not work the local cloud."})
        allowed = []
        for method, pattern, answer in self.table:
            if found := re.fullmatch(pattern, path):
                if method in (request.method, "*"):
                    return answer(request, *found.groups())
                allowed.append(method)
        if allowed:
            return Response(
                405,
                [("allow", ", ".join(allowed)), ("content-type", "application/json")],
                b'{"message": "Method Not Allowed"}',
            )
        return Response.of(404, {"message": "Not Found"})

    def clock(self, request: Request) -> Response:
        if _wants_page(request):
            return _page(PAGES / "clock.html", PAGE_POLICY)
        return Response.of(200, {"now": iso(self.parts.clock.now())})

    def inbox(self, request: Request) -> Response:
        if _wants_page(request):
            return _page(PAGES / "inbox.html", PAGE_POLICY)
        wanted = dict(parse_qsl(request.target.partition("?")[2])).get("limit", "")
        if wanted and not (wanted.isascii() and wanted.isdigit() and int(wanted[:9]) > 0):
            return Response.of(400, {"message": "limit is how many messages at most, a whole number"})
        return Response.of(200, {"items": self.parts.inbox.items(int(wanted[:9]) if wanted else None)})

    def mail(self, request: Request, mail_id: str) -> Response:
        item = next((item for item in self.parts.inbox.items() if item["id"] == mail_id), None)
        if item is None:
            return Response.of(404, {"message": "Not Found"})
        html = item["html"] or item["text"].replace("&", "&amp;").replace("<", "&lt;")
        base = '<base target="_blank">'
        html, inserted = re.subn(r"<head(\s[^>]*)?>", lambda head: head[0] + base, html, count=1, flags=re.IGNORECASE)
        html = html if inserted else base + html
        return Response(
            200,
            [
                ("content-type", "text/html; charset=utf-8"),
                ("content-security-policy", MAIL_POLICY),
                ("referrer-policy", "no-referrer"),
                ("x-content-type-options", "nosniff"),
            ],
            html.encode("utf-8", "replace"),
        )

    def raw(self, request: Request, mail_id: str) -> Response:
        mail = self.parts.inbox.find(mail_id)
        if mail is None:
            return Response.of(404, {"message": "Not Found"})
        return Response(
            200,
            [("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff")],
            base64.b64decode(mail["raw"]),
        )

    def webhook(self, request: Request) -> Response:
        return self.parts.inbox.webhook({name.lower(): value for name, value in request.headers}, request.body)

    def account(self, request: Request) -> Response:
        try:
            return Response.of(200, self.parts.inbox.configure(json.loads(request.body)))
        except (ValueError, TypeError) as problem:
            return Response.of(400, {"message": str(problem)})

    def advance(self, request: Request) -> Response:
        try:
            asked = json.loads(request.body or b"null")
            if not isinstance(asked, dict) or "advance" not in asked:
                raise ValueError('say how far, for example {"advance": "P3D"}')
            return Response.of(200, self.parts.time_machine.advance(asked["advance"]))
        except ValueError as problem:
            return Response.of(400, {"message": str(problem)})
        except NotQuietError as problem:
            return Response.of(504, {"message": str(problem)})

    def site(self, request: Request, path: str | None) -> Response:
        """A page of the folder that was given as --site; an address leaves out `.html`."""
        folder = self.parts.site
        if folder is None:
            return Response.of(404, {"message": "There is no site; start with --site FOLDER."})
        if path is None:
            return Response(302, [("location", "/_local/site/")])
        for name in (path, f"{path}.html", f"{path}/index.html"):
            file = (folder / name.lstrip("/")).resolve()
            if file.is_relative_to(folder) and file.suffix in KINDS and file.is_file():
                return _page(file, SITE_POLICY)
        return Response.of(404, {"message": "Not Found"})

    def reset(self, request: Request) -> Response:
        self.parts.reset()
        return Response.of(200, {"now": iso(self.parts.clock.now())})

    def reset_costs(self, request: Request) -> Response:
        self.parts.reset_costs()
        return Response.of(200, {})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 600
    server: "Server"
    parts: Parts
    local: Local

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method at all: the gateway answers for its routes
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            return self._answer(Response.of(400, {"message": "Bad Request"}), close=True)
        with self.server.answering(self.path) as may_answer:
            if not may_answer:
                return self._answer(Response.of(503, {"message": "Service Unavailable"}), close=True)
            return self._respond(body)

    def _respond(self, body: bytes) -> None:
        request = Request(
            self.command,
            self.path,
            list(self.headers.items()),
            body,
            self.client_address[0],
            time.time() + self.parts.clock.offset,
        )
        try:
            if re.match(r"/_local(/|\?|$)", self.path):
                response = self.local.handle(request)
            else:
                self.parts.meter.count("http_requests")
                self.parts.meter.count("http_chunks", 1 + max(0, len(body) - 1) // (512 * 1024))
                response = self.parts.gateway.handle(request)
        except LostAnswerError:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        except Exception as problem:
            self.log_error("%s %s: %r", self.command, self.path.partition("?")[0], problem)
            response = Response.of(500, {"message": "Internal Server Error"})
        return self._answer(response)

    def _answer(self, response: Response, close: bool = False) -> None:
        self.send_response_only(response.status)
        self.send_header("date", self.date_time_string())
        for name, value in response.headers:
            if name not in ("content-length", "connection", "transfer-encoding", "date"):
                self.send_header(name, value.encode().decode("latin-1"))
        if response.status >= 200 and response.status not in (204, 304):
            self.send_header("content-length", str(len(response.body)))
        if close:
            self.send_header("connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(response.body)

    def _body(self) -> bytes | None:
        """The request's body; what exceeds the gateway's limit is read and dropped. None when it is malformed."""
        kept, size = [], 0

        def keep(amount: int) -> bool:
            nonlocal size
            while amount:
                part = self.rfile.read(min(amount, 1 << 20))
                if not part:
                    return False
                amount -= len(part)
                size += len(part)
                if size <= BODY_LIMIT + (1 << 20):
                    kept.append(part)
            return True

        try:
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                while length := int(self.rfile.readline(100).partition(b";")[0], 16):
                    if not keep(length) or self.rfile.readline(100).strip():
                        return None
                while self.rfile.readline(65536).strip():  # trailers
                    pass
            else:
                length = int(self.headers.get("content-length") or 0)
                if length < 0 or not keep(length):
                    return None
        except ValueError:
            return None
        return b"".join(kept)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def log_error(self, format: str, *arguments: Any) -> None:
        if not (arguments and isinstance(arguments[0], TimeoutError)):
            print("HTTP: " + format % arguments, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]):
        self.refuses = False
        self.open = 0
        self.changed = threading.Condition()
        super().__init__(address, handler, bind_and_activate=False)
        try:
            self.server_bind()
        except OSError:
            self.server_close()
            raise

    def refuse(self) -> None:
        """Answer 503 from now on, but for the mailbox: functions that are under way still need it."""
        self.refuses = True

    @contextmanager
    def answering(self, path: str) -> Iterator[bool]:
        """Count a request as open; whether it may be answered."""
        with self.changed:
            self.open += 1
        try:
            yield not self.refuses or path.startswith("/_local/ses")
        finally:
            with self.changed:
                self.open -= 1
                self.changed.notify_all()

    def shutdown(self) -> None:
        """Returns when the open requests are answered; after five seconds in any case."""
        with self.changed:
            self.changed.wait_for(lambda: not self.open, timeout=5)
        super().shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of ours."""


def serve(port: int, parts: Parts) -> Server:
    """Bind 127.0.0.1:port, without listening (`server_activate`). Raises OSError when somebody else listens there."""
    handler = type("Bound", (Handler,), {"parts": parts, "local": Local(parts)})
    return Server(("127.0.0.1", port), handler)

"""The front door: the tracking API, the script and the pixel of websites, opens and clicks."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from postroad.tracking.wire import Refused
from postroad_aws import clock, queues
from postroad_aws.links import signer
from postroad_aws.observability import logger
from postroad_aws.settings import settings
from postroad_aws.storage import keys
from postroad_aws.usecases.collect_events import Busy, DoorPorts, Taken, collect_events, collect_pixel

Answer = dict[str, Any]

PORTS = DoorPorts(keys=keys, queues=queues, clock=clock)

_GIF = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="  # 43 bytes, transparent
_NOT_FOUND = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Not found</title>"
    "<p>This link does not exist. It may have been cut off on its way: try to copy all of it."
)
_WITHDRAWN = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Withdrawn</title>"
    "<p>For your safety, this link leads nowhere any more. The same one in a newer message does."
)
_ALLOWED_HEADERS = "authorization, content-type, content-encoding, x-retry-count, anonymousid, sentat"
_HEADER_LIST = re.compile(r"[A-Za-z0-9, -]{1,500}")


class Call(NamedTuple):
    """An HTTP request as the gateway hands it over; `rest` is what its route left open."""

    method: str
    path: str
    rest: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    event: Mapping[str, Any]


def handler(event: Mapping[str, Any], context: object) -> Answer:
    """An HTTP API event, payload version 2.0."""
    try:
        return _answer(event)
    except Exception:
        # Nothing that a client sends ends here; AWS does, and the SDKs send again what gets a 503.
        logger.exception("a request could not be answered")
        return _refuse(Refused(503, "Postroad cannot take this now; send it again."), retry_after=5)


def _answer(event: Mapping[str, Any]) -> Answer:
    method = event["requestContext"]["http"]["method"]
    path = event.get("rawPath") or "/"
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    query = dict(parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True))
    for methods, pattern, respond in _ROUTES:
        match = pattern.fullmatch(path)
        if match and method in methods:
            return respond(Call(method, path, match[1], headers, query, event))
    return _refuse(Refused(404, f"There is no {method} {path[:80]} here; the tracking API is POST /v1/batch."))


def _track(call: Call) -> Answer:
    result = collect_events(PORTS, call.path, call.headers, call.query, _body(call))
    if isinstance(result, Taken):
        return _json(200, {"success": True})  # exactly 200: an SDK takes 202 for a failure
    if isinstance(result, Busy):
        return _refuse(Refused(503, "The queue is busy; send it again."), retry_after=result.retry_after)
    return _refuse(result)


def _body(call: Call) -> bytes:
    body = call.event.get("body") or ""
    if call.event.get("isBase64Encoded"):
        return base64.b64decode(body)
    if "gzip" in call.headers.get("content-encoding", "") and body[:2] == "\x1f\x8b":
        with suppress(UnicodeEncodeError):
            return str(body).encode("latin-1")  # bytes that a gateway took for text
    return str(body).encode(errors="surrogatepass")


def _pixel(call: Call) -> Answer:
    collect_pixel(PORTS, call.headers, call.query)
    return _gif()


def _sdk_settings(call: Call) -> Answer:
    """What a browser SDK asks for before it sends: where to."""
    key = keys.find_key(call.rest)
    if key is None or key.kind != "write":
        return _refuse(Refused(404, "No source has this write key."))
    own = urlsplit(settings().base_url or _own_url(call))
    target = {"apiKey": call.rest, "apiHost": f"{own.netloc}/v1", "protocol": own.scheme, "type": "browser"}
    document = {"integrations": {"Segment.io": target}, "plan": {"track": {}, "identify": {}, "group": {}}}
    return _json(200, document, {"cache-control": "public, max-age=300"})


def _own_url(call: Call) -> str:
    host = call.headers.get("host") or call.event["requestContext"].get("domainName", "")
    return f"{call.headers.get('x-forwarded-proto', 'https')}://{host}"


def _preflight(call: Call) -> Answer:
    asked = call.headers.get("access-control-request-headers", "")
    return {
        "statusCode": 204,
        "headers": {
            **_CORS,
            "access-control-allow-methods": "GET, POST, OPTIONS",
            "access-control-allow-headers": asked if _HEADER_LIST.fullmatch(asked) else _ALLOWED_HEADERS,
            "access-control-max-age": "7200",
        },
    }


class _File(NamedTuple):
    """A file as it goes over the wire."""

    tag: str
    plain: str
    packed: str


@cache
def _script_file() -> _File:
    # Its comments are for those who change it.
    content = re.sub(rb"(?m)^ *//.*\n", b"", Path(__file__).with_name("postroad.js").read_bytes())
    packed = base64.b64encode(gzip.compress(content, mtime=0)).decode()
    return _File(f'"{hashlib.sha256(content).hexdigest()[:20]}"', content.decode(), packed)


def _script(call: Call) -> Answer:
    """What a site includes. Browsers keep it for an hour, and then ask whether it has changed."""
    file = _script_file()
    headers = {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=3600, stale-while-revalidate=86400",
        "etag": file.tag,
        "vary": "accept-encoding",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
        **_CORS,
    }
    if file.tag in call.headers.get("if-none-match", ""):
        return {"statusCode": 304, "headers": headers}
    if "gzip" in call.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return {"statusCode": 200, "headers": headers, "body": file.packed, "isBase64Encoded": True}
    return {"statusCode": 200, "headers": headers, "body": file.plain}


def _open(call: Call) -> Answer:
    from postroad_aws.usecases.record_engagement import Fetched, record_open

    fetched = Fetched(call.method, call.headers, _address_of(call))
    return _gif() if record_open(PORTS, signer(), call.rest, fetched) else _no_link(call.rest)


def _click(call: Call) -> Answer:
    from postroad_aws.usecases.record_engagement import Fetched, record_click

    target = record_click(PORTS, signer(), call.rest, Fetched(call.method, call.headers, _address_of(call)))
    if target is None:
        return _no_link(call.rest)
    headers = {"location": _ascii_url(target), "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return {"statusCode": 302, "headers": headers}


def _address_of(call: Call) -> str:
    return str(call.event["requestContext"]["http"].get("sourceIp", ""))


def _ascii_url(url: str) -> str:
    if url.isascii():
        return url
    parts = urlsplit(url)
    host = parts.netloc.encode("idna").decode()
    return urlunsplit((parts.scheme, host, *(quote(part, safe="/%!$&'()*+,;=:@~?-._") for part in parts[2:])))


def _gif() -> Answer:
    headers = {"content-type": "image/gif", "cache-control": "no-store", **_CORS}
    return {"statusCode": 200, "headers": headers, "body": _GIF, "isBase64Encoded": True}


def _no_link(token: str) -> Answer:
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    status, body = (410, _WITHDRAWN) if signer().is_withdrawn(token) else (404, _NOT_FOUND)
    return {"statusCode": status, "headers": headers, "body": body}


def _refuse(refused: Refused, *, retry_after: int | None = None) -> Answer:
    # SDKs read `code` and `message` from an answer that is not 200.
    document = {"success": False, "code": HTTPStatus(refused.status).name.lower(), "message": refused.sentence}
    return _json(refused.status, document, {} if retry_after is None else {"retry-after": str(retry_after)})


def _json(status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **_CORS, **(headers or {})},
        "body": json.dumps(document, separators=(",", ":")),
    }


# Any site may send events, without cookies: the write key is all that counts.
_CORS = {"access-control-allow-origin": "*"}

_ROUTES: tuple[tuple[tuple[str, ...], re.Pattern[str], Callable[[Call], Answer]], ...] = (
    (("POST",), re.compile(r"(/v1/.*|/api/public/apps/batch)"), _track),
    (("OPTIONS",), re.compile(r"(/.*)"), _preflight),
    (("GET",), re.compile(r"(/v1/p\.gif)"), _pixel),
    (("GET",), re.compile(r"/v1/projects/([^/]{1,200})/settings"), _sdk_settings),
    (("GET", "HEAD"), re.compile(r"(/js/postroad\.js)"), _script),
    (("GET", "HEAD"), re.compile(r"/o/([^/]{1,5000})"), _open),
    (("GET", "HEAD"), re.compile(r"/c/([^/]{1,5000})"), _click),
)

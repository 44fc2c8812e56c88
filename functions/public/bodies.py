"""Reading what a form posted: urlencoded, multipart or JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

# An answer is short; nobody fills in more than this.
MAX_BODY = 65_536
MAX_INPUTS = 200


class BodyError(ValueError):
    """The body cannot be read; the message says why, and how to mend it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def read_header(event: Mapping[str, Any], name: str) -> str:
    """A header of a request, in whatever case it came; empty when there is none."""
    return next((str(value) for key, value in event.get("headers", {}).items() if key.lower() == name), "")


def is_json(event: Mapping[str, Any]) -> bool:
    return read_header(event, "content-type").partition(";")[0].strip().lower() == "application/json"


def read_inputs(event: Mapping[str, Any]) -> dict[str, str]:
    """The inputs by name; of several with one name, the first. Raises BodyError."""
    body = _read_body(event)
    kind = read_header(event, "content-type")
    if len(body) > MAX_BODY:
        raise BodyError(413, f"This is too much: {len(body):,} bytes, and {MAX_BODY:,} is the limit.")
    if is_json(event):
        inputs = _read_json(body)
    elif kind.lower().startswith("multipart/form-data"):
        inputs = _read_multipart(kind, body)
    else:
        inputs = _read_urlencoded(body)
    if len(inputs) > MAX_INPUTS:
        raise BodyError(400, f"A form has at most {MAX_INPUTS} inputs; these are {len(inputs)}.")
    return inputs


def read_document(event: Mapping[str, Any]) -> dict[str, str]:
    """The members of a JSON object, whatever its content type says: a script that is to ask nobody's leave says
    text/plain. Raises BodyError."""
    body = _read_body(event)
    if len(body) > MAX_BODY:
        raise BodyError(413, f"This is too much: {len(body):,} bytes, and {MAX_BODY:,} is the limit.")
    return _read_json(body)


def _read_body(event: Mapping[str, Any]) -> bytes:
    raw = event.get("body") or ""
    try:
        return base64.b64decode(raw) if event.get("isBase64Encoded") else str(raw).encode(errors="replace")
    except ValueError:
        raise BodyError(400, "The body cannot be read.") from None


def _read_urlencoded(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=MAX_INPUTS * 2)
    except ValueError:
        raise BodyError(400, f"A form has at most {MAX_INPUTS} inputs.") from None
    return dict(reversed(pairs))


def _read_json(body: bytes) -> dict[str, str]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BodyError(400, 'The body is not JSON; send an object such as {"email": "ana@example.com"}.') from None
    if not isinstance(document, dict):
        raise BodyError(400, 'The body must be an object such as {"email": "ana@example.com"}.')
    inputs = {}
    for name, value in document.items():
        if isinstance(value, dict | list):
            raise BodyError(400, f"The input {name[:60]!r} must be text, a number, true or false.")
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            inputs[name] = text.encode(errors="replace").decode()  # half a surrogate pair is no character
    return inputs


def _read_multipart(kind: str, body: bytes) -> dict[str, str]:
    from email import message_from_bytes, policy  # only these few requests need it

    head = b"Content-Type: " + kind.encode(errors="replace") + b"\r\n\r\n"
    found: dict[str, str] = {}
    try:
        parsed = message_from_bytes(head + body, policy=policy.HTTP)
        for part in parsed.iter_parts() if parsed.is_multipart() else ():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if name and isinstance(content, bytes) and not part.get_filename():
                found.setdefault(str(name), content.decode(errors="replace").strip())
    except Exception:  # the parser of the standard library throws what it likes at headers that are none
        raise BodyError(400, "The multipart body cannot be read; send name and value of each input.") from None
    return found

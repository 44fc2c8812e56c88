"""The pages that a contact touches: unsubscribing."""

import base64
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qs

from postroad.links import Unsubscribe
from postroad_aws.observability import logger
from postroad_aws.usecases.refuse import unsubscribe
from postroad_aws.wiring import production, signer

Answer = dict[str, Any]

_POWERS = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
  body {{ display: grid; place-items: center; min-height: 100vh; margin: 0; padding: 1rem; box-sizing: border-box;
          background: light-dark(#f4f6fa, #151b26); color: light-dark(#1c2636, #e6e9ef); }}
  main {{ max-width: 26rem; padding: 2rem; border-radius: .75rem; background: light-dark(#fff, #1f2937);
          box-shadow: 0 1px 3px rgb(0 0 0 / .15); }}
  h1 {{ font-size: 1.25rem; margin: 0 0 .5rem; }}
  button {{ font: inherit; padding: .6rem 1rem; border-radius: .5rem; border: 1px solid transparent; cursor: pointer;
            background: #1f5fbf; color: #fff; width: 100%; margin-top: .75rem; }}
  button.quiet {{ background: transparent; color: inherit; border-color: currentColor; }}
</style>
<main>
<h1>{title}</h1>
{body}
</main>
</html>
"""

_ASK = """<p>You will get no more messages about <b>{topic}</b>.</p>
<form method="post"><button name="scope" value="topic">Unsubscribe from {topic}</button></form>
<form method="post"><button class="quiet" name="scope" value="everything">Unsubscribe from everything</button></form>"""


def handler(event: Mapping[str, Any], context: object) -> Answer:
    """An HTTP API event, payload version 2.0. A GET changes nothing: mail scanners follow every link."""
    token = (event.get("pathParameters") or {}).get("token", "")
    link = signer().find(Unsubscribe, token)
    if link is None:
        return _page(404, "This link does not work", "<p>It may have been cut off. Try that of a newer message.</p>")
    topic = _topic_name(link)
    if event["requestContext"]["http"]["method"] != "POST":
        return _page(200, "Unsubscribe?", _ASK.format(topic=escape(topic)))
    form = _form(event)
    one_click = form.get("List-Unsubscribe") == "One-Click"
    everything = form.get("scope") == "everything" and not one_click
    try:
        unsubscribe(production(), link, {"by": "one-click" if one_click else "page"}, everything=everything)
    except Exception:
        logger.exception("a refusal could not be written", message_id=link.message_id)
        return _page(
            503,
            "Please try again",
            "<p>We could not finish this just now. One more press of the button will do it.</p>",
        )
    what = "any more messages" if everything else f"messages about <b>{escape(topic)}</b> any more"
    return _page(200, "You are unsubscribed", f"<p>You will not get {what}.</p>")


def _topic_name(link: Unsubscribe) -> str:
    try:
        return production().books.current_policy().find_topic(link.topic).name
    except Exception:  # whoever wants to leave must not wait for our definitions
        logger.exception("the name of a topic could not be read", message_id=link.message_id)
        return link.topic


def _form(event: Mapping[str, Any]) -> dict[str, str]:
    """The form's fields, urlencoded or multipart; mail clients send either (RFC 8058 section 3.1).

    What cannot be read says nothing: then the post itself is the refusal.
    """
    raw = event.get("body") or ""
    try:
        body = base64.b64decode(raw) if event.get("isBase64Encoded") else str(raw).encode(errors="replace")
    except ValueError:
        return {}
    kind = {name.lower(): value for name, value in event.get("headers", {}).items()}.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        return _multipart(kind, body)
    fields = parse_qs(body.decode(errors="replace"))
    return {name: values[0] for name, values in fields.items()}


def _multipart(kind: str, body: bytes) -> dict[str, str]:
    from email import message_from_bytes, policy  # only these few requests need it

    parsed = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=policy.HTTP)
    found = {}
    for part in parsed.iter_parts() if parsed.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            found[str(name)] = content.decode(errors="replace").strip()
    return found


def _page(status: int, title: str, body: str) -> Answer:
    return {
        "statusCode": status,
        "headers": {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "content-security-policy": _POWERS,
        },
        "body": _PAGE.format(title=title, body=body),
    }

"""The messages that wait for a visitor of a site, and what became of one. Any site may ask, without cookies."""

import json
from collections.abc import Mapping
from typing import Any

from functions.public.bodies import BodyError, read_document
from functions.public.pages import Answer
from postroad.content.links import Waiting
from postroad.tracking.wire import Refused
from postroad_aws.links import signer
from postroad_aws.observability import logger
from postroad_aws.storage import keys, web_messages
from postroad_aws.usecases.end_web_message import DEEDS, end_web_message
from postroad_aws.usecases.list_web_messages import Asker, Shown, list_web_messages
from postroad_aws.wiring import production


def answer(event: Mapping[str, Any], token: str | None) -> Answer:
    """`POST /w` lists what waits, `POST /w/{token}` says what became of one.

    Ids and tickets stand in the body: addresses end in logs."""
    try:
        document = read_document(event)
        return _list(document) if token is None else _end(event, token, document.get("what", ""))
    except BodyError as error:
        return _refuse(error.status, str(error))
    except Exception:
        logger.exception("messages of a site could not be read or ended")
        return _refuse(503, "This could not be done now; try again.")


def _list(document: Mapping[str, str]) -> Answer:
    asker = Asker(document.get("writeKey", ""), document.get("anonymousId", ""), document.get("ticket", ""))
    found = list_web_messages(production(), keys, web_messages, asker)
    if isinstance(found, Refused):
        return _refuse(found.status, found.sentence)
    return _json(200, {"messages": list(map(_show, found.messages)), "needs_ticket": found.needs_ticket})


def _show(shown: Shown) -> dict[str, str]:
    message = shown.message
    said = {"title": message.title, "text": message.text, "url": message.url, "button": message.button}
    return {"id": message.message_id, **said, "token": shown.token}


def _end(event: Mapping[str, Any], token: str, what: str) -> Answer:
    link = signer().find(Waiting, token)
    if link is None:
        if signer().is_withdrawn(token):
            return _refuse(410, "This token was withdrawn; ask for the messages anew.")
        return _refuse(404, "No message has this token.")
    if what not in DEEDS:
        return _refuse(400, f"Say what became of it: what is one of {', '.join(DEEDS)}.")
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    end_web_message(production(), web_messages, link, what, headers)
    return _json(200, {"success": True})


def _refuse(status: int, sentence: str) -> Answer:
    return _json(status, {"success": False, "message": sentence})


def _json(status: int, document: object) -> Answer:
    headers = {
        "content-type": "application/json",
        "access-control-allow-origin": "*",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return {"statusCode": status, "headers": headers, "body": json.dumps(document)}

"""Idempotency keys: a POST that is sent again with the same key is not done again, and gets the same answer."""

import hashlib
import json
from collections.abc import Callable

from functions.api.problems import BusyError, RequestError, ReusedKeyError
from functions.api.requests import Request
from functions.api.routing import Answer, Caller, Route
from postroad_aws import clock, ids
from postroad_aws.observability import logger
from postroad_aws.storage import requests

HEADER = "idempotency-key"
MAX_KEY = 255


def answer_once(request: Request, route: Route, caller: Caller, act: Callable[[], Answer]) -> Answer:
    """Do it, unless it carries an idempotency key and was done within a day: then what was answered.

    A refusal has done nothing, so it is not kept. Raises RequestError, ReusedKeyError and BusyError.
    """
    if request.method != "POST" or HEADER not in request.headers:
        return act()
    key = request.headers[HEADER]
    if not (1 <= len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise RequestError(f"An Idempotency-Key has 1 to {MAX_KEY} ASCII characters.")
    request_id = _hash(caller.key_id.encode(), key.encode())
    asked = _hash(request.path.encode(errors="replace"), request.raw_query.encode(errors="replace"), request.body)
    owner = ids.new_id()
    known = requests.begin(request_id, asked, owner, clock.now())
    if known is not None:
        if known.asked != asked:
            raise ReusedKeyError("This Idempotency-Key was used for another request; take a new one.")
        if known.answer is None:
            raise BusyError("The first request with this Idempotency-Key is still under way; ask again in a second.")
        status, document, headers = json.loads(known.answer)
        return Answer(status, document, {**headers, "idempotent-replayed": "true"})
    try:
        answer = act()
    except Exception:
        requests.forget(request_id, owner)
        raise
    kept = {**answer.document, **dict.fromkeys(route.secrets)}
    try:
        requests.finish(request_id, owner, json.dumps([int(answer.status), kept, dict(answer.headers)]))
    except Exception:  # it is done, and whoever asked must not think that it is not
        logger.exception("the answer of a request could not be kept")
    return answer


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()

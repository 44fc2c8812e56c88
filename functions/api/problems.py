"""Errors as problem details (RFC 9457): one place turns exceptions into answers."""

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from postroad.errors import DefinitionError, PostroadError
from postroad_aws.observability import logger
from postroad_aws.storage import CursorError, NotFoundError, VersionConflictError

CONTENT_TYPE = "application/problem+json"


class RequestError(PostroadError):
    """The request cannot be understood; the sentence says how to mend it."""


class TooLargeError(RequestError):
    """The request holds more than is taken at once."""


_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (DefinitionError, 422),
    (VersionConflictError, 409),
    (NotFoundError, 404),
    (CursorError, 400),
    (TooLargeError, 413),
    (RequestError, 400),
)


def answer(status: int, detail: str, **members: Any) -> Response[Any]:
    """A problem of a status, in a sentence; `members` say more of it."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    return Response(status, content_type=CONTENT_TYPE, body=json.dumps(body))


def from_exception(error: Exception) -> Response[Any]:
    """The answer to an exception: those raised on purpose say what to mend, any other is ours to mend."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            mistakes = [{"path": path, "detail": sentence} for path, sentence in getattr(error, "mistakes", ())]
            detail = "The definition has mistakes." if mistakes else str(error)
            return answer(status, detail, **({"mistakes": mistakes} if mistakes else {}))
    logger.exception("a request of the API could not be answered")
    return answer(500, "Postroad could not answer this; the log says why.")

"""Errors as problem details (RFC 9457): one table says which there are, one place turns exceptions into answers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

from aws_lambda_powertools.event_handler import Response

from functions.api.schemas import Example, ParameterError
from postroad.errors import DefinitionError, PostroadError
from postroad_aws.observability import logger
from postroad_aws.storage import CursorError, NotFoundError, VersionConflictError

CONTENT_TYPE = "application/problem+json"
PLACE = "/api/v1/docs"


class RequestError(PostroadError):
    """The request cannot be understood; the sentence says how to mend it."""


class NoKeyError(PostroadError):
    """The request carries no key that is known."""


class WrongKeyError(PostroadError):
    """The request carries a key that opens something else."""


class NoRouteError(NotFoundError):
    """There is no such address, or its path names what cannot be."""


class WrongMethodError(PostroadError):
    """The address takes other methods."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        self.allowed = allowed
        super().__init__(f"{method[:20]} is not for this address, which takes {' and '.join(allowed)}.")


class BusyError(PostroadError):
    """The first request with this idempotency key is still under way."""


class RefusedError(PostroadError):
    """What is asked for may not be done as things stand."""


class StaleError(PostroadError):
    """What the caller has read is no longer what is stored."""


class TooLargeError(RequestError):
    """The request holds more than is taken at once."""


class ReusedKeyError(PostroadError):
    """An idempotency key stands for another request already."""


class UnconditionalError(PostroadError):
    """The request would overwrite what its sender may never have seen."""


class Problem(NamedTuple):
    """One kind of problem: its name is the last part of its `type`, `when` says it in a line."""

    name: str
    status: int
    when: str


BAD_REQUEST = Problem("bad-request", 400, "a parameter, a cursor or the body cannot be understood")

# A kind of error stands for the kinds under it.
PROBLEMS: Mapping[type[BaseException], Problem] = {
    RequestError: BAD_REQUEST,
    ParameterError: BAD_REQUEST,
    CursorError: BAD_REQUEST,
    NoKeyError: Problem("no-key", 401, "there is no API key, or nobody has this one"),
    WrongKeyError: Problem("wrong-key", 403, "the key is a write key, which may only send events"),
    NotFoundError: Problem("not-found", 404, "there is no such address, contact, message, draft, version or key"),
    WrongMethodError: Problem("wrong-method", 405, "the address takes other methods: `Allow` says which"),
    VersionConflictError: Problem("conflict", 409, "somebody else has changed the same meanwhile: try again"),
    RefusedError: Problem("refused", 409, "it may not be done as things stand: `detail` says why"),
    BusyError: Problem("busy", 409, "the first request with this `Idempotency-Key` is still under way"),
    StaleError: Problem("stale", 412, "somebody else has saved since you read it: read it again"),
    TooLargeError: Problem("too-large", 413, "the body is too large"),
    DefinitionError: Problem("mistakes", 422, "what was sent has mistakes: `errors` says where, and how to mend them"),
    ReusedKeyError: Problem("reused-key", 422, "this `Idempotency-Key` stands for another request"),
    UnconditionalError: Problem("unconditional", 428, "it would replace what you may not have seen: send `If-Match`"),
    Exception: Problem("internal", 500, "Postroad could not answer; its log says why"),
}


class Mistake(TypedDict):
    """One mistake in what was sent."""

    path: Annotated[str, Example("steps[2].wait.timeout"), "Where it stands; empty for the whole."]
    detail: Annotated[str, Example("is missing"), "What is wrong, and what would be right."]


class ProblemDetails(TypedDict):
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, Example(f"{PLACE}#stale"), "Which kind of problem: a fragment of the page of this API."]
    title: Annotated[str, Example("Precondition Failed")]
    status: Annotated[int, Example(412)]
    detail: Annotated[str, "A sentence that says what is wrong, and how to mend it."]
    errors: NotRequired[Annotated[list[Mistake], "Each mistake in what was sent."]]


def answer_problem(error: Exception) -> Response[Any]:
    """The answer to an exception: those raised on purpose say what to mend, any other is ours to mend."""
    problem = next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)
    if problem.status >= 500:
        logger.exception("a request of the API could not be answered")
    mistakes = list_mistakes(error.mistakes) if isinstance(error, DefinitionError) else []
    document = ProblemDetails(
        type=f"{PLACE}#{problem.name}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=_say(error) if problem.status < 500 else "Postroad could not answer this; its log says why.",
    )
    if mistakes:
        document["errors"] = mistakes
    headers: dict[str, str | list[str]] = {"cache-control": "no-store"}
    if isinstance(error, WrongMethodError):
        headers["allow"] = ", ".join(error.allowed)
    if isinstance(error, NoKeyError):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, BusyError):
        headers["retry-after"] = "1"
    return Response(problem.status, CONTENT_TYPE, json.dumps(document), headers)


def list_mistakes(mistakes: Iterable[tuple[str, str]]) -> list[Mistake]:
    """Mistakes as the API speaks of them."""
    return [{"path": path, "detail": sentence} for path, sentence in mistakes]


def _say(error: Exception) -> str:
    if not isinstance(error, DefinitionError):
        return str(error)
    (path, sentence), *more = error.mistakes
    others = (
        f" There are {len(more)} more mistakes." if len(more) > 1 else " There is one more mistake." if more else ""
    )
    return f"{path or 'The document'} {sentence}.{others}"

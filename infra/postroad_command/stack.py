"""A running stack, or the local cloud, over its JSON API. The key is never shown."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from postroad.errors import PostroadError

TIMEOUT = 60.0


class StackError(PostroadError):
    """The stack did not do as asked; the sentence says why. `status` is that of HTTP, 0 when it did not answer."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        self.status = status
        super().__init__(sentence)


class _StayHere(HTTPRedirectHandler):
    """A key does not travel to where an answer points."""

    def redirect_request(self, *request: Any) -> None:
        return None


class Stack:
    """The JSON API at an address such as `https://post.example.com`. Every call raises StackError."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StackError(f"{url!r} is no address; write for example http://localhost:8080.")
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise StackError("A key travels to another machine over https only.")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._key = key
        self._opener = build_opener(_StayHere)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> dict[str, Any]:
        """The document of the answer."""
        url = f"{self.url}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", **(headers or {})}
        try:
            with self._opener.open(Request(url, data, sent, method=method), timeout=TIMEOUT) as answer:
                found = json.load(answer)
        except HTTPError as refusal:
            raise StackError(_read_problem(refusal), refusal.code) from None
        except (URLError, TimeoutError, ConnectionError) as error:
            raise StackError(f"{self.url} does not answer: {getattr(error, 'reason', error)}.") from None
        except ValueError:
            raise StackError(f"What answers at {self.url} is not the JSON API.") from None
        if not isinstance(found, dict):
            raise StackError(f"What answers at {self.url} is not the JSON API.")
        return found

    def list_all(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """The items of all pages."""
        asked: dict[str, Any] = {"limit": 200, **query}
        while True:
            page = self.call("GET", path, **asked)
            yield from page["items"]
            if page["next"] is None:
                return
            asked["cursor"] = page["next"]

    def find(self, path: str, **query: Any) -> dict[str, Any] | None:
        """The document, or None when there is none."""
        try:
            return self.call("GET", path, **query)
        except StackError as error:
            if error.status == 404:
                return None
            raise


def path_of(key: str) -> str:
    """Where the API has a definition."""
    kind, _, definition_id = key.partition("/")
    return f"/definitions/{quote(kind, safe='')}/{quote(definition_id, safe='')}"


def _read_problem(refusal: HTTPError) -> str:
    try:
        problem = json.load(refusal)
        lines = [str(problem["detail"])]
        lines += [f"  {mistake['path'] or 'document'}: {mistake['detail']}" for mistake in problem.get("errors", ())]
        return "\n".join(lines)
    except (ValueError, KeyError, TypeError):
        return f"The answer was {refusal.code}, and no problem document; is this the address of the JSON API?"

"""Faults between the SDK and AWS, for the tests of what the SDK then does."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ReadTimeoutError
from moto.core.models import botocore_stubber

_standing: list[tuple[Any, str, Callable[..., Any]]] = []


def _disturb(client: Any, operation: str, handler: Callable[..., Any], when: str = "before-send") -> None:
    event = f"{when}.*.{operation}"
    client.meta.events.register_first(event, handler)
    _standing.append((client, event, handler))


def mend() -> None:
    """End all faults: clients outlive a test."""
    while _standing:
        client, event, handler = _standing.pop()
        client.meta.events.unregister(event, handler)


def lose_answers(client: Any, operation: str, times: int = 1) -> Callable[[], int]:
    """AWS does what the next calls ask, but their answers never arrive. Returns how many calls were made by now."""
    calls = 0

    def lose(request: Any, event_name: str, **context: Any) -> None:
        nonlocal calls
        calls += 1
        if calls <= times:
            botocore_stubber(event_name=event_name, request=request, **context)
            raise ReadTimeoutError(endpoint_url=request.url)

    _disturb(client, operation, lose)
    return lambda: calls


def fail_calls(client: Any, operation: str, error: Exception) -> Callable[[], int]:
    """Calls of this operation fail before AWS sees them. Returns how many were made by now."""
    calls = 0

    def fail(**context: Any) -> None:
        nonlocal calls
        calls += 1
        raise error

    _disturb(client, operation, fail)
    return lambda: calls


def answer_calls(client: Any, operation: str, status: int, error: str) -> list[dict[str, Any]]:
    """What moto does not know is answered like this. Returns the parameters asked with so far."""
    asked: list[dict[str, Any]] = []

    def answer(params: dict[str, Any], **context: Any) -> tuple[Any, dict[str, Any]]:
        asked.append(params)
        return SimpleNamespace(status_code=status), {"Error": {"Code": error}}

    _disturb(client, operation, answer, "before-call")
    return asked


def leave_undone(monkeypatch: Any, client: Any, operation: str, container: str, times: int = 1) -> list[int]:
    """The next batch calls do only the first half of what they are asked. Returns the sizes asked for so far."""
    sizes: list[int] = []
    real = getattr(client, operation)

    def call(RequestItems: dict[str, Any]) -> Any:
        ((table, asked),) = RequestItems.items()
        entries = asked["Keys"] if isinstance(asked, dict) else asked
        sizes.append(len(entries))
        if len(sizes) > times or len(entries) < 2:
            return real(RequestItems=RequestItems)
        half = len(entries) // 2
        done, left = entries[:half], entries[half:]

        def part(some: list[Any]) -> Any:
            return {table: {**asked, "Keys": some} if isinstance(asked, dict) else some}

        return {**real(RequestItems=part(done)), container: part(left)}

    monkeypatch.setattr(client, operation, call)
    return sizes

"""Real tracking SDKs, pointed at a host; what they send is the wire format that Postroad promises to take."""

from collections.abc import Callable
from typing import Any

import rudderstack.analytics.client as rudder
import segment.analytics.client as segment


def segment_client(host: str, write_key: str, *, errors: list[Any] | None = None, **options: Any) -> segment.Client:
    """`segment-analytics-python`; call its `flush()` and `shutdown()`. Failures are appended to `errors`."""
    return segment.Client(write_key, host=host, on_error=_note(errors), max_retries=1, **options)


def rudder_client(host: str, write_key: str, *, errors: list[Any] | None = None, **options: Any) -> rudder.Client:
    """`rudder-sdk-python`, which gzips unless told otherwise."""
    return rudder.Client(write_key, host=host, on_error=_note(errors), max_retries=1, **options)


def _note(errors: list[Any] | None) -> Callable[[Any, Any], None]:
    def on_error(error: Any, items: Any) -> None:
        if errors is not None:
            errors.append(error)

    return on_error

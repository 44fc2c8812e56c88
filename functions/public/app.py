"""The pages that a contact touches: unsubscribing, and forms."""

from collections.abc import Mapping
from typing import Any

from functions.public import forms, unsubscribe


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """An HTTP API event, payload version 2.0."""
    parameters = event.get("pathParameters") or {}
    if "form" in parameters:
        return forms.answer(event, parameters["form"])
    return unsubscribe.answer(event, parameters.get("token", ""))

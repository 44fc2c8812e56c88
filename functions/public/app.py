"""What a contact touches: unsubscribing, confirming, preferences, forms, and the messages that wait on a site."""

from collections.abc import Mapping
from typing import Any

from functions.public import confirmation, forms, preferences, unsubscribe, web_messages


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """An HTTP API event, payload version 2.0."""
    parameters = event.get("pathParameters") or {}
    if "form" in parameters:
        return forms.answer(event, parameters["form"])
    if event.get("rawPath", "").startswith("/w"):
        return web_messages.answer(event, parameters.get("waiting"))
    if "preferences" in parameters:
        return preferences.answer(event, parameters["preferences"])
    if "confirmation" in parameters:
        return confirmation.answer(event, parameters["confirmation"])
    return unsubscribe.answer(event, parameters.get("token", ""))

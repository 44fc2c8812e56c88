"""Devices: where a push goes. An app names its own, as tracking clients do in `context.device`."""

import re
from typing import Any

# The kind of address of a push, and the attribute of a contact that says which device is theirs.
DEVICE = "push_device"

# Who brings pushes to devices, as SNS calls them: the test server of Apple beside its real one, Google, Amazon.
PLATFORMS = ("APNS", "APNS_SANDBOX", "GCM", "ADM")

_TYPE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TOKEN = re.compile(r"[!-~]{1,900}")


def read_device(raw: Any) -> dict[str, str] | None:
    """{type, token} of what an app says of its device, None when nothing can be sent to it."""
    if not isinstance(raw, dict):
        return None
    kind, token = raw.get("type"), raw.get("token")
    kind = kind.strip().lower() if isinstance(kind, str) else ""
    if not _TYPE.fullmatch(kind) or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    return {"type": kind, "token": token}


def find_address(raw: Any) -> str | None:
    """The address of a device, such as "ios:8f3a…", None when nothing can be sent to it."""
    device = read_device(raw)
    return f"{device['type']}:{device['token']}" if device else None


def platform_of(application: str) -> str:
    """Whose devices a platform application of SNS serves, by its ARN (arn:aws:sns:…:app/GCM/shop)."""
    return application.split("/")[1]


def split_address(address: str) -> tuple[str, str]:
    """(type, token) of an address."""
    kind, _, token = address.partition(":")
    return kind, token

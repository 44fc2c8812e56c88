"""AWS's signature, version 4, in fewer steps than botocore takes: signing is a third of a call's work.

What we ask of AWS is plain: bytes that are posted to one address. Such a request is signed here in one go, and what is
the same for long, a client's host and path and a day's key, is found once. Any other request botocore signs.
"""

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.auth
from botocore.auth import AUTH_TYPE_MAPS, SIGNED_HEADERS_BLACKLIST, SIGV4_TIMESTAMP, SigV4Auth, _host_from_url
from botocore.utils import normalize_url_path

# What a client's configuration says to be signed so.
SHORT_V4 = "postroad-v4"

# What an earlier try left in the headers.
_OURS = ("authorization", "x-amz-date", "x-amz-security-token")
# What asks botocore for more than a signature of the body.
_SPECIAL_HEADERS = frozenset(("date", "x-amz-content-sha256"))
_SPECIAL_CONTEXT = ("checksum", "payload_signing_enabled")
_UNSIGNED = frozenset(SIGNED_HEADERS_BLACKLIST)


class ShortSigV4(SigV4Auth):
    """Signs as `SigV4Auth` does; the bytes are the same."""

    def add_auth(self, request: Any) -> None:
        """Sign a request of botocore: its headers say when, and by whom."""
        pairs = list(request.headers.raw_items())
        named = {name.lower(): value for name, value in pairs}
        if self.credentials is None or len(named) != len(pairs) or not _is_plain(request, named):
            super().add_auth(request)
            return
        headers, credentials = request.headers, self.credentials
        for name in _OURS:
            if named.pop(name, None) is not None:
                del headers[name]
        time = botocore.auth.get_current_datetime().strftime(SIGV4_TIMESTAMP)
        request.context["timestamp"] = time
        headers["X-Amz-Date"] = named["x-amz-date"] = time
        if credentials.token:
            headers["X-Amz-Security-Token"] = named["x-amz-security-token"] = credentials.token
        host, path = _place(request.url)
        named.setdefault("host", host)
        names = sorted(name for name in named if name not in _UNSIGNED)
        written = "".join([f"{name}:{' '.join(named[name].split())}\n" for name in names])
        signed, body = ";".join(names), sha256(request.data).hexdigest()
        asked = sha256(f"{request.method.upper()}\n{path}\n\n{written}\n{signed}\n{body}".encode()).hexdigest()
        day, region, service = time[:8], self._region_name, self._service_name
        scope = f"{day}/{region}/{service}/aws4_request"
        key = _signing_key(credentials.secret_key, day, region, service)
        signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{asked}".encode(), "sha256").hex()
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={signed}, "
            f"Signature={signature}"
        )


AUTH_TYPE_MAPS[SHORT_V4] = ShortSigV4


def _is_plain(request: Any, named: dict[str, Any]) -> bool:
    return (
        type(request.data) is bytes
        and not request.params
        and "?" not in request.url
        and request.context.keys().isdisjoint(_SPECIAL_CONTEXT)
        and named.keys().isdisjoint(_SPECIAL_HEADERS)
    )


@lru_cache(maxsize=64)
def _place(url: str) -> tuple[str, str]:
    """The host and the path of an address, as they are signed."""
    return _host_from_url(url), quote(normalize_url_path(urlsplit(url).path), safe="/~")


@lru_cache(maxsize=16)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key

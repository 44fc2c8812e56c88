"""The token endpoint of the sign-in service: a code becomes what the service says of a person."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

_TIMEOUT = 5.0
_MAX_ANSWER = 100_000


def exchange_code(base: str, client: str, code: str, verifier: str, callback: str) -> Mapping[str, Any] | None:
    """The claims of the person's id token; None when the service does not take the code.

    The token comes from the service itself over TLS, which stands in for checking its signature (OpenID Connect Core
    1.0, section 3.1.3.7). Raises OSError when the service cannot be reached.
    """
    from urllib.error import HTTPError  # only a sign-in needs it
    from urllib.request import Request, urlopen

    fields = {
        "grant_type": "authorization_code",
        "client_id": client,
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": callback,
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    request = Request(f"{base}/oauth2/token", urlencode(fields).encode(), headers)
    try:
        with urlopen(request, timeout=_TIMEOUT) as answer:
            token = json.loads(answer.read(_MAX_ANSWER))["id_token"]
        claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    except HTTPError as error:
        if error.code >= 500:
            raise
        return None
    except (ValueError, LookupError, AttributeError):
        return None
    return claims if isinstance(claims, dict) and claims.get("aud") == client else None

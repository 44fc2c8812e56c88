"""Signing in through OpenID Connect: an authorization code with PKCE, from whatever address the stack names."""

import hashlib
from base64 import urlsafe_b64encode
from typing import NamedTuple
from urllib.parse import urlencode

from postroad_aws import ids

SCOPE = "openid email profile"


class Attempt(NamedTuple):
    """One try to sign in: what must come back, what proves that we asked, and where to go then."""

    state: str
    verifier: str
    back: str


def start(back: str) -> Attempt:
    return Attempt(ids.new_id(), "".join(ids.new_id() for _ in range(4)), back if is_own_path(back) else "/console")


def authorize_url(base: str, client: str, callback: str, attempt: Attempt) -> str:
    """Where the browser goes to say who it is."""
    challenge = urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": callback,
        "scope": SCOPE,
        "state": attempt.state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{base}/oauth2/authorize?{urlencode(query)}"


def logout_url(base: str, client: str, back: str) -> str:
    return f"{base}/logout?{urlencode({'client_id': client, 'logout_uri': back})}"


def is_own_path(text: str) -> bool:
    """Whether it leads to one of our pages and nowhere else: browsers read a backslash as a slash."""
    is_ours = text == "/console" or text.startswith(("/console/", "/console?"))
    return is_ours and text.isprintable() and "\\" not in text and "//" not in text and len(text) < 2_000

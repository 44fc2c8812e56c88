"""Tokens and chance: the only place where the product throws dice."""

import random
import secrets


def new_id() -> str:
    """A token that nobody else has."""
    return secrets.token_urlsafe(12)


def new_secret() -> str:
    """A key that nobody can guess."""
    return secrets.token_urlsafe(24)


def jitter() -> float:
    """A number in [0, 1), for waits between retries."""
    return random.random()

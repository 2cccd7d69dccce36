"""API tokens: long random strings for programs. The database keeps only their SHA-256.

A plain hash is enough here, unlike for passwords: 256 random bits cannot be guessed, and the lookup stays one
indexed read.
"""

import hashlib
import secrets

PREFIX = "dj_"


def make_api_token() -> str:
    """`dj_` and 43 characters of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is stored and looked up: 64 hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_api_token(text: str) -> bool:
    return text.startswith(PREFIX)

"""Passwords: bcrypt at cost 12, slow on purpose, so both functions belong in a thread.

Every password is condensed to 44 characters before bcrypt sees it. bcrypt reads 72 bytes at most and stops at a NUL;
a long passphrase would otherwise be cut in silence or refused. The condensing is keyed with a name of ours, so that
hashes stolen elsewhere cannot be tried here as they are.
"""

import base64
import hmac
import unicodedata

import bcrypt

from distributedjob.model.errors import Invalid

COST = 12
MIN_LENGTH = 12
MAX_LENGTH = 1024
FEW = 5
NOBODY = "$2b$12$cMcJRFT1v23lfy0pVhSsCu2QUuG7z3HXIKXKYRkRZgj5Kt5CpkJ4u"
"""The hash of a random password nobody knows: checked for unknown names, so that they take as long as known ones."""

_LABEL = b"distributedjob password v1"
_KNOWN = (
    "password", "passw0rd", "admin", "administrator", "changeme", "changeit", "change-me", "change-it", "example",
    "secret", "letmein", "welcome", "qwerty", "qwertyuiop", "iloveyou", "distributedjob", "default",
)  # fmt: skip


def hash_password(password: str) -> str:
    """About 0.3 s of one core."""
    return bcrypt.hashpw(_condensed(password), bcrypt.gensalt(COST)).decode("ascii")


def is_password(password: str, *, hashed: str) -> bool:
    """Whether `hashed` was made of this password. About 0.3 s of one core, right or wrong."""
    return bcrypt.checkpw(_condensed(password), hashed.encode("ascii"))


def check_strength(password: str, *, field: str, name: str) -> None:
    """Raises Invalid for a password that is too short, too long, an example's or the name of its owner."""
    bare = "".join(character for character in password.lower() if character.isalpha() or character == "-").strip("-")
    message = ""
    if bare in _KNOWN or bare == name.lower():
        message = "is well known; choose one that nobody has seen in an example"
    elif not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        message = f"has {len(password)} characters; a password has {MIN_LENGTH} to {MAX_LENGTH}"
    elif len(set(password)) < FEW:
        message = "is made of few characters; choose one with more different ones"
    if message:
        raise Invalid.one(field, message, code="weak_password")


def _condensed(password: str) -> bytes:
    # Unpaired surrogates cannot be typed; they only have to be hashed without an error.
    text = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(_LABEL, text, "sha256"))

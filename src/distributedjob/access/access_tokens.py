"""Access tokens: signed, short-lived, for one user at one epoch (JWT, HS256 and nothing else).

The key comes from the database, made once for all nodes. Time comes in as the installation's clock, because a
node's wall clock may be wrong; hence `exp` and `nbf` are compared here and not by the library.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from distributedjob.model.errors import Unauthenticated
from distributedjob.model.instant import SECOND, Instant

ALGORITHM = "HS256"
ISSUER = "distributedjob"
AUDIENCE = "distributedjob-api"
TYPE = "access"
LIFETIME = timedelta(minutes=15)
REQUIRED = ("iss", "aud", "sub", "exp", "nbf", "iat", "typ", "jti", "epoch")
MAX_LENGTH = 2048
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says. `epoch` has to be the user's present one; `id` is the token's own."""

    id: str
    user_id: int
    epoch: int
    expires_at: Instant


class AccessTokens:
    """Issues and reads tokens under one key of at least 32 bytes."""

    def __init__(self, key: bytes, *, lifetime: timedelta = LIFETIME) -> None:
        if len(key) < 32:
            raise ValueError(f"a signing key of {len(key)} bytes is too short; 32 are needed")
        if lifetime > LIFETIME:
            raise ValueError(f"access tokens live at most {LIFETIME}, not {lifetime}")
        self._key = key
        self._key_id = hashlib.sha256(b"kid" + key).hexdigest()[:16]
        self.lifetime = lifetime

    def issue(self, *, user_id: int, epoch: int, now: Instant) -> str:
        starts = now // SECOND
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "iat": starts,
            "nbf": starts,
            "exp": starts + int(self.lifetime.total_seconds()),
            "typ": TYPE,
            "jti": secrets.token_hex(ID_BYTES),
            "epoch": epoch,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def read(self, token: str, *, now: Instant) -> Claims:
        """The claims of a token that is ours and valid at `now`; raises Unauthenticated for any other."""
        claims = self._verified(token)
        try:
            user_id, epoch = int(claims["sub"]), int(claims["epoch"])
            starts, ends = int(claims["nbf"]), int(claims["exp"])
        except (TypeError, ValueError):
            raise _refusal() from None
        if claims["typ"] != TYPE or now < (starts - 1) * SECOND:
            raise _refusal()
        if now >= ends * SECOND:
            raise Unauthenticated("the access token has expired; log in again", code="token_expired")
        return Claims(str(claims["jti"]), user_id, epoch, ends * SECOND)

    def _verified(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_LENGTH:
            raise _refusal()
        try:
            if jwt.get_unverified_header(token).get("kid") != self._key_id:
                raise _refusal()
            return jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": list(REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, UnicodeError, ValueError, RecursionError):
            raise _refusal() from None


def _refusal() -> Unauthenticated:
    return Unauthenticated("the access token is not valid; log in again", code="token_invalid")

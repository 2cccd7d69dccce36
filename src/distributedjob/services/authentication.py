"""Who is asking: logins, access tokens and API tokens, checked against the users as they are now.

Users and tokens are read at most every `FRESH` and kept in between, so that a request costs no query and a changed
password, a disabled user or a revoked token still counts within seconds on every node, at once on this one.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from distributedjob.access.access_tokens import AccessTokens
from distributedjob.access.api_tokens import digest_of, is_api_token, make_api_token
from distributedjob.access.backoff import LoginBackoff
from distributedjob.access.passwords import NOBODY, check_strength, hash_password, is_password
from distributedjob.model.errors import Forbidden, Invalid, TooMany, Unauthenticated
from distributedjob.model.identity import Principal
from distributedjob.model.instant import SECOND, Instant
from distributedjob.model.person import ApiToken, User
from distributedjob.services import people as verbs
from distributedjob.services.desk import Desk
from distributedjob.store import people

T = TypeVar("T")

FRESH = 3 * SECOND
KNOWN = 10_000
CORES_PER_HASH = 4
"""One hash at a time per so many cores: logins, however many, leave the calls their share."""
WAITING_FOR_A_HASH = 20
"""Logins that wait for their turn; more are sent away, since each takes 0.3 s of a core."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    user: User
    access_token: str
    expires_in_seconds: int


class _Recent(Generic[T]):
    """What was read lately, by key, with the time of reading."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, tuple[Instant, T]] = OrderedDict()

    def find(self, key: object, now: Instant) -> T | None:
        read_at, value = self._kept.get(key, (0, None))
        return value if now - read_at < FRESH else None

    def keep(self, key: object, value: T, now: Instant) -> None:
        self._kept[key] = (now, value)
        self._kept.move_to_end(key)
        while len(self._kept) > KNOWN:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        self._kept.clear()


class Authenticator:
    """One per program, on its event loop."""

    def __init__(self, desk: Desk, *, tokens: AccessTokens) -> None:
        self._desk = desk
        self._tokens = tokens
        self._backoff = LoginBackoff()
        self._hashing = asyncio.Semaphore(max(1, (os.cpu_count() or 1) // CORES_PER_HASH))
        self._waiting = 0
        self._users: _Recent[User] = _Recent()
        self._api_tokens: _Recent[tuple[ApiToken, User]] = _Recent()

    async def login(self, name: str, password: str, *, address: str) -> LoggedIn:
        """Raises Unauthenticated, the same for an unknown name, a wrong password and a disabled user; TooMany."""
        now = self._desk.clock()
        user = await self._desk.read(lambda tx: people.find_user_by_name(tx.connection, name))
        matches = await self._judge(name, password, NOBODY if user is None else user.password_hash, address)
        if user is None or not matches or not user.active:
            raise Unauthenticated("the user name or the password is wrong", code="login_failed")
        self._backoff.note_success(account=name, address=address)
        token = self._tokens.issue(user_id=user.id, epoch=user.epoch, now=now)
        return LoggedIn(user, token, int(self._tokens.lifetime.total_seconds()))

    async def authenticate(self, credentials: str) -> Principal:
        """The principal of an access token or an API token; raises Unauthenticated."""
        if is_api_token(credentials):
            return await self._by_api_token(credentials)
        now = self._desk.clock()
        claims = self._tokens.read(credentials, now=now)
        user = await self._user(claims.user_id, now)
        if user is None or not user.active or user.epoch != claims.epoch:
            raise Unauthenticated("this session has ended; log in again", code="session_ended")
        return _principal(user, via="jwt")

    async def change_password(self, principal: Principal, *, current: str, new: str, address: str) -> None:
        """Raises Forbidden for an API token, Invalid for a weak or wrong password. Ends all sessions of the user."""
        if principal.via != "jwt":
            raise Forbidden("a password is changed by its owner, logged in; not with an API token")
        check_strength(new, field="new_password", name=principal.name)
        user = await self._desk.read(lambda tx: verbs.get_user(tx, principal=principal))
        if not await self._judge(principal.name, current, user.password_hash, address):
            raise Invalid.one("current_password", "is not your password", code="password_wrong")
        self._backoff.note_success(account=principal.name, address=address)
        hashed = await self._hash(new)
        await self._desk.write(lambda tx: people.change_password(tx.connection, user.id, password_hash=hashed))
        self.forget()

    async def create_token(self, principal: Principal, *, name: str, days: int | None) -> tuple[ApiToken, str]:
        """A new API token and its text, which is not kept. Raises Forbidden for a token that would make another."""
        if principal.via != "jwt":
            raise Forbidden("API tokens are made by people who are logged in, not with an API token")
        text = make_api_token()
        lifetime = None if days is None else timedelta(days=days)
        created = await self._desk.write(
            lambda tx: verbs.create_token(tx, principal=principal, name=name, token=text, lifetime=lifetime)
        )
        return created, text

    async def revoke_token(self, principal: Principal, token_id: int) -> None:
        await self._desk.write(lambda tx: verbs.revoke_token(tx, token_id, principal=principal))
        self.forget()

    def forget(self) -> None:
        """Read users and tokens anew from now on."""
        self._users.forget()
        self._api_tokens.forget()

    async def _by_api_token(self, token: str) -> Principal:
        now, digest = self._desk.clock(), digest_of(token)
        known = self._api_tokens.find(digest, now)
        if known is None:
            known = await self._desk.read(lambda tx: people.find_token(tx.connection, digest))
            if known is not None:
                self._api_tokens.keep(digest, known, now)
        if known is None or not known[0].is_valid(now) or not known[1].active:
            raise Unauthenticated("the API token is unknown, expired or revoked", code="token_invalid")
        return _principal(known[1], via="token")

    async def _user(self, user_id: int, now: Instant) -> User | None:
        user = self._users.find(user_id, now)
        if user is None:
            user = await self._desk.read(lambda tx: people.find_user(tx.connection, user_id))
            if user is not None:
                self._users.keep(user_id, user, now)
        return user

    async def _judge(self, account: str, password: str, hashed: str, address: str) -> bool:
        """Compare, and count a failure from the start on; the caller takes a success back. Raises TooMany."""
        if wait := self._backoff.admit(account=account, address=address, now=self._desk.clock()):
            raise TooMany("too many wrong passwords; wait before the next one", retry_after=-(-wait // SECOND))
        try:
            async with self._turn():
                return await asyncio.to_thread(is_password, password, hashed=hashed)
        except TooMany:
            self._backoff.take_back(account=account, address=address)
            raise

    async def _hash(self, password: str) -> str:
        async with self._turn():
            return await asyncio.to_thread(hash_password, password)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for one's turn to hash; raises TooMany where too many wait."""
        if self._waiting >= WAITING_FOR_A_HASH:
            raise TooMany("too many logins at once; try again in a moment", retry_after=2)
        self._waiting += 1
        try:
            async with self._hashing:
                yield
        finally:
            self._waiting -= 1


def _principal(user: User, *, via: str) -> Principal:
    return Principal(user_id=user.id, name=user.name, department_id=user.department_id, via=via)

"""Who is asking: logins, access tokens and API tokens, checked against the users as they are now.

Users and tokens are read at most every `FRESH` and kept in between, so that a request costs no query. A changed
password, a disabled user or a revoked token counts at once on this node and on all that hear of it, and after `FRESH`
on a node that did not. Only the database is asked who somebody is; a cache that others can write to never is.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from distributedjob.access.access_tokens import AccessTokens
from distributedjob.access.api_tokens import digest_of, is_api_token, make_api_token
from distributedjob.access.backoff import LoginBackoff
from distributedjob.access.passwords import NOBODY, check_strength, hash_password, is_password
from distributedjob.cache.lookup import Lookup
from distributedjob.cache.port import Cache
from distributedjob.dispatch.port import TokenRevoked, UserChanged
from distributedjob.model.errors import Forbidden, Invalid, TooMany, Unauthenticated
from distributedjob.model.identity import Principal
from distributedjob.model.instant import SECOND
from distributedjob.model.person import Account, ApiToken, User
from distributedjob.services import people as verbs
from distributedjob.services.desk import Desk
from distributedjob.store import people

FRESH = 3 * SECOND
CORES_PER_HASH = 4
"""One hash at a time per so many cores: logins, however many, leave the calls their share."""
WAITING_FOR_A_HASH = 20
"""Logins that wait for their turn; more are sent away, since each takes 0.3 s of a core."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    user: User
    access_token: str
    expires_in_seconds: int


class Authenticator:
    """One per program, on its event loop. `note` is told of each look at what is kept: its kind, "hit" or "miss"."""

    def __init__(
        self, desk: Desk, *, tokens: AccessTokens, cache: Cache, note: Callable[[str, str], object] = lambda *_: None
    ) -> None:
        self._desk = desk
        self._tokens = tokens
        self._backoff = LoginBackoff(cache)
        self._hashing = asyncio.Semaphore(max(1, (os.cpu_count() or 1) // CORES_PER_HASH))
        self._waiting = 0
        self._accounts: Lookup[int, Account] = Lookup(
            fresh=FRESH, clock=desk.clock, note=lambda result: note("account", result)
        )
        self._api_tokens: Lookup[str, ApiToken] = Lookup(
            fresh=FRESH, clock=desk.clock, note=lambda result: note("api_token", result)
        )

    async def login(self, name: str, password: str, *, address: str) -> LoggedIn:
        """Raises Unauthenticated, the same for an unknown name, a wrong password and a disabled user; TooMany."""
        now = self._desk.clock()
        user = await self._desk.read(lambda tx: people.find_user_by_name(tx.connection, name))
        matches = await self._judge(name, password, NOBODY if user is None else user.password_hash, address)
        if user is None or not matches or not user.active:
            raise Unauthenticated("the user name or the password is wrong", code="login_failed")
        await self._backoff.note_success(account=name, address=address)
        token = self._tokens.issue(user_id=user.id, epoch=user.epoch, now=now)
        return LoggedIn(user, token, int(self._tokens.lifetime.total_seconds()))

    async def authenticate(self, credentials: str) -> Principal:
        """The principal of an access token or an API token; raises Unauthenticated."""
        if is_api_token(credentials):
            return await self._by_api_token(credentials)
        claims = self._tokens.read(credentials, now=self._desk.clock())
        account = await self._account(claims.user_id)
        if account is None or not account.active or account.epoch != claims.epoch or claims.id in account.revoked:
            raise Unauthenticated("this session has ended; log in again", code="session_ended")
        return _principal(account, via="jwt")

    async def log_out(self, credentials: str) -> None:
        """End the access token or API token that `authenticate` let in; on all nodes within `FRESH`."""
        if is_api_token(credentials):
            found = await self._api_token(digest_of(credentials))
            if found is not None:
                await self._desk.write(lambda tx: verbs.end_token(tx, found))
            return
        claims = self._tokens.read(credentials, now=self._desk.clock())
        await self._desk.write(lambda tx: verbs.log_out(tx, claims))

    async def change_password(self, principal: Principal, *, current: str, new: str, address: str) -> None:
        """Raises Forbidden for an API token, Invalid for a weak or wrong password. Ends all sessions of the user."""
        if principal.via != "jwt":
            raise Forbidden("a password is changed by its owner, logged in; not with an API token")
        check_strength(new, field="new_password", name=principal.name)
        user = await self._desk.read(lambda tx: verbs.get_user(tx, principal=principal))
        if not await self._judge(principal.name, current, user.password_hash, address):
            raise Invalid.one("current_password", "is not your password", code="password_wrong")
        await self._backoff.note_success(account=principal.name, address=address)
        hashed = await self._hash(new)
        await self._desk.write(lambda tx: verbs.change_password(tx, user.id, password_hash=hashed))

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

    def user_changed(self, news: UserChanged) -> None:
        """Read this user anew from now on."""
        self._accounts.forget(news.user_id)

    def token_revoked(self, news: TokenRevoked) -> None:
        self._api_tokens.forget(news.digest)

    async def _by_api_token(self, text: str) -> Principal:
        token = await self._api_token(digest_of(text))
        account = None if token is None else await self._account(token.user_id)
        if token is None or account is None or not token.is_valid(self._desk.clock()) or not account.active:
            raise Unauthenticated("the API token is unknown, expired or revoked", code="token_invalid")
        return _principal(account, via="token")

    async def _api_token(self, digest: str) -> ApiToken | None:
        async def load() -> ApiToken | None:
            return await self._desk.read(lambda tx: people.find_token(tx.connection, digest))

        return await self._api_tokens.find(digest, load)

    async def _account(self, user_id: int) -> Account | None:
        async def load() -> Account | None:
            return await self._desk.read(lambda tx: people.find_account(tx.connection, user_id, now=tx.now))

        return await self._accounts.find(user_id, load)

    async def _judge(self, account: str, password: str, hashed: str, address: str) -> bool:
        """Compare, and count a failure from the start on; the caller takes a success back. Raises TooMany."""
        if wait := await self._backoff.admit(account=account, address=address, now=self._desk.clock()):
            raise TooMany("too many wrong passwords; wait before the next one", retry_after=-(-wait // SECOND))
        try:
            async with self._turn():
                return await asyncio.to_thread(is_password, password, hashed=hashed)
        except TooMany:
            await self._backoff.take_back(account=account, address=address)
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


def _principal(account: Account, *, via: str) -> Principal:
    return Principal(user_id=account.id, name=account.name, department_id=account.department_id, via=via)

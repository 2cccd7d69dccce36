"""The verbs on people and their tokens. Hashing is slow and is done before, outside of any transaction."""

from contextlib import suppress
from datetime import timedelta

from distributedjob.access.access_tokens import Claims
from distributedjob.access.api_tokens import digest_of
from distributedjob.dispatch.port import TokenRevoked, UserChanged
from distributedjob.model.errors import Conflict, Invalid, NotFound
from distributedjob.model.identity import ROOT_DEPARTMENT, Principal
from distributedjob.model.instant import micros
from distributedjob.model.person import ApiToken, User
from distributedjob.services.desk import Transaction
from distributedjob.store import installation, people
from distributedjob.store.errors import DuplicateKey

ADMIN = "admin"
MAX_TOKENS = 100


def has_users(tx: Transaction) -> bool:
    return people.count_users(tx.connection) > 0


def create_first_admin(tx: Transaction, *, password_hash: str) -> None:
    """Make user `admin` unless there is one, whatever other nodes do at the same time."""
    installation.ensure_root_department(tx.connection)
    if people.find_user_by_name(tx.connection, ADMIN) is not None:
        return
    admin = User(
        id=tx.new_id(),
        name=ADMIN,
        password_hash=password_hash,
        department_id=ROOT_DEPARTMENT,
        active=True,
        epoch=0,
    )
    with suppress(DuplicateKey):
        people.insert_user(tx.connection, admin, created_at=tx.now)


def is_first_admin(tx: Transaction, *, password_hash: str) -> bool:
    """Whether user `admin` is the one that was made with this hash, which no two calls make alike."""
    admin = people.find_user_by_name(tx.connection, ADMIN)
    return admin is not None and admin.password_hash == password_hash


def reset_password(tx: Transaction, name: str, *, password_hash: str) -> None:
    """Set a password from outside; all access tokens of that user end. Raises NotFound."""
    user = people.find_user_by_name(tx.connection, name)
    if user is None:
        raise NotFound(f"there is no user '{name}'")
    change_password(tx, user.id, password_hash=password_hash)


def change_password(tx: Transaction, user_id: int, *, password_hash: str) -> None:
    """All access tokens of that user end."""
    people.change_password(tx.connection, user_id, password_hash=password_hash)
    tx.news.append(UserChanged(user_id))


def log_out(tx: Transaction, claims: Claims) -> None:
    """End one access token before its time, for all nodes. Doing so twice is fine."""
    with suppress(DuplicateKey):
        people.revoke_access_token(
            tx.connection, claims.id, user_id=claims.user_id, expires_at=claims.expires_at, now=tx.now
        )
    tx.news.append(UserChanged(claims.user_id))


def get_user(tx: Transaction, *, principal: Principal) -> User:
    user = people.find_user(tx.connection, principal.user_id)
    if user is None:
        raise NotFound("this user does not exist any more")
    return user


def list_tokens(tx: Transaction, *, principal: Principal) -> list[ApiToken]:
    return people.list_tokens(tx.connection, principal.user_id)


def create_token(
    tx: Transaction, *, principal: Principal, name: str, token: str, lifetime: timedelta | None
) -> ApiToken:
    """Keep the digest of `token`. Raises Conflict for a name in use, Invalid for too many."""
    if len(people.list_tokens(tx.connection, principal.user_id)) >= MAX_TOKENS:
        raise Invalid.one("name", f"you have {MAX_TOKENS} tokens, no more are allowed; revoke one first")
    created = ApiToken(
        id=tx.new_id(),
        user_id=principal.user_id,
        name=name,
        created_at=tx.now,
        expires_at=None if lifetime is None else tx.now + micros(lifetime),
        revoked_at=None,
    )
    try:
        people.insert_token(tx.connection, created, digest=digest_of(token))
    except DuplicateKey:
        message = f"you have a token named '{name}' already; revoke it or choose another name"
        raise Conflict(message, code="name_taken") from None
    return created


def revoke_token(tx: Transaction, token_id: int, *, principal: Principal) -> None:
    if not _revoke(tx, token_id, user_id=principal.user_id):
        raise NotFound(f"you have no token {token_id}", id=str(token_id))


def end_token(tx: Transaction, token: ApiToken) -> None:
    """Revoke the token that asks for it. Doing so twice is fine."""
    _revoke(tx, token.id, user_id=token.user_id)


def _revoke(tx: Transaction, token_id: int, *, user_id: int) -> bool:
    digest = people.revoke_token(tx.connection, token_id, user_id=user_id, at=tx.now)
    if digest is not None:
        tx.news.append(TokenRevoked(digest))
    return digest is not None

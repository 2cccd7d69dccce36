"""Users and their API tokens."""

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from distributedjob.model.instant import Instant
from distributedjob.model.person import Account, ApiToken, User
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.tables import api_token, revoked_token, user

_USER = (
    user.c.id,
    user.c.name,
    user.c.password_hash,
    user.c.department_id,
    user.c.active,
    user.c.epoch,
)
_TOKEN = (
    api_token.c.id,
    api_token.c.user_id,
    api_token.c.name,
    api_token.c.created_at,
    api_token.c.expires_at,
    api_token.c.revoked_at,
)


def find_user_by_name(connection: Connection, name: str) -> User | None:
    return _user(connection.execute(select(*_USER).where(user.c.name == name)).first())


def find_user(connection: Connection, user_id: int) -> User | None:
    return _user(connection.execute(select(*_USER).where(user.c.id == user_id)).first())


def find_account(connection: Connection, user_id: int, *, now: Instant) -> Account | None:
    found = find_user(connection, user_id)
    if found is None:
        return None
    void = (revoked_token.c.user_id == user_id, revoked_token.c.expires_at > now)
    revoked = frozenset(connection.execute(select(revoked_token.c.id).where(*void)).scalars())
    return Account(found.id, found.name, found.department_id, found.active, found.epoch, revoked)


def revoke_access_token(
    connection: Connection, token_id: str, *, user_id: int, expires_at: Instant, now: Instant
) -> None:
    """Also deletes those that have expired. Raises DuplicateKey when it is revoked already."""
    connection.execute(delete(revoked_token).where(revoked_token.c.expires_at <= now))
    try:
        connection.execute(insert(revoked_token), {"user_id": user_id, "id": token_id, "expires_at": expires_at})
    except IntegrityError as error:
        raise DuplicateKey from error


def count_users(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(user)).scalar_one()


def insert_user(connection: Connection, new: User, *, created_at: Instant) -> None:
    """Raises DuplicateKey when the name is taken."""
    row = {column.name: getattr(new, column.name) for column in _USER}
    try:
        connection.execute(insert(user), {**row, "created_at": created_at})
    except IntegrityError as error:
        raise DuplicateKey from error


def change_password(connection: Connection, user_id: int, *, password_hash: str) -> None:
    """Also begins a new epoch, which voids every access token given out so far."""
    change = {"password_hash": password_hash, "epoch": user.c.epoch + 1}
    connection.execute(update(user).where(user.c.id == user_id).values(change))


def find_token(connection: Connection, digest: str) -> ApiToken | None:
    row = connection.execute(select(*_TOKEN).where(api_token.c.digest == digest)).first()
    return None if row is None else ApiToken(*row)


def list_tokens(connection: Connection, user_id: int) -> list[ApiToken]:
    """A user's tokens that are not revoked, newest first."""
    rows = connection.execute(
        select(*_TOKEN)
        .where(api_token.c.user_id == user_id, api_token.c.revoked_at.is_(None))
        .order_by(api_token.c.id.desc())
    )
    return [ApiToken(*row) for row in rows]


def insert_token(connection: Connection, new: ApiToken, *, digest: str) -> None:
    """Raises DuplicateKey when this user has a token of that name."""
    row = {column.name: getattr(new, column.name) for column in _TOKEN}
    try:
        connection.execute(insert(api_token), {**row, "digest": digest})
    except IntegrityError as error:
        raise DuplicateKey from error


def revoke_token(connection: Connection, token_id: int, *, user_id: int, at: Instant) -> str | None:
    """Frees the token's name as well. Gives its digest; None when this user has no such token."""
    mine = (api_token.c.id == token_id, api_token.c.user_id == user_id, api_token.c.revoked_at.is_(None))
    digest: str | None = connection.execute(select(api_token.c.digest).where(*mine)).scalar()
    if digest is not None:
        change = {"revoked_at": at, "name": f"revoked {token_id}"}
        connection.execute(update(api_token).where(*mine).values(change))
    return digest


def _user(row: Row[*tuple[Any, ...]] | None) -> User | None:
    return None if row is None else User(*row)

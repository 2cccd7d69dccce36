"""Idempotency keys of clients: which execution a key made, and of what request."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from distributedjob.model.instant import Instant
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.tables import request_key


class ClientKey(NamedTuple):
    """Keys of different users do not meet."""

    user_id: int
    name: str


class Request(NamedTuple):
    """`digest` is that of the request's content."""

    digest: str
    execution_id: int


def take_key(connection: Connection, key: ClientKey, *, digest: str, now: Instant, expires_at: Instant) -> None:
    """Reserve a key before the execution exists, so that two requests with one key meet here.

    Raises DuplicateKey when it is in use; that of an unfinished transaction is waited for.
    """
    connection.execute(delete(request_key).where(_is(key), request_key.c.expires_at <= now))
    row = {**key._asdict(), "digest": digest, "execution_id": 0, "expires_at": expires_at}
    try:
        connection.execute(insert(request_key), row)
    except IntegrityError as error:
        raise DuplicateKey from error


def set_execution(connection: Connection, key: ClientKey, execution_id: int) -> None:
    connection.execute(update(request_key).where(_is(key)).values(execution_id=execution_id))


def get_request(connection: Connection, key: ClientKey) -> Request:
    query = select(request_key.c.digest, request_key.c.execution_id).where(_is(key))
    return Request(*connection.execute(query).one())


def _is(key: ClientKey) -> ColumnElement[bool]:
    return (request_key.c.user_id == key.user_id) & (request_key.c.name == key.name)

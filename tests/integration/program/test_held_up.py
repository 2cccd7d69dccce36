"""A result whose row somebody else has locked while its program stops: kept, and taken up by the next start."""

from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from distributedjob.store.open import parse_url
from support.http_target import Answer, HttpTarget
from support.program import Program, pick_free_port
from support.servers import DatabaseServer


class Lock:
    """A transaction of somebody else's. `take` waits for a row and keeps it locked."""

    def __init__(self, connection: "pymysql.connections.Connection[pymysql.cursors.Cursor]") -> None:
        self._connection = connection

    def take(self, execution: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT id FROM execution WHERE id = %s FOR UPDATE", (execution,))

    def release(self) -> None:
        self._connection.rollback()

    def session_has_ended(self) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(ended_at) FROM node")
            (ended,) = cursor.fetchone() or (0,)
            return bool(ended)


@pytest.fixture
def lock(mariadb_server: DatabaseServer, mariadb_url: str) -> Iterator[Lock]:
    connection = mariadb_server.connect()
    connection.select_db(parse_url(mariadb_url).database)
    yield Lock(connection)
    connection.close()


@pytest.fixture
def program(mariadb_url: str, tmp_path: Path) -> Iterator[Program]:
    settings = {"DISTRIBUTEDJOB_DATABASE_URL": mariadb_url, "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true"}
    program = Program(tmp_path / "node", port=pick_free_port(), settings=settings)
    assert program.run("db", "upgrade").returncode == 0
    yield program
    program.close()


def test_a_result_whose_row_is_locked_while_its_node_stops_is_not_forgotten(
    program: Program, lock: Lock, http_target: HttpTarget
) -> None:
    http_target.default = Answer(delay_seconds=1)
    program.start()
    program.wait_until_ready()
    with program.client() as client:
        wanted = {"kind": "http", "method": "POST", "url": http_target.url("/")}
        task = client.post("/v1/tasks", json={"name": "once", "target": wanted}).json()
        execution = str(client.post(f"/v1/tasks/{task['id']}/run").json()["id"])
    http_target.wait_for(1)
    lock.take(execution)
    assert program.terminate() == 0
    ended = lock.session_has_ended()
    lock.release()
    program.start()
    program.wait_until_ready()
    with program.client() as client:
        record = client.get(f"/v1/executions/{execution}").json()
    assert (ended, record["state"], len(http_target.requests)) == (False, "succeeded", 1)

"""Copies of an SQLite database and the way back from them."""

import sqlite3
import threading
from contextlib import closing

import pytest

from distributedjob.model.errors import Conflict, Invalid, NotFound
from distributedjob.store import backup, schema


@pytest.fixture
async def database(tmp_path):
    path = tmp_path / "live" / "distributedjob.db"
    path.parent.mkdir()
    await schema.upgrade(f"sqlite:///{path}")
    return path


def add_gates(path, numbers):
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executemany("INSERT INTO gate (task_id) VALUES (?)", [(number,) for number in numbers])


def gates_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT task_id FROM gate ORDER BY task_id")]


def test_a_copy_holds_what_was_committed(database, tmp_path):
    add_gates(database, range(5))
    assert gates_of(backup.copy_database(database, target=tmp_path / "copy.db")) == list(range(5))


def test_a_copy_is_one_file(database, tmp_path):
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    backup.copy_database(database, target=target)
    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]


def test_a_copy_made_beside_a_writer_has_whole_transactions_only(database, tmp_path):
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            add_gates(database, (number, number + 1))
            number += 2

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [backup.copy_database(database, target=tmp_path / f"copy-{number}.db") for number in range(10)]
    finally:
        stop.set()
        writer.join()
    assert all(gates_of(copy) == list(range(len(gates_of(copy)) // 2 * 2)) for copy in copies)


def test_a_copy_never_overwrites_a_file(database, tmp_path):
    target = tmp_path / "copy.db"
    target.write_text("mine")
    with pytest.raises(Conflict, match="exists already"):
        backup.copy_database(database, target=target)


def test_without_a_database_there_is_nothing_to_copy(tmp_path):
    with pytest.raises(NotFound, match="no database"):
        backup.copy_database(tmp_path / "nowhere.db", target=tmp_path / "copy.db")


def test_a_restored_copy_takes_the_place_of_the_database(database, tmp_path):
    copy = backup.copy_database(database, target=tmp_path / "copy.db")
    add_gates(database, [1])
    backup.restore(copy, database=database)
    assert gates_of(database) == []


def test_the_former_database_stays_beside_the_restored_one(database, tmp_path):
    copy = backup.copy_database(database, target=tmp_path / "copy.db")
    add_gates(database, [1])
    assert gates_of(backup.restore(copy, database=database)) == [1]


def test_what_a_crash_left_in_the_log_does_not_reach_the_restored_database(database, tmp_path):
    copy = backup.copy_database(database, target=tmp_path / "copy.db")
    with closing(sqlite3.connect(database)) as crashed:
        crashed.execute("PRAGMA wal_autocheckpoint=0")
        crashed.execute("INSERT INTO gate (task_id) VALUES (7)")
        crashed.commit()
        backup.restore(copy, database=database)
    assert gates_of(database) == []


def test_a_copy_is_restored_where_there_was_no_database(database, tmp_path):
    copy = backup.copy_database(database, target=tmp_path / "copy.db")
    backup.restore(copy, database=tmp_path / "new" / "distributedjob.db")
    assert gates_of(tmp_path / "new" / "distributedjob.db") == []


def test_a_damaged_copy_is_refused(database, tmp_path):
    add_gates(database, range(2000))
    copy = backup.copy_database(database, target=tmp_path / "copy.db")
    content = bytearray(copy.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    copy.write_bytes(content)
    with pytest.raises(Invalid):
        backup.restore(copy, database=database)


def test_a_refused_copy_leaves_the_database_as_it_was(database, tmp_path):
    add_gates(database, [1])
    (tmp_path / "copy.db").write_text("not a database, but long enough to be read as if it were one" * 20)
    with pytest.raises(Invalid):
        backup.restore(tmp_path / "copy.db", database=database)
    assert gates_of(database) == [1]


def test_an_sqlite_file_of_somebody_else_is_refused(database, tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER)")
    with pytest.raises(Invalid, match="is not a backup"):
        backup.restore(tmp_path / "other.db", database=database)

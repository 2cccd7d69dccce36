"""A program that may not join says so in one line and ends; one that may work on a newer schema says that."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

from support.program import Program


def write(program: Program, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(program.data_dir / "distributedjob.db")) as connection, connection:
        connection.execute(statement, values)


def test_a_program_older_than_the_lever_allows_is_refused_in_one_line(program: Program) -> None:
    program.terminate()
    write(program, "INSERT INTO lever VALUES ('min_version', '99.0.0', 'admin', 0)")
    ended = program.run_serve()
    errors = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert (ended.returncode, len(errors)) == (6, 1), ended.stderr
    assert "admin allows 99.0.0 and newer only" in errors[0]
    assert "Traceback" not in ended.stderr


def test_a_newer_schema_that_allows_this_program_is_served_with_a_warning(
    start_program: Callable[..., Program],
) -> None:
    program = start_program()
    program.terminate()
    write(program, "UPDATE alembic_version SET version_num = '9999'")
    program.start()
    program.wait_until_ready()
    assert "the database's schema is newer than this program" in program.log_text()

"""What differs between the databases in the hot statements: a set of rows given as one JSON parameter, and the
shape of an UPDATE that joins it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

Columns = Sequence[tuple[str, str]]
"""(name, type) pairs; type is one of `int`, `text`."""


class Dialect(Protocol):
    name: str
    mark: str
    """The driver's placeholder."""
    for_update: str
    skip_locked: str
    join: str
    """A join that reads its left side first, whatever the planner thinks of the number of rows."""
    by_key: str
    """Hint that makes a join find its rows by their primary key. In a table of a few rows a scan looks cheaper, and
    locks, or waits for, all of them."""
    apart: str
    """Keeps a subquery a query of its own: MySQL takes no lock in one that names JSON_TABLE itself."""
    live_index: str
    """Hint that makes the pull read the `live` index in order."""
    live_rows: str
    """What the partial index on SQLite has to be told again; `likely` keeps a planner with statistics from taking
    it for the better way in, which would end in a sort."""

    def rows(self, columns: Columns) -> str:
        """A FROM item named `j` with these columns, taking one parameter: a JSON array of arrays."""

    def update(self, table: str, values: Mapping[str, str], *, columns: Columns, match: str) -> str:
        """UPDATE `table` AS e from `j`, where `match` names columns of both. Placeholders in `values` come
        before those of `j` and of `match` on SQLite, after both on MySQL."""

    def delete(self, table: str, key: str, *, columns: Columns) -> str:
        """DELETE the rows of `table` whose `key` is the first column of `j`, found by their key.

        MariaDB reads the whole table for DELETE … WHERE key IN (subquery), and waits for every lock on the way.
        """


class SqliteDialect:
    name = "sqlite"
    mark = "?"
    for_update = ""
    skip_locked = ""
    join = "CROSS JOIN"
    by_key = ""
    apart = ""
    live_index = "INDEXED BY live"
    live_rows = "likely(e.state < 10)"

    def rows(self, columns: Columns) -> str:
        parts = ", ".join(f"json_extract(value, '$[{n}]') AS {name}" for n, (name, _) in enumerate(columns))
        return f"(SELECT {parts} FROM json_each(?)) AS j"

    def update(self, table: str, values: Mapping[str, str], *, columns: Columns, match: str) -> str:
        assignments = ", ".join(f"{name} = {value}" for name, value in values.items())
        return f"UPDATE {table} AS e SET {assignments} FROM {self.rows(columns)} WHERE {match}"

    def delete(self, table: str, key: str, *, columns: Columns) -> str:
        return f"DELETE FROM {table} WHERE {key} IN (SELECT j.{columns[0][0]} FROM {self.rows(columns)})"


class MysqlDialect:
    name = "mysql"
    mark = "%s"
    for_update = "FOR UPDATE"
    skip_locked = "FOR UPDATE SKIP LOCKED"
    join = "STRAIGHT_JOIN"
    by_key = "FORCE INDEX (PRIMARY)"
    apart = "DISTINCT "
    live_index = "FORCE INDEX (live)"
    live_rows = "1 = 1"

    def rows(self, columns: Columns) -> str:
        parts = ", ".join(
            f"{name} {'BIGINT' if kind == 'int' else 'LONGTEXT CHARACTER SET utf8mb4'} PATH '$[{n}]'"
            for n, (name, kind) in enumerate(columns)
        )
        return f"JSON_TABLE(%s, '$[*]' COLUMNS ({parts})) AS j"

    def update(self, table: str, values: Mapping[str, str], *, columns: Columns, match: str) -> str:
        assignments = ", ".join(f"e.{name} = {value}" for name, value in values.items())
        return f"UPDATE {self.rows(columns)} STRAIGHT_JOIN {table} AS e {self.by_key} ON {match} SET {assignments}"

    def delete(self, table: str, key: str, *, columns: Columns) -> str:
        match = f"e.{key} = j.{columns[0][0]}"
        return f"DELETE e FROM {self.rows(columns)} STRAIGHT_JOIN {table} AS e {self.by_key} ON {match}"

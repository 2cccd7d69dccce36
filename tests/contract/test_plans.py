"""How the databases carry the hot statements out: rows by their key, the due and the pull by their index, no sorts.

Judged by EXPLAIN over a few thousand rows with fresh statistics, which is when planners have ideas of their own.
"""

import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, insert

from distributedjob.store.hot.rows import ExecutionRow
from distributedjob.store.hot.statements import HotStatements
from distributedjob.store.tables import execution, gate_entry, schedule
from support.office import ME, NOON, Office, open_office

ROWS = 3_000
CHOSEN = range(100, 130)
CLAIMS = json.dumps([(n, ME, 1) for n in CHOSEN])
RESULTS = json.dumps([(n, ME, 1, 10, "ok", None, 0, 200, 1, 2, 0, 1) for n in CHOSEN])
IDS = json.dumps([(n,) for n in CHOSEN])

BY_KEY = {
    "lock": (IDS,),
    "move": (json.dumps([(n, NOON, None, None) for n in CHOSEN]),),
    "mark": (CLAIMS,),
    "marked": (CLAIMS,),
    "claimed": (json.dumps([(n, 1) for n in CHOSEN]), ME, NOON),
    "finish": (RESULTS,),
    "finished": (CLAIMS,),
    "rescue": (RESULTS,),
    "finish_rescued": (RESULTS,),
    "finished_rescued": (json.dumps([(n, ME, 1, 1) for n in CHOSEN]),),
    "leave": (IDS,),
}
KEYS = (
    "INTEGER PRIMARY KEY",
    "eq_ref PRIMARY",
    "Single-row index lookup on s using PRIMARY",
    "Single-row index lookup on e using PRIMARY",
)
SORTS = ("TEMP B-TREE", "filesort", "Sort")


def fill(connection: Connection) -> None:
    fires = [
        {"id": n, "task_id": n, "department_id": 1, "revision": 1, "shard": n % 64, "next_fire_at": NOON + n * 1_000}
        for n in range(1, ROWS)
    ]
    connection.execute(insert(schedule), [{**row, "seed": 1, "definition": "{}"} for row in fires])
    same = dict.fromkeys(ExecutionRow._fields) | {
        "deadline_at": 2 * NOON, "trigger": 1, "queue": "default", "department_id": 1, "revision": 1, "fence": 1,
        "holder": ME, "attempt": 1, "flags": 0, "recorded_at": NOON,
    }  # fmt: skip
    runs = [
        {
            **same,
            "id": n,
            "task_id": n % 50,
            "source_id": n,
            "fire_at": NOON + n,
            "not_before": NOON + n,
            "state": (1, 3, 10, 10)[n % 4],
            "priority": n % 9,
        }
        for n in range(1, ROWS)
    ]
    connection.execute(insert(execution), runs)
    entries = [{"execution_id": n, "task_id": n % 50, "waiting": False} for n in range(1, ROWS)]
    connection.execute(insert(gate_entry), entries)


@pytest.fixture
async def filled(module_database_url: str) -> AsyncIterator[Office]:
    office = await open_office(module_database_url)
    await office.store.write(fill)
    verb = "ANALYZE TABLE" if office.store.hot.dialect.name == "mysql" else "ANALYZE"
    for table in ("schedule", "execution", "gate_entry"):
        await office.store.write(lambda c, t=table: c.exec_driver_sql(f"{verb} {t}").close())
    yield office
    await office.store.close()


async def plan(office: Office, name: str, parameters: tuple[object, ...], *, shards: str = "") -> str:
    """The plan as text; MariaDB's rows are put as `type key extra`."""
    hot: HotStatements = office.store.hot
    explain = "EXPLAIN" if hot.dialect.name == "mysql" else "EXPLAIN QUERY PLAN"
    sql = hot._sql[name].replace("{shards}", shards)
    rows = await office.store.read(lambda c: [tuple(row) for row in c.exec_driver_sql(f"{explain} {sql}", parameters)])
    if len(rows[0]) == 1:
        return "\n".join(row[0] for row in rows)
    if hot.dialect.name == "mysql":
        return "\n".join(f"{row[3]} {row[5]} {row[-1]}" for row in rows)
    return "\n".join(row[-1] for row in rows)


@pytest.mark.parametrize("name", BY_KEY)
async def test_rows_are_found_by_their_key(filled: Office, name: str) -> None:
    found = await plan(filled, name, BY_KEY[name])
    assert any(key in found for key in KEYS), found
    assert not any(sort in found for sort in SORTS), found


async def test_a_claim_finds_rows_by_their_key(filled: Office) -> None:
    parameters = filled.store.hot._claim_parameters([(n, 1) for n in CHOSEN], "default", ME, NOON)
    found = await plan(filled, "claim", parameters)
    assert any(key in found for key in KEYS), found


@pytest.mark.parametrize("shards", ["", " AND shard IN (1,2,3)"])
async def test_due_schedules_are_read_from_their_index_alone_in_order(filled: Office, shards: str) -> None:
    found = await plan(filled, "due", (NOON + 500_000, 100), shards=shards)
    covered = (
        "USING COVERING INDEX due",
        "range due Using where; Using index",
        "Covering index range scan on schedule",
    )
    assert any(words in found for words in covered), found
    assert not any(sort in found for sort in SORTS), found


async def test_the_pull_reads_the_live_index_in_order(filled: Office) -> None:
    found = await plan(filled, "pull", (NOON, NOON, "default", NOON + ROWS, NOON, 100))
    narrow = ("INDEX live (state=? AND queue=?", "ref live", "Index lookup on e using live (state = 1, queue")
    assert any(words in found for words in narrow), found
    assert not any(sort in found for sort in SORTS), found


async def test_recorded_fires_are_found_by_their_identity(filled: Office) -> None:
    found = await plan(filled, "fires", (json.dumps([(n % 50, NOON + n, n) for n in CHOSEN]),))
    unique = ("task_id=? AND fire_at=? AND source_id=?", "eq_ref fire", "lookup on e using fire")
    assert any(words in found for words in unique), found

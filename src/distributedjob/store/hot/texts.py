"""The hot statements' SQL, by name, in one dialect. Each takes its rows as one JSON parameter."""

from distributedjob.model.execution import Flag
from distributedjob.store.hot.dialect import Dialect
from distributedjob.store.hot.rows import (
    INT,
    AttemptRow,
    CursorMove,
    ExecutionRow,
    FailureRow,
    OutputRow,
    ResultRow,
    columns_of,
)

ENDED_AT = "CASE WHEN e.cancel_asked = 1 OR j.state >= 10 THEN j.ended_at END"
"""An execution that goes on has no end, whatever its last attempt had."""

ALL_DEPARTMENTS = "/* of all departments */"
"""Where a claim that leaves some out says so."""

STOPPED = (
    "CASE WHEN e.cancel_asked = 0 OR j.state NOT IN (1, 2, 13) THEN j.reason "
    f"WHEN e.flags & {Flag.REPLACED:d} THEN 'replaced' ELSE 'asked' END"
)
"""Why an execution ends that was asked to stop; one that ended otherwise before it could be told keeps its reason."""

ID = [("id", INT)]
ID_FENCE = [("id", INT), ("fence", INT)]
ID_HOLDER_FENCE = [("id", INT), ("holder", INT), ("fence", INT)]
CLAIMED = (
    "e.id, e.task_id, e.source_id, e.revision, e.fire_at, e.not_before, e.deadline_at, e.fence, e.attempt, "
    "e.{trigger}, e.flags, e.claimed_at, e.started_at, e.department_id"
)
TO_BE_CLAIMED = (
    CLAIMED.replace("e.fence", "e.fence + 1")
    .replace("e.attempt", "e.attempt + 1")
    .replace("e.claimed_at", "{mark}")
    .replace("e.started_at", "COALESCE(e.started_at, {mark})")
)


def texts(d: Dialect) -> dict[str, str]:
    quote = '"{}"' if d.name == "sqlite" else "`{}`"
    trigger = quote.format("trigger")
    insert = ", ".join(trigger if name == "trigger" else name for name in ExecutionRow._fields)
    source = ", ".join(f"j.{trigger if name == 'trigger' else name}" for name in ExecutionRow._fields)
    execution = [(trigger if name == "trigger" else name, kind) for name, kind in columns_of(ExecutionRow)]
    claimed = CLAIMED.replace("{trigger}", trigger)
    to_be_claimed = TO_BE_CLAIMED.replace("{trigger}", trigger).replace("{mark}", d.mark)
    unlive = "+" if d.name == "sqlite" else ""  # keeps SQLite's planner off the `live` index: rows come by id
    lock = (
        "SELECT s.id, s.task_id, s.department_id, s.revision, s.next_fire_at, s.fires_left, s.seed, s.definition "
        f"FROM (SELECT {d.apart}j.id FROM {d.rows(ID)}) AS w {d.join} schedule AS s {d.by_key} ON s.id = w.id"
    )
    return {
        "due": f"SELECT id, next_fire_at FROM schedule WHERE next_fire_at <= {d.mark}{{shards}} "
        f"ORDER BY next_fire_at LIMIT {d.mark}",
        "lock": f"{lock} {d.for_update}",
        "lock_free": f"{lock} {d.skip_locked}",
        "insert": f"INSERT INTO execution ({insert}) SELECT {source} FROM {d.rows(execution)}"
        + (" WHERE 1" if d.name == "sqlite" else ""),
        "fires": "SELECT e.task_id, e.fire_at, e.source_id FROM "
        f"{d.rows([('task_id', INT), ('fire_at', INT), ('source_id', INT)])} {d.join} execution AS e "
        "ON e.task_id = j.task_id AND e.fire_at = j.fire_at AND e.source_id = j.source_id",
        "move": d.update(
            "schedule",
            {"next_fire_at": "j.next_fire_at", "fires_left": "j.fires_left", "waiting_id": "j.waiting_id"},
            columns=columns_of(CursorMove),
            match="e.id = j.id",
        ),
        "claim": d.update(
            "execution",
            {
                "state": "3",
                "reason": "NULL",
                "marked": "0",
                "attempt": "e.attempt + 1",
                "fence": "e.fence + 1",
                "holder": d.mark,
                "claimed_at": d.mark,
                "started_at": f"COALESCE(e.started_at, {d.mark})",
            },
            columns=ID_FENCE,
            match=f"e.id = j.id AND e.fence = j.fence AND {unlive}e.state = 1 AND e.queue = {d.mark} "
            f"AND e.not_before <= {d.mark} AND e.deadline_at > {d.mark} AND e.cancel_asked = 0 {ALL_DEPARTMENTS}",
        ),
        "claimed": f"SELECT {claimed} FROM {d.rows(ID_FENCE)} {d.join} execution AS e "
        f"ON e.id = j.id AND e.fence = j.fence + 1 AND {unlive}e.state = 3 AND e.holder = {d.mark} "
        f"AND e.claimed_at = {d.mark}",
        "pull": f"SELECT {to_be_claimed} FROM execution AS e {d.live_index} WHERE e.state = 1 AND {d.live_rows} "
        f"AND e.queue = {d.mark} AND e.not_before <= {d.mark} AND e.deadline_at > {d.mark} AND e.cancel_asked = 0 "
        f"{ALL_DEPARTMENTS} ORDER BY e.priority, e.not_before LIMIT {d.mark} {d.skip_locked}",
        "mark": d.update(
            "execution",
            {"marked": "1"},
            columns=ID_HOLDER_FENCE,
            match=f"e.id = j.id AND e.holder = j.holder AND e.fence = j.fence AND {unlive}e.state = 3 "
            "AND e.cancel_asked = 0",
        ),
        "marked": f"SELECT e.id FROM {d.rows(ID_HOLDER_FENCE)} {d.join} execution AS e ON e.id = j.id "
        f"AND e.holder = j.holder AND e.fence = j.fence AND {unlive}e.state = 3 AND e.marked = 1",
        "finish": d.update(
            "execution",
            {
                "state": "CASE WHEN e.cancel_asked = 1 AND j.state < 10 THEN 13 ELSE j.state END",
                "reason": STOPPED,
                "not_before": "COALESCE(j.not_before, e.not_before)",
                "attempt": "e.attempt - j.given_back",
                "status": "j.status",
                "sent_at": "COALESCE(j.sent_at, e.sent_at)",
                "ended_at": ENDED_AT,
                "marked": "CASE WHEN j.state < 10 THEN 0 ELSE e.marked END",
                "flags": "e.flags | j.flags",
            },
            columns=columns_of(ResultRow),
            match=f"e.id = j.id AND {unlive}e.state = 3 AND e.holder = j.holder AND e.fence = j.fence",
        ),
        "rescue": d.update(
            "execution",
            {
                "state": "CASE WHEN e.cancel_asked = 1 AND j.state < 10 THEN 13 ELSE j.state END",
                "reason": STOPPED,
                "not_before": "COALESCE(j.not_before, e.not_before)",
                "attempt": "e.attempt - j.given_back",
                "status": "j.status",  # what an earlier attempt was answered is not what became of the lost one
                "sent_at": "j.sent_at",
                "ended_at": ENDED_AT,
                "marked": "CASE WHEN j.state < 10 THEN 0 ELSE e.marked END",
                "flags": "e.flags | j.flags",
                "fence": "e.fence + 1",
            },
            columns=columns_of(ResultRow),
            match=f"e.id = j.id AND {unlive}e.state = 3 AND e.holder = j.holder AND e.fence = j.fence",
        ),
        "finished": f"SELECT e.id, e.state FROM {d.rows(ID_HOLDER_FENCE)} {d.join} execution AS e ON e.id = j.id "
        f"AND e.holder = j.holder AND e.fence = j.fence AND {unlive}e.state <> 3",
        "finish_rescued": d.update(
            "execution",
            {
                "state": "j.state",
                "reason": "j.reason",
                "status": "j.status",
                "sent_at": "j.sent_at",
                "ended_at": "j.ended_at",
                "flags": "e.flags | j.flags",
            },
            columns=columns_of(ResultRow),
            match=f"e.id = j.id AND {unlive}e.state = 1 AND e.holder = j.holder AND e.fence = j.fence + 1 "
            "AND e.attempt = j.attempt AND j.state IN (10, 11) AND e.cancel_asked = 0",
        ),
        "finished_rescued": "SELECT e.id FROM "
        f"{d.rows([*ID_HOLDER_FENCE, ('attempt', INT)])} {d.join} execution AS e ON e.id = j.id "
        f"AND e.holder = j.holder AND e.fence = j.fence AND e.attempt = j.attempt AND {unlive}e.state IN (10, 11)",
        "output": _insert_absent(d, "output", OutputRow, "execution_id", "no", "evidence"),
        "attempt": _insert_absent(d, "attempt", AttemptRow, "execution_id", "no", "evidence"),
        "failure": _insert_absent(d, "failure", FailureRow, "execution_id"),
        "leave": d.delete("gate_entry", "execution_id", columns=ID),
    }


def _insert_absent(d: Dialect, table: str, row: type, *key: str) -> str:
    names = [name for name, _ in columns_of(row)]
    same = " AND ".join(f"t.{name} = j.{name}" for name in key)
    listed = ", ".join(f"j.{name}" for name in names)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {listed} FROM {d.rows(columns_of(row))} "
        f"WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {same})"
    )

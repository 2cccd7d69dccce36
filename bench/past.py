"""A month of finished executions, made by SQL inside the database: ten million rows in a minute or two.

Row `n` of `rows` ended at an even share of the 30 days before `until`; tasks take turns. Every 50th failed and has its
`failure` row. Ids are what the program would have made at that time, so that newest-first is by id.
"""

from bench.database import Database, Writer
from bench.load import FIRST_SCHEDULE, FIRST_TASK
from distributedjob.model.execution import State, Trigger
from distributedjob.model.identity import ID_EPOCH, first_id_at
from distributedjob.model.instant import DAY, HOUR, MILLISECOND, SECOND, Instant

DAYS = 30
CHUNK = 500_000
FAILS_EVERY = 50
IDS_PER_MILLISECOND = first_id_at(ID_EPOCH + MILLISECOND)

SERIES = {
    "SQLite": "(WITH RECURSIVE r(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM r WHERE n < {last}) "
    "SELECT n FROM r) AS s",
    "MariaDB": "(SELECT seq AS n FROM seq_{first}_to_{last}) AS s",
}
EXECUTION = """
INSERT INTO execution (id, task_id, source_id, fire_at, not_before, deadline_at, state, reason, {quote}trigger{quote},
  priority, queue, department_id, revision, fence, holder, attempt, recorded_at, started_at, claimed_at, sent_at,
  ended_at, status)
SELECT {id}, {task} + n % {tasks}, {schedule} + n % {tasks}, {at}, {at}, {at} + {hour},
  CASE WHEN n % {fails} = 0 THEN {failed} ELSE {succeeded} END,
  CASE WHEN n % {fails} = 0 THEN 'not_retryable' ELSE 'ok' END,
  {trigger}, 5, 'default', 1, 1, 1, 7, 1, {at} + 900, {at} + 900, {at} + 900, {at} + 2500, {at} + 9000,
  CASE WHEN n % {fails} = 0 THEN 400 ELSE 200 END
FROM {series}"""
FAILURE = """
INSERT INTO failure (execution_id, task_id, department_id, state, outcome, reason, message)
SELECT {id}, {task} + n % {tasks}, 1, {failed}, 'answered', 'rejected', 'the target answered 400'
FROM {series} WHERE n % {fails} = 0"""


def write_history(database: Database, *, rows: int, tasks: int, until: Instant) -> None:
    """Fill `execution` and `failure`. `rows` up to one per millisecond of the month."""
    step = DAYS * DAY // rows // MILLISECOND
    begin = (until - DAYS * DAY) // SECOND * SECOND
    with database.open_writer() as writer:
        for first in range(0, rows, CHUNK):
            last = min(first + CHUNK, rows) - 1
            names = _names(database, begin=begin, step=step, tasks=tasks, first=first, last=last)
            _run(writer, EXECUTION.format(**names), FAILURE.format(**names))


def _run(writer: Writer, *statements: str) -> None:
    for statement in statements:
        writer.execute(statement)


def _names(database: Database, *, begin: Instant, step: int, tasks: int, first: int, last: int) -> dict[str, object]:
    return {
        "quote": '"' if database.url is None else "`",
        "id": f"{first_id_at(begin)} + n * {step * IDS_PER_MILLISECOND}",
        "at": f"({begin} + n * {step * MILLISECOND})",
        "series": SERIES[database.name].format(first=first, last=last),
        "task": FIRST_TASK,
        "schedule": FIRST_SCHEDULE,
        "tasks": tasks,
        "hour": HOUR,
        "fails": FAILS_EVERY,
        "failed": int(State.FAILED),
        "succeeded": int(State.SUCCEEDED),
        "trigger": int(Trigger.SCHEDULE),
    }

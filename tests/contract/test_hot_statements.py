"""The hot statements mean the same on every database."""

import json
from dataclasses import fields

import pytest
from sqlalchemy import Connection, insert, select, update

from distributedjob.model.execution import Claimed, State
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.hot.rows import (
    AttemptRow,
    CursorMove,
    ExecutionRow,
    FailureRow,
    OutputRow,
    ResultRow,
)
from distributedjob.store.port import Store
from distributedjob.store.tables import attempt, execution, failure, gate_entry, output, schedule

NOW = 1_800_000_000_000_000
ME, OTHER = 77, 88
BIG = 2**62 + 12345


def pending(id_: int, **changes: object) -> ExecutionRow:
    row = ExecutionRow(
        id=id_,
        task_id=5,
        source_id=BIG,
        fire_at=NOW + id_,
        not_before=NOW,
        deadline_at=NOW + 1_000_000,
        state=State.PENDING,
        reason=None,
        trigger=1,
        priority=5,
        queue="default",
        department_id=1,
        revision=3,
        fence=0,
        holder=None,
        attempt=0,
        flags=0,
        recorded_at=NOW,
        started_at=None,
        claimed_at=None,
        ended_at=None,
    )
    return row._replace(**changes)


def result(id_: int, **changes: object) -> ResultRow:
    row = ResultRow(
        id=id_,
        holder=ME,
        fence=1,
        state=State.SUCCEEDED,
        reason="ok",
        not_before=None,
        given_back=0,
        status=200,
        sent_at=NOW + 1,
        ended_at=NOW + 2,
        flags=0,
        attempt=1,
    )
    return row._replace(**changes)


async def record(store: Store, *rows: ExecutionRow) -> None:
    await store.write(lambda c: store.hot.insert_executions(c, rows))


async def claim(store: Store, *hints: tuple[int, int], session: int = ME, now: int = NOW) -> list[Claimed]:
    return await store.write(lambda c: store.hot.claim(c, hints, queue="default", session=session, now=now))


async def state_of(store: Store, id_: int) -> tuple[int, str | None, int, int]:
    columns = (execution.c.state, execution.c.reason, execution.c.fence, execution.c.attempt)
    row = await store.read(lambda c: c.execute(select(*columns).where(execution.c.id == id_)).one())
    return tuple(row)


async def test_a_recorded_row_reads_back_as_it_was_written(store: Store) -> None:
    row = pending(BIG, reason=None, queue="größe-✓", range_end=None, related_id=BIG - 1)
    await record(store, row)
    columns = [execution.c[name] for name in ExecutionRow._fields]
    assert tuple(await store.read(lambda c: c.execute(select(*columns)).one())) == tuple(row)


async def test_a_duplicate_fire_inserts_nothing_of_its_batch(store: Store) -> None:
    await record(store, pending(1))

    def unit(connection: Connection) -> int:
        with pytest.raises(DuplicateKey):
            store.hot.insert_executions(connection, [pending(2), pending(3, fire_at=NOW + 1)])
        store.hot.insert_executions(connection, [pending(4)])
        return len(connection.execute(select(execution.c.id)).all())

    assert await store.write(unit) == 2


async def test_recorded_fires_are_found_by_their_identity(store: Store) -> None:
    await record(store, pending(1))
    keys = [(5, NOW + 1, BIG), (5, NOW + 2, BIG)]
    assert await store.read(lambda c: store.hot.find_fires(c, keys)) == {(5, NOW + 1, BIG)}


async def test_a_claim_takes_only_what_is_due_and_carries_the_hinted_fence(store: Store) -> None:
    rows = [
        pending(1),
        pending(2, fence=4),
        pending(3, not_before=NOW + 1),
        pending(4, deadline_at=NOW),
        pending(5, queue="other"),
        pending(6, state=State.BLOCKED),
    ]
    await record(store, *rows)
    claimed = await claim(store, (1, 0), (2, 3), (3, 0), (4, 0), (5, 0), (6, 0))
    assert [(c.id, c.fence, c.attempt, c.claimed_at, c.started_at) for c in claimed] == [(1, 1, 1, NOW, NOW)]


async def test_a_second_claim_with_the_same_fence_gets_nothing(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    assert await claim(store, (1, 0), session=OTHER) == []


async def test_a_pull_and_a_hint_of_one_session_never_both_get_a_row(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0), now=NOW)
    assert await claim(store, (1, 0), now=NOW + 1) == []


async def test_a_repeated_claim_after_a_lost_answer_finds_its_own(store: Store) -> None:
    await record(store, pending(1))
    first = await claim(store, (1, 0))
    assert await claim(store, (1, 0)) == first


async def test_a_row_with_a_cancel_asked_is_not_claimed(store: Store) -> None:
    await record(store, pending(1))
    await store.write(lambda c: c.execute(update(execution).values(cancel_asked=True)))
    assert await claim(store, (1, 0)) == []


async def test_the_pull_takes_the_most_urgent_first(store: Store) -> None:
    await record(
        store,
        pending(1, priority=5, not_before=NOW - 9),
        pending(2, priority=1, not_before=NOW - 3),
        pending(3, priority=1, not_before=NOW - 5),
        pending(4, priority=0, not_before=NOW + 5),
    )
    claimed = await store.write(
        lambda c: store.hot.pull(c, queue="default", session=ME, due_before=NOW, now=NOW, limit=2)
    )
    assert sorted(c.id for c in claimed) == [2, 3]


async def test_the_pull_gives_each_row_as_its_claim_left_it(store: Store) -> None:
    await record(store, pending(1), pending(2, attempt=2, fence=4, started_at=NOW - 7, claimed_at=NOW - 3))
    pulled = await store.write(
        lambda c: store.hot.pull(c, queue="default", session=ME, due_before=NOW, now=NOW, limit=9)
    )
    columns = [execution.c[field.name] for field in fields(Claimed)]
    held = (execution.c.state == State.RUNNING, execution.c.holder == ME)
    rows = await store.read(lambda c: [Claimed(*row) for row in c.execute(select(*columns).where(*held))])
    assert len(rows) == 2
    assert sorted(pulled, key=lambda one: one.id) == sorted(rows, key=lambda one: one.id)


async def test_a_result_needs_its_holder_and_its_fence(store: Store) -> None:
    await record(store, *[pending(n) for n in (1, 2, 3)])
    await claim(store, (1, 0), (2, 0), (3, 0))
    written = await store.write(lambda c: store.hot.finish(c, [result(1), result(2, holder=OTHER), result(3, fence=2)]))
    assert written == {1: State.SUCCEEDED}
    assert (await state_of(store, 2))[0] == State.RUNNING


async def test_a_result_is_written_once(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    await store.write(lambda c: store.hot.finish(c, [result(1)]))
    again = await store.write(lambda c: store.hot.finish(c, [result(1, state=State.FAILED, reason="not_retryable")]))
    assert again == {1: State.SUCCEEDED}


async def test_a_retry_goes_back_to_pending_with_its_wait(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    retry = result(1, state=State.PENDING, reason="retry", not_before=NOW + 500, ended_at=None)
    assert await store.write(lambda c: store.hot.finish(c, [retry])) == {1: State.PENDING}
    assert await state_of(store, 1) == (State.PENDING, "retry", 1, 1)
    assert [c.attempt for c in await claim(store, (1, 1), now=NOW + 500)] == [2]


async def test_a_release_gives_the_attempt_back(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    released = result(1, state=State.PENDING, reason="released", not_before=NOW, given_back=1, ended_at=None)
    await store.write(lambda c: store.hot.finish(c, [released]))
    assert await state_of(store, 1) == (State.PENDING, "released", 1, 0)


async def test_a_retry_with_a_cancel_asked_ends_cancelled(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    await store.write(lambda c: c.execute(update(execution).values(cancel_asked=True)))
    retry = result(1, state=State.PENDING, reason="retry", not_before=NOW + 500, ended_at=NOW + 3)
    assert await store.write(lambda c: store.hot.finish(c, [retry])) == {1: State.CANCELLED}
    assert (await state_of(store, 1))[:2] == (State.CANCELLED, "asked")


async def test_a_mark_needs_a_live_claim(store: Store) -> None:
    await record(store, pending(1), pending(2))
    await claim(store, (1, 0), (2, 0))
    marked = await store.write(lambda c: store.hot.mark(c, [(1, ME, 1), (2, OTHER, 1)]))
    assert marked == {1}


async def test_a_claim_clears_the_mark(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    await store.write(lambda c: store.hot.mark(c, [(1, ME, 1)]))
    await store.write(lambda c: c.execute(update(execution).values(state=State.PENDING)))
    await claim(store, (1, 1))
    assert not await store.read(lambda c: c.execute(select(execution.c.marked)).scalar_one())


async def rescue(store: Store, id_: int) -> None:
    values = {"state": State.PENDING, "fence": execution.c.fence + 1, "reason": "rescued"}
    await store.write(lambda c: c.execute(update(execution).where(execution.c.id == id_).values(values)))


async def test_a_replayed_result_ends_a_rescued_row_that_nobody_claimed(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    await rescue(store, 1)
    assert await store.write(lambda c: store.hot.finish(c, [result(1)])) == {}
    assert await store.write(lambda c: store.hot.finish_rescued(c, [result(1)])) == {1}


async def test_a_replayed_result_leaves_a_row_that_was_claimed_again(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    await rescue(store, 1)
    await claim(store, (1, 2), session=OTHER)
    assert await store.write(lambda c: store.hot.finish_rescued(c, [result(1)])) == set()
    assert (await state_of(store, 1))[0] == State.RUNNING


async def test_outputs_attempts_and_failures_are_kept_once(store: Store) -> None:
    text = 'öñ "quoted" \\ 100% \'; -- \u2028 中文'
    outputs = [OutputRow(1, 1, 0, 500, json.dumps([["x", text]]), 0, text, 0)]
    attempts = [AttemptRow(1, 1, 0, "answered", "status", text, 500, ME, NOW, NOW, NOW)]
    failures = [FailureRow(1, 5, 1, State.FAILED, "answered", "status", text)]

    def unit(connection: Connection) -> None:
        for _ in range(2):
            store.hot.insert_outputs(connection, outputs)
            store.hot.insert_attempts(connection, attempts)
            store.hot.insert_failures(connection, failures)

    await store.write(unit)
    for table, column in ((output, output.c.body), (attempt, attempt.c.message), (failure, failure.c.message)):
        assert await store.read(lambda c, t=table, col=column: c.execute(select(col)).scalars().all()) == [text], table


async def test_ended_executions_leave_their_gates(store: Store) -> None:
    rows = [{"execution_id": n, "task_id": 5, "waiting": False} for n in (1, 2, 3)]
    await store.write(lambda c: c.execute(insert(gate_entry).values(rows)))
    assert await store.write(lambda c: store.hot.leave_gates(c, [1, 3, 9])) == 2


def schedule_row(id_: int, next_fire_at: int | None, shard: int = 0) -> dict[str, object]:
    return {
        "id": id_,
        "task_id": 5,
        "department_id": 1,
        "revision": 3,
        "shard": shard,
        "next_fire_at": next_fire_at,
        "fires_left": None,
        "waiting_id": None,
        "seed": BIG,
        "definition": "{}",
    }


async def test_due_schedules_are_read_in_order_and_by_shard(store: Store) -> None:
    rows = [schedule_row(1, NOW + 2), schedule_row(2, NOW + 1), schedule_row(3, NOW, 7), schedule_row(4, None)]
    await store.write(lambda c: c.execute(insert(schedule).values(rows)))
    every = await store.read(lambda c: store.hot.list_due(c, until=NOW + 2, shards=None, limit=10))
    mine = await store.read(lambda c: store.hot.list_due(c, until=NOW + 2, shards=[0], limit=10))
    assert (every, mine) == ([(3, NOW), (2, NOW + 1), (1, NOW + 2)], [(2, NOW + 1), (1, NOW + 2)])


async def test_cursors_move_together(store: Store) -> None:
    await store.write(lambda c: c.execute(insert(schedule).values([schedule_row(n, NOW) for n in (1, 2)])))
    moves = [CursorMove(1, NOW + 9, 4, None), CursorMove(2, None, None, BIG)]

    def unit(connection: Connection) -> list[tuple[int, int | None, int | None]]:
        store.hot.lock_schedules(connection, [2, 1])
        store.hot.move_cursors(connection, moves)
        return [(r.id, r.next_fire_at, r.fires_left) for r in store.hot.lock_schedules(connection, [1, 2, 3])]

    assert await store.write(unit) == [(1, NOW + 9, 4), (2, None, None)]


async def test_an_execution_that_waits_for_a_retry_has_no_end(store: Store) -> None:
    await record(store, pending(1))
    await claim(store, (1, 0))
    retry = result(1, state=State.PENDING, reason="retry", not_before=NOW + 500, ended_at=NOW + 3)
    await store.write(lambda c: store.hot.finish(c, [retry]))
    assert await store.read(lambda c: c.execute(select(execution.c.ended_at)).scalar_one()) is None

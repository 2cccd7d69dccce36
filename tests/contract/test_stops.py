"""Stop switches on every database: what is due under one is decided, and nothing is claimed."""

from dataclasses import replace

import pytest

from distributedjob.model.errors import Conflict, Invalid, NotFound
from distributedjob.model.execution import State
from distributedjob.model.identity import SYSTEM
from distributedjob.model.instant import MINUTE, SECOND
from distributedjob.model.policies import MisfireMode, MisfirePolicy, Overlap, Policies
from distributedjob.model.schedule import IntervalFrom, IntervalTiming
from distributedjob.model.stop import Scope, Stop
from distributedjob.model.target import HttpTarget
from distributedjob.rules.stops import Stops
from distributedjob.scheduler.backfiller import Backfiller
from distributedjob.services import runs, stops
from distributedjob.services.batch import Slots
from distributedjob.store import installation
from support.office import ME, NOON, Leader, Office, every

PLACE = HttpTarget(url="https://Example.com/run")
STOPPED = (State.SKIPPED, "stopped")


async def set_stop(office: Office, scope: Scope, subject: str = "", *, expires_at: int | None = None) -> Stop:
    """Set one, and let this node read it."""
    stop = await office.desk.write(
        lambda tx: stops.set_stop(
            tx, principal=SYSTEM, scope=scope, subject=subject, reason="incident", expires_at=expires_at
        )
    )
    await read(office)
    return stop


async def read(office: Office) -> None:
    office.desk.board.present = Stops(await office.desk.read(stops.list_stops))


async def lift(office: Office, stop: Stop) -> None:
    await office.desk.write(lambda tx: stops.lift_stop(tx, stop.id))
    await read(office)


@pytest.fixture
async def root(office: Office) -> None:
    await office.store.write(installation.ensure_root_department)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("scope", "subject"),
    [
        (Scope.CLUSTER, ""),
        (Scope.DEPARTMENT, "1"),
        (Scope.TARGET, "https://example.com/other"),
        (Scope.QUEUE, "default"),
    ],
)
async def test_a_fire_under_a_switch_is_skipped_and_not_lost(office: Office, scope: Scope, subject: str) -> None:
    task_id = await office.add_task(every(10), target=PLACE)
    await set_stop(office, scope, subject)
    recorded = await office.record(5)
    assert (await office.states(task_id), recorded.cursors, recorded.hints) == (
        [STOPPED],
        [(5, NOON + 10 * SECOND)],
        [],
    )


async def test_a_fire_of_something_else_runs(office: Office) -> None:
    task_id = await office.add_task(every(10), target=PLACE)
    await set_stop(office, Scope.TARGET, "https://other.example.com")
    await office.record(5)
    assert await office.states(task_id) == [(State.PENDING, None)]


async def test_a_fire_under_a_switch_does_not_count_against_the_maximum(office: Office) -> None:
    task_id = await office.add_task(every(10), fires_left=1)
    stop = await set_stop(office, Scope.CLUSTER)
    await office.record(5)
    await lift(office, stop)
    office.now += 10 * SECOND
    recorded = await office.record(5)
    assert (await office.states(task_id), recorded.cursors) == ([STOPPED, (State.PENDING, None)], [(5, None)])


async def test_a_fire_under_a_switch_takes_no_place_at_its_gate(office: Office) -> None:
    task_id = await office.add_task(every(10), policies=Policies(overlap=Overlap.SKIP))
    stop = await set_stop(office, Scope.CLUSTER)
    await office.record(5)
    await lift(office, stop)
    office.now += 10 * SECOND
    await office.record(5)
    assert await office.states(task_id) == [STOPPED, (State.PENDING, None)]


async def test_a_fire_under_a_switch_is_not_recorded_as_claimed(office: Office) -> None:
    await office.add_task(every(10))
    await set_stop(office, Scope.QUEUE, "default")
    recorded = await office.record(5, slots=Slots(ME, frozenset({"default"}), 1))
    assert recorded.claimed == []


async def test_an_interval_from_the_end_counts_from_the_skipped_fire(office: Office) -> None:
    timing = replace(every(10).timing, interval_from=IntervalFrom.END)
    assert isinstance(timing, IntervalTiming)
    task_id = await office.add_task(replace(every(10), timing=timing))
    await set_stop(office, Scope.CLUSTER)
    await office.record(5)
    assert await office.states(task_id) == [STOPPED]


async def test_a_switch_that_expires_lets_the_next_fire_run_without_being_read_again(office: Office) -> None:
    task_id = await office.add_task(every(10))
    await set_stop(office, Scope.CLUSTER, expires_at=NOON + 5 * SECOND)
    await office.record(5)
    office.now += 10 * SECOND
    await office.record(5)
    assert await office.states(task_id) == [STOPPED, (State.PENDING, None)]


async def test_runs_by_hand_are_refused_with_the_reason(office: Office) -> None:
    task_id = await office.add_task()
    await set_stop(office, Scope.QUEUE, "default")
    office.desk.board.present = Stops()
    with pytest.raises(Conflict, match="queue default is stopped \\(incident\\)") as refused:
        await office.desk.write(lambda tx: runs.run_task(tx, task_id, principal=SYSTEM, parameters={}))
    assert refused.value.code == "stopped"


async def test_what_is_caught_up_waits_for_the_switch_and_goes_on_after_it(office: Office) -> None:
    misfire = MisfirePolicy(mode=MisfireMode.ALL)
    task_id = await office.add_task(every(60), policies=Policies(misfire=misfire), target=PLACE)
    office.now += 5 * MINUTE + 31 * SECOND
    await office.record(5)
    backfiller = Backfiller(desk=office.desk, membership=Leader(), rate=100)
    stop = await set_stop(office, Scope.TARGET, PLACE.url)
    await backfiller.run_once()
    before = len(await office.rows(task_id=task_id))
    await lift(office, stop)
    await backfiller.run_once()
    assert (before, len(await office.rows(task_id=task_id))) == (0, 6)


@pytest.mark.parametrize("by", ["hint", "pull"])
async def test_nothing_of_an_excluded_department_is_claimed(office: Office, by: str) -> None:
    run = await office.run_by_hand(await office.add_task())
    claimed = {}
    for excluded in ((1,), (2, 3)):
        claimed[excluded] = await office.desk.write(
            lambda tx, excluded=excluded: (
                tx.hot.claim(
                    tx.connection, [(run.id, 0)], queue="default", session=ME, now=tx.now, except_departments=excluded
                )
                if by == "hint"
                else tx.hot.pull(
                    tx.connection,
                    queue="default",
                    session=ME,
                    due_before=tx.now,
                    now=tx.now,
                    limit=10,
                    except_departments=excluded,
                )
            )
        )
    assert [len(found) for found in claimed.values()] == [0, 1]


async def test_a_switch_that_is_set_again_is_replaced(office: Office) -> None:
    await set_stop(office, Scope.CLUSTER)
    again = await set_stop(office, Scope.CLUSTER, expires_at=NOON + SECOND)
    assert await office.desk.read(stops.list_stops) == [again]


async def test_an_expired_switch_is_not_listed(office: Office) -> None:
    await set_stop(office, Scope.CLUSTER, expires_at=NOON + SECOND)
    office.now += SECOND
    assert await office.desk.read(stops.list_stops) == []


async def test_lifting_what_is_not_there_names_the_way_to_the_list(office: Office) -> None:
    with pytest.raises(NotFound, match="distributedjob stop list"):
        await office.desk.write(lambda tx: stops.lift_stop(tx, 12345))


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("scope", "subject", "words"),
    [
        (Scope.CLUSTER, "all", "nothing for the whole cluster"),
        (Scope.DEPARTMENT, "99", "no department '99'"),
        (Scope.DEPARTMENT, "sales", "no department 'sales'"),
        (Scope.TARGET, "example.com", "not an address such as"),
        (Scope.TARGET, f"http://{'a' * 253}:65535", "longer than 255"),
        (Scope.QUEUE, "no-such-queue", "names a queue 'no-such-queue'"),
    ],
)
async def test_a_subject_that_names_nothing_is_refused(office: Office, scope: Scope, subject: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        await set_stop(office, scope, subject)
    assert [error.field for error in refused.value.errors] == ["subject"]


async def test_a_switch_that_has_expired_before_it_is_set_is_refused(office: Office) -> None:
    with pytest.raises(Invalid, match="expires_at: is past"):
        await set_stop(office, Scope.CLUSTER, expires_at=NOON)

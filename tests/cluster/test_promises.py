"""The checker is shown clusters that break a promise: lost changes, verdicts of death without a reason, leaks."""

from dataclasses import replace

import pytest

from cluster.promises import check_promises
from rig.facts import SECOND, Evidence, Fault, Harm, Kind, Phase, Session, TaskSeen, Vital
from rig.made_up import HOLDER, MS, PID, call, fire, healthy, plan, row


def kinds(evidence: Evidence) -> set[Kind]:
    return {violation.kind for violation in check_promises(evidence)}


def test_a_healthy_cluster_keeps_its_promises() -> None:
    assert kinds(healthy()) == set()


def test_an_acknowledged_run_that_is_not_there_is_a_lost_change() -> None:
    assert kinds(replace(healthy(), runs=(1,))) == set()
    assert kinds(replace(healthy(), runs=(1, 99))) == {Kind.CHANGE_LOST}


@pytest.mark.parametrize(("revision", "enabled"), [(4, True), (5, False), (None, True)])
def test_a_task_that_is_not_as_it_was_acknowledged_is_a_lost_change(revision: int | None, enabled: bool) -> None:
    seen = TaskSeen(task_id=7, name="a", revision=5, enabled=True, acknowledged_revision=5, acknowledged_enabled=True)
    assert kinds(replace(healthy(), tasks=(seen,))) == set()
    assert kinds(replace(healthy(), tasks=(replace(seen, revision=revision, enabled=enabled),))) == {Kind.CHANGE_LOST}


def changed(*revisions: int, path: str = "/ok/a-v2") -> Evidence:
    """A task that was changed between its second and third fire; these are the revisions that its fires followed."""
    moment = (fire(2) + 300 * MS, fire(2) + 400 * MS)
    phases = (
        Phase(revision=1, path="/ok/a", since=(fire(0), fire(0)), until=moment),
        Phase(revision=2, path="/ok/a-v2", since=moment, until=(fire(9), fire(9))),
    )
    rows = tuple(row(n, revision=revision) for n, revision in enumerate(revisions, 1))
    calls = (call(1), call(2), call(3, path=path))
    return Evidence(plans=(plan(1, 2, 3, phases=phases),), rows=rows, calls=calls)


def test_each_fire_follows_the_revision_in_force_at_its_time() -> None:
    assert kinds(changed(1, 1, 2)) == set()


@pytest.mark.parametrize("revisions", [(1, 1, 1), (1, 2, 2)])
def test_a_fire_that_follows_another_revision_is_a_lost_change(revisions: tuple[int, ...]) -> None:
    assert kinds(changed(*revisions)) == {Kind.CHANGE_LOST}


def test_a_call_of_what_an_older_revision_named_is_a_lost_change() -> None:
    assert kinds(changed(1, 1, 2, path="/ok/a")) == {Kind.CHANGE_LOST}


def dead(at: int, *faults: Fault) -> Evidence:
    session = Session(id=HOLDER, pid=PID, ended_at=at, dead=True)
    return replace(healthy(), sessions=(session,), faults=faults)


def harm(kind: Harm, at: int, pid: int | None = PID) -> Fault:
    return Fault(harm=kind, started_at=at, ended_at=at, pid=pid)


def test_who_was_killed_or_cut_off_long_ago_may_be_declared_dead() -> None:
    assert kinds(dead(fire(30), harm(Harm.KILL, fire(14)))) == set()
    assert kinds(dead(fire(30), harm(Harm.CUT, fire(14)))) == set()


@pytest.mark.parametrize(
    "fault",
    [
        harm(Harm.KILL, fire(25)),
        harm(Harm.KILL, fire(14), pid=1),
        harm(Harm.NEIGHBOUR, fire(10), pid=None),
        harm(Harm.CLOCK, fire(10)),
    ],
    ids=["too soon", "another", "the database was away", "a wrong clock"],
)
def test_who_is_declared_dead_without_a_reason_is_seen(fault: Fault) -> None:
    assert kinds(dead(fire(30), fault)) == {Kind.DECLARED_DEAD}


def test_a_call_under_a_session_that_was_declared_dead_is_seen() -> None:
    evidence = dead(fire(2), harm(Harm.FREEZE, fire(2) - 16 * SECOND))
    assert kinds(evidence) == {Kind.CALLED_WHEN_DEAD}
    assert kinds(dead(fire(4), harm(Harm.FREEZE, fire(4) - 16 * SECOND))) == set()


def life(*, files: int = 0, memory: int = 0, connections: int = 0, seconds: int = 120) -> Evidence:
    """A process that has so much more of each at its end."""
    vitals = tuple(
        Vital(
            pid=PID,
            node="worker-1",
            at=fire(second),
            files=30 + files * second // seconds + 20 * (second % 2),
            memory=(100 << 20) + memory * second // seconds,
            connections=5 + connections * second // seconds,
        )
        for second in range(seconds + 1)
    )
    return replace(healthy(), vitals=vitals)


def test_bursts_are_no_leaks() -> None:
    assert kinds(life()) == set()


@pytest.mark.parametrize("grown", [{"files": 60}, {"memory": 150 << 20}, {"connections": 20}], ids=str)
def test_what_only_grows_leaks(grown: dict[str, int]) -> None:
    assert kinds(life(**grown)) == {Kind.LEAKED}


def test_a_short_life_is_not_judged() -> None:
    assert kinds(life(files=60, seconds=60)) == set()

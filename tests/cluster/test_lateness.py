"""Figures from made-up records: which fault a late fire belongs to, and what a death cost."""

from dataclasses import replace

from cluster.lateness import CALM, lateness_by_group, percentile, repeats_after, takeovers
from rig.facts import SECOND, AttemptRow, Ending, Evidence, Fault, Harm, Session
from rig.made_up import HOLDER, MS, PID, RETRIED, call, fire, healthy, plan, row


def fault(harm: Harm, group: str, start: float, end: float) -> Fault:
    return Fault(harm=harm, started_at=fire(start), ended_at=fire(end), over_at=fire(end), pid=PID, group=group)


def late(seconds: float, *faults: Fault) -> Evidence:
    """The second of three fires is called so late."""
    calls = (call(1), call(2, at=fire(2 + seconds)), call(3))
    return replace(healthy(), calls=calls, faults=faults)


def test_without_faults_all_is_calm() -> None:
    assert lateness_by_group(healthy()) == {CALM: [5 * MS] * 3}


def test_a_fire_belongs_to_the_fault_of_its_time() -> None:
    groups = lateness_by_group(late(0.5, fault(Harm.NEIGHBOUR, "redis killed", 3.9, 0)))
    assert groups[CALM] == [5 * MS, 5 * MS]
    assert groups["redis killed"] == [SECOND // 2]


def test_of_two_faults_the_graver_one_has_it() -> None:
    both = (fault(Harm.NEIGHBOUR, "redis killed", 2, 2), fault(Harm.KILL, "worker killed", 2, 2))
    assert set(lateness_by_group(late(0.5, *both))) == {"worker killed"}


def test_tasks_that_wait_for_themselves_are_late_on_purpose() -> None:
    assert lateness_by_group(replace(healthy(), plans=(plan(1, 2, 3, one_at_a_time=True),))) == {}


def test_the_next_fire_after_a_death_is_measured_at_its_worst() -> None:
    evidence = late(3.5, fault(Harm.KILL, "scheduler killed", 1.2, 1.2))
    assert takeovers(evidence, "scheduler killed") == [3_500_000]


def lost(harm: Harm, ending: Ending, *, end: float) -> Evidence:
    """A call that arrives at 1.005 s and is in the air when its worker is harmed at 1.5 s; the next comes at 9 s."""
    status = 200 if ending is Ending.ANSWERED else None
    first = call(1, took=fire(end) - fire(1) - 5 * MS, ending=ending, status=status)
    attempt = AttemptRow(execution_id=1, no=1, evidence=False, outcome="", status=None, holder=HOLDER)
    return Evidence(
        plans=(plan(1),),
        calls=(first, call(1, at=fire(9), attempt=2)),
        rows=(replace(RETRIED, holder=HOLDER + 1), row(2)),
        attempts=(attempt,),
        sessions=(Session(id=HOLDER, pid=PID),),
        faults=(fault(harm, "worker gone", 1.5, 1.5),),
    )


def test_the_next_attempt_after_a_kill_is_measured_from_the_kill() -> None:
    assert repeats_after(lost(Harm.KILL, Ending.LOST, end=1.5), ("worker gone",)) == [7_500_000]


def test_a_call_that_had_its_answer_before_the_kill_is_not_measured() -> None:
    assert repeats_after(lost(Harm.KILL, Ending.ANSWERED, end=1.45), ("worker gone",)) == []


def test_a_frozen_caller_has_not_read_the_answer_that_was_sent() -> None:
    assert repeats_after(lost(Harm.FREEZE, Ending.ANSWERED, end=2.0), ("worker gone",)) == [7_500_000]


def test_percentiles_of_few_are_the_highest() -> None:
    assert percentile([3, 1, 2], 0.99) == 3
    assert percentile([], 0.99) == 0

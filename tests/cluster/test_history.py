"""What was due of a task that was paused, resumed and moved, some of it at instants that nobody knows exactly."""

from dataclasses import replace

from cluster.history import Edited, Saved
from rig.facts import SECOND
from rig.made_up import fire
from rig.oracle import Interval
from rig.workload import Made, TaskSpec

SPEC = TaskSpec(name="a", timing=Interval(1.0, fire(0)), script="ok")


def edited() -> Edited:
    made = Made(spec=SPEC, task_id=7, schedule_id=70, asked_at=fire(0.2), answered_at=fire(0.3))
    return Edited.of(made)


def seconds(instants: frozenset[int]) -> list[float]:
    return sorted((instant - fire(0)) / SECOND for instant in instants)


def paused(task: Edited, *, asked: float, answered: float) -> None:
    task.save(replace(task.now, revision=task.now.revision + 1, enabled=False), (fire(asked), fire(answered)))


def test_fires_are_due_from_the_creation_to_the_pause() -> None:
    task = edited()
    paused(task, asked=3.2, answered=3.3)
    (due,) = task.plan().due
    assert seconds(due.certain) == seconds(due.possible) == [1, 2, 3]


def test_fires_between_asking_and_answer_are_only_possible() -> None:
    task = edited()
    paused(task, asked=1.5, answered=3.5)
    (due,) = task.plan().due
    assert seconds(due.certain) == [1]
    assert seconds(due.possible) == [1, 2, 3]


def test_nothing_is_due_while_a_task_is_paused() -> None:
    task = edited()
    paused(task, asked=1.4, answered=1.5)
    task.save(replace(task.now, revision=3, enabled=True), (fire(4.4), fire(4.5)))
    paused(task, asked=6.4, answered=6.5)
    (due,) = task.plan().due
    assert seconds(due.certain) == [1, 5, 6]


def test_a_moved_task_fires_by_its_new_timing_under_its_new_path() -> None:
    task = edited()
    moved = replace(SPEC, timing=Interval(2.0, fire(0.5)), tag="-v2")
    task.save(Saved(revision=2, spec=moved), (fire(2.2), fire(2.3)))
    paused(task, asked=5.2, answered=5.3)
    plan = task.plan()
    assert seconds(plan.due[0].certain) == [1, 2, 2.5, 4.5]
    assert [phase.path for phase in plan.phases] == ["/ok/a", "/ok/a-v2"]

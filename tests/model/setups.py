"""The searches: several small worlds, each with the faults that its part of the protocol has to bear."""

from model import admission, calling, claiming, finishing, living, recording, rescuing
from model.assumptions import Setup

PARTS = (recording, admission, claiming, calling, finishing, rescuing, living)
"""Imported for their steps."""

WORKER_FAULTS = frozenset({"crash", "freeze", "lapse", "keep"})
SCHEDULER_FAULTS = frozenset({"scheduler_dies", "scheduler_freezes"})


def _gate(overlap: str, about: str, *, wishes: int) -> Setup:
    return Setup(
        name=f"gate_{overlap}",
        about=about,
        fires=2,
        manual=1,
        workers=1,
        overlap=overlap,
        attempts=1,
        faults=1,
        wishes=wishes,
        may=frozenset({"run_by_hand", "crash"} if overlap == "replace" else {"run_by_hand", "crash", "cancel"}),
    )


_ALL = (
    Setup(
        name="recording",
        about="two schedulers that both own the shard die and freeze in their transactions",
        fires=3,
        workers=0,
        schedulers=2,
        windows=True,
        misfires=True,
        faults=3,
        may=SCHEDULER_FAULTS,
    ),
    Setup(
        name="max_fires",
        about="a schedule that may make two executions of its three fires, at a gate where the newest waits",
        fires=3,
        manual=1,
        workers=1,
        schedulers=2,
        overlap="wait",
        max_fires=2,
        attempts=1,
        windows=True,
        wishes=1,
        may=frozenset({"run_by_hand"}),
    ),
    Setup(
        name="from_end",
        about="a schedule that counts from the end of its last execution, recorded as claimed by one of two nodes",
        fires=2,
        schedulers=2,
        attempts=1,
        embedded=True,
        from_end=True,
        faults=1,
        may=frozenset({"crash"}),
    ),
    Setup(
        name="hints",
        about="a fire recorded by either of two full nodes; hints, claims and their answers get lost",
        fires=1,
        schedulers=2,
        hinted=True,
        embedded=True,
        faults=2,
        may=frozenset({"lose_hint", "crash"}),
    ),
    Setup(
        name="at_least_once",
        about="workers die, freeze, are cut off and come back, with results on their disks",
        recorded=1,
        faults=2,
        may=WORKER_FAULTS | {"claim_late"},
    ),
    Setup(
        name="at_most_once",
        about="the same for a task that must not be called twice",
        recorded=1,
        at_most_once=True,
        faults=2,
        may=WORKER_FAULTS | {"claim_late", "refuse_connections"},
    ),
    Setup(
        name="two_rescuers",
        about="two schedulers rescue what a worker left, one of them with an old look",
        recorded=1,
        schedulers=2,
        at_most_once=True,
        faults=2,
        may=frozenset({"crash", "lapse"}),
    ),
    Setup(
        name="lying_clocks",
        about="living sessions are declared dead, and the last look trusts a session that is over",
        recorded=1,
        at_most_once=True,
        lying_clocks=True,
        faults=2,
        may=frozenset({"crash", "freeze", "keep", "claim_late"}),
    ),
    Setup(
        name="endings",
        about="executions are cancelled, pass their deadline, and workers are told to stop",
        recorded=1,
        faults=1,
        wishes=2,
        may=frozenset({"crash", "keep", "cancel", "deadline_passes", "stop"}),
    ),
    Setup(
        name="endings_at_most_once",
        about="the same for a task that must not be called twice",
        recorded=1,
        at_most_once=True,
        faults=1,
        wishes=2,
        may=frozenset({"crash", "cancel", "deadline_passes", "stop"}),
    ),
    _gate("skip", "fires and a run by hand at a gate that skips", wishes=1),
    _gate("wait", "fires and a run by hand at a gate where the newest waits", wishes=2),
    _gate("replace", "fires and a run by hand at a gate where the newest replaces", wishes=1),
    _gate("limit", "fires and a run by hand at a gate where all wait", wishes=1),
    Setup(
        name="gate_turned_on",
        about="a save turns the gate on while executions are under way",
        recorded=1,
        fires=1,
        manual=1,
        workers=1,
        attempts=1,
        overlap="wait",
        gate_later=True,
        faults=1,
        wishes=2,
        may=frozenset({"run_by_hand", "crash"}),
    ),
)

SETUPS = {setup.name: setup for setup in _ALL}

"""Numbered crash points: places where the fault tests end the process, as a power cut would.

Unarmed, a point costs one dictionary test. Armed with `name:n`, the n-th passage through `name` ends the
process by SIGKILL, so no handler, flush or finally block runs; with `name:n:freeze` it stops it by SIGSTOP, whatever
it holds.
"""

import os
import signal
from asyncio import AbstractEventLoop
from threading import Lock

POINTS = (
    "before_commit",
    "after_commit",
    "before_record",
    "after_record",
    "before_publish",
    "after_publish",
    "before_claim",
    "after_claim",
    "before_send",
    "after_send",
    "after_receive",
    "before_result",
    "after_result",
)

ENDS = {"": signal.SIGKILL, "freeze": signal.SIGSTOP}

_armed: dict[str, int] = {}
_ends: dict[str, signal.Signals] = {}
_lock = Lock()


def arm(point: str) -> None:
    """Arm one point, given as `name:n` or `name:n:freeze` with n counting from 1."""
    name, _, passage = point.partition(":")
    count, _, end = passage.partition(":")
    if name not in POINTS:
        raise ValueError(f"no crash point '{name}'; there are {', '.join(POINTS)}")
    _armed[name], _ends[name] = int(count or 1), ENDS[end]


def reached(name: str) -> None:
    """Pass a point; ends the process if it is armed and due."""
    if _armed and name in _armed:
        _pass(name)


def reached_next_turn(name: str, loop: AbstractEventLoop) -> None:
    """Pass a point one turn of the loop later: only then has what was just written left the process."""
    if _armed and name in _armed:
        loop.call_soon(_pass, name)


def _pass(name: str) -> None:
    with _lock:
        _armed[name] -= 1
        if _armed[name] == 0:
            os.kill(os.getpid(), _ends[name])

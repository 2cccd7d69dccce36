"""CPU and memory of a running program and its children, read from /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu_seconds` since the start, `resident_mb` now; both summed over a tree of pids."""

    at: float
    cpu_seconds: float
    resident_mb: float


def usage(pid: int) -> Usage:
    """What `pid` and its descendants have used so far. A pid that ended meanwhile counts as nothing."""
    tree = _tree(pid)
    return Usage(time.monotonic(), sum(map(_cpu_seconds, tree)), sum(map(_resident_mb, tree)))


def cores_used(before: Usage, after: Usage) -> float:
    """Cores kept busy between two looks; 1.0 is one whole core."""
    return (after.cpu_seconds - before.cpu_seconds) / (after.at - before.at)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        found += [int(child) for child in _read(parent, f"task/{parent}/children").split()]
    return found


def _cpu_seconds(pid: int) -> float:
    # The command's name may hold blanks and brackets: the fields that follow are counted from its last bracket.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND if fields else 0.0


def _resident_mb(pid: int) -> float:
    for line in _read(pid, "status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _read(pid: int, name: str) -> str:
    try:
        return (PROC / str(pid) / name).read_text()
    except OSError:
        return ""

"""Looks at every process once a second: open files, memory, connections to the database. Leaks show as a slope."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.ground import Member
from rig.facts import Vital
from rig.node import now

LOOK_SECONDS = 1.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(eq=False)
class Watch:
    members: Sequence[Member]
    vitals: list[Vital] = field(default_factory=list)
    longest_stall: float = 0.0
    """Seconds by which the rig itself was late at worst: the machine was busy with something else."""
    loads: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Look for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.longest_stall = max(self.longest_stall, loop.time() - due)
            self.loads.append(os.getloadavg()[0])
            self.vitals.extend(vital for member in self.members if (vital := _look(member)) is not None)


def _look(member: Member) -> Vital | None:
    """None when there is no process to look at."""
    if not member.node.is_alive:
        return None
    folder = Path("/proc") / str(member.node.pid)
    try:
        files = len(list((folder / "fd").iterdir()))
        memory = int((folder / "statm").read_text().split()[1]) * _PAGE
    except OSError:
        return None
    return Vital(
        pid=member.node.pid,
        node=member.node.name,
        at=now(),
        files=files,
        memory=memory,
        connections=member.lines.database.connections,
    )

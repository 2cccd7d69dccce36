"""A process whose wall clock is set wrong while it runs, and whose other clocks stay true."""

import os
import subprocess
import sys
import time
from pathlib import Path

from support.faketime import WallClock

SECONDS = 15.0
PROGRAM = """
import time
while True:
    time.sleep(0.05)
    print(time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), flush=True)
"""


def test_the_wall_clock_alone_steps_and_comes_back(tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock")
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, env={**os.environ, **clock.settings}, stdout=subprocess.PIPE, text=True) as child:
        try:
            for step in (0, 60, -60, 0):
                clock.set_wrong(seconds=step)
                assert _sees(child, step)
        finally:
            child.kill()


def _sees(child: "subprocess.Popen[str]", step: int) -> bool:
    """Whether the process comes to see its wall clock so many seconds wrong, and never another clock."""
    assert child.stdout is not None
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        wall, monotonic, boot = map(float, child.stdout.readline().split())
        assert abs(monotonic - time.monotonic()) < 5
        assert abs(boot - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
        if abs(wall - time.time() - step) < 5:
            return True
    return False

"""One process with a wall clock of its own that can be set while it runs: libfaketime, preloaded.

Boot clock and monotonic clock stay true, as they do when an operator sets a machine's clock.
"""

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FOLDERS = ("/usr/lib", "/usr/local/lib")
_INSTALL_SECONDS = 300
_SLEEP = """# libfaketime 0.9.10 takes the wall clock from a monotonic instant, so that sleeping until one fails.
import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


class Unavailable(RuntimeError):
    """libfaketime cannot be had here; says what to do."""


class WallClock:
    """Give `settings` to the environment of a process; `set_wrong` is seen by it within a second."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file = folder / "clock"
        (folder / "sitecustomize.py").write_text(_SLEEP)
        self.set_right()

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(find_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # A process that is killed leaves its shared memory, which then fails the next one with the same pid.
            "FAKETIME_DISABLE_SHM": "1",
            "PYTHONPATH": str(self._folder),
        }

    def set_wrong(self, *, seconds: int) -> None:
        self._write(f"{seconds:+d}s")

    def set_right(self) -> None:
        self._write("+0s")

    def _write(self, text: str) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(text + "\n")
        fresh.rename(self._file)  # the library must never read half of it


@cache
def find_library() -> Path:
    """The library, installed from Debian if it is missing. Raises Unavailable."""
    found = _search()
    if found is None and os.geteuid() == 0:
        _install()
        found = _search()
    if found is None:
        raise Unavailable("libfaketime is missing: sudo apt-get install --no-install-recommends libfaketime")
    return found


def _search() -> Path | None:
    found = (path for folder in _FOLDERS for path in Path(folder).glob("*/faketime/libfaketimeMT.so.1"))
    return next(found, None)


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120")
    for words in (("update",), ("install", "-y", "--no-install-recommends", "libfaketime")):
        subprocess.run([*apt, *words], env=environment, capture_output=True, timeout=_INSTALL_SECONDS, check=False)

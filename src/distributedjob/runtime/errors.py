"""What can keep the program from starting."""

from pathlib import Path


class AlreadyRunning(Exception):
    """Another process holds the data folder."""

    def __init__(self, folder: Path, *, pid: str) -> None:
        super().__init__(f"'{folder}' is in use by another distributedjob, pid {pid or 'unknown'}")
        self.folder = folder
        self.pid = pid

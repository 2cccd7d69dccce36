"""What `doctor` looks at on this machine. Each check gives findings: ok, warn or fail, a sentence, and the way out."""

import errno
import os
import resource
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from distributedjob.runtime.mounts import find_network_mount

MIB = 1024 * 1024
LITTLE_SPACE, TOO_LITTLE_SPACE = 1024 * MIB, 100 * MIB
FEW_FILES, TOO_FEW_FILES = 4096, 256


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` is what to do about it; empty when all is well."""

    check: str
    verdict: Verdict
    message: str
    advice: str = ""


def check_python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", Verdict.OK, f"Python {version} on {sys.platform}")


def check_data_dir(data_dir: Path) -> Iterator[Finding]:
    """Writable, and with room for what a scheduler writes in a night."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=data_dir, prefix=".doctor-") as probe:
            probe.write(b"x" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        yield Finding(
            "data directory", Verdict.FAIL, f"{data_dir}: {error.strerror or error}", _way_out(error, data_dir)
        )
        return
    yield Finding("data directory", Verdict.OK, f"{data_dir.resolve()} is writable")
    yield judge_space(shutil.disk_usage(data_dir).free)


def check_file_system(folder: Path) -> Iterator[Finding]:
    """Of the folder that holds an SQLite file."""
    if kind := find_network_mount(folder):
        advice = "Keep it on a local disk, or use MySQL or MariaDB."
        message = f"{folder} is on {kind}, another machine's: SQLite's locks and commits may not hold there"
        yield Finding("file system", Verdict.WARN, message, advice)


def judge_space(free: int) -> Finding:
    message = f"{free // MIB} MiB free"
    if free < TOO_LITTLE_SPACE:
        return Finding("disk space", Verdict.FAIL, message, "Free some space, or choose another --data-dir.")
    if free < LITTLE_SPACE:
        return Finding("disk space", Verdict.WARN, message, "History grows: free some space, or shorten the retention.")
    return Finding("disk space", Verdict.OK, message)


def _way_out(error: OSError, data_dir: Path) -> str:
    if error.errno == errno.ENOSPC:
        return "Free some space, or choose another --data-dir."
    return f"Give this user the right to write {data_dir}, or choose another --data-dir."


def check_port(host: str, port: int) -> Iterator[Finding]:
    """Free, so that `serve` can listen there; taken is only a warning, since it may be our own server."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        advice = "Fine if this is a DistributedJob that runs already; else choose another --port or --host."
        yield Finding("port", Verdict.WARN, f"{host}:{port}: {error.strerror or error}", advice)
    else:
        yield Finding("port", Verdict.OK, f"{host}:{port} is free")


def check_open_files() -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    message = f"up to {'any number of' if soft == resource.RLIM_INFINITY else soft} open files"
    if soft != resource.RLIM_INFINITY and soft < FEW_FILES:
        verdict = Verdict.FAIL if soft < TOO_FEW_FILES else Verdict.WARN
        advice = f"Each call in flight needs one: 'ulimit -n {FEW_FILES}', or LimitNOFILE= in the systemd unit."
        yield Finding("open files", verdict, message, advice)
    else:
        yield Finding("open files", Verdict.OK, message)

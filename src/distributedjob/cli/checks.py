"""What `doctor` looks at. Each check gives findings: ok, warn or fail, a sentence, and the way out."""

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

from distributedjob.model.errors import Problem
from distributedjob.model.instant import SECOND
from distributedjob.store import schema
from distributedjob.store.facts import DatabaseFacts, read_facts

MIB = 1024 * 1024
LITTLE_SPACE, TOO_LITTLE_SPACE = 1024 * MIB, 100 * MIB
FEW_FILES, TOO_FEW_FILES = 4096, 256
OFFSET_WARNING = 2 * SECOND
OLDEST = {"SQLite": (3, 38), "MySQL": (8, 0), "MariaDB": (10, 6)}


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


async def check_database(url: str) -> list[Finding]:
    """Reachable, of a version and with settings that the promises can rest on, with the schema that fits."""
    try:
        path = schema.sqlite_path(url)
        if path is not None and not path.exists():
            return [Finding("database", Verdict.OK, f"{path} does not exist yet; 'distributedjob serve' makes it")]
        facts = await read_facts(url)
        revision = await schema.find_revision(url)
    except Problem as problem:
        advice = "Start the database, or correct the database URL (--database-url, DISTRIBUTEDJOB_DATABASE_URL)."
        return [Finding("database", Verdict.FAIL, problem.message, advice)]
    return [*judge_facts(facts), judge_revision(revision, upgrades_itself=path is not None)]


def judge_facts(facts: DatabaseFacts) -> Iterator[Finding]:
    oldest = OLDEST[facts.product]
    name = f"{facts.product} {facts.version_text}"
    if facts.version < oldest:
        yield Finding("database", Verdict.FAIL, name, f"Upgrade it to {'.'.join(map(str, oldest))} or newer.")
    else:
        yield Finding("database", Verdict.OK, name)
    if facts.product != "SQLite":
        yield from _judge_server(facts)


def _judge_server(facts: DatabaseFacts) -> Iterator[Finding]:
    isolated = facts.isolation == "READ COMMITTED"
    yield Finding(
        "isolation",
        Verdict.OK if isolated else Verdict.FAIL,
        facts.isolation,
        "" if isolated else "The server refuses READ COMMITTED; allow it for this user.",
    )
    yield _judge_offset(facts.clock_offset)
    yield _judge_durability(facts)
    if facts.variables.get("read_only", "OFF") not in ("OFF", "0"):
        yield Finding("role", Verdict.FAIL, "the server is read-only", "Point the database URL at the primary.")
    if facts.variables.get("wsrep_on", "OFF") not in ("OFF", "0"):
        yield Finding(
            "role",
            Verdict.WARN,
            "the server is part of a Galera cluster",
            "Let all nodes write to one and the same server.",
        )


def _judge_offset(offset: int) -> Finding:
    message = f"the database's clock is {offset / SECOND:+.3f} s from this machine's"
    if abs(offset) > OFFSET_WARNING:
        advice = "Schedules follow the database's clock. Synchronise both by NTP, so that logs agree."
        return Finding("clock", Verdict.WARN, message, advice)
    return Finding("clock", Verdict.OK, message)


def _judge_durability(facts: DatabaseFacts) -> Finding:
    flush = facts.variables.get("innodb_flush_log_at_trx_commit", "1")
    if flush != "1":
        return Finding(
            "durability",
            Verdict.WARN,
            f"innodb_flush_log_at_trx_commit is {flush}: a crash of the server can lose what it acknowledged",
            "Set innodb_flush_log_at_trx_commit=1.",
        )
    return Finding("durability", Verdict.OK, "every commit is flushed to the disk")


def judge_revision(revision: str | None, *, upgrades_itself: bool) -> Finding:
    if revision == schema.head():
        return Finding("schema", Verdict.OK, f"revision {revision}")
    if revision is not None and revision not in schema.revisions():
        message = f"revision {revision} is newer than this program, which knows {schema.head()}"
        return Finding("schema", Verdict.FAIL, message, "Start a newer DistributedJob.")
    message = f"revision {revision or 'none'}, this program needs {schema.head()}"
    if upgrades_itself:
        return Finding("schema", Verdict.WARN, message, "'distributedjob serve' upgrades it after a backup.")
    return Finding("schema", Verdict.FAIL, message, f"Run '{schema.UPGRADE_COMMAND}'.")


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

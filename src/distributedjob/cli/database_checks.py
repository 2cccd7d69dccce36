"""What `doctor` says of the database: whether the promises can rest on it, and what to do where they cannot."""

from collections.abc import Iterator

from distributedjob.cli.checks import Finding, Verdict
from distributedjob.model.errors import Problem
from distributedjob.model.instant import SECOND
from distributedjob.store import schema
from distributedjob.store.facts import SESSION, DatabaseFacts, is_on, read_facts

MIB = 1024 * 1024
OFFSET_WARNING = 2 * SECOND
OLDEST = {"SQLite": (3, 38), "MySQL": (8, 0), "MariaDB": (10, 6)}
LEAST_PACKET, GOOD_PACKET = MIB, 16 * MIB
"""One answer with its headers, escaped twice, takes half of the first; whole batches fit the second."""


async def check_database(url: str, *, connections: int) -> list[Finding]:
    """Reachable, of a version and with settings that the promises can rest on, with the schema that fits.

    `connections` is how many this machine's processes use.
    """
    try:
        path = schema.sqlite_path(url)
        if path is not None and not path.exists():
            return [Finding("database", Verdict.OK, f"{path} does not exist yet; 'distributedjob serve' makes it")]
        facts = await read_facts(url)
        revision = await schema.find_revision(url)
    except Problem as problem:
        advice = "Start the database, or correct the database URL (--database-url, DISTRIBUTEDJOB_DATABASE_URL)."
        return [Finding("database", Verdict.FAIL, problem.message, advice)]
    upgrades_itself = path is not None
    return [*judge_facts(facts, connections=connections), judge_revision(revision, upgrades_itself=upgrades_itself)]


def judge_facts(facts: DatabaseFacts, *, connections: int) -> Iterator[Finding]:
    oldest = OLDEST[facts.product]
    name = f"{facts.product} {facts.version_text}"
    if facts.version < oldest:
        yield Finding("database", Verdict.FAIL, name, f"Upgrade it to {'.'.join(map(str, oldest))} or newer.")
    else:
        yield Finding("database", Verdict.OK, name)
    if facts.product != "SQLite":
        yield from _judge_role(facts)
        yield from _judge_session(facts)
        yield from _judge_durability(facts)
        yield _judge_packet(facts)
        yield _judge_connections(facts, connections)
        yield from _judge_tables(facts)
        yield _judge_offset(facts.clock_offset)


def _judge_role(facts: DatabaseFacts) -> Iterator[Finding]:
    if any(is_on(facts.variables.get(name, "OFF")) for name in ("read_only", "innodb_read_only")):
        yield Finding("role", Verdict.FAIL, "the server is read-only", "Point the database URL at the primary.")
    elif facts.replicates:
        advice = "Point the database URL at the primary, or end the replication if this is the primary now."
        yield Finding("role", Verdict.WARN, f"the server is a replica of {facts.replicates} that takes writes", advice)
    if is_on(facts.variables.get("wsrep_on", "OFF")):
        message = "the server is part of a Galera cluster; writing to several of its servers is not supported"
        yield Finding("role", Verdict.WARN, message, "Let all nodes use one and the same server.")


def _judge_session(facts: DatabaseFacts) -> Iterator[Finding]:
    """What each connection asks for; a proxy in between may swallow it."""
    isolated = facts.isolation == "READ COMMITTED"
    yield Finding(
        "isolation",
        Verdict.OK if isolated else Verdict.FAIL,
        facts.isolation,
        "" if isolated else "The server refuses READ COMMITTED; allow it for this user.",
    )
    for name, wanted in SESSION.items():
        found = facts.variables.get(name, wanted)
        if found != wanted:
            message = f"{name} is {found} though each connection sets it to {wanted}"
            advice = "Connect without the proxy that swallows SET, or let it pass settings on."
            yield Finding("session", Verdict.WARN, message, advice)


def _judge_durability(facts: DatabaseFacts) -> Iterator[Finding]:
    flush = facts.variables.get("innodb_flush_log_at_trx_commit", "1")
    sync = facts.variables.get("sync_binlog", "1")
    lost = "a crash of the server can lose what it acknowledged"
    if flush != "1":
        message = f"innodb_flush_log_at_trx_commit is {flush}: {lost}"
        yield Finding("durability", Verdict.WARN, message, "Set innodb_flush_log_at_trx_commit=1.")
    if is_on(facts.variables.get("log_bin", "OFF")) and sync != "1":
        message = f"sync_binlog is {sync} and the binary log is on: {lost}"
        yield Finding("durability", Verdict.WARN, message, "Set sync_binlog=1.")
    elif flush == "1":
        yield Finding("durability", Verdict.OK, "every commit is flushed to the disk")


def _judge_packet(facts: DatabaseFacts) -> Finding:
    bytes_ = int(facts.variables.get("max_allowed_packet", GOOD_PACKET))
    message = f"statements of up to {bytes_ / MIB:.1f} MiB (max_allowed_packet)"
    advice = "Set max_allowed_packet to 16M or more."
    if bytes_ < LEAST_PACKET:
        return Finding("statements", Verdict.FAIL, f"{message}: answers of targets are dropped", advice)
    if bytes_ < GOOD_PACKET:
        return Finding("statements", Verdict.WARN, f"{message}: batches that do not fit are tried twice", advice)
    return Finding("statements", Verdict.OK, message)


def _judge_connections(facts: DatabaseFacts, connections: int) -> Finding:
    allowed = int(facts.variables.get("max_connections", connections))
    message = f"up to {allowed} connections, of which this machine's processes use up to {connections}"
    if allowed < connections:
        advice = "Raise max_connections above the sum over all nodes, or set a smaller pool_size."
        return Finding("connections", Verdict.FAIL, message, advice)
    return Finding("connections", Verdict.OK, message)


def _judge_tables(facts: DatabaseFacts) -> Iterator[Finding]:
    if facts.strange_tables:
        names = ", ".join(facts.strange_tables)
        message = f"not InnoDB with utf8mb4_bin: {names}; commits may be lost, different names be taken for the same"
        advice = "Stop all nodes; ALTER TABLE … ENGINE=InnoDB, CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin."
        yield Finding("tables", Verdict.FAIL, message, advice)


def _judge_offset(offset: int) -> Finding:
    message = f"the database's clock is {offset / SECOND:+.3f} s from this machine's"
    if abs(offset) > OFFSET_WARNING:
        advice = "Schedules follow the database's clock. Synchronise both by NTP, so that logs agree."
        return Finding("clock", Verdict.WARN, message, advice)
    return Finding("clock", Verdict.OK, message)


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

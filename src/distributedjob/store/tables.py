"""All tables. Instants are BIGINT microseconds UTC, durations too; states and triggers are small numbers.

Few indexes on purpose: each one on `execution` costs a quarter of the work of its life. `live` is partial on
SQLite (every query that wants it repeats `state < 10`); MySQL has no partial indexes and keeps it whole.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

Id = BigInteger().with_variant(Integer, "sqlite")
Instant = BigInteger()
Document = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
Key = LargeBinary(64).with_variant(mysql.VARBINARY(64), "mysql", "mariadb")

TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=False)


def _table(name: str, *parts: SchemaItem) -> Table:
    return Table(name, metadata, *parts, **TABLE_OPTIONS)


installation = _table(
    "installation",
    Column("name", String(64), primary_key=True),
    Column("content", Key, nullable=False),
)
"""Keys made once for all nodes: `cluster_key` (idempotency keys), `token_key` (signs access tokens)."""

node = _table(
    "node",
    Column("session", Id, primary_key=True, autoincrement=False),
    Column("number", SmallInteger, nullable=False),
    Column("name", String(128), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(32), nullable=False),
    Column("roles", String(64), nullable=False),
    Column("queues", String(2200), nullable=False),
    Column("labels", String(2048), nullable=False, server_default=text("''")),
    Column("slots", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False, server_default=text("0")),
    Column("started_at", Instant, nullable=False),
    Column("dead", Boolean, nullable=False, server_default=text("0")),
    Column("leaving", Boolean, nullable=False, server_default=text("0")),
    Column("ended_at", Instant),
)
"""`leaving`: it ends its calls, but owns nothing and claims nothing any more."""

node_order = _table(
    "node_order",
    Column("name", String(128), primary_key=True),
    Column("wanted", String(16), nullable=False),
    Column("reason", String(256), nullable=False),
    Column("ordered_by", String(64), nullable=False),
    Column("ordered_at", Instant, nullable=False),
)
"""What an operator wants of the nodes of a name: `cordoned` or `drained`. By name, so that a restart changes nothing;
no row: in service."""

stop_switch = _table(
    "stop_switch",
    _id(),
    Column("scope", String(16), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("reason", String(256), nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    UniqueConstraint("scope", "subject", name="uq_stop_switch"),
)
"""`scope`: cluster, department, target, queue; `subject`: empty, a department's id, an origin, a queue's name."""

lever = _table(
    "lever",
    Column("name", String(64), primary_key=True),
    Column("content", String(255), nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at", Instant, nullable=False),
)
"""What is changed at run time for the whole cluster: `catchup_rate`, `min_version`."""

department = _table(
    "department",
    _id(),
    Column("parent_id", Id),
    Column("name", String(128), nullable=False, unique=True),
)

user = _table(
    "user",
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("password_hash", String(128), nullable=False),
    Column("department_id", Id, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("1")),
    # Read by 0.1 only, whose nodes may run beside these during an upgrade; to be dropped in the release after.
    Column("must_change", Boolean, nullable=False, server_default=text("0")),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Instant, nullable=False),
)
"""`epoch` grows when a password or status changes; tokens of an older epoch are refused."""

api_token = _table(
    "api_token",
    _id(),
    Column("user_id", Id, nullable=False),
    Column("name", String(64), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    UniqueConstraint("user_id", "name", name="uq_api_token_name"),
)

revoked_token = _table(
    "revoked_token",
    Column("user_id", Id, primary_key=True, autoincrement=False),
    Column("id", String(32), primary_key=True),
    Column("expires_at", Instant, nullable=False, index=True),
)
"""Access tokens whose owner logged out, until they would have expired."""

task = _table(
    "task",
    _id(),
    Column("department_id", Id, nullable=False),
    Column("name", String(200), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String(64), nullable=False),
    Column("queue", String(64), nullable=False, server_default=text("'default'")),
    UniqueConstraint("department_id", "name", name="uq_task_name"),
    Index("task_queue", "queue"),
)
"""`queue` repeats what the current revision says, so that the queues in use can be listed."""

task_revision = _table(
    "task_revision",
    Column("task_id", Id, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("definition", Document, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
)

schedule = _table(
    "schedule",
    _id(),
    Column("task_id", Id, nullable=False),
    Column("department_id", Id, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("next_fire_at", Instant),
    Column("fires_left", BigInteger),
    Column("waiting_id", Id),
    Column("seed", BigInteger, nullable=False),
    Column("definition", Document, nullable=False),
    Index("due", "next_fire_at", "shard"),
    Index("schedule_task", "task_id"),
    Index("waiting", "waiting_id"),
)
"""`next_fire_at` is the cursor. `waiting_id` is the execution whose end sets it (`from: end` only)."""

execution = _table(
    "execution",
    _id(),
    Column("task_id", Id, nullable=False),
    Column("source_id", Id, nullable=False),
    Column("fire_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("deadline_at", Instant, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("reason", String(24)),
    Column("trigger", SmallInteger, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("queue", String(64), nullable=False),
    Column("department_id", Id, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Column("holder", Id),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("marked", Boolean, nullable=False, server_default=text("0")),
    Column("cancel_asked", Boolean, nullable=False, server_default=text("0")),
    Column("flags", Integer, nullable=False, server_default=text("0")),
    Column("recorded_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("claimed_at", Instant),
    Column("sent_at", Instant),
    Column("ended_at", Instant),
    Column("status", SmallInteger),
    Column("range_end", Instant),
    Column("range_count", Integer),
    Column("related_id", Id),
    UniqueConstraint("task_id", "fire_at", "source_id", name="fire"),
    Index("live", "state", "queue", "priority", "not_before", sqlite_where=text("state < 10")),
)
"""`holder` and `fence` stay after the run. `range_*` belong to `missed`. `related_id`: what a rerun repeats."""

execution_parameters = _table(
    "execution_parameters",
    Column("execution_id", Id, primary_key=True, autoincrement=False),
    Column("parameters", Document, nullable=False),
)

attempt = _table(
    "attempt",
    Column("execution_id", Id, primary_key=True, autoincrement=False),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("evidence", SmallInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("message", String(1024), nullable=False),
    Column("status", SmallInteger),
    Column("holder", Id),
    Column("claimed_at", Instant),
    Column("sent_at", Instant),
    Column("ended_at", Instant, nullable=False),
)
"""Attempts that did not end their execution; the last one is in `execution`. `evidence` 1: came too late to count."""

output = _table(
    "output",
    Column("execution_id", Id, primary_key=True, autoincrement=False),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("evidence", SmallInteger, primary_key=True, autoincrement=False),
    Column("status", SmallInteger, nullable=False),
    Column("headers", Document, nullable=False),
    Column("coding", SmallInteger, nullable=False),
    Column("body", Document, nullable=False),
    Column("truncated", Boolean, nullable=False),
)
"""`coding`: 0 text, 1 base64, 2 zlib then base64."""

failure = _table(
    "failure",
    Column("execution_id", Id, primary_key=True, autoincrement=False),
    Column("task_id", Id, nullable=False),
    Column("department_id", Id, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("message", String(1024), nullable=False),
    Column("resolution", String(16)),
    Column("resolution_note", String(1024)),
    Column("resolved_by", String(64)),
    Column("resolved_at", Instant),
    Index("failure_state", "state", "execution_id"),
    Index("failure_task", "task_id", "execution_id"),
)
"""One row per execution that ended without success after a call or a wait, with the last outcome in words."""

gate = _table("gate", Column("task_id", Id, primary_key=True, autoincrement=False))

gate_entry = _table(
    "gate_entry",
    Column("execution_id", Id, primary_key=True, autoincrement=False),
    Column("task_id", Id, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Index("gate_entry_task", "task_id", "waiting"),
    Index("gate_entry_waiting", "waiting", "task_id"),
)

request_key = _table(
    "request_key",
    Column("user_id", Id, primary_key=True, autoincrement=False),
    Column("name", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("execution_id", Id, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

backfill = _table(
    "backfill",
    _id(),
    Column("task_id", Id, nullable=False),
    Column("schedule_id", Id, nullable=False),
    Column("department_id", Id, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("next_at", Instant),
    Column("last_at", Instant, nullable=False),
    Column("fires_left", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("backfill_open", "next_at"),
)
"""A catch-up range: fires from `next_at` to `last_at`, recorded at a pace; done when `next_at` is empty."""

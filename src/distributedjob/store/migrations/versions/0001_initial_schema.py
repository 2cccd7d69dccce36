"""Initial schema.

The tables are written out here, not imported: a revision stays what it was when the tables move on.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
KEY = sa.LargeBinary(64).with_variant(mysql.VARBINARY(64), "mysql", "mariadb")
OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
TABLES = (
    "user",
    "task_revision",
    "task",
    "schedule",
    "request_key",
    "output",
    "node",
    "installation",
    "gate_entry",
    "gate",
    "failure",
    "execution_parameters",
    "execution",
    "department",
    "backfill",
    "attempt",
    "api_token",
)


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sa.UniqueConstraint("user_id", "name", name="uq_api_token_name"),
        **OPTIONS,
    )
    op.create_table(
        "attempt",
        sa.Column("execution_id", ID, autoincrement=False, nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("evidence", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.String(1024), nullable=False),
        sa.Column("status", sa.SmallInteger()),
        sa.Column("holder", ID),
        sa.Column("claimed_at", sa.BigInteger()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "no", "evidence"),
        **OPTIONS,
    )
    op.create_table(
        "backfill",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("schedule_id", ID, nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("fires_left", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **OPTIONS,
    )
    op.create_index("backfill_open", "backfill", ["next_at"])
    op.create_table(
        "department",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("parent_id", ID),
        sa.Column("name", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        **OPTIONS,
    )
    op.create_table(
        "execution",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("fire_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.String(24)),
        sa.Column("trigger", sa.SmallInteger(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("holder", ID),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("marked", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("flags", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("claimed_at", sa.BigInteger()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("status", sa.SmallInteger()),
        sa.Column("range_end", sa.BigInteger()),
        sa.Column("range_count", sa.Integer()),
        sa.Column("related_id", ID),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", "fire_at", "source_id", name="fire"),
        **OPTIONS,
    )
    op.create_index(
        "live", "execution", ["state", "queue", "priority", "not_before"], sqlite_where=sa.text("state < 10")
    )
    op.create_table(
        "execution_parameters",
        sa.Column("execution_id", ID, autoincrement=False, nullable=False),
        sa.Column("parameters", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("execution_id"),
        **OPTIONS,
    )
    op.create_table(
        "failure",
        sa.Column("execution_id", ID, autoincrement=False, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.String(1024), nullable=False),
        sa.Column("resolution", sa.String(16)),
        sa.Column("resolution_note", sa.String(1024)),
        sa.Column("resolved_by", sa.String(64)),
        sa.Column("resolved_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("execution_id"),
        **OPTIONS,
    )
    op.create_index("failure_state", "failure", ["state", "execution_id"])
    op.create_index("failure_task", "failure", ["task_id", "execution_id"])
    op.create_table(
        "gate",
        sa.Column("task_id", ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("task_id"),
        **OPTIONS,
    )
    op.create_table(
        "gate_entry",
        sa.Column("execution_id", ID, autoincrement=False, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("execution_id"),
        **OPTIONS,
    )
    op.create_index("gate_entry_task", "gate_entry", ["task_id", "waiting"])
    op.create_index("gate_entry_waiting", "gate_entry", ["waiting", "task_id"])
    op.create_table(
        "installation",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("content", KEY, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        **OPTIONS,
    )
    op.create_table(
        "node",
        sa.Column("session", ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("roles", sa.String(64), nullable=False),
        sa.Column("queues", sa.String(512), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("dead", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("session"),
        **OPTIONS,
    )
    op.create_table(
        "output",
        sa.Column("execution_id", ID, autoincrement=False, nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("evidence", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", DOCUMENT, nullable=False),
        sa.Column("coding", sa.SmallInteger(), nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "no", "evidence"),
        **OPTIONS,
    )
    op.create_table(
        "request_key",
        sa.Column("user_id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("execution_id", ID, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "name"),
        **OPTIONS,
    )
    op.create_index(op.f("ix_request_key_expires_at"), "request_key", ["expires_at"])
    op.create_table(
        "schedule",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("next_fire_at", sa.BigInteger()),
        sa.Column("fires_left", sa.BigInteger()),
        sa.Column("waiting_id", ID),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("definition", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **OPTIONS,
    )
    op.create_index("due", "schedule", ["next_fire_at", "shard"])
    op.create_index("schedule_task", "schedule", ["task_id"])
    op.create_index("waiting", "schedule", ["waiting_id"])
    op.create_table(
        "task",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("department_id", "name", name="uq_task_name"),
        **OPTIONS,
    )
    op.create_table(
        "task_revision",
        sa.Column("task_id", ID, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("task_id", "revision"),
        **OPTIONS,
    )
    op.create_table(
        "user",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.String(128), nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.text("1")),
        sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("epoch", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        **OPTIONS,
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)

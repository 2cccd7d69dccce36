"""Many nodes: labels of a node and its leaving, orders to nodes, stop switches, levers; queues by task."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


QUEUES = """
UPDATE task SET queue = COALESCE((SELECT {text} FROM task_revision AS r
WHERE r.task_id = task.id AND r.revision = task.revision), 'default')
"""
"""What each task's current revision says of its queue."""


def upgrade() -> None:
    op.add_column("node", sa.Column("labels", sa.String(2048), nullable=False, server_default=sa.text("''")))
    _widen(2200)
    op.add_column("node", sa.Column("leaving", sa.Boolean(), nullable=False, server_default=sa.text("0")))
    op.add_column("task", sa.Column("queue", sa.String(64), nullable=False, server_default=sa.text("'default'")))
    op.create_index("task_queue", "task", ["queue"])
    found = "JSON_EXTRACT(r.definition, '$.queue')"
    op.execute(QUEUES.format(text=found if op.get_bind().dialect.name == "sqlite" else f"JSON_UNQUOTE({found})"))
    op.create_table(
        "node_order",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("wanted", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(256), nullable=False),
        sa.Column("ordered_by", sa.String(64), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        **OPTIONS,
    )
    op.create_table(
        "stop_switch",
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("reason", sa.String(256), nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.UniqueConstraint("scope", "subject", name="uq_stop_switch"),
        **OPTIONS,
    )
    op.create_table(
        "lever",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("content", sa.String(255), nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        **OPTIONS,
    )
    op.create_table(
        "revoked_token",
        sa.Column("user_id", ID, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "id"),
        **OPTIONS,
    )
    op.create_index(op.f("ix_revoked_token_expires_at"), "revoked_token", ["expires_at"])


def _widen(length: int) -> None:
    """Room for the names of a node's queues."""
    with op.batch_alter_table("node") as batch:
        batch.alter_column("queues", type_=sa.String(length), existing_type=sa.String(), existing_nullable=False)


def downgrade() -> None:
    for table in ("revoked_token", "lever", "stop_switch", "node_order"):
        op.drop_table(table)
    op.drop_index("task_queue", "task")
    op.drop_column("task", "queue")
    for column in ("leaving", "labels"):
        op.drop_column("node", column)
    _widen(512)

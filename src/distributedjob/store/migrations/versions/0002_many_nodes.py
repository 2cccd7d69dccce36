"""Many nodes: labels of a node, orders to nodes, stop switches, levers."""

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


def upgrade() -> None:
    op.add_column("node", sa.Column("labels", sa.String(2048), nullable=False, server_default=sa.text("''")))
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


def downgrade() -> None:
    for table in ("lever", "stop_switch", "node_order"):
        op.drop_table(table)
    op.drop_column("node", "labels")

"""What is read: a member's opaque id, where signed codes were used, whom stores came to know, and scans of posters."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Members get their ids with their first code."""
    op.create_table(
        "member_id",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.customer"], name=op.f("fk_member_id_customer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer", name=op.f("pk_member_id")),
        sa.UniqueConstraint("id", name=op.f("uq_member_id_id")),
    )
    op.create_table(
        "code_use",
        sa.Column("code", sa.String(), nullable=False),
        *_use(),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_code_use")),
    )
    op.create_index(op.f("ix_code_use_noted"), "code_use", ["noted"], unique=False)
    op.create_table(
        "code_again",
        sa.Column("code", sa.String(), nullable=False),
        *_use(),
        sa.ForeignKeyConstraint(["code"], ["code_use.code"], name=op.f("fk_code_again_code"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("code", "agent", "reader", name=op.f("pk_code_again")),
    )
    op.create_table(
        "newcomer",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("day", INSTANT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "day", name=op.f("pk_newcomer")),
    )
    op.create_table(
        "poster_scan",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("read_store", sa.String(), nullable=True),
        sa.Column("read_zone", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poster_scan")),
    )
    op.create_index(op.f("ix_poster_scan_store_at"), "poster_scan", ["store", "at"], unique=False)


def _use() -> tuple[sa.Column[Any], ...]:
    names = ("store", "agent", "reader", "scan")
    return (
        *(sa.Column(name, sa.String(), nullable=False) for name in names),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("at", "noted")),
    )

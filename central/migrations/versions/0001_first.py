"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table of version 0.1.0."""
    op.create_table(
        "agent",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_agent")),
    )
    op.create_table(
        "content",
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("layout", sa.String(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.Column("picture", sa.String(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("order", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("content", name=op.f("pk_content")),
    )
    op.create_table(
        "counter",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "name", name=op.f("pk_counter")),
    )
    op.create_table(
        "cursor",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "epoch", name=op.f("pk_cursor")),
    )
    op.create_table(
        "customer",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("nickname", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer", name=op.f("pk_customer")),
    )
    op.create_table(
        "dirty",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dirty")),
    )
    op.create_table(
        "event",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("born_wall", sa.DateTime(timezone=True), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("up_ms", sa.BigInteger(), nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agent", "epoch", "seq", name=op.f("pk_event")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_row",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "feed", "key", name=op.f("pk_feed_row")),
    )
    op.create_index(op.f("ix_feed_row_owner_feed"), "feed_row", ["owner", "feed"], unique=False)
    op.create_index(op.f("ix_feed_row_scope_feed_version"), "feed_row", ["scope", "feed", "version"], unique=True)
    op.create_table(
        "fork",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agent", "epoch", name=op.f("pk_fork")),
    )
    op.create_table(
        "gap",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("drop", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agent", "epoch", "first", name=op.f("pk_gap")),
    )
    op.create_table(
        "generation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generation")),
    )
    op.create_table(
        "head",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "feed", name=op.f("pk_head")),
    )
    op.create_table(
        "held",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "epoch", "seq", "digest", name=op.f("pk_held")),
    )
    op.create_table(
        "product",
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("yen", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("picture", sa.String(), nullable=True),
        sa.Column("note", sa.JSON(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_product")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_agent"), "quarantine", ["agent"], unique=False)
    op.create_table(
        "stock",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "sku", name=op.f("pk_stock")),
    )
    op.create_table(
        "store",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("store", name=op.f("pk_store")),
    )
    op.create_table(
        "consent",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.customer"], name=op.f("fk_consent_customer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer", "purpose", name=op.f("pk_consent")),
    )
    op.create_table(
        "coupon",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("coupon", sa.String(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("worth", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.customer"], name=op.f("fk_coupon_customer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer", "coupon", name=op.f("pk_coupon")),
    )
    op.create_table(
        "customer_store",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.customer"], name=op.f("fk_customer_store_customer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer", "store", "relation", name=op.f("pk_customer_store")),
    )
    op.create_table(
        "interest",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.customer"], name=op.f("fk_interest_customer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer", "kind", "sku", name=op.f("pk_interest")),
    )
    op.create_table(
        "token",
        sa.Column("means", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.customer"], name=op.f("fk_token_customer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("means", "value", name=op.f("pk_token")),
    )
    op.create_index(op.f("ix_token_customer"), "token", ["customer"], unique=False)

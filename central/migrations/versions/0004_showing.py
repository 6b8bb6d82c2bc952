"""What screens show, and when: playlists, campaigns, layouts, files, and the last picture of each screen."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What was in the loop stays there."""
    with op.batch_alter_table("content") as content:
        content.add_column(sa.Column("film", sa.String(), nullable=True))
        content.add_column(sa.Column("products", sa.JSON(), nullable=False, server_default="[]"))
        content.add_column(sa.Column("popular", sa.Integer(), nullable=False, server_default="0"))
        content.add_column(sa.Column("link", sa.String(), nullable=False, server_default=""))
        content.add_column(sa.Column("sensitive", sa.Boolean(), nullable=False, server_default=sa.false()))
        content.alter_column("order", existing_type=sa.BigInteger(), nullable=True)
    with op.batch_alter_table("store") as store:
        store.add_column(sa.Column("timezone", sa.String(), nullable=False, server_default="Asia/Tokyo"))
        store.add_column(sa.Column("link", sa.String(), nullable=False, server_default=""))
    op.add_column("customer", sa.Column("segments", sa.JSON(), nullable=False, server_default="[]"))
    for name, kept in (("playlist", sa.JSON()), ("campaign", sa.Text()), ("layout", sa.Text())):
        op.create_table(
            name,
            sa.Column(name, sa.String(), nullable=False),
            sa.Column("contents" if name == "playlist" else "body", kept, nullable=False),
            sa.PrimaryKeyConstraint(name, name=op.f(f"pk_{name}")),
        )
    op.create_table(
        "asset",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("made", INSTANT, nullable=False),
        sa.Column("poster", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_asset")),
    )
    op.create_table(
        "snapshot",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("screen", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "screen", name=op.f("pk_snapshot")),
    )

"""Certificates instead of passwords, commands, settings, boots, and a database that knows that it was restored."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Agents of before must be enrolled anew: a password is no certificate."""
    with op.batch_alter_table("agent") as agent:
        agent.drop_column("secret")
    with op.batch_alter_table("source") as source:
        source.add_column(sa.Column("scopes", sa.String(), nullable=False, server_default="track consents"))
    with op.batch_alter_table("generation") as generation:
        generation.add_column(sa.Column("incarnation", sa.String(), nullable=False, server_default=""))
        generation.add_column(sa.Column("restored", INSTANT, nullable=True))
    op.add_column("cursor", sa.Column("begun", INSTANT, nullable=True))
    op.add_column("quarantine", sa.Column("leaf", sa.String(), nullable=True))
    op.create_table(
        "certificate",
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("made", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("revoked", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_certificate")),
    )
    op.create_index(op.f("ix_certificate_agent"), "certificate", ["agent"], unique=False)
    op.create_table(
        "code",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("made", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_code")),
    )
    op.create_table(
        "command",
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("made", INSTANT, nullable=False),
        sa.Column("expires", INSTANT, nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("replied", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("command", name=op.f("pk_command")),
    )
    op.create_index(op.f("ix_command_agent"), "command", ["agent"], unique=False)
    op.create_table(
        "settings",
        sa.Column("settings", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made", INSTANT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("staged", INSTANT, nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("hold_s", sa.Integer(), nullable=False),
        sa.Column("online", sa.JSON(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("settings", name=op.f("pk_settings")),
    )
    op.create_table(
        "store_settings",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("settings", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["settings"], ["settings.settings"], name=op.f("fk_store_settings_settings")),
        sa.PrimaryKeyConstraint("store", name=op.f("pk_store_settings")),
    )
    op.create_table(
        "boot",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("boot_at", INSTANT, nullable=False),
        sa.Column("within_ms", sa.BigInteger(), nullable=False),
        sa.Column("wall_offset_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "boot", "at_ms", name=op.f("pk_boot")),
    )

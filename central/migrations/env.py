"""Runs the migrations in the transaction that `storage.database` has opened."""

from alembic import context

from central.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

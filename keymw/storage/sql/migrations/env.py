"""Runs the migrations for alembic, on the connection of migrate.py."""

from alembic import context

from keymw.storage.sql import migrate
from keymw.storage.sql import tables

context.configure(
    connection=context.config.attributes['connection'],
    target_metadata=tables.METADATA,
    version_table=migrate.VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()

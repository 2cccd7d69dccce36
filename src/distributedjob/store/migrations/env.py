"""Runs revisions on the connection that `store.schema` hands over, inside its transaction.

There is no URL and no ini file here on purpose: one place opens databases. SQLite gets Alembic's batch mode,
since it cannot alter most of a table in place.
"""

from alembic import context

from distributedjob.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

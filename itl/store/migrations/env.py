"""How Alembic runs the migrations: on the connection it is given, in batch mode where SQLite needs it."""

from alembic import context

from itl.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()

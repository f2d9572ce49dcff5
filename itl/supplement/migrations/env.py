"""How Alembic runs these migrations: on the connection it is given, with a version table of their own."""

from alembic import context

from itl.supplement.tables import metadata

attributes = context.config.attributes
connection = attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=attributes["version_table"],
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's environment: runs on the connection that `kit.db.migrating` hands over, inside its transaction."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="entrepot", transactional_ddl=True)
context.run_migrations()

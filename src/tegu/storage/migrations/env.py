"""Alembic's entry: runs the migrations on the connection that `storage.migrate` hands in."""

from alembic import context
from sqlalchemy import Connection, text


def run(connection: Connection) -> None:
    """One transaction per migration, in schema `tegu`."""
    connection.execute(text("create schema if not exists tegu"))
    context.configure(
        connection=connection,
        version_table_schema="tegu",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


run(context.config.attributes["connection"])

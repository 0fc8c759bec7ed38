"""Whose turn it is to change something: a lock by name, which ends with its transaction.

Called by `actions.unchanged`.
"""

from uuid import UUID

from sqlalchemy import text

from tegu.storage.transaction import Transaction


async def wait_for_turn(connection: Transaction, organization_id: UUID, name: str) -> None:
    """Wait until no other transaction has the turn of that name, and take it until this one ends."""
    await connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 1))"), {"key": f"{organization_id} {name}"}
    )

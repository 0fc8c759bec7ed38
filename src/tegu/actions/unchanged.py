"""One at a time: those who change something only if it is as they know it.

Called by the interfaces. Invariant: it makes those wait who ask for the same by the same name, in every process; it guards
against nobody who does not ask.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tegu.actions.scope import Scope
from tegu.storage.turns_of_changes import wait_for_turn


@asynccontextmanager
async def alone_with(scope: Scope, name: str) -> AsyncGenerator[None]:
    """Until the block ends nobody else of the organization is alone with what is named so."""
    async with scope.transaction() as connection:
        await wait_for_turn(connection, scope.organization_id, name)
        yield

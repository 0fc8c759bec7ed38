"""On whose behalf an action runs, and through which door."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from tegu.actions.machinery import Machinery
from tegu.domain.actor import ALL_ROWS, Actor, Rows
from tegu.pipeline.catalog import KindCatalog
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization, a transaction of it (a new one each time, or the caller's that was joined), the stage kinds that
    exist, and how to wake workers after a commit. `actor` asks, and sees the rows that the policy says (`rows`);
    `machinery` is what of the process actions need beside the database.
    """

    organization_id: UUID
    transaction: Callable[[], AbstractAsyncContextManager[Transaction]]
    catalog: KindCatalog
    wake: Callable[[], None]
    actor: Actor
    machinery: Machinery
    rows: Rows = ALL_ROWS

    @asynccontextmanager
    async def in_one_transaction(self) -> AsyncGenerator[Self]:
        """The same, with one transaction for all that is done with it. Whoever asks wakes workers after it."""
        async with self.transaction() as connection:
            yield replace(self, transaction=lambda: nullcontext(connection), wake=_nobody)


def _nobody() -> None:
    """What is not committed yet is not worth waking for."""

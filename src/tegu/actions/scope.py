"""On whose behalf an action runs, and through which door."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from uuid import UUID

from tegu.pipeline.catalog import KindCatalog
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization, a transaction of it (a new one each time, or the caller's that was joined), the stage kinds that
    exist, and how to wake workers after a commit.
    """

    organization_id: UUID
    transaction: Callable[[], AbstractAsyncContextManager[Transaction]]
    catalog: KindCatalog
    wake: Callable[[], None]

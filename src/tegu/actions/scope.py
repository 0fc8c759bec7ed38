"""On whose behalf an action runs, and through which doors."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from tegu.pipeline.catalog import KindCatalog
from tegu.storage.database import Database


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization, its database, the stage kinds that exist, and how to wake workers after a commit."""

    organization_id: UUID
    database: Database
    catalog: KindCatalog
    wake: Callable[[], None]

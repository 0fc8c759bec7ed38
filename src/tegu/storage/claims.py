"""Taking runs: who may drive what, and what a driver must know of a run when it takes it over.

Called by the engine's worker. Invariant: a run has at most one owner, and every claim raises its epoch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.json import JsonObject
from tegu.domain.status import StageStatus
from tegu.pipeline.definition import PipelineDefinition
from tegu.storage.statements import statement

RunKey = tuple[UUID, UUID]
"""(organization, run)."""


@dataclass(frozen=True, slots=True)
class StageState:
    """What is stored of one stage of a run that was driven before."""

    status: StageStatus
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    generation: int = 0
    epoch: int = 0
    due_in_s: float = 0.0
    output: JsonValue = None


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that is ours from now on, at this epoch."""

    organization_id: UUID
    id: UUID
    epoch: int
    rev: int
    inbox: int
    version_id: UUID
    content_id: UUID | None
    thread_id: UUID | None
    model: str | None
    cancel_requested: bool
    created_at: datetime

    @property
    def key(self) -> RunKey:
        """(organization, run)."""
        return self.organization_id, self.id

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was ever stored of its stages."""
        return self.rev == 0


@dataclass(frozen=True, slots=True)
class Signal:
    """What the database says of a run that we own."""

    epoch: int
    inbox: int
    cancel_requested: bool


class Claims:
    """The claim statements, on one pool of the engine's role."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def claim(
        self, worker_id: UUID, *, limit: int, start_from: UUID, functions: Iterable[str]
    ) -> list[ClaimedRun]:
        """Take up to `limit` due runs, fairly across organizations from `start_from` on."""
        rows = await self._pool.fetch(statement("claim"), worker_id, limit, start_from, list(functions))
        return [_claimed(row) for row in rows]

    async def claim_runs(
        self, worker_id: UUID, keys: Iterable[RunKey], *, functions: Iterable[str]
    ) -> list[ClaimedRun]:
        """Take those of the given runs that are due and free."""
        organizations, runs = _columns(keys)
        rows = await self._pool.fetch(statement("claim_run"), worker_id, organizations, runs, list(functions))
        return [_claimed(row) for row in rows]

    async def load_stages(self, keys: Iterable[RunKey]) -> dict[RunKey, dict[str, StageState]]:
        """The stored stages, with outputs, of runs that were driven before."""
        states: dict[RunKey, dict[str, StageState]] = {}
        for row in await self._pool.fetch(statement("load_stages"), *_columns(keys)):
            states.setdefault((row["organization_id"], row["run_id"]), {})[row["stage"]] = StageState(
                status=StageStatus(row["status"]),
                attempt=row["attempt"],
                failures=row["failures"],
                crashes=row["crashes"],
                generation=row["generation"],
                epoch=row["epoch"],
                due_in_s=row["due_in_s"] or 0.0,
                output=from_json(row["output"]) if row["output"] is not None else None,
            )
        return states

    async def load_definitions(self, keys: Iterable[RunKey]) -> Mapping[RunKey, PipelineDefinition]:
        """Pipeline versions by (organization, version)."""
        rows = await self._pool.fetch(statement("load_versions"), *_columns(keys))
        return {
            (row["organization_id"], row["id"]): PipelineDefinition.from_json(_object(row["document"]))
            for row in rows
        }

    async def load_facts(self, run: ClaimedRun) -> Mapping[str, JsonValue]:
        """`content` (metadata, name, media type) and `run`, as conditions see them."""
        text = await self._pool.fetchval(statement("load_facts"), run.organization_id, run.id)
        return _object(text) if text else {}

    async def owned_signals(self, worker_id: UUID) -> dict[RunKey, Signal]:
        """Inbox and cancellation of every run that the worker owns, as the database sees it."""
        rows = await self._pool.fetch(statement("owned_signals"), worker_id)
        return {
            (row["organization_id"], row["id"]): Signal(row["epoch"], row["inbox"], row["cancel_requested"])
            for row in rows
        }


def _claimed(row: asyncpg.Record) -> ClaimedRun:
    return ClaimedRun(
        organization_id=row["organization_id"],
        id=row["id"],
        epoch=row["epoch"],
        rev=row["rev"],
        inbox=row["inbox"],
        version_id=row["version_id"],
        content_id=row["content_id"],
        thread_id=row["thread_id"],
        model=row["model"],
        cancel_requested=row["cancel_requested"],
        created_at=row["created_at"],
    )


def _columns(keys: Iterable[RunKey]) -> tuple[list[UUID], list[UUID]]:
    pairs = list(keys)
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _object(text: str) -> JsonObject:
    value = from_json(text)
    assert isinstance(value, dict)
    return value  # pyright: ignore[reportUnknownVariableType] (a jsonb object's keys are strings)

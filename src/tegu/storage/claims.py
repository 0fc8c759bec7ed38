"""Taking runs: who may drive what, and what a driver must know of a run when it takes it over.

Called by the engine's worker. Invariant: a run has at most one owner, and every claim raises its epoch.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.errors import DefinitionError, ErrorInfo
from tegu.domain.json import JsonObject
from tegu.domain.status import StageStatus
from tegu.pipeline.child import RunInput
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.slices import item_name
from tegu.storage.statements import statement

log = logging.getLogger("tegu.engine")

RunKey = tuple[UUID, UUID]
"""(organization, run)."""

Lane = tuple[UUID, UUID, int]
"""(organization, pipeline, priority): what is due of it, in the order in which it became so."""

_LAST_PIPELINE, _LAST_PRIORITY = UUID(int=2**128 - 1), 2**15 - 1


def before_all() -> Lane:
    """Where a claim that begins at the first organization starts."""
    return UUID(int=0), UUID(int=0), -_LAST_PRIORITY


def after_organization(organization_id: UUID) -> Lane:
    """Where a claim starts that begins with the next organization."""
    return organization_id, _LAST_PIPELINE, _LAST_PRIORITY


@dataclass(frozen=True, slots=True)
class StageState:
    """What is stored of one stage of a run that was driven before. `deaths` are attempts that died with a process, its
    worker's or its own; `crashes` only those of its own. `failure` is that of a failed one.
    """

    status: StageStatus
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    generation: int = 0
    epoch: int = 0
    due_in_s: float = 0.0
    output: JsonValue = None
    deaths: int = 0
    is_wakeable: bool = False
    reused_from: UUID | None = None
    failure: ErrorInfo | None = None
    deadline_in_s: float | None = None
    arrived: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SliceBounds:
    """Of which stage a run performs the items, from which number on, and of how many in all."""

    stage: str
    start: int
    of: int


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that is ours from now on, at this epoch. `created_at` is its own time: of a fork, that of the run it is of."""

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
    parent_id: UUID | None = None
    slice: SliceBounds | None = None
    has_input: bool = False
    input: RunInput | None = None
    reuse_from: UUID | None = None
    fork_stage: str | None = None
    deadline_in_s: float | None = None

    @property
    def key(self) -> RunKey:
        """(organization, run)."""
        return self.organization_id, self.id

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was ever stored of its stages. A fork begins with those that were copied."""
        return self.rev == 0 and self.fork_stage is None


@dataclass(frozen=True, slots=True)
class Signal:
    """What the database says of a run that we own."""

    epoch: int
    inbox: int
    cancel_requested: bool
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim took, and the most that it gave one organization. `is_end`: it saw the last lane; `last` is the last that it
    saw, `cut` one of an organization that has more than a claim looks at. `is_limited`: a limit held something back;
    `was_beaten`: another claim did, which counted against the same limit at the same time.
    """

    runs: tuple[ClaimedRun, ...] = ()
    share: int = 1
    is_end: bool = True
    last: Lane | None = None
    cut: Lane | None = None
    is_limited: bool = False
    was_beaten: bool = False


class Claims:
    """The claim statements, on one pool of the engine's role."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def claim(
        self,
        worker_id: UUID,
        *,
        limit: int,
        after: Lane,
        functions: Iterable[str],
        owned: Mapping[UUID, int],
        owned_max: int,
    ) -> Claimed:
        """Take up to `limit` due runs, fairly across the organizations that follow `after`: those first of which the
        worker owns least (`owned` says how many), and none of which it owns `owned_max`.
        """
        rows = await self._pool.fetch(
            statement("claim"),
            worker_id,
            limit,
            *after,
            list(functions),
            list(owned),
            list(owned.values()),
            owned_max,
        )
        first = rows[0]
        return Claimed(
            tuple(_claimed(row) for row in rows if row["id"] is not None),
            first["share"],
            is_end=first["is_end"],
            last=_lane(first, "last"),
            cut=_lane(first, "cut"),
            is_limited=first["is_limited"],
            was_beaten=first["was_beaten"],
        )

    async def claim_runs(
        self, worker_id: UUID, keys: Iterable[RunKey], *, limit: int, functions: Iterable[str]
    ) -> list[ClaimedRun]:
        """Take up to `limit` of the given runs that are due and free."""
        organizations, runs = _columns(keys)
        rows = await self._pool.fetch(
            statement("claim_run"), worker_id, organizations, runs, list(functions), limit
        )
        return [_claimed(row) for row in rows]

    async def give_back(self, worker_id: UUID, epochs: Mapping[RunKey, int]) -> int:
        """Free runs that the worker owns at these epochs and does not drive; how many it were."""
        rows = await self._pool.fetch(
            statement("give_back"), worker_id, *_columns(epochs), list(epochs.values())
        )
        return len(rows)

    async def ended(self, keys: Iterable[RunKey]) -> set[RunKey]:
        """Those of the runs that are over."""
        rows = await self._pool.fetch(statement("ended_runs"), *_columns(keys))
        return {(row["organization_id"], row["id"]) for row in rows}

    async def load_stages(self, keys: Iterable[RunKey]) -> dict[RunKey, dict[str, StageState]]:
        """The stored stages, with outputs, of runs that were driven before."""
        states: dict[RunKey, dict[str, StageState]] = {}
        for row in await self._pool.fetch(statement("load_stages"), *_columns(keys)):
            name = item_name(row["stage"], row["item"]) if row["item"] else row["stage"]
            states.setdefault((row["organization_id"], row["run_id"]), {})[name] = StageState(
                status=StageStatus(row["status"]),
                attempt=row["attempt"],
                failures=row["failures"],
                crashes=row["crashes"],
                generation=row["generation"],
                epoch=row["epoch"],
                due_in_s=row["due_in_s"] or 0.0,
                output=from_json(row["output"]) if row["output"] is not None else None,
                deaths=row["deaths"],
                is_wakeable=row["is_wakeable"],
                reused_from=row["reused_from"],
                failure=ErrorInfo.from_json(from_json(row["failure"])) if row["failure"] else None,
                deadline_in_s=row["deadline_in_s"],
                arrived=tuple(row["arrived"]) if row["arrived"] is not None else None,
            )
        return states

    async def load_definitions(self, keys: Iterable[RunKey]) -> Mapping[RunKey, PipelineDefinition]:
        """Pipeline versions by (organization, version), without those that cannot be read here."""
        found: dict[RunKey, PipelineDefinition] = {}
        for row in await self._pool.fetch(statement("load_versions"), *_columns(keys)):
            try:
                found[row["organization_id"], row["id"]] = PipelineDefinition.from_json(
                    _object(row["document"])
                )
            except (DefinitionError, AssertionError, LookupError, TypeError, ValueError) as error:
                log.warning(
                    "pipeline version %s cannot be read: %s", row["id"], error
                )  # a newer Tegu's, perhaps
        return found

    async def load_inputs(self, keys: Iterable[RunKey]) -> dict[RunKey, RunInput]:
        """What runs were given beside their content; those that were given nothing are missing."""
        return {
            (row["organization_id"], row["id"]): RunInput.from_json(from_json(row["input"]))
            for row in await self._pool.fetch(statement("load_inputs"), *_columns(keys))
        }

    async def due_in_families(self, roots: Iterable[RunKey], *, limit: int) -> list[RunKey]:
        """Children of these runs, however deep, that are due and free."""
        rows = await self._pool.fetch(statement("due_in_families"), *_columns(roots), limit)
        return [(row["organization_id"], row["id"]) for row in rows]

    async def load_facts(self, run: ClaimedRun) -> Mapping[str, JsonValue]:
        """`content` (metadata, name, media type) and `run`, as conditions see them."""
        text = await self._pool.fetchval(statement("load_facts"), run.organization_id, run.id)
        return _object(text) if text else {}

    async def owned_signals(self, worker_id: UUID) -> dict[RunKey, Signal]:
        """Inbox, cancellation and pause of every run that the worker owns, as the database sees it."""
        rows = await self._pool.fetch(statement("owned_signals"), worker_id)
        return {
            (row["organization_id"], row["id"]): Signal(
                row["epoch"], row["inbox"], row["cancel_requested"], row["is_paused"]
            )
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
        parent_id=row["parent_id"],
        slice=SliceBounds(row["slice_stage"], row["slice_from"], row["slice_of"])
        if row["slice_stage"]
        else None,
        has_input=row["has_input"],
        reuse_from=row["reuse_from"],
        fork_stage=row["fork_stage"],
        deadline_in_s=row["deadline_in_s"],
    )


def _lane(row: asyncpg.Record, name: str) -> Lane | None:
    organization_id = row[f"{name}_organization_id"]
    if organization_id is None:
        return None
    return organization_id, row[f"{name}_pipeline_id"], row[f"{name}_priority"]


def _columns(keys: Iterable[RunKey]) -> tuple[list[UUID], list[UUID]]:
    pairs = list(keys)
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _object(text: str) -> JsonObject:
    value = from_json(text)
    assert isinstance(value, dict)
    return value  # pyright: ignore[reportUnknownVariableType] (a jsonb object's keys are strings)

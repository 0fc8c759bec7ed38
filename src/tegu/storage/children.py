"""Children of runs: started by a stage that is under way, looked at by it, woken and cancelled in aggregate.

Called by the kinds that nest and map (through `Reach`), and by the engine's chore. Invariants: a child is started only while
its stage is under way and its run is ours; a child's checkpoint never touches its parent's row.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from tegu.domain.errors import ErrorInfo, StageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject, storable_json
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.child import DEPTH_MAX, ChildSpec, ChildState, ItemCounts, ItemOutput
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.pipeline_name import PipelineName
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement

_WAKES = 2000
_REQUESTS = 100
_CANCELS = 500
PARTS_MAX = 100_000


class ChildStore:
    """Implements `stages.reach.Children` on a pool of the engine's role. At most `family_max` runs stem from one."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, family_max: int) -> None:
        self._pool = PatientPool(pool)
        self._family_max = family_max

    async def ensure(self, task: StageTask, specs: Sequence[ChildSpec]) -> None:
        """Start those that are not there. Raises StageError: too deep, too many, unknown pipeline or content."""
        await self._check_contents(task, specs)
        versions: dict[str, UUID] = {}
        for name in {spec.pipeline for spec in specs if spec.pipeline is not None}:
            versions[name] = (await self._version(task, name))["id"]
        deeper = 1 if versions else 0
        await self._pool.ask(_start, task, specs, versions, deeper, self._family_max)

    async def states(self, task: StageTask) -> tuple[ChildState, ...]:
        """Where the children of this stage's present try stand."""
        stage, item = split_name(task.stage.name)
        rows = await self._pool.fetch(
            statement("children_of"), task.organization_id, task.run_id, stage, item, task.failures
        )
        return tuple(_state(row) for row in rows)

    async def outputs(
        self, task: StageTask, child_id: UUID, stage: str | None = None
    ) -> tuple[ItemOutput, ...]:
        """What the stages of a child came to, or one of them."""
        rows = await self._pool.fetch(statement("child_outputs"), task.organization_id, child_id, stage)
        return tuple(
            ItemOutput(
                row["stage"],
                row["item"],
                StageStatus(row["status"]) is StageStatus.COMPLETED,
                from_json(row["output"]) if row["output"] is not None else None,
                len(row["output"] or ""),
            )
            for row in rows
        )

    async def counts(self, task: StageTask, slices: Sequence[UUID]) -> ItemCounts:
        """How many items of these slices have ended."""
        row = await self._pool.fetchrow(
            statement("count_items"), task.organization_id, list(slices), task.stage.name
        )
        return ItemCounts(row["ended"], row["failed"]) if row is not None else ItemCounts()

    async def definition(self, task: StageTask, pipeline: str) -> PipelineDefinition:
        """The pipeline `name@2`. Raises StageError where there is none."""
        return PipelineDefinition.from_json(_object((await self._version(task, pipeline))["document"]))

    async def _version(self, task: StageTask, name: str) -> asyncpg.Record:
        named = PipelineName.read(name)
        row = None
        if named is not None and named.number is not None:
            row = await self._pool.fetchrow(
                statement("find_version"), task.organization_id, named.name, named.number
            )
        if row is None:
            raise StageError(
                f"there is no pipeline {name!r}",
                code="unknown_pipeline",
                hint="publish it, and then the pipeline that nests it",
            )
        return row

    async def parts(self, task: StageTask) -> tuple[UUID, ...]:
        """The contents that came with the run's: attachments, the messages of a mailbox; at most PARTS_MAX and one."""
        rows = await self._pool.fetch(
            statement("parts_of_content"), task.organization_id, task.content_id, PARTS_MAX + 1
        )
        return tuple(row["id"] for row in rows)

    async def _check_contents(self, task: StageTask, specs: Sequence[ChildSpec]) -> None:
        wanted = {spec.content_id for spec in specs if spec.content_id is not None}
        if not wanted:
            return
        rows = await self._pool.fetch(
            statement("contents_of_family"),
            task.organization_id,
            task.content_id,
            task.thread_id,
            list(wanted),
        )
        if missing := wanted - {row["id"] for row in rows}:
            raise StageError(
                f"content {min(missing)} did not come with what the run reads, or was deleted",
                code="not_found",
                hint="items name contents that came with the run's own: attachments, messages of a mailbox",
            )


async def _start(
    pool: "asyncpg.Pool[asyncpg.Record]",
    task: StageTask,
    specs: Sequence[ChildSpec],
    versions: dict[str, UUID],
    deeper: int,
    family_max: int,
) -> None:
    stage, item = split_name(task.stage.name)
    async with pool.acquire() as connection, connection.transaction():
        depth = await connection.fetchval(
            statement("lock_parent"), task.organization_id, task.run_id, task.epoch
        )
        if depth is None:
            return  # another's by now, or ending: whoever asks is about to be dropped
        if depth + deeper > DEPTH_MAX:
            raise StageError(
                f"pipelines are nested more than {DEPTH_MAX} deep at stage {stage!r}",
                code="nested_too_deep",
                hint="flatten what it nests, or let it be started by a schedule or a hook",
            )
        size = await connection.fetchval(
            statement("start_children"),
            task.organization_id,
            task.run_id,
            stage,
            item,
            task.failures,
            deeper,
            [new_id() for _ in specs],
            [spec.item for spec in specs],
            [versions[spec.pipeline] if spec.pipeline is not None else None for spec in specs],
            [storable_json(spec.input.to_json()) if spec.input is not None else None for spec in specs],
            [spec.content_id for spec in specs],
            [spec.slice.stage if spec.slice is not None else None for spec in specs],
            [spec.slice.start if spec.slice is not None else None for spec in specs],
            [spec.slice.of if spec.slice is not None else None for spec in specs],
        )
        if size is not None and size > family_max:
            raise StageError(
                f"stage {stage!r} would start run {size} of those that stem from one run, which may be {family_max}",
                code="family_too_large",
                hint="map over less or loop less often, or start a run for each part; an operator may raise TEGU_FAMILY_RUNS_MAX",
            )


class Families:
    """What any worker does for the families of all runs, a bounded piece at a time."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def wake_parents(self) -> tuple[int, bool]:
        """Signal the parents of children that ended: how many runs, and whether there may be more."""
        row = await self._pool.fetchrow(statement("drain_wakes"), _WAKES)
        assert row is not None
        return row["runs"], row["wakes"] == _WAKES

    async def cancel_children(self) -> tuple[int, bool]:
        """Ask children to end whose parent has: how many, and whether there may be more."""
        row = await self._pool.fetchrow(statement("cancel_children"), _REQUESTS, _CANCELS)
        assert row is not None
        return row["runs"], row["requests"] == _REQUESTS or row["runs"] > 0


def _state(row: asyncpg.Record) -> ChildState:
    error = row["error"]
    return ChildState(
        row["id"],
        row["parent_item"],
        RunStatus(row["status"]),
        ErrorInfo.from_json(from_json(error)) if error else None,
        row["slice_from"],
    )


def _object(text: str) -> JsonObject:
    value = from_json(text)
    assert isinstance(value, dict)
    return value  # pyright: ignore[reportUnknownVariableType] (a json object's keys are strings)

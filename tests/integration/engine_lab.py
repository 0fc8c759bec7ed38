"""A worker on a real database whose stages are plain functions: what engine tests run."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self
from uuid import UUID

import asyncpg

from tegu.domain.content import InputKind
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.outcome import Completed, ResultDraft, StageOutcome
from tegu.engine.lease import LeaseOptions
from tegu.engine.retry import RetryPolicy
from tegu.engine.worker import Doors, Worker, WorkerOptions
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask
from tegu.storage import publishing, run_starts
from tegu.storage.database import ENGINE_ROLE, Database, connect

Body = Callable[[StageTask], Awaitable[StageOutcome]]

FAST = WorkerOptions(
    concurrency=50,
    poll_s=0.1,
    watch_s=0.1,
    drain_s=2.0,
    lease=LeaseOptions(lease_s=1.5, beat_s=0.3),
    retry=RetryPolicy(base_s=0.02, max_s=0.05),
)


async def echo(task: StageTask) -> StageOutcome:
    """A stage that ends at once with its name and attempt."""
    output: JsonObject = {"stage": task.stage.name}
    return Completed(output, (ResultDraft(task.stage.name, output),))


async def never(task: StageTask) -> StageOutcome:
    """A stage that does not end."""
    await asyncio.sleep(3600)
    raise AssertionError


def chain(*names: str, retries: int = 2, timeout_s: float = 10.0) -> PipelineDefinition:
    """A pipeline whose stages follow each other."""
    before = ("source", *names)
    stages = tuple(
        StageDefinition(name, "test", inputs=(before[i],), retries=retries, timeout_s=timeout_s)
        for i, name in enumerate(names)
    )
    return PipelineDefinition("_".join(names), InputKind.CONTENT, stages)


def fan(root: str, *leaves: str, join: str | None = None, retries: int = 0) -> PipelineDefinition:
    """A pipeline that branches after its root and joins again, if a join is named."""
    stages = [StageDefinition(root, "test", retries=retries)]
    stages += [StageDefinition(leaf, "test", inputs=(root,), retries=retries) for leaf in leaves]
    if join is not None:
        stages.append(StageDefinition(join, "test", inputs=leaves, retries=retries))
    return PipelineDefinition(f"fan_{len(leaves)}", InputKind.CONTENT, tuple(stages))


@dataclass
class Lab:
    """Starts runs, runs workers, asks the database."""

    database: Database
    organization: UUID
    performed: list[tuple[UUID, str, int]] = field(default_factory=list[tuple[UUID, str, int]])

    async def start(self, definition: PipelineDefinition, count: int = 1) -> list[UUID]:
        """Start runs of a definition over a content that nobody reads."""
        async with self.database.transaction(self.organization) as connection:
            version = await publishing.publish(connection, self.organization, definition)
            new = run_starts.NewRun(version, content_id=new_id())
            return [await run_starts.insert_run(connection, self.organization, new) for _ in range(count)]

    async def worker(
        self,
        bodies: Mapping[str, Body] | Body = echo,
        *,
        options: WorkerOptions = FAST,
        **more: Any,
    ) -> Worker:
        """A worker whose stages are these functions, noting what it performed."""

        async def perform(task: StageTask) -> StageOutcome:
            self.performed.append((task.run_id, task.stage.name, task.attempt))
            body = bodies if callable(bodies) else bodies.get(task.stage.name, echo)
            return await body(task)

        pool = await self.database.engine()
        doors = Doors(pool, partial(connect, self.database.address, ENGINE_ROLE))
        return Worker(doors, perform, options=options, **more)

    async def until(self, run_ids: list[UUID], *, timeout_s: float = 60.0) -> set[str]:
        """Wait until the runs have ended; their statuses."""
        async with asyncio.timeout(timeout_s):
            while True:
                rows = await self.rows("select distinct status from tegu.runs where id = any($1)", run_ids)
                found = {row["status"] for row in rows}
                if found <= {"completed", "failed", "cancelled"}:
                    return found
                await asyncio.sleep(0.02)

    async def finish(self, definition: PipelineDefinition, bodies: Mapping[str, Body] | Body = echo) -> UUID:
        """Start one run, drive it to its end with one worker, stop the worker."""
        run_id = (await self.start(definition))[0]
        async with working(await self.worker(bodies)):
            await self.until([run_id])
        return run_id

    async def cancel(self, run_id: UUID) -> None:
        """Ask for the end of a run, as a person would."""
        async with self.database.transaction(self.organization) as connection:
            await run_starts.request_cancel(connection, self.organization, run_id)

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask as the owner, whom row security does not bind."""
        connection = await asyncpg.connect(self.database.address.owner)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def stages(self, run_id: UUID) -> dict[str, str]:
        """Status of each stage of a run."""
        rows = await self.rows("select stage, status from tegu.stage_runs where run_id = $1", run_id)
        return {row["stage"]: row["status"] for row in rows}

    async def reached(self, run_id: UUID, stage: str, status: str) -> None:
        """Wait until a stage stands so."""
        async with asyncio.timeout(10):
            while (await self.stages(run_id)).get(stage) != status:
                await asyncio.sleep(0.02)

    async def error_code(self, run_id: UUID) -> str:
        """The code of the error that a run failed with."""
        return (await self.rows("select error->>'code' as c from tegu.runs where id = $1", run_id))[0]["c"]

    async def attempts(self, run_id: UUID, stage: str) -> list[str]:
        """Outcomes of the ended attempts of a stage, in order."""
        rows = await self.rows(
            "select outcome from tegu.stage_attempts where run_id = $1 and stage = $2 order by attempt",
            run_id,
            stage,
        )
        return [row["outcome"] for row in rows]


class working:  # noqa: N801 (reads as a statement: `async with working(worker):`)
    """Run a worker for the length of a block; `kill` ends it as a crash would: nothing is handed back."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.worker.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.worker.stop()
        with suppress(asyncio.CancelledError):
            await self._task

    async def kill(self) -> None:
        """Cancel it: its connections close, its lease runs out."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

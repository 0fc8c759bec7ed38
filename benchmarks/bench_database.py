"""The database under test: an embedded server of its own, migrated, with row security on, and the raw limit beside it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from uuid import UUID

import asyncpg

from tegu.domain.content import InputKind
from tegu.domain.ids import new_id
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.storage import embedded, publishing
from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.migrate import migrate
from tegu.storage.organizations import ensure_organization
from tegu.storage.pipelines import PipelineVersion

STAGES = ("one", "two", "three")
_RAW_ROW = '{"text": "' + "x" * 200 + '"}'


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs."""

    database: Database
    organization: UUID
    version: PipelineVersion

    @property
    def dsn(self) -> str:
        """The owner's DSN."""
        return self.database.address.owner

    async def clear(self) -> None:
        """Forget all runs, so that each measurement starts with empty tables."""
        await self.execute(
            "truncate tegu.runs, tegu.stage_runs, tegu.stage_attempts, tegu.results, tegu.run_events, tegu.workers"
        )
        await self.execute("checkpoint")

    async def queue(self, count: int) -> None:
        """Insert runs that are due, in bulk, by the owner: the queue is no part of what is measured."""
        await self.execute(
            """insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id)
            select $1, uuidv7(), $2, $3, $4 from generate_series(1, $5)""",
            self.organization,
            self.version.pipeline_id,
            self.version.id,
            new_id(),
            count,
        )
        await self.execute("vacuum analyze tegu.runs")

    async def execute(self, statement: str, *arguments: object) -> None:
        """One statement as the owner."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    async def value(self, query: str, *arguments: object) -> int:
        """One number, asked as the owner."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def raw_rate(self, *, seconds: float = 2.0) -> float:
        """See `raw_rate`."""
        return await raw_rate(self.dsn, seconds=seconds)


async def raw_rate(dsn: str, *, seconds: float = 2.0) -> float:
    """R1: single-row inserts of 200 bytes a second, each its own commit, one client."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            """create table if not exists bench_raw (id bigint generated always as identity primary key,
            run_id bigint, stage int, output jsonb, at timestamptz default now())"""
        )
        await connection.execute("truncate bench_raw")
        count, begun = 0, perf_counter()
        while perf_counter() - begun < seconds:
            await connection.execute(
                "insert into bench_raw (run_id, stage, output) values ($1, $2, $3)", 1, 2, _RAW_ROW
            )
            count += 1
        return count / (perf_counter() - begun)
    finally:
        await connection.close()


@asynccontextmanager
async def open_bench(home: Path) -> AsyncGenerator[Bench]:
    """A fresh server in this folder."""
    address = DatabaseAddress(await embedded.start(home), is_embedded=True)
    await migrate(address)
    organization = await ensure_organization(address, "bench")
    database = Database(address)
    before = ("source", *STAGES)
    stages = tuple(StageDefinition(name, "test", inputs=(before[i],)) for i, name in enumerate(STAGES))
    definition = PipelineDefinition("bench", InputKind.CONTENT, stages)
    async with database.transaction(organization) as connection:
        version = await publishing.publish(connection, organization, definition)
    try:
        yield Bench(database, organization, version)
    finally:
        await database.close()
        await asyncio.sleep(0)

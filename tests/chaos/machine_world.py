"""What all examples of the state machine share: one database, one loop, one clock.

Called by the machine. Invariant: time passes for the rows and for the loop alike.
"""

import logging
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from simulation import LEASE_S, Errors, VirtualLoop

from tegu.domain.content import InputKind
from tegu.domain.ids import new_id
from tegu.pipeline.definition import PYTHON_KIND, PipelineDefinition, StageDefinition
from tegu.storage import publishing
from tegu.storage.database import ENGINE_ROLE, Database, DatabaseAddress, connect
from tegu.storage.organizations import ensure_organization
from tegu.storage.pipelines import PipelineVersion

_TIMEOUT_S = 2.5 * LEASE_S
_KEPT = frozenset({"organizations", "contents", "pipelines", "pipeline_versions", "alembic_version"})
_RECORDS = frozenset({"llm_calls", "budgets", "budget_windows"})
"""Whose times say when something was, and in which window it counts; nothing waits for them."""
_CLOCKS = """
    select t.table_name, string_agg(format('%1$I = %1$I - make_interval(secs => $1)', c.column_name), ', ')
        filter (where c.data_type like 'timestamp%') as moves
    from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'tegu' and t.table_type = 'BASE TABLE'
    group by t.table_name"""


def _pipelines() -> tuple[PipelineDefinition, ...]:
    def stage(name: str, *inputs: str, uses: str = "prompt", **more: Any) -> StageDefinition:
        return StageDefinition(
            name, uses, inputs=inputs or ("source",), retries=1, timeout_s=_TIMEOUT_S, **more
        )

    chain = (stage("one"), stage("two", "one"))
    fan = (stage("root"), stage("left", "root"), stage("right", "root"), stage("join", "left", "right"))
    mine = (stage("mine", uses=PYTHON_KIND, config={"function": "mine@1"}),)
    either = frozenset({"slow", "quick"})
    race = (
        stage("slow", deadline_s=2 * LEASE_S),
        stage("quick"),
        stage("first", "slow", "quick", optional_inputs=either, join="any", cancels=("slow", "quick")),
    )
    return (
        *(
            PipelineDefinition(name, InputKind.CONTENT, stages)
            for name, stages in (("chain", chain), ("fan", fan), ("mine", mine))
        ),
        PipelineDefinition("race", InputKind.CONTENT, race, deadline_s=4 * LEASE_S),
    )


class World:
    """One database and one loop for all examples."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address
        self.loop = VirtualLoop()
        self.errors = Errors()
        self.met: Counter[str] = Counter()

    async def open(self) -> None:
        self.database = Database(self.address, engine_connections=2, app_connections=1)
        self.pool = await self.database.engine()
        self.lane = await connect(self.address, ENGINE_ROLE)
        self.owner = await asyncpg.connect(self.address.owner)
        self.organizations = sorted([await ensure_organization(self.address, name) for name in ("a", "b")])
        self.versions: dict[UUID, list[PipelineVersion]] = {}
        self.contents: dict[UUID, UUID] = {}
        for organization in self.organizations:
            async with self.database.transaction(organization) as connection:
                self.versions[organization] = [
                    await publishing.publish(connection, organization, each) for each in _pipelines()
                ]
            self.contents[organization] = new_id()
            await self.owner.execute(
                "insert into tegu.contents (organization_id, id, source_type, media_type, sha256, size_bytes)"
                " values ($1, $2, 'api', 'text/plain', 'none', 1)",
                organization,
                self.contents[organization],
            )
        moves = {row["table_name"]: row["moves"] for row in await self.owner.fetch(_CLOCKS)}
        self.tables = sorted(moves.keys() - _KEPT)
        self.clocks = [
            f"update tegu.{name} set {moves[name]}"
            for name in self.tables
            if moves[name] and name not in _RECORDS
        ]

    async def empty(self) -> None:
        """As before the first example."""
        await self.owner.execute("; ".join(f"delete from tegu.{name}" for name in self.tables))

    async def close(self) -> None:
        await self.lane.close()
        await self.owner.close()
        await self.database.close()

    async def passes(self, seconds: float) -> None:
        """Time passes, for the rows and for the loop."""
        for each in self.clocks:
            await self.owner.execute(each, seconds)
        self.loop.ahead_s += seconds


@contextmanager
def opened(address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch) -> Generator[World]:
    """A world, with the engine's clock set to its loop's, and what the engine logs as errors kept."""
    world = World(address)
    for module in ("course", "deadlines", "drive", "progress", "settle", "worker"):
        monkeypatch.setattr(f"tegu.engine.{module}.monotonic", world.loop.time)
    logging.getLogger("tegu").addHandler(world.errors)
    world.loop.run_until_complete(world.open())
    try:
        yield world
    finally:
        world.loop.run_until_complete(world.close())
        logging.getLogger("tegu").removeHandler(world.errors)
        world.loop.close()

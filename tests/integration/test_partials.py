"""The store of partial outputs, and what gathers them: fenced, coalesced, bounded, and never in the way of a stage."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from engine_lab import chain

from tegu.domain.ids import new_id
from tegu.engine.partials import PartialOptions, Partials
from tegu.engine.wire import pack_task, unpack_task
from tegu.llm.protocol import OnText
from tegu.pipeline.task import StageTask
from tegu.storage import partials as store
from tegu.storage import publishing, run_starts
from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.organizations import ensure_organization
from tegu.storage.partials import PartialStore, PartialWrite


def write(
    run_id: UUID, organization: UUID, *, epoch: int, attempt: int = 1, version: int = 1
) -> PartialWrite:
    return PartialWrite(organization, run_id, "a", "", 1, epoch, attempt, version, '"text"', 4, False)


@pytest.fixture
async def owned(database: Database, organization: UUID) -> UUID:
    """A run that somebody drives at epoch 2."""
    async with database.transaction(organization) as connection:
        version = await publishing.publish(connection, organization, chain("a"))
        run_id = await run_starts.insert_run(
            connection, organization, run_starts.NewRun(version, content_id=new_id())
        )
    owner = await asyncpg.connect(database.address.owner)
    await owner.execute(
        "update tegu.runs set owner = $2, epoch = 2, status = 'running' where id = $1", run_id, new_id()
    )
    await owner.close()
    return run_id


async def stored(database: Database, organization: UUID, run_id: UUID) -> list[tuple[int, int]]:
    async with database.transaction(organization) as connection:
        found = await store.partials_of(connection, organization, [run_id])
    return [(each.attempt, each.version) for each in found]


async def test_a_zombies_partials_are_refused(database: Database, organization: UUID, owned: UUID) -> None:
    engine = PartialStore(await database.engine())
    await engine.write([write(owned, organization, epoch=1)], [])
    assert await stored(database, organization, owned) == []
    await engine.write([write(owned, organization, epoch=2, version=5)], [])
    await engine.write([write(owned, organization, epoch=1, attempt=9, version=9)], [])
    assert await stored(database, organization, owned) == [(1, 5)]


async def test_the_latest_wins_whatever_comes_last(
    database: Database, organization: UUID, owned: UUID
) -> None:
    engine = PartialStore(await database.engine())
    for attempt, version in ((1, 2), (1, 1), (2, 1), (1, 3)):
        await engine.write([write(owned, organization, epoch=2, attempt=attempt, version=version)], [])
    assert await stored(database, organization, owned) == [(2, 1)]


async def test_an_ended_attempt_is_removed_and_a_later_one_is_not(
    database: Database, organization: UUID, owned: UUID
) -> None:
    engine = PartialStore(await database.engine())
    first = store.EndedAttempt(organization, owned, "a", "", 2, 1)
    await engine.write([write(owned, organization, epoch=2, attempt=2)], [])
    await engine.write([], [first])
    assert await stored(database, organization, owned) == [(2, 1)]
    await engine.write([write(owned, organization, epoch=2, attempt=2, version=2)], [first])
    assert await stored(database, organization, owned) == [(2, 2)]
    await engine.write([], [replace(first, attempt=2)])
    assert await stored(database, organization, owned) == []


async def test_another_organization_sees_neither_partials_nor_watches(
    database: Database, organization: UUID, owned: UUID, address: DatabaseAddress
) -> None:
    other = await ensure_organization(address, "other")
    engine = PartialStore(await database.engine())
    await engine.write([write(owned, organization, epoch=2)], [])
    async with database.transaction(other) as connection:
        assert await store.partials_of(connection, organization, [owned]) == []
        await store.watch_runs(connection, other, [owned], for_s=60)
    assert not await engine.is_watched(organization, owned)
    async with database.transaction(organization) as connection:
        await store.watch_runs(connection, organization, [owned], for_s=60)
    assert await engine.is_watched(organization, owned)


async def test_what_nobody_dropped_is_swept(
    database: Database, organization: UUID, owned: UUID, address: DatabaseAddress
) -> None:
    engine = PartialStore(await database.engine())
    await engine.write([write(owned, organization, epoch=2)], [])
    async with database.transaction(organization) as connection:
        await store.watch_runs(connection, organization, [owned], for_s=0)
    await engine.sweep(older_than_s=60)
    assert await stored(database, organization, owned) == [(1, 1)]
    await engine.sweep(older_than_s=0)
    assert await stored(database, organization, owned) == []
    owner = await asyncpg.connect(address.owner)
    assert await owner.fetchval("select count(*) from tegu.run_watches") == 0
    await owner.close()


class CountingStore(PartialStore):
    """The real store, counting its statements."""

    statements = 0

    async def write(self, writes: Any, ended: Any) -> None:
        self.statements += 1
        await super().write(writes, ended)


def task_of(run_id: UUID, organization: UUID) -> StageTask:
    definition = chain("a")
    return StageTask(
        organization,
        run_id,
        definition,
        definition.stages[0],
        {},
        new_id(),
        None,
        None,
        1,
        0,
        datetime.now(UTC),
        epoch=2,
    )


async def hear(partials: Partials, task: StageTask, call: int, *, is_json: bool = True) -> OnText:
    heard = await partials.open(task).watch(call, is_json=is_json)()
    assert heard is not None
    return heard


async def test_many_tokens_of_many_replies_are_few_statements(
    database: Database, organization: UUID, owned: UUID
) -> None:
    async with database.transaction(organization) as connection:
        await store.watch_runs(connection, organization, [owned], for_s=60)
    counting = CountingStore(await database.engine())
    partials = Partials(counting)
    listeners = [await hear(partials, task_of(owned, organization), call) for call in range(1, 21)]
    for heard in listeners:
        heard('{"summary": "')
    for _ in range(100):
        for heard in listeners:
            heard("word ")
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    assert counting.statements <= 12
    async with database.transaction(organization) as connection:
        found = await store.partials_of(connection, organization, [owned])
    assert len(found) == 20
    assert {str(each.partial) for each in found} == {str({"summary": "word " * 100})}
    await partials.close()


async def test_a_long_reply_is_shown_by_its_beginning(
    database: Database, organization: UUID, owned: UUID
) -> None:
    async with database.transaction(organization) as connection:
        await store.watch_runs(connection, organization, [owned], for_s=60)
    partials = Partials(PartialStore(await database.engine()), PartialOptions(text_max=1000))
    heard = await hear(partials, task_of(owned, organization), 1, is_json=False)
    for _ in range(100):
        heard("x" * 100 + "\x00")
    await asyncio.sleep(0.3)
    async with database.transaction(organization) as connection:
        (found,) = await store.partials_of(connection, organization, [owned])
    assert found.is_truncated
    assert found.text_length == 10_100
    assert isinstance(found.partial, str)
    assert len(found.partial) == 1000
    await partials.close()


@pytest.mark.parametrize(
    "hostile",
    [
        '{"a": "\ud800', '{"a": "\x00', '{"a": "\\ud800', '{"a": "\\u0000', '{"\\u0000": 1', "[" * 60_000, '{"a": ' * 9000,
        '{"a": ' + "9" * 60_000, '{"a": 1e999', '{"a": NaN', "```", "\x1b[2J",
    ],
)  # fmt: skip
async def test_what_a_hostile_reply_says_costs_no_other_reply(
    database: Database, organization: UUID, owned: UUID, hostile: str
) -> None:
    async with database.transaction(organization) as connection:
        await store.watch_runs(connection, organization, [owned], for_s=60)
    partials = Partials(PartialStore(await database.engine()))
    listeners = [await hear(partials, task_of(owned, organization), call) for call in (1, 2)]
    listeners[0](hostile)
    listeners[1]('{"b": "fine')
    async with asyncio.timeout(30):
        while True:
            async with database.transaction(organization) as connection:
                found = {p.call: p for p in await store.partials_of(connection, organization, [owned])}
            if len(found) == 2:
                break
            await asyncio.sleep(0.02)
    assert found[2].partial == {"b": "fine"}
    assert found[1].text_length == len(hostile)
    await partials.close()


async def test_a_database_that_is_gone_costs_the_partials_and_nothing_else(
    database: Database, organization: UUID, owned: UUID
) -> None:
    async with database.transaction(organization) as connection:
        await store.watch_runs(connection, organization, [owned], for_s=60)
    partials = Partials(PartialStore(await database.engine()), PartialOptions(pause_s=0.05))
    attempt = partials.open(task_of(owned, organization))
    heard = await attempt.watch(1, is_json=False)()
    assert heard is not None
    pool = await database.engine()
    await pool.close()
    heard("some text")
    await asyncio.sleep(0.1)
    heard("more text")
    assert await attempt.watch(2, is_json=False)() is None
    attempt.close()
    await partials.close()


async def test_a_child_process_fences_with_the_epoch_of_its_task(organization: UUID) -> None:
    assert unpack_task(pack_task(task_of(new_id(), organization))).epoch == 2

"""Partial outputs on a real database: from the process that asks a model to the one that follows the run."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from engine_lab import FAST, chain

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.run import RunEvent
from tegu.domain.status import RunStatus
from tegu.engine.partials import PartialOptions, Partials
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import OnText
from tegu.pipeline.function import stage
from tegu.pipeline.task import StageTask
from tegu.settings import Settings
from tegu.stages.context import StageContext
from tegu.storage import partials as store
from tegu.storage import pipelines, runs
from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.organizations import ensure_organization
from tegu.storage.partials import PartialStore, PartialWrite
from tegu.testing.scripted import Failed, Json, Reply, Rule, ScriptedProvider, Text

MODEL = "openai:gpt-5-mini"
SUMMARY: JsonObject = {"summary": "Anna was charged twice, and asks for the second payment back. " * 4}
PIPELINE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": MODEL,
    "stages": {"summary": {"uses": "summarize"}},
}
SLOW = Reply(Json(SUMMARY), piece_delay_s=0.04)
Opened = Callable[[ScriptedProvider], AbstractAsyncContextManager[Tegu]]


@stage(version=1)
async def two_calls(text: str, ctx: StageContext) -> str:
    """Ask twice, one after the other."""
    first = await ctx.llm.generate("Say one thing.", [text])
    return first + await ctx.llm.generate("Say another thing.", [text])


@pytest.fixture
def opened(address: DatabaseAddress, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def open_one(server: ScriptedProvider) -> AsyncGenerator[Tegu]:
        settings = Settings(home=tmp_path, database_url=address.owner)
        keys = {"OPENAI_API_KEY": "sk-of-a-test", "OPENAI_BASE_URL": server.base_url("openai")}
        credentials = EnvironmentCredentials(keys)
        async with Tegu(settings=settings, credentials=credentials, stages=[two_calls]) as tegu:
            yield tegu

    return open_one


@asynccontextmanager
async def working(tegu: Tegu) -> AsyncGenerator[None]:
    worker = await tegu.worker(options=FAST)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        with suppress(asyncio.CancelledError):
            await task


async def followed(tegu: Tegu, run_id: UUID, *, partials: bool = True) -> list[RunEvent]:
    async with asyncio.timeout(30):
        return [event async for event in tegu.follow([run_id], partials=partials)]


def check_order(events: list[RunEvent]) -> None:
    """A partial is of an attempt that has begun and not ended, and it carries the last event's number."""
    under_way: dict[str | None, int] = {}
    seq = 0
    for event in events:
        if event.kind == "stage.partial":
            assert isinstance(event.data, dict)
            assert under_way.get(event.stage) == event.data["attempt"], event
            assert event.seq == seq
            continue
        assert event.seq == seq + 1
        seq = event.seq
        if event.kind == "stage.started":
            assert isinstance(event.data, dict)
            under_way[event.stage] = int(str(event.data["attempt"]))
        elif event.stage is not None:
            under_way.pop(event.stage, None)


def data_of(events: list[RunEvent]) -> list[dict[str, Any]]:
    return [e.data for e in events if e.kind == "stage.partial" and isinstance(e.data, dict)]


async def fetch(address: DatabaseAddress, query: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def test_a_follower_in_another_process_sees_a_growing_object(
    opened: Opened, address: DatabaseAddress
) -> None:
    """Two Tegus share nothing but the database."""
    async with ScriptedProvider([Rule(SLOW)]) as server, opened(server) as asks, opened(server) as watches:
        async with working(asks):
            (run_id,) = await watches.start(PIPELINE, b"A note.", options=StartOptions(stream=True))
            events = await followed(watches, run_id)
        run = await watches.get_run(run_id)
        assert [entry.status for entry in server.ledger] == [200]
    assert run.status is RunStatus.COMPLETED
    check_order(events)
    partials = data_of(events)
    assert len(partials) >= 3
    texts = [data["partial"]["summary"] for data in partials if data["partial"].get("summary")]
    assert texts == sorted(texts, key=len)
    assert len(set(texts)) == len(texts) >= 3
    assert all(str(SUMMARY["summary"]).startswith(text) for text in texts)
    lengths = [data["text_length"] for data in partials]
    assert lengths == sorted(set(lengths))
    assert run.stage_outputs["summary"] == SUMMARY
    kept = await fetch(address, "select kind from tegu.run_events where run_id = $1", run_id)
    assert "stage.partial" not in {row["kind"] for row in kept}
    assert not await fetch(address, "select 1 from tegu.stage_partials")


async def test_what_is_not_followed_is_not_streamed(opened: Opened, address: DatabaseAddress) -> None:
    async with ScriptedProvider([Rule(SLOW)]) as server, opened(server) as tegu, working(tegu):
        (run_id,) = await tegu.start(PIPELINE, b"A note.")
        events = await followed(tegu, run_id, partials=False)
        assert [bool((entry.body or {}).get("stream")) for entry in server.ledger] == [False]
    assert not data_of(events)
    assert not await fetch(address, "select 1 from tegu.run_watches")


async def test_the_ledger_is_the_same_whether_a_call_is_streamed_or_not(opened: Opened) -> None:
    calls: list[list[tuple[object, ...]]] = []
    async with ScriptedProvider([Rule(Reply(Json(SUMMARY)))]) as server, opened(server) as tegu:
        for stream in (False, True):
            async with working(tegu):
                options = StartOptions(stream=stream)
                (run_id,) = await tegu.start(PIPELINE, b"A note.", options=options)
                await tegu.wait([run_id])
            found = await tegu.list_calls(run_id=run_id)
            calls.append(
                [(c.status, c.usage, c.cost_usd, c.finish_reason, c.stage, c.request_hash) for c in found]
            )
        assert [bool((entry.body or {}).get("stream")) for entry in server.ledger] == [False, True]
    assert calls[0] == calls[1]


async def test_a_second_attempt_begins_anew_and_the_first_is_not_shown_again(opened: Opened) -> None:
    long = Text("one two three four five six seven eight nine ten " * 3)
    broken = Reply(long, piece_delay_s=0.05, breaks_with=Failed(500))
    script = [Rule(broken, times=3), Rule(Reply(Json(SUMMARY), piece_delay_s=0.03))]
    async with ScriptedProvider(script) as server, opened(server) as tegu, working(tegu):
        (run_id,) = await tegu.start(PIPELINE, b"A note.", options=StartOptions(stream=True))
        events = await followed(tegu, run_id)
    check_order(events)
    assert [e.kind for e in events if e.kind != "stage.partial"] == [
        "run.started",
        "stage.started",
        "stage.retrying",
        "run.waiting",
        "stage.started",
        "stage.completed",
        "run.completed",
    ]
    attempts = [data["attempt"] for data in data_of(events)]
    assert set(attempts) == {1, 2}
    assert attempts == sorted(attempts)


async def test_a_python_stage_streams_each_of_its_calls(opened: Opened) -> None:
    document: JsonObject = {
        **PIPELINE,
        "name": "talk",
        "stages": {"talk": {"uses": "python", "with": {"function": "two_calls@1"}}},
    }
    said = Text("Something that takes a while to say, word by word by word. ")
    async with ScriptedProvider([Rule(Reply(said, piece_delay_s=0.15))]) as server, opened(server) as tegu:
        async with working(tegu):
            (run_id,) = await tegu.start(document, b"A note.", options=StartOptions(stream=True))
            events = await followed(tegu, run_id)
        run = await tegu.get_run(run_id)
    assert run.error is None
    check_order(events)
    by_call: dict[int, str] = {data["call"]: data["partial"] for data in data_of(events)}
    assert by_call.keys() == {1, 2}
    assert all(text and said.text.startswith(text) for text in by_call.values())


async def test_whoever_comes_later_sees_the_calls_that_begin_then(opened: Opened) -> None:
    """Nobody asked for a stream at the start: the first call is not streamed, the second is."""
    document: JsonObject = {
        **PIPELINE,
        "name": "two",
        "stages": {"first": {"uses": "summarize"}, "second": {"uses": "summarize", "needs": ["first"]}},
    }
    release = asyncio.Event()

    async def script(_: object) -> Reply:
        if not release.is_set():
            await release.wait()
            return Reply(Json(SUMMARY))
        return SLOW

    async with (
        ScriptedProvider(script) as server,
        opened(server) as asks,
        opened(server) as watches,
        working(asks),
    ):
        (run_id,) = await asks.start(document, b"A note.")
        async with asyncio.timeout(10):
            while not server.ledger:
                await asyncio.sleep(0.02)
        following = asyncio.create_task(followed(watches, run_id))
        await asyncio.sleep(0.3)
        release.set()
        events = await following
    check_order(events)
    assert {e.stage for e in events if e.kind == "stage.partial"} == {"second"}


# The store itself.


def write(
    run_id: UUID, organization: UUID, *, epoch: int, attempt: int = 1, version: int = 1
) -> PartialWrite:
    return PartialWrite(organization, run_id, "a", "", 1, epoch, attempt, version, '"text"', 4, False)


@pytest.fixture
async def owned(database: Database, organization: UUID) -> UUID:
    """A run that somebody drives at epoch 2."""
    async with database.transaction(organization) as connection:
        version = await pipelines.publish(connection, organization, chain("a"))
        run_id = await runs.insert_run(connection, organization, runs.NewRun(version, content_id=new_id()))
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
    assert not await fetch(address, "select 1 from tegu.run_watches")


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

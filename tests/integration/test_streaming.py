"""Partial outputs on a real database: from the process that asks a model to the one that follows the run."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import engine_lab
import pytest
from action_lab import ask
from engine_lab import FAST

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.run import RunEvent
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.pipeline.function import stage
from tegu.settings import Settings
from tegu.stages.context import StageContext
from tegu.storage.database import DatabaseAddress
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
Opened = Callable[..., AbstractAsyncContextManager[Tegu]]


@stage(version=1)
async def two_calls(text: str, ctx: StageContext) -> str:
    """Ask twice, one after the other."""
    first = await ctx.llm.generate("Say one thing.", [text])
    return first + await ctx.llm.generate("Say another thing.", [text])


@pytest.fixture
def opened(address: DatabaseAddress, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def open_one(server: ScriptedProvider, *stages: Callable[..., Any]) -> AsyncGenerator[Tegu]:
        settings = Settings(home=tmp_path, database_url=address.owner)
        keys = {"OPENAI_API_KEY": "sk-of-a-test", "OPENAI_BASE_URL": server.base_url("openai")}
        credentials = EnvironmentCredentials(keys)
        async with Tegu(settings=settings, credentials=credentials, stages=stages) as tegu:
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
    async with asyncio.timeout(60):
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


async def test_actions_that_start_and_fork_runs_let_the_first_call_be_followed_where_that_is_asked_for(
    opened: Opened,
) -> None:
    async with ScriptedProvider([Rule(Reply(Json(SUMMARY)))]) as server, opened(server) as tegu:
        scope = await tegu.scope()
        await ask(scope, "pipelines.create", document=PIPELINE)
        asked = {"pipeline": "note", "content_ids": [(await tegu.ingest(b"A note.")).content.id]}
        runs: list[UUID] = []
        for stream in (True, False):
            runs += (await ask(scope, "runs.start", **asked, stream=stream)).run_ids
            await tegu.drive(runs[-1])
        for stream in (True, False):
            again = {"run_id": runs[0], "from_stage": "summary", "fresh": True, "stream": stream}
            await tegu.drive((await ask(scope, "runs.fork", **again)).run_id)
        streamed = [bool((entry.body or {}).get("stream")) for entry in server.ledger]
        assert streamed == [True, False, True, False]


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
    async with (
        ScriptedProvider([Rule(Reply(said, piece_delay_s=0.15))]) as server,
        opened(server, two_calls) as tegu,
    ):
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


async def test_after_a_crash_the_next_attempt_is_seen_from_its_own_process(
    opened: Opened, address: DatabaseAddress
) -> None:
    """What was under way when its worker died runs in a child process, which stores its partials itself."""
    script = [Rule(Reply(Json(SUMMARY), piece_delay_s=5), times=1), Rule(SLOW)]
    async with ScriptedProvider(script) as server, opened(server) as dies, opened(server) as lives:
        first = engine_lab.working(await dies.worker(options=FAST))
        async with first:
            (run_id,) = await lives.start(PIPELINE, b"A note.", options=StartOptions(stream=True))
            following = asyncio.create_task(followed(lives, run_id))
            async with asyncio.timeout(30):
                while not await fetch(address, "select 1 from tegu.stage_partials"):
                    await asyncio.sleep(0.1)
            await asyncio.sleep(0.5)  # so that the follower has seen it
            await first.kill()
        async with working(lives):
            events = await following
    check_order(events)
    assert "stage.crashed" in [event.kind for event in events]
    attempts = [data["attempt"] for data in data_of(events)]
    assert attempts == sorted(attempts)
    assert set(attempts) == {1, 2}

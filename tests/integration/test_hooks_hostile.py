"""Hooks that hang, end the process, cancel themselves or raise what cannot be said: they harm themselves alone."""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.errors import UsageError
from tegu.domain.hook import RunEnded
from tegu.domain.json import JsonObject
from tegu.engine.deliver import DelivererOptions
from tegu.engine.retry import RetryPolicy
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}
OPTIONS = DelivererOptions(
    concurrency=3,
    hanging_max=2,
    poll_s=0.1,
    lease_s=1.0,
    drain_s=0.5,
    subscribe_s=0.1,
    retry=RetryPolicy(base_s=0.05, max_s=0.1),
)


@pytest.fixture
def tegu(address: DatabaseAddress, tmp_path: Path) -> Tegu:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    made = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
    made._runtime.deliverer_options = OPTIONS
    return made


@pytest.fixture
async def rows(address: DatabaseAddress) -> AsyncGenerator[Callable[..., Any]]:
    connection = await asyncpg.connect(address.owner)
    yield connection.fetch
    await connection.close()


@pytest.fixture
def held() -> Generator[threading.Event]:
    """What hanging threads wait for, so that they end with the test."""
    event = threading.Event()
    yield event
    event.set()


async def end(tegu: Tegu, count: int = 1) -> set[UUID]:
    run_ids = await tegu.start(NOTE, *(f"Note {i}." for i in range(count)))
    await tegu.drive(run_ids, timeout_s=60)
    return set(run_ids)


async def until(condition: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


async def failures(tegu: Tegu, count: int) -> dict[str, str]:
    async with asyncio.timeout(30):
        while len(found := await tegu.list_deliveries(failed=True)) < count:
            await asyncio.sleep(0.02)
    return {each.hook: each.error.message for each in found if each.error}


async def test_hooks_that_hang_in_threads_hold_up_neither_the_others_nor_the_end(
    tegu: Tegu, held: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    heard, hung = set[UUID](), list[UUID]()

    @tegu.on("run.completed", name="hangs", timeout_s=0.05)
    def hangs(ended: RunEnded) -> None:
        hung.append(ended.run_id)
        held.wait(60)

    @tegu.on("run.completed", name="returns")
    def returns(ended: RunEnded) -> None:
        heard.add(ended.run_id)

    async with tegu:
        run_ids = await end(tegu, 12)
        await until(lambda: heard == run_ids)
        await until(lambda: "hook hangs is not called any more" in caplog.text)
        # Few hang; what they did not take waits, visibly, for a process where they do not.
        assert len(hung) < OPTIONS.hanging_max + OPTIONS.concurrency
        assert {each.hook for each in await tegu.list_deliveries(failed=False, limit=5)} == {"hangs"}
        held.set()
        await until(lambda: set(hung) == run_ids)
    threads = [thread for thread in threading.enumerate() if thread.name == "tegu-hook-hangs"]
    assert all(thread.daemon for thread in threads)


async def test_a_hook_with_much_that_is_slow_leaves_the_others_their_turn(
    tegu: Tegu, rows: Callable[..., Any]
) -> None:
    gate, slow, quick = asyncio.Event(), list[UUID](), list[UUID]()

    @tegu.on("run.completed", name="a slow one")
    async def _(ended: RunEnded) -> None:
        slow.append(ended.run_id)
        await gate.wait()

    @tegu.on("run.completed", name="quick")
    async def _(ended: RunEnded) -> None:
        quick.append(ended.run_id)

    async with tegu:
        run_ids = await end(tegu, 20)
        await until(lambda: set(quick) == run_ids)
        assert len(slow) <= OPTIONS.concurrency + 1
        gate.set()
        await until(lambda: set(slow) == run_ids)
        async with asyncio.timeout(30):
            while await rows("select 1 from tegu.hook_deliveries"):
                await asyncio.sleep(0.05)
    assert (len(slow), len(quick)) == (20, 20)


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


async def test_what_a_hook_raises_ends_nothing_but_its_own_call(tegu: Tegu) -> None:
    heard = list[UUID]()

    async def cancelled(_: RunEnded) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async def exits(_: RunEnded) -> None:
        sys.exit(3)

    def exits_in_thread(_: RunEnded) -> None:
        sys.exit("enough")

    def stops(_: RunEnded) -> None:
        raise StopIteration

    def unspeakable(_: RunEnded) -> None:
        raise UnspeakableError

    def unstorable(_: RunEnded) -> None:
        raise UsageError("half a \ud800 pair", hint="and a \x00")

    hostile = (cancelled, exits, exits_in_thread, stops, unspeakable, unstorable)
    for hook in hostile:
        tegu.on("run.completed", name=hook.__name__, attempts=2)(hook)

    def fine(ended: RunEnded) -> None:
        heard.append(ended.run_id)

    tegu.on("run.completed", name="fine")(fine)
    async with tegu:
        run_ids = await end(tegu)
        assert await failures(tegu, len(hostile)) == {
            "cancelled": "HookExitError: CancelledError: ",
            "exits": "HookExitError: SystemExit: 3",
            "exits_in_thread": "HookExitError: SystemExit: enough",
            "stops": "RuntimeError: StopIteration: ",
            "unspeakable": "UnspeakableError",
            "unstorable": "half a \ufffd pair",
        }
        assert set(heard) == run_ids


async def test_a_hook_that_refuses_to_be_cancelled_does_not_keep_it_open(tegu: Tegu) -> None:
    begun, released = asyncio.Event(), asyncio.Event()

    @tegu.on("run.completed", name="stubborn")
    async def _(_: RunEnded) -> None:
        begun.set()
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    async with tegu:
        await end(tegu)
        await asyncio.wait_for(begun.wait(), 10)
        begun_at = monotonic()
    assert monotonic() - begun_at < 60
    released.set()
    await asyncio.sleep(0.1)


async def test_thousands_of_due_deliveries_are_each_made_once(tegu: Tegu, rows: Callable[..., Any]) -> None:
    heard = list[str]()

    @tegu.on("run.completed", name="many")
    async def _(ended: RunEnded) -> None:
        heard.append(str(ended.metadata["n"]))

    # As after an outage of the process that has the hook: stored first, fetched later.
    async with tegu:
        (run_id,) = await tegu.start(NOTE, "A note.", options=StartOptions(metadata={"n": "first"}))
        await tegu.drive([run_id], timeout_s=60)
        await until(lambda: heard == ["first"])
        await rows(
            """with copies as (
                insert into tegu.runs select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),
                    'metadata', jsonb_build_object('n', n::text)))).*
                from tegu.runs r, generate_series(1, 3000) n where r.id = $1 returning organization_id, id)
            insert into tegu.hook_deliveries (organization_id, run_id, hook) select organization_id, id, 'many' from copies""",
            run_id,
        )
        await until(lambda: len(heard) >= 3001, timeout_s=120)
        async with asyncio.timeout(30):
            while await rows("select 1 from tegu.hook_deliveries"):
                await asyncio.sleep(0.05)
    assert len(heard) == len(set(heard)) == 3001


@pytest.mark.parametrize("name", ["", "nul\x00", "half \ud800", "x" * 201])
def test_a_hook_needs_a_name_that_can_be_stored(tegu: Tegu, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be known as"):
        tegu.on("run.completed", name=name)(partial(print, "ended"))
    with pytest.raises(UsageError, match="must be positive numbers"):
        tegu.on("run.completed", name="fine", timeout_s=float("nan"))

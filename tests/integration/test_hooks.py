"""Completion hooks: delivered at least once, whatever happens to the process that calls them."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.errors import StorageUnavailableError, UsageError
from tegu.domain.hook import RunEnded
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
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
OTHER: JsonObject = NOTE | {"name": "other"}
BROKEN: JsonObject = {
    **NOTE,
    "name": "broken",
    "stages": {"parse": {"uses": "parse", "with": {"pages": "9"}}},
}
FAST = DelivererOptions(
    poll_s=0.1, lease_s=1.0, drain_s=0.5, subscribe_s=0.1, retry=RetryPolicy(base_s=0.05, max_s=0.1)
)
Rows = Callable[[str], Any]


@pytest.fixture
def made(address: DatabaseAddress, tmp_path: Path) -> Callable[..., Tegu]:
    def make(options: DelivererOptions = FAST) -> Tegu:
        settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
        tegu = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
        tegu._runtime.deliverer_options = options
        return tegu

    return make


@pytest.fixture
async def rows(address: DatabaseAddress) -> AsyncGenerator[Rows]:
    connection = await asyncpg.connect(address.owner)
    yield connection.fetch
    await connection.close()


def ignored(_: RunEnded) -> None:
    pass


def into(heard: list[Any], name: str) -> Callable[[RunEnded], None]:
    def hook(ended: RunEnded) -> None:
        heard.append(getattr(ended, name))

    return hook


async def until(condition: Callable[[], bool], *, timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


async def nothing_waits(rows: Rows) -> None:
    async with asyncio.timeout(15):
        while await rows("select 1 from tegu.hook_deliveries where failed_at is null"):
            await asyncio.sleep(0.05)


async def test_each_hook_hears_once_of_the_endings_that_it_asked_for(
    made: Callable[..., Tegu], rows: Rows
) -> None:
    tegu, heard = made(), list[tuple[str, RunEnded]]()

    @tegu.on("run.completed", pipeline="note", name="one")
    async def one(ended: RunEnded) -> None:
        heard.append(("one", ended))

    @tegu.on("run.ended", name="all")
    def every(ended: RunEnded) -> None:
        heard.append(("all", ended))

    @tegu.on("run.failed", name="bad")
    async def bad(ended: RunEnded) -> None:
        heard.append(("bad", ended))

    async with tegu:
        acme = tegu.for_organization("acme")
        (done,) = await acme.start(NOTE, "A note.", options=StartOptions(metadata={"ticket": 7}))
        (other,) = await tegu.start(OTHER, "A note.")
        (failed,) = await tegu.start(BROKEN, "A note.")
        await acme.drive([done], timeout_s=60)
        await tegu.drive([other, failed], timeout_s=60)
        await until(lambda: len(heard) >= 5)
        await nothing_waits(rows)
    names = Counter((name, ended.run_id) for name, ended in heard)
    assert names == {
        ("one", done): 1,
        ("all", done): 1,
        ("all", other): 1,
        ("all", failed): 1,
        ("bad", failed): 1,
    }
    told = next(ended for name, ended in heard if name == "one")
    assert (told.organization, told.metadata, told.pipeline) == ("acme", {"ticket": 7}, "note")
    assert (told.status, told.attempt, told.delivery_id) == (RunStatus.COMPLETED, 1, f"{done}:one")
    said = next(ended for name, ended in heard if name == "bad")
    assert said.error is not None
    assert said.error.stage == "parse"


async def test_a_cancelled_run_is_delivered_too(made: Callable[..., Tegu]) -> None:
    tegu, heard = made(), list[UUID]()
    tegu.on("run.cancelled", name="gone")(into(heard, "run_id"))
    async with tegu:
        (run_id,) = await tegu.start(NOTE, "A note.")
        await tegu.cancel(run_id)
        assert await tegu.drive([run_id], timeout_s=30) == {run_id: RunStatus.CANCELLED}
        await until(lambda: bool(heard))
        assert heard == [run_id]


async def test_a_hook_that_raises_is_called_again_until_it_does_not(made: Callable[..., Tegu]) -> None:
    tegu, attempts = made(), list[int]()

    @tegu.on("run.completed", name="third_time_lucky")
    async def hook(ended: RunEnded) -> None:
        attempts.append(ended.attempt)
        if len(attempts) <= 3:
            raise ConnectionError("the host's own database is away")

    async with tegu:
        await tegu.run(NOTE, "A note.")
        await until(lambda: len(attempts) == 4)
        async with asyncio.timeout(5):
            while await tegu.list_deliveries():
                await asyncio.sleep(0.02)
    assert attempts == [1, 2, 3, 4]


async def test_a_hook_that_always_raises_is_given_up_visibly_and_holds_up_no_other(
    made: Callable[..., Tegu],
) -> None:
    tegu, fine = made(), list[UUID]()

    @tegu.on("run.ended", name="hopeless", attempts=2)
    async def hopeless(_: RunEnded) -> None:
        raise ValueError("no such ticket\x00")

    @tegu.on("run.ended", name="slow", attempts=1, timeout_s=0.1)
    async def slow(_: RunEnded) -> None:
        await asyncio.sleep(30)

    tegu.on("run.ended", name="fine")(into(fine, "run_id"))
    async with tegu:
        run = await tegu.run(NOTE, "A note.")
        async with asyncio.timeout(10):
            while len(await tegu.list_deliveries(failed=True)) < 2:
                await asyncio.sleep(0.02)
        found = {d.hook: d for d in await tegu.list_deliveries(failed=True)}
        assert await tegu.for_organization("other").list_deliveries() == []
    assert fine == [run.id]
    assert {name: d.attempt for name, d in found.items()} == {"hopeless": 2, "slow": 1}
    errors = {name: (d.error.code, d.error.message) for name, d in found.items() if d.error}
    assert errors["hopeless"] == ("exception", "ValueError: no such ticket\ufffd")
    assert errors["slow"] == ("timeout", "the hook took longer than 0.1 s")


async def test_two_processes_share_the_deliveries_and_none_is_done_twice(
    made: Callable[..., Tegu], rows: Rows
) -> None:
    heard = Counter[UUID]()

    async def count(ended: RunEnded) -> None:
        await asyncio.sleep(0.01)
        heard[ended.run_id] += 1

    async with AsyncExitStack() as stack:
        processes = [made(), made()]
        for tegu in processes:
            tegu.on("run.completed", name="count")(count)
            await stack.enter_async_context(tegu)
        run_ids = await processes[0].start(NOTE, *(f"Note {i}." for i in range(40)))
        await processes[0].drive(run_ids, timeout_s=60)
        await until(lambda: len(heard) == 40)
        await nothing_waits(rows)
    assert set(heard) == set(run_ids)
    assert set(heard.values()) == {1}


async def test_an_ending_waits_for_a_process_that_has_the_hook_and_is_handed_back_by_one_that_closes(
    made: Callable[..., Tegu],
) -> None:
    first, second, third = made(), made(), made()
    begun, heard = asyncio.Event(), list[int]()

    async def long(_: RunEnded) -> None:
        begun.set()
        await asyncio.sleep(60)

    first.on("run.completed", name="h")(long)
    third.on("run.completed", name="h")(into(heard, "attempt"))
    async with first:
        (run_id,) = await first.start(NOTE, "A note.")
        await first.drive([run_id], timeout_s=30)
        await asyncio.wait_for(begun.wait(), 10)
    async with second:  # has no such hook
        assert [d.hook for d in await second.list_deliveries(failed=False)] == ["h"]
    async with third:
        await until(lambda: heard == [1])


async def test_without_hooks_nothing_is_kept_and_what_nobody_fetches_is_dropped_for_its_age(
    made: Callable[..., Tegu], rows: Rows
) -> None:
    async with made() as tegu:
        await tegu.run(NOTE, "A note.")
    assert await rows("select 1 from tegu.hook_deliveries") == []
    gone = made()
    gone.on("run.completed", name="gone")(ignored)
    async with gone:
        pass
    async with made() as tegu:
        await tegu.run(NOTE, "Another note.")
    assert len(await rows("select 1 from tegu.hook_deliveries")) == 1
    await rows("update tegu.hook_deliveries set created_at = created_at - interval '8 days'")
    await rows("update tegu.hooks set seen_at = seen_at - interval '8 days'")
    other = made()
    other.on("run.completed", name="other")(ignored)
    async with other, asyncio.timeout(10):
        while await rows("select 1 from tegu.hook_deliveries"):
            await asyncio.sleep(0.05)
        while [row["name"] for row in await rows("select name from tegu.hooks")] != ["other"]:
            await asyncio.sleep(0.05)


async def test_a_hook_is_registered_once_by_a_known_event_before_opening(made: Callable[..., Tegu]) -> None:
    tegu = made()
    with pytest.raises(UsageError, match=r"no event 'run\.done'"):
        tegu.on("run.done")  # pyright: ignore[reportArgumentType] (the point)
    tegu.on("run.ended", name="x")(ignored)
    with pytest.raises(UsageError, match="a hook 'x' already"):
        tegu.on("run.failed", name="x")(ignored)
    async with tegu:
        with pytest.raises(UsageError, match="comes too late"):
            tegu.on("run.failed", name="y")(ignored)


async def test_hooks_on_a_database_before_their_migration_are_refused_in_a_sentence(
    made: Callable[..., Tegu], rows: Rows
) -> None:
    tegu = made()
    tegu.on("run.ended", name="x")(ignored)
    await rows("drop table tegu.hooks")
    with pytest.raises(StorageUnavailableError, match="run `tegu migrate`"):
        await tegu.open()


PROGRAM = """
import asyncio, sys
from pathlib import Path
from tegu import RunEnded, Tegu
from tegu.engine.deliver import DelivererOptions

tegu = Tegu(model="rules")
tegu._runtime.deliverer_options = DelivererOptions(poll_s=0.1, lease_s=1.0)

@tegu.on("run.completed", name="fatal")
async def fatal(ended: RunEnded) -> None:
    print(ended.run_id, ended.attempt, flush=True)
    await asyncio.sleep(float(sys.argv[1]))
    print("returned", flush=True)

async def main():
    async with tegu:
        if len(sys.argv) > 2:
            await tegu.run("document_extraction", Path(sys.argv[2]))
        await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def program(environment: dict[str, str], *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *arguments, env=environment, stdout=-1, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()


async def test_a_process_killed_within_the_hook_is_followed_by_another(
    tmp_path: Path, process_environment: dict[str, str], rows: Rows
) -> None:
    (tmp_path / "invoice.txt").write_text("INVOICE\nInvoice number: INV-77\nTotal: EUR 12.00\n")
    async with program(process_environment, "60", str(tmp_path / "invoice.txt")) as first:
        run_id, attempt = (await line_of(first)).split()
        assert attempt == "1"
        await asyncio.sleep(1.5)  # longer than the lease, which is renewed while the hook is called
        async with program(process_environment, "0") as second:
            await asyncio.sleep(1.5)
            os.killpg(first.pid, signal.SIGKILL)
            assert await line_of(second) == f"{run_id} 2"
            assert await line_of(second) == "returned"
            await nothing_waits(rows)

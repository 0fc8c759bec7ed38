"""Between a worker and its database: connections that are cut anywhere, or swallow what passes; backends that are ended;
a database that takes no writes, is full, or ends sessions that wait too long.

Whatever it is, nobody is told that something was stored which was not, who waits goes on waiting, and afterwards everything
works again by itself. A seed that fails is printed, and had again with TEGU_CHAOS_SEED.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic
from uuid import UUID, uuid4

import asyncpg
import pytest
from proxy import Proxy, Way
from sqlalchemy import text

from servers import administer
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.errors import StorageUnavailableError
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.engine.commit import LaneOptions
from tegu.engine.lease import LeaseOptions
from tegu.engine.retry import RetryPolicy
from tegu.engine.worker import Worker, WorkerOptions
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.storage.throwaway import database_url
from tegu.testing.scripted import ProviderRequest, Reply, ScriptedProvider, Text

pytestmark = pytest.mark.timeout(900)

SEED = int(os.environ.get("TEGU_CHAOS_SEED", "0")) or SystemRandom().randrange(1, 10**6)
IS_LARGE = os.environ.get("TEGU_CHAOS") == "large"
HOLE_S = 30.0 if IS_LARGE else 2.0
CUTTING_S = 30.0 if IS_LARGE else 1.0
ENDS_WITHIN_S = 240.0
HOLES = [(Way.TO_SERVER,), (Way.TO_CLIENT,), tuple(Way)] if IS_LARGE else [tuple(Way)]
SLOTS = 8
ANSWER_S = 1.5

STAGES = ("one", "two", "three")
DOCUMENT: JsonObject = {
    "tegu": 1,
    "name": "chain",
    "input": "content",
    "stages": {
        # A stage may fail as often as it likes: an outage must not count, so it gets no retry at all.
        name: {
            "uses": "prompt",
            "with": {"instructions": f"Stage {name}."},
            "inputs": ["source", *STAGES[:i][-1:]],
            "retries": 0,
        }
        for i, name in enumerate(STAGES)
    },
}
OPTIONS = WorkerOptions(
    concurrency=SLOTS,
    poll_s=0.2,
    watch_s=0.2,
    drain_s=1.0,
    lease=LeaseOptions(lease_s=15.0, beat_s=0.5),
    lane=LaneOptions(store_s=ANSWER_S, retry_s_max=0.3),
    retry=RetryPolicy(base_s=0.02, max_s=0.1),
)


class Model:
    """Answers, and counts who asked what; or holds all until it is let go."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.held: asyncio.Event | None = None
        self.waiting = 0

    async def __call__(self, request: ProviderRequest) -> Reply:
        if self.held is not None:
            self.waiting += 1
            await self.held.wait()
        self.asked[request.prompt] += 1
        return Reply(Text(f"answer {len(request.prompt)}"), delay_s=0.02)


@dataclass
class Place:
    """A database, reached by a worker through a proxy, and by the test without."""

    url: str
    proxy: Proxy
    model: Model
    worked: Tegu
    direct: Tegu
    worker: Worker
    started: list[UUID] = field(default_factory=list[UUID])

    async def start(self, tegu: Tegu, count: int) -> list[UUID]:
        """Runs of notes that are all different."""
        notes = [f"Note {uuid4()}." for _ in range(count)]
        found = await tegu.start(DOCUMENT, *notes, options=StartOptions(model="openai:gpt-5-mini"))
        self.started += found
        return list(found)

    async def try_to_start(self) -> bool:
        """Start one run over the broken way. False: it was refused, as it must be said; True: it is there."""
        try:
            run_ids = await self.start(self.worked, 1)
        except StorageUnavailableError:
            return False
        assert len(await self.rows("select 1 from tegu.runs where id = any($1)", run_ids)) == 1, "never there"
        return True

    async def until_it_starts(self, count: int) -> list[UUID]:
        """Over the way that was broken: connections may still be in the pool that were cut, or will be."""
        async with asyncio.timeout(ENDS_WITHIN_S):
            while True:
                with suppress(StorageUnavailableError):
                    return await self.start(self.worked, count)
                await asyncio.sleep(0.2)

    async def completed(self, run_ids: list[UUID]) -> None:
        statuses = await self.direct.wait(run_ids, timeout_s=ENDS_WITHIN_S)
        assert set(statuses.values()) == {RunStatus.COMPLETED}, await self.rows(
            "select error from tegu.runs where error is not null"
        )

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def recovers(self) -> None:
        """By itself: what was started ends, every slot works, every invariant holds, starting works over the same way."""
        await self.until_it_starts(1)
        await self.completed(self.started)
        self.model.held = asyncio.Event()
        run_ids = await self.until_it_starts(SLOTS)
        async with asyncio.timeout(ENDS_WITHIN_S):
            while self.model.waiting < SLOTS:
                await asyncio.sleep(0.05)
        self.model.held.set()
        self.model.held = None
        await self.completed(run_ids)
        results = await self.rows("select run_id, stage, count(*)::int as n from tegu.results group by 1, 2")
        assert {row["n"] for row in results} == {1}
        assert len(results) == len(STAGES) * len(await self.rows("select 1 from tegu.runs"))
        checks = await check_invariants(DatabaseAddress(self.url, is_embedded=True), rows_max=5)
        assert not [check for check in checks if check.broken]


def _tegu(folder: Path, url: str, credentials: EnvironmentCredentials) -> Tegu:
    return Tegu(
        settings=Settings(home=folder, database_url=url), organization="acme", credentials=credentials
    )


@asynccontextmanager
async def place(
    url: str, server_dsn: str, folder: Path, options: WorkerOptions = OPTIONS
) -> AsyncGenerator[Place]:
    model, name = Model(), url.split("?", 1)[0].rsplit("/", 1)[1]
    async with (
        ScriptedProvider(model, keeps_bodies=False) as provider,
        Proxy.open(server_dsn, Random(SEED)) as proxy,
    ):
        credentials = EnvironmentCredentials(
            {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": provider.base_url("openai")}
        )
        direct, worked = _tegu(folder, url, credentials), _tegu(folder, proxy.url(name), credentials)
        worked._runtime._address = DatabaseAddress(proxy.url(name), answer_s=ANSWER_S)
        async with direct, worked:
            worker = await worked.worker(options=options)
            working = asyncio.create_task(worker.run())
            try:
                yield Place(url, proxy, model, worked, direct, worker)
            except BaseException:
                print(f"\nhave it again: TEGU_CHAOS_SEED={SEED} pytest tests/chaos/test_connections.py")  # noqa: T201
                raise
            finally:
                worker.stop()
                await working


@pytest.fixture
async def there(address: DatabaseAddress, server_dsn: str, tmp_path: Path) -> AsyncGenerator[Place]:
    async with place(address.owner, server_dsn, tmp_path) as found:
        yield found


async def test_connections_cut_after_any_number_of_bytes_lose_nothing_and_repeat_nothing(
    there: Place,
) -> None:
    random = Random(SEED)
    there.proxy.cut_after = lambda: int(10 ** random.uniform(2.7, 4.6))
    end = monotonic() + CUTTING_S
    await there.start(there.direct, 20)
    while monotonic() < end or there.proxy.cuts < 20:
        await there.try_to_start()
        await there.start(there.direct, 1)
    there.proxy.cut_after = lambda: None
    await there.recovers()
    workers = await there.rows("select count(*)::int as n from tegu.workers")
    repeated = sum(count - 1 for count in there.model.asked.values())
    figures = {
        "cuts": there.proxy.cuts,
        "runs": len(there.started),
        "leases": workers[0]["n"],
        "repeated": repeated,
    }
    print(f"seed {SEED}: {figures}")  # noqa: T201
    # While the lease is held no reply that was paid for is lost; with each lease the calls under way are.
    assert repeated <= SLOTS * (workers[0]["n"] - 1), (
        f"{repeated} calls repeated under {workers[0]['n']} leases"
    )


@pytest.mark.parametrize("ways", HOLES, ids=lambda ways: " and ".join(way.value for way in ways))
async def test_a_black_hole_makes_who_waits_wait_and_nobody_believe_a_lie(
    there: Place, ways: tuple[Way, ...]
) -> None:
    await there.start(there.direct, 3 * SLOTS)
    there.proxy.swallow(*ways)
    end, told = monotonic() + HOLE_S, Counter[bool]()
    while monotonic() < end:
        told[await there.try_to_start()] += 1
    there.proxy.mend()
    await there.recovers()
    print(f"a hole of {HOLE_S:g} s: {told[False]} starts refused, {told[True]} believed")  # noqa: T201
    assert told[True] == 0, "a start was told to be stored through a hole"


@pytest.mark.parametrize("whom", ["listeners", "workers", "everybody"] if IS_LARGE else ["everybody"])
async def test_who_loses_its_backend_connects_anew(there: Place, whom: str) -> None:
    chosen = {
        "listeners": "query like 'LISTEN%'",
        "workers": "application_name = 'tegu engine'",
        "everybody": "application_name like 'tegu%'",
    }[whom]
    end = monotonic() + CUTTING_S
    ended = 0
    while monotonic() < end or ended < 10:
        await there.start(there.direct, 1)
        ended += len(
            await there.rows(
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and {chosen}"
            )
        )
        await asyncio.sleep(0.2)
    await there.recovers()
    listening = "select 1 from pg_stat_activity where datname = current_database() and query like 'LISTEN%'"
    async with asyncio.timeout(ENDS_WITHIN_S):
        while not (ears := await there.rows(listening)):
            await asyncio.sleep(0.1)
    assert ears, "nobody listens any more"
    assert await there.rows("select 1 from tegu.runs where status <> 'completed'") == []


async def test_while_the_database_takes_no_writes_starts_are_refused_and_runs_wait(there: Place) -> None:
    name = (await there.rows("select current_database() as name"))[0]["name"]
    reconnect = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'tegu%'"
    there.model.held = asyncio.Event()
    run_ids = await there.start(there.direct, SLOTS)
    async with asyncio.timeout(ENDS_WITHIN_S):
        while there.model.waiting < SLOTS:
            await asyncio.sleep(0.05)
    elsewhere = database_url(there.url, "postgres")
    await administer(elsewhere, f"alter database {name} set default_transaction_read_only = on")
    await there.rows(reconnect)
    there.model.held.set()
    there.model.held = None
    end = monotonic() + HOLE_S
    while monotonic() < end:
        with pytest.raises(StorageUnavailableError, match="read-only"):
            await there.start(there.worked, 1)
        await asyncio.sleep(0.1)
    await administer(elsewhere, f"alter database {name} reset default_transaction_read_only")
    await there.completed(run_ids)
    await there.recovers()
    assert set(there.model.asked.values()) == {1}, (
        "what was answered while nothing could be written was asked again"
    )


async def test_a_session_that_is_ended_in_a_transaction_costs_that_transaction_and_no_connection(
    there: Place,
) -> None:
    scope = await there.direct.scope()

    async def dawdle() -> None:
        async with there.direct.database.transaction(scope.organization_id) as connection:
            await connection.execute(text("set idle_in_transaction_session_timeout = 10"))
            for _ in range(100):  # until the server has noticed
                await asyncio.sleep(0.05)
                await connection.execute(text("select 1"))

    for _ in range(12):  # more often than there are connections
        with pytest.raises(StorageUnavailableError):
            await dawdle()
    await there.completed(await there.start(there.direct, 1))
    await there.recovers()


@contextmanager
def small_disk(size_bytes: int) -> Generator[Path]:
    """A file system of that size. Skips where none can be mounted."""
    with tempfile.TemporaryDirectory(prefix="tegu-disk-", ignore_cleanup_errors=True) as folder:
        mount = shutil.which("mount")
        if mount is None or os.geteuid() != 0:
            pytest.skip("only root can mount a small file system to fill")
        made = subprocess.run(
            [mount, "-t", "tmpfs", "-o", f"size={size_bytes},mode=0777", "tegu", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            pytest.skip(f"no small file system can be mounted here: {made.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False)


async def test_while_the_disk_is_full_starts_are_refused_and_runs_wait(
    server_dsn: str, tegu_template: str, tmp_path: Path
) -> None:
    """The database is on a small file system, which is filled up, and gets room again."""
    name = f"full_{uuid4().hex[:12]}"
    with small_disk(64 * 2**20) as disk:
        (disk / "space").mkdir()
        if os.geteuid() == 0:  # the server is another user
            shutil.chown(disk / "space", _owner_of(server_dsn))
        await administer(server_dsn, f"create tablespace {name} location '{disk / 'space'}'")
        await administer(server_dsn, f"create database {name} template {tegu_template} tablespace {name}")
        try:
            async with place(database_url(server_dsn, name), server_dsn, tmp_path) as there:
                there.model.held = asyncio.Event()
                run_ids = await there.start(there.direct, SLOTS)
                async with asyncio.timeout(ENDS_WITHIN_S):
                    while there.model.waiting < SLOTS:
                        await asyncio.sleep(0.05)
                _fill(disk / "filler")
                refused = 0
                async with asyncio.timeout(ENDS_WITHIN_S):
                    while refused < 5:  # there is room in pages that are there already
                        refused += not await there.try_to_start()
                there.model.held.set()
                there.model.held = None
                await asyncio.sleep(HOLE_S)
                while_full = await there.rows(
                    "select id from tegu.runs where status = 'failed' or (status = 'completed' and id <> all($1))",
                    run_ids,
                )
                assert while_full == [], "a run ended that could not be stored"
                (disk / "filler").unlink()
                await there.completed(run_ids)
                await there.recovers()
        finally:
            await administer(server_dsn, f"drop database if exists {name} with (force)")
            await administer(server_dsn, f"drop tablespace if exists {name}")


def _owner_of(server_dsn: str) -> str:
    return Path(server_dsn.rpartition("host=")[2]).owner()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (2**20, 2**12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue

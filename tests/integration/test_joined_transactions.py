"""What is started in a caller's transaction exists if, and only if, the caller commits: with every driver."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import asyncpg
import psycopg
import pytest
from host_transactions import (
    DRIVERS,
    KEYED,
    MAIL,
    NOTE,
    Rollback,
    counts,
    every_driver,
    with_asyncpg,
    with_psycopg,
)
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from servers import administer, dsn_of
from tegu.app import Tegu
from tegu.domain.errors import ConfigurationError, ConflictError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.migrate import migrate


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


@every_driver
async def test_a_commit_makes_run_and_ticket_and_leaves_the_host_as_it_was(
    tegu: Tegu, address: DatabaseAddress, host_dsn: str, driver: str
) -> None:
    async with DRIVERS[driver](host_dsn) as host:
        login = await host.execute("select current_user")
        (run_id,) = await tegu.start("email_analysis", MAIL, options=KEYED, connection=host.connection)
        await host.execute("insert into host.tickets values (1, current_user)")
        assert await host.execute("select current_user") == login != "tegu_app"
        assert not await host.execute("select current_setting('tegu.organization_id', true)")
        assert await host.execute("select login from host.tickets") == login
        assert (await counts(address))["runs"] == 0  # nobody sees it before the commit
    assert set((await counts(address)).values()) == {1}
    run = await tegu.get_run(run_id)
    assert (run.status, run.metadata, run.input_name) == (RunStatus.PENDING, {"ticket": 1}, "Charged twice")
    assert await tegu.drive([run_id], timeout_s=60) == {run_id: RunStatus.COMPLETED}


@every_driver
async def test_a_rollback_leaves_nothing(
    tegu: Tegu, address: DatabaseAddress, host_dsn: str, driver: str
) -> None:
    with suppress(Rollback):
        async with DRIVERS[driver](host_dsn) as host:
            ingested = await tegu.ingest("A note.", external_id="n1", connection=host.connection)
            await tegu.start(NOTE, ingested, MAIL, connection=host.connection)
            await tegu.start(NOTE, b"Another note.", options=KEYED, connection=host.connection)
            raise Rollback
    assert set((await counts(address)).values()) == {0}


@every_driver
async def test_an_error_of_ours_leaves_the_transaction_usable_and_its_role_restored(
    tegu: Tegu, host_dsn: str, driver: str
) -> None:
    await tegu.start(NOTE, "One note.", options=KEYED)
    async with DRIVERS[driver](host_dsn) as host:
        login = await host.execute("select current_user")
        with pytest.raises(ConflictError):
            await tegu.start(NOTE, "Another note.", options=KEYED, connection=host.connection)
        assert await host.execute("select current_user") == login
        await host.execute("insert into host.tickets values (2, current_user)")


async def test_the_same_key_in_two_open_transactions_gives_one_run(tegu: Tegu, host_dsn: str) -> None:
    ingested = await tegu.ingest("A note.")

    async def start() -> UUID:
        async with with_asyncpg(host_dsn) as host:
            (run_id,) = await tegu.start(NOTE, ingested, options=KEYED, connection=host.connection)
            await asyncio.sleep(0.05)
            return run_id

    assert len(set(await asyncio.gather(*(start() for _ in range(4))))) == 1
    assert len(await tegu.list_runs()) == 1


async def test_a_rolled_back_key_is_free_again(tegu: Tegu, host_dsn: str) -> None:
    ingested, begun = await tegu.ingest("A note."), asyncio.Event()

    async def give_up() -> None:
        with suppress(Rollback):
            async with with_psycopg(host_dsn) as host:
                await tegu.start(NOTE, ingested, options=KEYED, connection=host.connection)
                begun.set()
                await asyncio.sleep(0.2)
                raise Rollback

    async def start() -> UUID:
        await begun.wait()
        async with with_asyncpg(host_dsn) as host:
            return (await tegu.start(NOTE, ingested, options=KEYED, connection=host.connection))[0]

    _, run_id = await asyncio.gather(give_up(), start())
    assert [run.id for run in await tegu.list_runs()] == [run_id]


async def test_the_commit_itself_wakes_a_worker(tegu: Tegu, host_dsn: str) -> None:
    from tegu.engine.worker import WorkerOptions

    worker = await tegu.worker(options=WorkerOptions(poll_s=60.0))
    working = asyncio.create_task(worker.run())
    try:
        await asyncio.sleep(1.0)  # it has looked once and sleeps for a minute now
        async with with_psycopg(host_dsn) as host:
            run_ids = await tegu.start(NOTE, "A note.", connection=host.connection)
            await asyncio.sleep(0.3)
            assert worker.owned == 0
        statuses = await tegu.wait(run_ids, timeout_s=10)
        assert set(statuses.values()) == {RunStatus.COMPLETED}
    finally:
        worker.stop()
        await working


async def test_a_savepoint_rolled_back_takes_the_run_with_it(
    tegu: Tegu, address: DatabaseAddress, host_dsn: str
) -> None:
    async with with_asyncpg(host_dsn) as host:
        with suppress(Rollback):
            async with host.connection.transaction():
                await tegu.start(NOTE, "A note.", connection=host.connection)
                raise Rollback
        await host.execute("insert into host.tickets values (3, current_user)")
    assert set((await counts(address)).values()) == {0}


async def test_a_connection_without_a_transaction_is_refused(
    tegu: Tegu, address: DatabaseAddress, host_dsn: str
) -> None:
    bare = await asyncpg.connect(host_dsn)
    automatic = await psycopg.AsyncConnection.connect(host_dsn, autocommit=True)
    engine = create_async_engine(
        host_dsn.replace("postgresql://", "postgresql+asyncpg://"), isolation_level="AUTOCOMMIT"
    )
    try:
        async with engine.connect() as third:
            for connection in (bare, automatic, third):
                with pytest.raises(UsageError, match="in no transaction"):
                    await tegu.start(NOTE, "A note.", connection=connection)
    finally:
        await bare.close()
        await automatic.close()
        await engine.dispose()
    assert set((await counts(address)).values()) == {0}


async def test_another_database_and_another_thing_are_refused(
    tegu: Tegu, address: DatabaseAddress, server_dsn: str, tmp_path: Path
) -> None:
    empty, foreign = f"empty_{new_id().hex}", f"foreign_{new_id().hex}"
    for name in (empty, foreign):
        await administer(server_dsn, f"create database {name}")
    try:
        await migrate(DatabaseAddress(dsn_of(server_dsn, foreign), is_embedded=True))
        for name, words in ((empty, "no schema of Tegu"), (foreign, "does not hold this Tegu's")):
            async with with_asyncpg(dsn_of(server_dsn, name)) as host:
                with pytest.raises(UsageError, match=words):
                    await tegu.start(NOTE, "A note.", connection=host.connection)
    finally:
        for name in (empty, foreign):
            await administer(server_dsn, f"drop database {name}")
    with pytest.raises(UsageError, match=r"builtins\.int is no connection"):
        await tegu.start(NOTE, "A note.", connection=7)
    engine = create_engine("sqlite://")
    with engine.begin() as sqlite, pytest.raises(UsageError, match="to sqlite"):
        await tegu.start(NOTE, "A note.", connection=sqlite)
    engine.dispose()


async def test_a_login_that_may_not_act_is_told_the_grant(tegu: Tegu, address: DatabaseAddress) -> None:
    login = f"stranger_{new_id().hex}"
    await administer(address.owner, f"create role {login} login")
    try:
        async with with_asyncpg(address.owner.replace("//postgres:@", f"//{login}:@", 1)) as host:
            with pytest.raises(ConfigurationError, match=f"grant tegu_app to {login}"):
                await tegu.start(NOTE, "A note.", connection=host.connection)
            assert await host.execute("select 1") == 1  # nothing was tried, so nothing is aborted
    finally:
        await administer(address.owner, f"drop role {login}")

"""A caller's transaction that is used by several at once, or that is not what we would have made it."""

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from host_transactions import (
    DRIVERS,
    KEYED,
    NOTE,
    Host,
    counts,
    every_driver,
)

from tegu.app import Tegu
from tegu.domain.errors import UsageError
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.turns import turn


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def who(host: Host) -> tuple[Any, Any]:
    setting = await host.execute("select current_setting('tegu.organization_id', true)")
    return await host.execute("select current_user"), setting or ""


@pytest.mark.parametrize("driver", [name for name in DRIVERS if "sync" not in name.split()])
async def test_starts_that_come_at_once_in_one_transaction_take_turns(
    tegu: Tegu, host_dsn: str, driver: str
) -> None:
    handles = [tegu.for_organization(name) for name in ("a", "b", "c")]
    async with DRIVERS[driver](host_dsn) as host:
        before = await who(host)
        found = await asyncio.gather(
            *(handle.start(NOTE, "A note.", connection=host.connection) for handle in handles)
        )
        assert await who(host) == before
    for handle, (run_id,) in zip(handles, found, strict=True):
        assert [run.id for run in await handle.list_runs()] == [run_id]


async def test_a_start_waits_for_its_turn_only_so_long() -> None:
    connection = object()
    for is_synchronous in (True, False):
        async with turn(connection, is_synchronous=is_synchronous):
            with pytest.raises(UsageError, match=r"another start has held this connection for 0\.05 s"):
                async with turn(connection, is_synchronous=is_synchronous, wait_s=0.05):
                    pass
        async with turn(connection, is_synchronous=is_synchronous, wait_s=0.05):
            pass


@pytest.mark.parametrize("driver", ["asyncpg", "asyncpg pool", "sqlalchemy asyncpg", "sqlalchemy session"])
async def test_a_connection_of_another_event_loop_is_refused_and_not_spoiled(
    tegu: Tegu, host_dsn: str, driver: str
) -> None:
    lent: concurrent.futures.Future[Any] = concurrent.futures.Future()
    returned = threading.Event()

    async def lend() -> Any:
        async with DRIVERS[driver](host_dsn) as host:
            await host.execute("select 1")  # a session has a connection from then on
            lent.set_result(host.connection)
            await asyncio.to_thread(returned.wait, 60)
            return await host.execute("select 7")

    lender = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(lend())))
    with pytest.raises(UsageError, match="belongs to another event loop"):
        await tegu.start(NOTE, "A note.", connection=await asyncio.wrap_future(lent))
    returned.set()
    assert await lender == 7


@every_driver
async def test_a_transaction_that_cannot_see_a_new_organization_is_told_so(
    tegu: Tegu, host_dsn: str, driver: str
) -> None:
    async with DRIVERS[driver](host_dsn) as host:
        await host.execute("set transaction isolation level repeatable read")
        before = await who(host)
        with pytest.raises(UsageError, match="repeatable read transaction does not see the organization"):
            await tegu.for_organization("new").start(NOTE, "A note.", connection=host.connection)
        await tegu.start(NOTE, "A note.", connection=host.connection)  # known before it began
        assert await who(host) == before


@pytest.mark.parametrize("driver", ["psycopg", "psycopg sync", "sqlalchemy psycopg", "sqlalchemy sync"])
@pytest.mark.parametrize(
    ("setting", "message"),
    [("datestyle = 'german'", "DateStyle 'German"), ("client_encoding = 'SQL_ASCII'", "client_encoding is SQL_ASCII")],
)  # fmt: skip
async def test_what_a_driver_cannot_read_is_said_before_anything_is_stored(
    tegu: Tegu, address: DatabaseAddress, host_dsn: str, driver: str, setting: str, message: str
) -> None:
    async with DRIVERS[driver](host_dsn) as host:
        await host.execute(f"set local {setting}")
        with pytest.raises(UsageError, match=message):
            await tegu.start(NOTE, "A note.", connection=host.connection)
    assert set((await counts(address)).values()) == {0}


@every_driver
@pytest.mark.parametrize("setting", ["datestyle = 'sql'", "search_path = ''", "bytea_output = 'escape'"])
async def test_a_hosts_own_settings_change_nothing(
    tegu: Tegu, host_dsn: str, driver: str, setting: str
) -> None:
    if setting.startswith("datestyle") and ("psycopg" in driver or driver == "sqlalchemy sync"):
        pytest.skip("psycopg reads no other style: the test above")
    async with DRIVERS[driver](host_dsn) as host:
        await host.execute(f"set local {setting}")
        before = await who(host)
        found = [
            await tegu.start(NOTE, "Ein Hüne \u2603.", options=KEYED, connection=host.connection)
            for _ in "12"
        ]
        assert found[0] == found[1]
        assert await who(host) == before

"""The server and the databases that tests live on."""

import tempfile
from pathlib import Path

import asyncpg
import pytest

from tegu.storage.embedded import private_server
from tegu.storage.throwaway import create_database, database_url, drop_database


async def _asked(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_the_server_of_tests_waits_for_no_disk_and_still_keeps_what_is_committed(
    server_dsn: str,
) -> None:
    assert await _asked(server_dsn, "show fsync") == "off"
    assert await _asked(server_dsn, "show full_page_writes") == "off"
    assert await _asked(server_dsn, "show synchronous_commit") == "on"


async def test_a_server_that_a_test_may_kill_is_as_safe_as_any() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="tegu-safe-", ignore_cleanup_errors=True) as folder,
        private_server(Path(folder) / "pg") as url,
    ):
        assert await _asked(url, "show fsync") == "on"
        assert await _asked(url, "show full_page_writes") == "on"
        await create_database(url, "pattern")
        await _asked(database_url(url, "pattern"), "create table kept as select 7 as n")
        await create_database(url, "copied", template="pattern")
        assert await _asked(database_url(url, "copied"), "select n from kept") == 7


async def test_a_copy_has_what_the_template_had_and_is_gone_when_dropped(
    server_dsn: str, tegu_template: str
) -> None:
    await create_database(server_dsn, "a_copy", template=tegu_template)
    assert await _asked(database_url(server_dsn, "a_copy"), "select count(*) from tegu.runs") == 0
    await drop_database(server_dsn, "a_copy")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(database_url(server_dsn, "a_copy"))

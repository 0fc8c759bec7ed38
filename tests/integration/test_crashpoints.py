"""Crash points: made from the named statements, nothing in the way when off, and deadly when reached."""

import asyncio
import json
import signal
import sys

import asyncpg
import pytest
from pydantic import JsonValue

from tegu.crashpoints import TRANSACTION, crash_points, fuse_of
from tegu.domain.errors import ConfigurationError
from tegu.settings import Settings
from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.statements import statement, statement_names


def _writes(plan: JsonValue) -> bool:
    match plan:
        case dict():
            return plan.get("Node Type") == "ModifyTable" or any(map(_writes, plan.values()))
        case list():
            return any(map(_writes, plan))
        case _:
            return False


async def test_the_statements_with_crash_points_are_those_that_the_planner_says_write(
    address: DatabaseAddress,
) -> None:
    connection = await asyncpg.connect(address.owner)
    writing: set[str] = set()
    try:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        for name in statement_names():
            nulls = ", ".join("null" for _ in (await connection.prepare(statement(name))).get_parameters())
            await connection.execute(f"prepare {name} as {statement(name)}")
            call = f"{name}({nulls})" if nulls else name
            if _writes(json.loads(await connection.fetchval(f"explain (format json) execute {call}"))):
                writing.add(name)
    finally:
        await connection.close()
    assert {point.statement for point in crash_points()} == writing | {TRANSACTION}
    assert len(crash_points()) == 2 * len(writing | {TRANSACTION})


async def test_without_a_crash_point_connections_are_the_drivers_own(database: Database) -> None:
    assert Settings.from_environment({}).crashpoint is None
    async with (await database.engine()).acquire() as connection:
        assert type(connection._con) is asyncpg.Connection  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


@pytest.mark.parametrize(
    "spec", ["", "checkpoint", "checkpoint.during", "checkpont.before", "claim.after:0", "find_call.after"]
)
def test_what_is_no_crash_point_is_refused_with_its_name(spec: str) -> None:
    with pytest.raises(ConfigurationError, match="which is no crash point") as caught:
        fuse_of(spec)
    assert repr(spec) in caught.value.message


def test_a_point_may_be_passed_until_its_time_comes() -> None:
    fuse = fuse_of("claim.after:3")
    for _ in range(2):
        fuse.reach("claim", "before")
        fuse.reach("claim", "after")
        fuse.reach("checkpoint", "after")
    assert fuse.left == 1


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_start_dies_at_its_commit_and_is_there_only_if_it_died_after_it(
    address: DatabaseAddress, process_environment: dict[str, str], side: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tegu", "ingest", __file__, "--json",
        env=process_environment | {"TEGU_CRASHPOINT": f"transaction.{side}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await process.communicate()
    assert process.returncode == -signal.SIGKILL, complained
    assert f"crash point transaction.{side}" in complained.decode()
    assert not said
    connection = await asyncpg.connect(address.owner)
    try:
        assert await connection.fetchval("select count(*) from tegu.contents") == (side == "after")
    finally:
        await connection.close()

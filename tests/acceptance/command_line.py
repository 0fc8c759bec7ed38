"""`tegu` as a real process, and what it left behind."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which must be one JSON document."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The sentence on stderr; there must be exactly one."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("error: ")]
        return line.removeprefix("error: ")

    @property
    def hint(self) -> str:
        """The hint on stderr; there must be exactly one."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("hint: ")]
        return line.removeprefix("hint: ")


async def begin(
    environment: Mapping[str, str], *arguments: str | Path, cwd: Path | None = None
) -> asyncio.subprocess.Process:
    """Start `tegu`; the caller ends it."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tegu",
        *map(str, arguments),
        env=dict(environment),
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def end(process: asyncio.subprocess.Process, given: bytes = b"") -> Ended:
    """Wait for its end, and no longer than TIMEOUT_S."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, err = await process.communicate(given)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def tegu(
    environment: Mapping[str, str], *arguments: str | Path, given: bytes = b"", cwd: Path | None = None
) -> Ended:
    """Run `tegu` to its end."""
    ended = await end(await begin(environment, *arguments, cwd=cwd), given)
    assert "Traceback" not in ended.err, ended.err
    return ended


async def rows(dsn: str) -> dict[str, int]:
    """How many rows there are of what inputs and runs leave."""
    tables = ("contents", "blobs", "mail_threads", "runs", "llm_calls")
    connection = await asyncpg.connect(dsn)
    try:
        return {table: await connection.fetchval(f"select count(*) from tegu.{table}") for table in tables}
    finally:
        await connection.close()


NOTHING = {"contents": 0, "blobs": 0, "mail_threads": 0, "runs": 0, "llm_calls": 0}

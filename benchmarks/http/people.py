"""Organizations with a key each, and the server that they ask: a process of its own, on the benchmark's database."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx

from benchmarks.bench_database import STAGES, Bench
from tegu.actions.tokens import hash_of, new_key
from tegu.domain.content import InputKind
from tegu.domain.ids import new_id
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.storage import publishing
from tegu.storage.organizations import ensure_organization
from tegu.storage.pipelines import PipelineVersion


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization, a key of it, and a pipeline of stages that do nothing."""

    organization: UUID
    key: str
    version: PipelineVersion

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}


async def tenants(bench: Bench, count: int) -> list[Tenant]:
    """So many of them."""
    return [await _tenant(bench, number) for number in range(count)]


async def _tenant(bench: Bench, number: int) -> Tenant:
    organization = await ensure_organization(bench.database.address, f"tenant-{number}")
    user, (prefix, key) = new_id(), new_key()
    await bench.execute(
        "insert into tegu.users (organization_id, id, email, role) values ($1, $2, $3, 'owner')",
        organization, user, f"owner{number}@example.com",
    )  # fmt: skip
    await bench.execute(
        """insert into tegu.api_keys (organization_id, id, user_id, name, prefix, key_hash, role)
        values ($1, $2, $3, 'bench', $4, $5, 'owner')""",
        organization, new_id(), user, prefix, hash_of(key),
    )  # fmt: skip
    before = ("source", *STAGES)
    stages = tuple(StageDefinition(name, "test", inputs=(before[i],)) for i, name in enumerate(STAGES))
    definition = PipelineDefinition("bench", InputKind.CONTENT, stages)
    async with bench.database.transaction(organization) as connection:
        return Tenant(organization, key, await publishing.publish(connection, organization, definition))


@asynccontextmanager
async def server(bench: Bench, folder: Path) -> AsyncGenerator[str]:
    """`tegu serve --no-worker` with its limits as they are by default, at the URL that it gives."""
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    environment |= {"DATABASE_URL": bench.dsn, "HOME": str(folder), "TEGU_HOME": str(folder / "tegu")}
    command = (sys.executable, "-m", "tegu", "serve", "--no-worker", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=STDOUT)
    assert process.stdout is not None
    try:
        said = ""
        async with asyncio.timeout(60):
            while (found := re.search(r"Tegu at (http://\S+?)[.,]?\s", said)) is None:
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        reading = asyncio.create_task(_drain(process.stdout))
        yield found[1]
        process.terminate()
        async with asyncio.timeout(60):
            await process.wait()
        await reading
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


async def stored_content(http: httpx.AsyncClient, tenant: Tenant) -> str:
    """The id of a content of the tenant."""
    text = {"text": "Invoice number: INV-7. Total: EUR 12.00."}
    answer = await http.post("/api/contents", json=text, headers=tenant.headers)
    answer.raise_for_status()
    return str(answer.json()["content"]["id"])

"""In an ASGI application: lifespan, mount, health, and a server that is told to stop."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from tegu.app import Tegu
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress


@pytest.fixture
def tegu(address: DatabaseAddress, tmp_path: Path) -> Tegu:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    return Tegu(settings=settings, credentials=EnvironmentCredentials({}))


def client(app: FastAPI | Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host")


async def test_the_mounted_app_answers_for_health_and_nothing_else(tegu: Tegu) -> None:
    app = FastAPI(lifespan=partial(tegu.lifespan, worker=True))
    app.mount("/tegu", tegu.asgi())
    async with client(app) as http:
        closed = await http.get("/tegu/health")
        assert closed.status_code == 503  # the lifespan of a mounted app is not run: the host's opens Tegu
        assert "lifespan=tegu.lifespan" in closed.json()["problem"]
        async with app.router.lifespan_context(app):
            health = await http.get("/tegu/health")
            assert (health.status_code, health.json()["status"]) == (200, "ok")
            assert health.json()["worker"] == {"runs": 0, "slots": 200}
            (run_id,) = await tegu.start("document_extraction", "Invoice number: INV-7. Total: EUR 12.00.")
            await tegu.wait([run_id], timeout_s=30)  # driven by the worker of this process
            missing = await http.get("/tegu/nothing")
            assert missing.headers["content-type"] == "application/problem+json"
            assert (missing.status_code, missing.json()["status"]) == (404, 404)
            assert (await http.post("/tegu/health")).status_code == 405
        assert (await http.get("/tegu/health")).status_code == 503


async def test_a_lifespan_of_the_hosts_own_and_starlette_work_too(tegu: Tegu) -> None:
    order: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        async with tegu.lifespan(app):
            order.append("opened")
            yield
            await tegu.list_runs()
            order.append("closing")

    app = Starlette(routes=[Mount("/tegu", app=tegu.asgi())], lifespan=lifespan)
    async with client(app) as http, app.router.lifespan_context(app):
        health = (await http.get("/tegu/health")).json()
        assert (health["open"], health["worker"]) == (True, None)
    assert order == ["opened", "closing"]


APP = """
import asyncio
from functools import partial
from fastapi import FastAPI
from tegu import Document, Pipeline, StageContext, Tegu, stage
from pydantic import BaseModel

class Out(BaseModel):
    text: str

@stage(version=1)
async def slow(document: Document, ctx: StageContext) -> Out:
    await asyncio.sleep(60)
    return Out(text="never")

pipeline = Pipeline("slow", input=Document)
pipeline.stage("slow", slow, pipeline.source)
tegu = Tegu(stages=[slow])
app = FastAPI(lifespan=partial(tegu.lifespan, worker=True))
app.mount("/tegu", tegu.asgi())

@app.post("/start")
async def start():
    return [str(i) for i in await tegu.start(pipeline, "A note.")]
"""


async def test_uvicorn_told_to_stop_hands_the_run_back_at_once(
    tmp_path: Path, process_environment: dict[str, str], address: DatabaseAddress
) -> None:
    (tmp_path / "host_app.py").write_text(APP)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ("-m", "uvicorn", "host_app:app", "--port", str(port), "--log-level", "warning")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=tmp_path, env=process_environment, start_new_session=True
    )
    connection = await asyncpg.connect(address.owner)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            async with asyncio.timeout(60):
                while not await is_healthy(http):
                    await asyncio.sleep(0.1)
            (run_id,) = (await http.post("/start")).json()
        async with asyncio.timeout(10):
            while not await connection.fetchval(
                "select 1 from tegu.stage_runs where status = 'running' and run_id = $1", run_id
            ):
                await asyncio.sleep(0.05)
        begun = monotonic()
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 20)
        assert monotonic() - begun < 10
        row = await connection.fetchrow("select status, owner from tegu.runs where id = $1", run_id)
        assert row is not None
        assert (row["status"], row["owner"]) == (
            "pending",
            None,
        )  # another may go on, and no crash is counted
        outcomes = await connection.fetch("select outcome from tegu.stage_attempts where run_id = $1", run_id)
        assert [outcome["outcome"] for outcome in outcomes] == ["handed_back"]
    finally:
        await connection.close()
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def is_healthy(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/tegu/health")).status_code == 200
    except httpx.TransportError:
        return False

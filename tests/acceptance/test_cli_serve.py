"""`tegu serve` as a user starts it, and as a service manager stops it; and a host's server that is told to stop."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tegu.interfaces.web.pages import is_built

HOST = """
from functools import partial
from fastapi import FastAPI
from tegu import HostUser, Tegu

async def resolve_user(request):
    return HostUser("acme", "anna", "editor")

tegu = Tegu()
app = FastAPI(lifespan=tegu.lifespan)
app.mount("/tegu", tegu.asgi(resolve_user=resolve_user))

if __name__ == "__main__":
    import socket, uvicorn
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"Tegu at http://127.0.0.1:{listener.getsockname()[1]}.", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])
"""


@asynccontextmanager
async def running(
    *command: str, environment: dict[str, str], folder: Path
) -> AsyncGenerator[tuple[Process, str]]:
    """A process that says where it is, and that address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, cwd=folder, stdout=PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            said = ""
            while (found := re.search(r"Tegu at (http://\S+?)[.,]?\s", said)) is None:
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        yield process, found[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("worker", ["--worker", "--no-worker"])
async def test_serve_answers_and_ends_at_once_when_it_is_told_to(
    worker: str, tmp_path: Path, process_environment: dict[str, str]
) -> None:
    command = ("-m", "tegu", "serve", "--port", "0", worker)
    async with running(*command, environment=process_environment, folder=tmp_path) as (process, url):
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            health = (await http.get("/health")).json()
            assert health["status"] == "ok"
            assert (health["worker"] is not None) == (worker == "--worker")
            assert (await http.get("/api/runs")).status_code == 401
            assert (await http.get("/auth/sign-in")).status_code == 200
            assert (await http.get("/metrics")).status_code == 404
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0


@pytest.mark.skipif(is_built(), reason="the web application is built")
async def test_where_the_web_application_is_not_built_the_start_and_the_page_say_how_it_is(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    command = ("-m", "tegu", "serve", "--port", "0", "--no-worker")
    async with running(*command, environment=process_environment, folder=tmp_path) as (process, url):
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert b"The web application is not built: `make ui` in" in await process.stdout.readline()
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            assert "The web application is not built: `make ui` in" in (await http.get("/")).text


async def test_a_hosts_server_told_to_stop_ends_open_streams_and_exits(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "host_app.py").write_text(HOST)
    async with (
        running("host_app.py", environment=process_environment, folder=tmp_path) as (process, url),
        AsyncExitStack() as stack,
        httpx.AsyncClient(base_url=url, timeout=20) as http,
    ):
        async with asyncio.timeout(60):
            while not await _is_healthy(http):
                await asyncio.sleep(0.1)
        lines: list[AsyncIterator[str]] = []
        for _ in range(5):
            stream = await stack.enter_async_context(http.stream("GET", "/tegu/api/events"))
            lines.append(stream.aiter_lines())
        for each in lines:
            while await anext(each) != "event: ready":
                pass
        began = monotonic()
        process.send_signal(signal.SIGTERM)
        for each in lines:
            assert "event: end" in [line async for line in each]
        async with asyncio.timeout(20):
            await process.wait()
        assert monotonic() - began < 10


async def _is_healthy(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/tegu/health")).status_code == 200
    except httpx.TransportError:
        return False

"""The service on a port, and keys to it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.interfaces.cli.local_service import LocalService
from tegu.interfaces.http.service import service


@asynccontextmanager
async def served_api(tegu: Tegu) -> AsyncGenerator[str]:
    """Serve the open Tegu, and give the address."""
    async with served(service(tegu)) as url:
        yield url


async def key_to(tegu: Tegu, role: Role = Role.OWNER) -> str:
    """A key of a service account with this role."""
    local = LocalService(tegu)
    account = await local.service_accounts.create(name=f"{role.value} of a test", role=role)
    made = await local.keys.create(name="of a test", service_account_id=account.id)
    return made.secret


@asynccontextmanager
async def served(app: Any) -> AsyncGenerator[str]:
    """Serve an ASGI application while this lasts."""
    config = uvicorn.Config(
        app, port=0, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        assert not task.done()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task

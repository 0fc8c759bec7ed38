"""The REST interface on a port, for clients that take it for the service."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from tegu.actions.scope import Scope
from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.domain.errors import UnauthenticatedError
from tegu.interfaces.http.api import api

KEYS = {"tegu_owner": Role.OWNER, "tegu_viewer": Role.VIEWER}


@asynccontextmanager
async def served_api(tegu: Tegu) -> AsyncGenerator[str]:
    """Serve the open Tegu's own organization to the holders of KEYS, and give the address."""

    async def scope_of(request: Request) -> Scope:
        role = KEYS.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if role is None:
            raise UnauthenticatedError("no key that is known")
        own = await tegu.scope()
        actor = Actor(own.organization_id, ActorKind.KEY, role, label="a test")
        return tegu._runtime.scope_of(own.organization_id, actor)

    async with served(Starlette(routes=[Mount("/api", api(scope_of))])) as url:
        yield url


@asynccontextmanager
async def served(app: Starlette) -> AsyncGenerator[str]:
    """Serve an application while this lasts."""
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

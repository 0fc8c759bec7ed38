"""The REST interface over a real socket, asked by whatever actor a test says."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import uvicorn
from fastapi import Request
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from tegu.actions.scope import Scope
from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.domain.errors import UnauthenticatedError
from tegu.domain.ids import new_id
from tegu.interfaces.http.api import api


@dataclass
class Served:
    """A Tegu that is served. Requests are those of `actor`, or of somebody of `organization` in this role; of nobody without one."""

    tegu: Tegu
    role: Role | None = Role.OWNER
    organization: str | None = None
    url: str = ""
    actor: Actor | None = None

    async def scope_of(self, request: Request) -> Scope:
        del request
        if self.role is None:
            raise UnauthenticatedError("nobody knows who asks")
        handle = self.tegu if self.organization is None else self.tegu.for_organization(self.organization)
        scope = await handle.scope()
        somebody = Actor(scope.organization_id, ActorKind.KEY, self.role, new_id(), "a key")
        return replace(scope, actor=self.actor or somebody)


SECRET_KEYS = "k1:" + "A" * 43 + "="
Lab = tuple[Served, httpx.AsyncClient]


@asynccontextmanager
async def serving(tegu: Tegu) -> AsyncGenerator[Lab]:
    """Serve it below /api while this lasts; the client's addresses are relative to that."""
    served = Served(tegu)
    rest = api(served.scope_of)

    async def app(scope: AsgiScope, receive: Receive, send: Send) -> None:
        await rest(dict(scope) | {"root_path": "/api"}, receive, send)

    listening = socket.create_server(("127.0.0.1", 0))
    served.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve([listening]))
    try:
        async with httpx.AsyncClient(base_url=f"{served.url}/api", timeout=30) as client:
            yield served, client
    finally:
        server.should_exit = True
        await task

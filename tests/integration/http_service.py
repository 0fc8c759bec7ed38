"""Sign-in and REST over real HTTP, in this process: what tests of who may come in ask."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from tegu.actions.machinery import Machinery
from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.interfaces.http.api import api
from tegu.interfaces.http.authentication import Authentication, ResolveUser
from tegu.storage import members

OURS = {"sec-fetch-site": "same-origin"}
"""What a browser says of a page of ours."""


@dataclass
class Service:
    """A service, and what people do with it."""

    tegu: Tegu
    url: str

    @property
    def machinery(self) -> Machinery:
        return self.tegu.runtime

    @asynccontextmanager
    async def browser(self, **headers: str) -> AsyncGenerator[httpx.AsyncClient]:
        """Somebody's browser: it keeps cookies, and says where its requests come from."""
        async with httpx.AsyncClient(base_url=self.url, headers=OURS | headers, timeout=30) as client:
            yield client

    def key(self, secret: str) -> httpx.AsyncClient:
        """A program with a key."""
        return httpx.AsyncClient(base_url=self.url, headers={"authorization": f"Bearer {secret}"}, timeout=30)

    async def member(self, email: str, role: Role = Role.OWNER, *, organization: str = "acme") -> Any:
        """Make somebody a member, as the operator may."""
        handle = self.tegu.for_organization(organization)
        scope = await handle.scope()
        async with scope.transaction() as connection:
            return await members.add_member(connection, scope.organization_id, email, role)

    def mails(self) -> list[str]:
        """What was mailed, the newest first."""
        return [mail.text for mail in self.machinery.outbox.kept or ()]

    def last_token(self) -> str:
        found = re.search(r"token=([\w-]+)", self.mails()[0])
        assert found is not None
        return found[1]

    def last_code(self) -> str:
        found = re.search(r"^    (\d{3} \d{3})$", self.mails()[0], re.MULTILINE)
        assert found is not None
        return found[1]

    async def sign_in(self, browser: httpx.AsyncClient, email: str) -> None:
        """By the link that is mailed."""
        asked = await browser.post("/auth/sign-in", json={"email": email})
        assert asked.status_code == 200, asked.text
        entered = await browser.post("/auth/link", json={"token": self.last_token()})
        assert entered.status_code == 200, entered.text


@asynccontextmanager
async def serving(tegu: Tegu, *, resolve_user: ResolveUser | None = None) -> AsyncGenerator[Service]:
    """Serve an open Tegu, whose base URL becomes the one where it is served."""
    app = FastAPI()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    runtime = tegu.runtime
    runtime.settings = replace(runtime.settings, sign_in=replace(runtime.settings.sign_in, base_url=url))
    authentication = Authentication(runtime, resolve_user=resolve_user)
    app.include_router(authentication.router())
    app.mount("/api", api(authentication.scope_of))
    try:
        yield Service(tegu, url)
    finally:
        server.should_exit = True
        await task

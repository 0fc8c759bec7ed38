"""Fixtures of the engine's tests."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from engine_lab import Lab
from http_lab import SECRET_KEYS, serving
from http_lab import Lab as RestLab
from one_question import MODEL

from servers import administer
from tegu.app import Tegu
from tegu.domain.ids import new_id
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import Database, DatabaseAddress
from tegu.testing.scripted import ScriptedProvider


@pytest.fixture
def lab(database: Database, organization: UUID) -> Lab:
    return Lab(database, organization)


@pytest.fixture
async def host_dsn(address: DatabaseAddress) -> AsyncGenerator[str]:
    """The login of a host application: no superuser, with a table of its own, allowed to act as tegu_app."""
    login = f"host_{new_id().hex}"
    await administer(address.owner, f"create role {login} login")
    await administer(address.owner, f"grant tegu_app to {login}")
    await administer(address.owner, f"create schema host authorization {login}")
    await administer(address.owner, f"set role {login}; create table host.tickets (id int, login text)")
    yield address.owner.replace("//postgres:@", f"//{login}:@", 1)
    await administer(address.owner, f"drop owned by {login}; drop role {login}")


@pytest.fixture
def opened(address: DatabaseAddress, tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Tegu]]:
    """Open a Tegu, as another process would, whose models all are this server; with more settings, if given."""

    @asynccontextmanager
    async def opened(server: ScriptedProvider, **more: Any) -> AsyncGenerator[Tegu]:
        keys = {"OPENAI_API_KEY": "sk-of-a-test", "OPENAI_BASE_URL": server.base_url("openai")}
        settings = replace(Settings(home=tmp_path, database_url=address.owner, model=MODEL), **more)
        async with Tegu(settings=settings, credentials=EnvironmentCredentials(keys)) as tegu:
            yield tegu

    return opened


@pytest.fixture
async def rest(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[RestLab]:
    """A Tegu whose models are the rules, served over HTTP to an owner, and a client of it."""
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules", secret_keys=SECRET_KEYS)
    async with (
        Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu,
        serving(tegu) as served,
    ):
        yield served

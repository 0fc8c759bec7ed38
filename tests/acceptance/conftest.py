"""A Tegu on the fresh database of a test, with keys that only a scripted provider takes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from opened import OpenTegu, provider_environment

from tegu.app import Tegu
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.testing.scripted import ScriptedProvider


@pytest.fixture
def open_tegu(address: DatabaseAddress, tmp_path: Path) -> OpenTegu:
    """Open a Tegu whose providers are this scripted one."""

    @asynccontextmanager
    async def opened(server: ScriptedProvider | None) -> AsyncGenerator[Tegu]:
        settings = Settings(
            home=tmp_path,
            database_url=address.owner,
            app_database_url=address.app,
            engine_database_url=address.engine,
        )
        credentials = EnvironmentCredentials(provider_environment(server) if server else {})
        async with Tegu(settings=settings, credentials=credentials) as tegu:
            yield tegu

    return opened

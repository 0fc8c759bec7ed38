"""What every test may use: the plugin that users get too, and short names for its databases."""

import gc
import os
from collections.abc import AsyncGenerator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import settings

from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.organizations import ensure_organization

# Whether an example is quick enough is the machine's affair, which others use as well.
settings.register_profile("tegu", deadline=None)
settings.load_profile("tegu")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# Installed, pytest has loaded it already; a checkout that was installed before the entry point was there has not.
_INSTALLED = any(point.value == "tegu.testing.plugin" for point in entry_points(group="pytest11"))
pytest_plugins = () if _INSTALLED else ("tegu.testing.plugin",)


_SHORT = {"architecture", "unit"}


@pytest.hookimpl(trylast=True)  # after they were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Short ones last, so that at the end no process waits for the minute that another's test takes."""
    items.sort(key=lambda item: not _SHORT.isdisjoint(item.path.parts))


def pytest_collection_finish() -> None:
    """What importing and collecting made stays until the end: to look through it for garbage again and again is dear."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server_dsn(tegu_server: str) -> str:
    """The owner's DSN of a server that lives as long as this test process."""
    return tegu_server


@pytest.fixture
def address(tegu_address: DatabaseAddress) -> DatabaseAddress:
    """A fresh, migrated database."""
    return tegu_address


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
    names = (
        "PATH",
        "PYTHONPATH",
        "LANG",
        "LC_ALL",
        "SYSTEMROOT",
    )  # the child runs the code that is under test
    kept = {name: os.environ[name] for name in names if name in os.environ}
    roles = {"TEGU_APP_DATABASE_URL": address.app or "", "TEGU_ENGINE_DATABASE_URL": address.engine or ""}
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return kept | roles | {"DATABASE_URL": address.owner, "HOME": str(home), "TEGU_HOME": str(home / "tegu")}

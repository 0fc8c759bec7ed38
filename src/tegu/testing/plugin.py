"""The pytest plugin: a Tegu with the real engine, on a database of the test's own.

Loaded by pytest in every session of an environment that has Tegu (entry point `pytest11`). Invariant: importing it
imports nothing else of Tegu, and nothing is started before a test asks for it.

    tegu            an open Tegu: real engine, real PostgreSQL, models answered by `tegu_models`
    tegu_factory    makes more of them, not open yet: `async with tegu_factory(organization="acme") as other:`
    tegu_models     the scripted provider, a server on localhost that they all ask
    tegu_recorded   replies of a real provider, recorded once and replayed; a test that asks for it asks no other models

    tegu_stages, tegu_model, tegu_credentials, tegu_server    override these to say what it is made of
"""

import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from tegu.app import Tegu
    from tegu.llm.protocol import CredentialSource
    from tegu.settings import Settings
    from tegu.storage.database import DatabaseAddress
    from tegu.testing.model_server import ModelServer
    from tegu.testing.recorded import Recorded

    TeguFactory = Callable[..., Tegu]

T = TypeVar("T")

_TEMPLATE = "tegu_template"
_NOT_IN_FILES = re.compile(r"[^\w.-]+")
_SCOPES = ("function", "class", "module", "package", "session")


def pytest_configure(config: pytest.Config) -> None:
    """Add the fixtures that open a Tegu in the loop of pytest-asyncio, where that is there."""
    if config.pluginmanager.hasplugin("asyncio"):
        config.pluginmanager.register(_asyncio_fixtures(), "tegu-asyncio")


# What it runs on.


@pytest.fixture(scope="session")
def tegu_server() -> Generator[str]:
    """The URL of a PostgreSQL server whose login may make databases; by default one that lives as long as this session.

    Override it to test on a server of your own.
    """
    import tempfile

    from tegu.storage.embedded import private_server
    from tegu.storage.throwaway import keep_nothing_safe

    # Not under pytest's folder: the path of a socket must be short.
    with (
        tempfile.TemporaryDirectory(prefix="tegu-test-", ignore_cleanup_errors=True) as folder,
        private_server(Path(folder) / "postgres") as url,
    ):
        _run(lambda: keep_nothing_safe(url))
        yield url


@pytest.fixture(scope="session")
def tegu_template(tegu_server: str) -> Generator[str]:
    """The name of a migrated database that those of the tests are copies of."""
    from uuid import uuid4

    from tegu.storage.database import DatabaseAddress
    from tegu.storage.migrate import migrate
    from tegu.storage.throwaway import create_database, database_url, drop_database

    name = f"{_TEMPLATE}_{uuid4().hex[:12]}"

    async def make() -> None:
        await create_database(tegu_server, name)
        await migrate(DatabaseAddress(database_url(tegu_server, name)))

    _run(make)
    yield name
    _run(lambda: drop_database(tegu_server, name))


@pytest.fixture
def tegu_address(tegu_server: str, tegu_template: str) -> Generator["DatabaseAddress"]:
    """A fresh, migrated database for one test."""
    from uuid import uuid4

    from tegu.storage.throwaway import create_database, database_url, drop_database

    name = f"test_{uuid4().hex}"
    _run(lambda: create_database(tegu_server, name, template=tegu_template))
    yield _address(database_url(tegu_server, name))
    _run(lambda: drop_database(tegu_server, name))


# What it is made of: override these.


@pytest.fixture
def tegu_stages() -> tuple[Callable[..., Any], ...]:
    """The Python stages that it has; none unless overridden."""
    return ()


@pytest.fixture
def tegu_model() -> str | None:
    """The model of stages that name none."""
    return "openai:gpt-5-mini"


@pytest.fixture
def tegu_models() -> Generator["ModelServer"]:
    """A scripted provider on localhost, which answers in place of every provider."""
    from tegu.testing.model_server import ModelServer

    with ModelServer() as server:
        yield server


@pytest.fixture
def tegu_credentials(request: pytest.FixtureRequest) -> "CredentialSource":
    """Where models are, and the keys to them: `tegu_recorded` where the test asks for it, else `tegu_models`."""
    from tegu.llm.credentials import EnvironmentCredentials

    if "tegu_recorded" in request.fixturenames:
        return request.getfixturevalue("tegu_recorded").credentials
    return EnvironmentCredentials(request.getfixturevalue("tegu_models").environment())


@pytest.fixture
def tegu_settings(tegu_address: "DatabaseAddress", tegu_model: str | None, tmp_path: Path) -> "Settings":
    """The settings: the database of the test, and nothing of this machine's environment."""
    from tegu.settings import Settings

    return Settings(
        home=tmp_path / "tegu",
        database_url=tegu_address.owner,
        app_database_url=tegu_address.app,
        engine_database_url=tegu_address.engine,
        model=tegu_model,
    )


# What tests ask for.


@pytest.fixture
def tegu_factory(
    tegu_settings: "Settings",
    tegu_credentials: "CredentialSource",
    tegu_stages: tuple[Callable[..., Any], ...],
) -> "TeguFactory":
    """Make a Tegu on the database of the test, not open yet; arguments as for `Tegu`, in place of the fixtures'."""
    from tegu.app import Tegu

    def make(**arguments: Any) -> Tegu:
        defaults: dict[str, Any] = {
            "settings": tegu_settings,
            "credentials": tegu_credentials,
            "stages": tegu_stages,
        }
        return Tegu(**(defaults | arguments))

    return make


@pytest.fixture
def tegu(request: pytest.FixtureRequest) -> "Tegu":
    """An open Tegu with the real engine, in the event loop of the test."""
    return request.getfixturevalue(_opener(request))


@pytest.fixture
async def _tegu_anyio(tegu_factory: "TeguFactory") -> AsyncGenerator["Tegu"]:
    async with tegu_factory() as opened:
        yield opened


@pytest.fixture
def tegu_recorded(request: pytest.FixtureRequest) -> Generator["Recorded"]:
    """Replies of a real provider, from a file beside the test: `recordings/NAME OF THE TEST.yaml`.

    A `tegu` of the same test asks it. With TEGU_RECORD=1 the provider is asked, and what it says is recorded.
    """
    from tegu.testing.recorded import recorded_models

    folder = request.path.parent / "recordings"
    with recorded_models(folder / f"{_NOT_IN_FILES.sub('_', request.node.name)}.yaml") as models:
        yield models


def _asyncio_fixtures() -> ModuleType:
    """One fixture for each scope of a loop: a Tegu must be opened in the loop that its test runs in."""
    from pytest_asyncio import fixture

    found = ModuleType("tegu-asyncio")
    for scope in _SCOPES:

        async def opened(tegu_factory: "TeguFactory") -> AsyncGenerator["Tegu"]:
            async with tegu_factory() as made:
                yield made

        name = f"_tegu_in_{scope}_loop"
        setattr(found, name, fixture(opened, loop_scope=scope, name=name))
    return found


def _opener(request: pytest.FixtureRequest) -> str:
    """The fixture that opens it in the loop of this test."""
    plugins = request.config.pluginmanager
    if "anyio_backend" in request.fixturenames and request.node.get_closest_marker("anyio") is not None:
        return "_tegu_anyio"
    if plugins.hasplugin("tegu-asyncio"):
        marker = request.node.get_closest_marker("asyncio")
        scope = marker.kwargs.get("loop_scope") if marker is not None else None
        return f"_tegu_in_{scope or request.config.getini('asyncio_default_test_loop_scope')}_loop"
    raise pytest.UsageError(
        "the fixture `tegu` needs an event loop: install pytest-asyncio, or mark the test with @pytest.mark.anyio; "
        "without either use `async with tegu_factory() as tegu:` in a coroutine that you run"
    )


def _address(url: str) -> "DatabaseAddress":
    """The embedded server is reached as each role itself, another one by its login with the role set."""
    from urllib.parse import urlsplit, urlunsplit

    from tegu.storage.database import APP_ROLE, ENGINE_ROLE, DatabaseAddress

    parts = urlsplit(url)
    if parts.netloc != "postgres:@":
        return DatabaseAddress(url)

    def as_role(role: str) -> str:
        return urlunsplit(parts._replace(netloc=f"{role}:@"))

    return DatabaseAddress(url, is_embedded=True, app=as_role(APP_ROLE), engine=as_role(ENGINE_ROLE))


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in a thread: a loop may be running here, or belong to another plugin."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()

"""A user's project, as docs/testing.md writes it, tested by a real pytest with every plugin that runs coroutines."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text

# Each starts a database, imports an SDK and may share its processors with other tests.
pytestmark = pytest.mark.timeout(300)

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "testing.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", DOCS, flags=re.DOTALL | re.MULTILINE)
INSTALLED = any(point.value == "tegu.testing.plugin" for point in entry_points(group="pytest11"))
WITHOUT_ASYNCIO = ("-p", "no:asyncio", "test_engine.py")
LOADED = () if INSTALLED else ("-p", "tegu.testing.plugin")
INI = "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"
ANYIO = "import pytest\n\npytestmark = pytest.mark.anyio\n\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n\n\n"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    return kept | {"HOME": str(tmp_path)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name, code in BLOCKS:
        (folder / name).write_text(code, "utf-8")
    (folder / "pytest.ini").write_text(INI, "utf-8")
    return folder


async def run_pytest(project: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """Run it with every warning an error; what it wrote, which must say that all passed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LOADED, *arguments),
        cwd=project,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out = (await asyncio.wait_for(process.communicate(), 280))[0].decode()
    assert process.returncode == 0, out
    return out


def test_every_code_block_of_the_page_is_a_file_of_the_project() -> None:
    assert [name for name, _ in BLOCKS] == [
        "refunds.py",
        "test_stage.py",
        "test_pipeline.py",
        "test_engine.py",
    ]
    assert DOCS.count("```python") == len(BLOCKS)


async def test_the_project_of_the_page_passes_with_pytest_asyncio_and_xdist(
    project: Path, environment: dict[str, str]
) -> None:
    assert "9 passed" in await run_pytest(project, environment, "-o", "asyncio_mode=auto", "-n", "2")


async def test_the_fixture_is_in_the_loop_of_its_test_also_in_strict_mode(
    project: Path, environment: dict[str, str]
) -> None:
    for name in ("test_stage.py", "test_pipeline.py", "test_engine.py"):
        (project / name).unlink()
    (project / "test_loops.py").write_text(
        "import asyncio, pytest\n"
        "from refunds import email\n"
        "MAIL = b'From: a@b.example\\nSubject: x\\n\\nhello\\n'\n"
        "@pytest.fixture\n"
        "def tegu_model(): return 'rules'\n"
        "@pytest.fixture\n"
        "def tegu_stages(): return list(email.functions.values())\n"
        "@pytest.mark.asyncio\n"
        "async def test_own(tegu): assert (await tegu.ingest('a text')).is_new\n"
        "@pytest.mark.asyncio(loop_scope='module')\n"
        "async def test_shared(tegu): assert (await tegu.run('email_analysis', MAIL)).error is None\n"
        "def test_without_a_plugin(tegu_factory):\n"
        "    async def work():\n"
        "        async with tegu_factory() as tegu:\n"
        "            return await tegu.list_runs()\n"
        "    assert asyncio.run(work()) == []\n",
        "utf-8",
    )
    assert "3 passed" in await run_pytest(project, environment)


async def test_replies_are_recorded_once_and_replayed_with_the_provider_gone(
    project: Path, environment: dict[str, str]
) -> None:
    for name in ("test_stage.py", "test_pipeline.py", "test_engine.py"):
        (project / name).unlink()
    (project / "test_recorded.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('text', ['What do 40 seats cost?'])\n"
        "async def test_what_it_says(text, tegu, tegu_recorded):\n"
        "    answer = await tegu.llm.ask('Sum this up.', [text])\n"
        "    assert answer.text == 'A question of price.'\n",
        "utf-8",
    )
    asyncio_auto = ("-o", "asyncio_mode=auto")
    async with ScriptedProvider([Rule(Reply(Text("A question of price.")))]) as server:
        keys = {"OPENAI_API_KEY": "sk-not-to-be-recorded", "OPENAI_BASE_URL": server.base_url("openai")}
        recording = environment | keys | {"TEGU_RECORD": "1"}
        assert "1 passed" in await run_pytest(project, recording, *asyncio_auto)
        assert len(server.ledger) == 1
    (recorded,) = (project / "recordings").iterdir()
    assert "sk-not-to-be-recorded" not in recorded.read_text("utf-8")
    assert "1 passed" in await run_pytest(project, environment, *asyncio_auto)


async def test_the_fixture_works_with_anyio_alone(project: Path, environment: dict[str, str]) -> None:
    engine = (project / "test_engine.py").read_text("utf-8")
    (project / "test_engine.py").write_text(ANYIO + engine, "utf-8")
    (project / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
    assert "2 passed" in await run_pytest(project, environment, *WITHOUT_ASYNCIO)


async def test_a_session_that_uses_nothing_of_it_imports_nothing_of_it(
    project: Path, environment: dict[str, str]
) -> None:
    for name in ("test_stage.py", "test_pipeline.py", "test_engine.py"):
        (project / name).unlink()
    (project / "test_nothing.py").write_text(
        "import sys\n\n"
        "def test_what_is_loaded():\n"
        "    loaded = sorted(name for name in sys.modules if name.partition('.')[0] in {'tegu', 'asyncpg', 'pydantic'})\n"
        "    assert loaded == ['tegu', 'tegu.testing', 'tegu.testing.plugin'], loaded\n",
        "utf-8",
    )
    assert "1 passed" in await run_pytest(project, environment)

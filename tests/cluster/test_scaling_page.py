"""What docs/scaling.md shows runs as it stands there: `drive` itself, in a Celery task, in a Temporal activity."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text, Tokens

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scaling.md").read_text("utf-8")
DRIVE, CELERY, TEMPORAL = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
MODEL = "openai:gpt-5-mini"
TWO: JsonObject = {
    "tegu": 1,
    "name": "two",
    "input": "content",
    "stages": {
        "say": {"uses": "prompt", "with": {"instructions": "Say it."}},
        "again": {"uses": "prompt", "inputs": ["say"], "with": {"instructions": "Say it again."}},
    },
}
# A broker without a server: files of messages. It reads what the page's own module has made.
BROKER = """
import os
from tasks import app, drive
folder = os.getcwd() + "/mq"
app.conf.broker_transport_options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}
app.conf.broker_connection_retry_on_startup = True
"""


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [module for module in modules if find_spec(module) is None]
    reason = f"{' and '.join(missing)} not installed: `make test-engines` runs this"
    return pytest.mark.skipif(bool(missing), reason=reason)


@asynccontextmanager
async def celery_worker(folder: Path, environment: dict[str, str]) -> AsyncGenerator[Process]:
    command = ("celery", "-A", "broker", "worker", "-P", "prefork", "-c", "2", "-l", "WARNING")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    with (folder / "celery.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, *quiet, cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            await process.wait()


async def send(folder: Path, environment: dict[str, str], run_id: str) -> None:
    code = f"from broker import drive; drive.delay('default', {run_id!r})"
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=folder, env=environment, stderr=PIPE
    )
    _, err = await asyncio.wait_for(sender.communicate(), 60)
    assert sender.returncode == 0, err.decode()


async def test_the_page_drives_a_run_as_often_as_it_is_asked(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "main.py").write_text(DRIVE, "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "main.py",
        cwd=tmp_path,
        env=process_environment | {"TEGU_MODEL": "rules"},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert (process.returncode, err) == (0, b""), err.decode()
    assert out.decode().split() == ["completed"] * 3


@needs("celery")
@pytest.mark.timeout(240)
async def test_a_killed_celery_task_is_delivered_again_and_goes_on(
    tmp_path: Path, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    (tmp_path / "mq").mkdir()
    (tmp_path / "tasks.py").write_text(CELERY, "utf-8")
    (tmp_path / "broker.py").write_text(BROKER, "utf-8")
    settings = Settings(home=tmp_path, database_url=address.owner, model=MODEL)
    async with ScriptedProvider([Rule(Reply(Text("said"), delay_s=1.0, tokens=Tokens(100, 10)))]) as server:
        keys = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.base_url("openai")}
        more = {"CELERY_BROKER_URL": "filesystem://", "TEGU_MODEL": MODEL, "TEGU_ORGANIZATION": "default"}
        environment = process_environment | keys | more
        async with (
            Tegu(settings=settings, credentials=EnvironmentCredentials(keys)) as tegu,
            celery_worker(tmp_path, environment),
        ):
            (run_id,) = await tegu.start(TWO, "Once.")
            await send(tmp_path, environment, str(run_id))
            async with asyncio.timeout(90):
                while len(server.ledger) < 2:  # the first stage is stored
                    await asyncio.sleep(0.02)
            os.kill(await owner_of(address, run_id), signal.SIGKILL)
            statuses = await tegu.wait([run_id], timeout_s=90)
        assert len(server.ledger) == 3, "asked again only for what was under way"
    assert set(statuses.values()) == {RunStatus.COMPLETED}, (tmp_path / "celery.log").read_text("utf-8")


async def owner_of(address: DatabaseAddress, run_id: object) -> int:
    connection = await asyncpg.connect(address.owner)
    try:
        query = "select w.pid from tegu.runs r join tegu.workers w on w.id = r.owner where r.id = $1"
        return await connection.fetchval(query, run_id)
    finally:
        await connection.close()


@needs("temporalio")
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("default")
async def test_temporals_activity_drives_a_run_and_leaves_it_when_cancelled(
    tmp_path: Path, address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporal_runs.py").write_text(TEMPORAL, "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    module: Any = import_module("temporal_runs")
    environment: Any = import_module("temporalio.testing").ActivityEnvironment
    workflow: Any = import_module("temporalio.workflow")
    assert workflow._Definition.must_from_class(module.DriveRun).name == "DriveRun"
    settings = Settings(home=tmp_path, database_url=address.owner, model=MODEL)
    async with ScriptedProvider([Rule(Reply(Text("said"), delay_s=0.5, tokens=Tokens(100, 10)))]) as server:
        keys = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.base_url("openai")}
        async with Tegu(settings=settings, credentials=EnvironmentCredentials(keys)) as tegu:
            (run_id,) = await tegu.start(TWO, "Once.")
            there, beats = environment(), list[object]()

            def beat(*details: object) -> None:
                beats.append(details)

            there.on_heartbeat = beat
            drive = module.Runs(tegu).drive
            run = module.RunRef("default", str(run_id))
            first = asyncio.create_task(there.run(drive, run))
            while not server.ledger:
                await asyncio.sleep(0.02)
            there.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert await environment().run(drive, run) == "completed"
            assert beats
        assert len(server.ledger) == 2


@needs("temporalio")
@pytest.mark.timeout(180)
async def test_a_type_checker_accepts_what_is_shown_of_temporal(tmp_path: Path) -> None:
    path = tmp_path / "temporal_runs.py"
    path.write_text(TEMPORAL, "utf-8")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', "utf-8")
    command = ("pyright", "--project", str(tmp_path), "--pythonpath", sys.executable)
    checker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=tmp_path, stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(checker.communicate(), 150)
    assert checker.returncode == 0, (out + err).decode()

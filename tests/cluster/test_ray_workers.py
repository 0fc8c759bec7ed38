"""Workers on a real Ray cluster of several nodes, one of which is killed in the middle of its runs."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text, Tokens

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: `make test-ray` runs this"),
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("default"),  # Ray's own are not ours to mend
]

MODEL = "openai:gpt-5-mini"
RUNS = 80
NAPPING: JsonObject = {
    "tegu": 1,
    "name": "napping",
    "input": "content",
    "stages": {
        "say": {"uses": "prompt", "with": {"instructions": "Say it."}},
        "nap": {"uses": "python", "needs": ["say"], "with": {"function": "nap@1"}},
    },
}
# Installed on every node: what `--import` names.
STAGES = """
import asyncio
from tegu import Document, StageContext, stage

@stage(version=1)
async def nap(document: Document, ctx: StageContext) -> int:
    await asyncio.sleep(0.5)
    return len(document.text)
"""
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""What keeps a cluster of one machine off its network; read when Ray is imported."""
_STORE_BYTES = 80 * 2**20


@pytest.fixture
def cluster(
    process_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Any]:
    """A head without room for workers, and two nodes with room for two each."""
    (tmp_path / "nap_stages.py").write_text(STAGES, "utf-8")
    process_environment["PYTHONPATH"] = f"{tmp_path}:{process_environment.get('PYTHONPATH', '')}"
    for name, value in process_environment.items():
        if name != "DATABASE_URL":  # workers get it from the command
            monkeypatch.setenv(name, value)
    for name, value in LOOPBACK.items():
        monkeypatch.setenv(name, value)
    made = import_module("ray.cluster_utils").Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 0,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
        },
    )
    made.workers = [made.add_node(num_cpus=2, object_store_memory=_STORE_BYTES) for _ in range(2)]
    try:
        yield made
    finally:
        made.shutdown()


@asynccontextmanager
async def fleet(environment: dict[str, str], *options: str) -> AsyncGenerator[tuple[Process, list[str]]]:
    """`tegu worker --ray`, and what it said so far."""
    command = (sys.executable, "-m", "tegu", "worker", *options)
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=PIPE)
    said: list[str] = []

    async def listen() -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            said.append(line.decode().rstrip())  # noqa: PERF401 (each line is seen when it comes)

    listening = asyncio.create_task(listen())
    try:
        yield process, said
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening


async def rows(address: DatabaseAddress, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def workers_are(tegu: Tegu, said: list[str], low: int, high: int) -> None:
    try:
        async with asyncio.timeout(90):
            while not low <= len(await tegu.list_workers()) <= high:
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not {low} to {high} workers; the fleet said: {said}") from None


async def test_a_killed_nodes_runs_are_finished_once_by_the_others_and_the_fleet_follows_the_load(
    cluster: Any,
    address: DatabaseAddress,
    process_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(home=tmp_path, database_url=address.owner, model=MODEL)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    nap = import_module("nap_stages").nap
    answers = [Rule(Reply(Text("said"), delay_s=0.5, tokens=Tokens(100, 10)))]
    async with ScriptedProvider(answers) as server:
        keys = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.base_url("openai")}
        async with Tegu(settings=settings, credentials=EnvironmentCredentials(keys), stages=[nap]) as tegu:
            run_ids: list[UUID] = [
                run_id for n in range(RUNS) for run_id in await tegu.start(NAPPING, f"Note {n}.")
            ]
            options = (
                "--ray",
                cluster.address,
                "--min",
                "1",
                "--max",
                "3",
                "--idle",
                "3",
                "--import",
                "nap_stages",
            )
            environment = process_environment | keys | LOOPBACK | {"TEGU_MODEL": MODEL}
            async with fleet(environment, *options, "--concurrency", "5") as (process, said):
                await workers_are(tegu, said, 3, 3)
                async with asyncio.timeout(90):
                    while len(server.ledger) < RUNS // 3:
                        await asyncio.sleep(0.05)
                before = len(server.ledger)
                await asyncio.to_thread(cluster.remove_node, cluster.workers[0], False)
                statuses = await tegu.wait(run_ids, timeout_s=120)
                await workers_are(tegu, said, 1, 1)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 60) == 0, said
            assert await tegu.list_workers() == (), said
        requests = len(server.ledger)

    assert before < RUNS, "everything was done before the node died: nothing was tested"
    assert set(statuses.values()) == {RunStatus.COMPLETED}
    results = await rows(address, "select run_id, stage, count(*) as n from tegu.results group by 1, 2")
    assert Counter(row["n"] for row in results) == {1: 2 * RUNS}
    ended = await rows(address, "select outcome, count(*) as n from tegu.stage_attempts group by 1")
    outcomes = {row["outcome"]: row["n"] for row in ended}
    assert outcomes["completed"] == 2 * RUNS
    assert outcomes.get("crashed", 0) > 0, said
    assert set(outcomes) <= {"completed", "crashed", "handed_back"}, outcomes
    assert requests <= RUNS + outcomes["crashed"], "asked again only for what was under way on the node"
    assert [check for check in await check_invariants(address, rows_max=5) if check.broken] == []
    assert any("its runs go on with the others" in line for line in said), said

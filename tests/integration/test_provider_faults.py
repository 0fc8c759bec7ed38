"""A worker process whose provider misbehaves in every way at once: each run ends as it should, each call has its row, the
worker lives on in bounded memory, and does the next run.
"""

import asyncio
import os
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from faulty_provider import FAULTS, FaultyModel

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.call import LlmCall
from tegu.domain.json import JsonObject
from tegu.domain.run import Run
from tegu.domain.status import RunStatus
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.storage.throwaway import create_database, database_url, drop_database
from tegu.testing.scripted import LedgerEntry, ScriptedProvider

GROWS_BYTES_MAX = 250_000_000
"""What all at once may take: several replies of 8 MB, each a few times over while it is read."""
ENDS_WITHIN_S = 90.0


@dataclass(frozen=True)
class Aftermath:
    """What was found when all runs had ended."""

    runs: Mapping[str, Run]
    calls: Mapping[str, list[LlmCall]]
    asked: Mapping[str, list[LedgerEntry]]
    after: RunStatus
    grew_bytes: int
    is_alive: bool
    broken: list[str]


def _pipeline(timeout_s: float) -> JsonObject:
    stage: JsonObject = {
        "uses": "extract",
        "with": {"instructions": "The total.", "schema": {"total": "float", "note": "str?"}},
        "retries": 0,
        "timeout_s": timeout_s,
    }
    return {"tegu": 1, "name": "total", "input": "content", "stages": {"total": stage}}


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


async def _run(tegu: Tegu, text: str, timeout_s: float, model: str) -> UUID:
    (run_id,) = await tegu.start(_pipeline(timeout_s), text, options=StartOptions(model=model))
    return run_id


async def _aftermath(dsn: str, folder: Path) -> Aftermath:
    model = FaultyModel()
    async with ScriptedProvider(model) as server:
        environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | {
            "HOME": str(folder),
            "DATABASE_URL": dsn,
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": server.base_url("openai"),
            "ANTHROPIC_API_KEY": "sk-test",
            "ANTHROPIC_BASE_URL": server.base_url("anthropic"),
        }
        worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "tegu", "worker", env=environment)
        try:
            async with Tegu(database_url=dsn) as tegu:
                for provider in ("openai:gpt-5-mini", "anthropic:claude-sonnet-4-5"):
                    first = await _run(tegu, f"A good one for {provider}.", 60.0, provider)
                    await tegu.wait([first], timeout_s=ENDS_WITHIN_S)
                before = _peak_bytes(worker.pid)
                ids = {
                    name: await _run(tegu, f"fault: {name}.", fault.timeout_s, fault.model)
                    for name, fault in FAULTS.items()
                }
                await tegu.wait(list(ids.values()), timeout_s=ENDS_WITHIN_S)
                grew_bytes = _peak_bytes(worker.pid) - before
                last = await _run(tegu, "The next one.", 60.0, "openai:gpt-5-mini")
                after = (await tegu.wait([last], timeout_s=ENDS_WITHIN_S))[last]
                checks = await check_invariants(DatabaseAddress(dsn), rows_max=3)
                return Aftermath(
                    runs={name: await tegu.get_run(run_id) for name, run_id in ids.items()},
                    calls={name: await tegu.list_calls(run_id=run_id) for name, run_id in ids.items()},
                    asked={
                        name: [server.ledger[number - 1] for number in model.asked.get(name, [])]
                        for name in FAULTS
                    },
                    after=after,
                    grew_bytes=grew_bytes,
                    is_alive=worker.returncode is None,
                    broken=[check.name for check in checks if check.broken],
                )
        finally:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


@pytest.fixture(scope="module")
def aftermath(
    tegu_server: str, tegu_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Aftermath]:
    """One worker, one database, all faults at once."""
    name = f"test_{uuid4().hex}"
    asyncio.run(create_database(tegu_server, name, template=tegu_template))
    yield asyncio.run(_aftermath(database_url(tegu_server, name), tmp_path_factory.mktemp("faults")))
    asyncio.run(drop_database(tegu_server, name))


@pytest.mark.parametrize("name", FAULTS)
def test_a_run_ends_as_it_should_whatever_its_provider_does(name: str, aftermath: Aftermath) -> None:
    fault, run = FAULTS[name], aftermath.runs[name]
    assert (run.error.code if run.error else None) == fault.code
    assert run.status is (RunStatus.COMPLETED if fault.code is None else RunStatus.FAILED)
    if fault.code is None:
        output = run.stages[0].output
        assert isinstance(output, dict)
        assert {key: output[key] for key in fault.output} == fault.output


@pytest.mark.parametrize("name", FAULTS)
def test_each_request_of_a_misbehaving_provider_has_its_row(name: str, aftermath: Aftermath) -> None:
    calls = aftermath.calls[name]
    became = tuple(
        str(call.error["code"]) if call.status.value == "failed" and call.error else call.status.value
        for call in calls
    )
    assert became == FAULTS[name].calls
    assert len(aftermath.asked[name]) == len(calls)
    assert all(call.cost_usd is None for call in calls if call.status.value == "failed")


def test_the_worker_lives_on_in_bounded_memory_and_does_the_next_run(aftermath: Aftermath) -> None:
    assert aftermath.is_alive
    assert aftermath.after is RunStatus.COMPLETED
    assert aftermath.grew_bytes < GROWS_BYTES_MAX
    assert aftermath.broken == []


def test_a_wait_that_a_provider_asks_for_is_kept(aftermath: Aftermath) -> None:
    refused, good = aftermath.asked["rate limited"]
    assert good.at_s - refused.at_s >= 2.0

"""Workers of a backfill are killed in the middle: each earlier run is run anew once, and the ledger is the provider's."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import asyncpg
import pytest
from command_line import begin

from tegu.actions.registry import ACTIONS
from tegu.app import Tegu
from tegu.domain.backfill import Backfill
from tegu.domain.json import JsonObject
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import ProviderRequest, Reply, ScriptedProvider, Text

RUNS = 60
KILLS = 3


def document(instructions: str) -> JsonObject:
    return {
        "tegu": 1,
        "name": "notes",
        "stages": {
            "say": {"uses": "prompt", "with": {"instructions": "Say it."}},
            "judge": {"uses": "prompt", "inputs": ["say"], "with": {"instructions": instructions}},
        },
    }


def _answer(request: ProviderRequest) -> Reply:
    return Reply(Text(f"said {request.prompt_hash[:6]}"), delay_s=0.05)


async def _ask(tegu: Tegu, name: str, **said: object) -> Backfill:
    action = ACTIONS[name]
    found = await action(await tegu.scope(), action.input.model_validate(said))
    assert isinstance(found, Backfill)
    return found


@pytest.mark.timeout(400)  # processes start and end, on a machine that others use
async def test_a_backfill_survives_its_workers(
    address: DatabaseAddress, process_environment: dict[str, str], tmp_path: Path
) -> None:
    seed = int(os.environ.get("TEGU_CHAOS_SEED", "11"))
    sys.stderr.write(f"seed {seed}\n")
    random = Random(seed)
    async with ScriptedProvider(_answer) as server:
        keys = {"OPENAI_API_KEY": "sk-of-a-test", "OPENAI_BASE_URL": server.base_url("openai")}
        settings = Settings(home=tmp_path, database_url=address.owner, model="openai:gpt-5-mini")
        environment = process_environment | keys | {"TEGU_MODEL": "openai:gpt-5-mini"}
        async with Tegu(settings=settings, credentials=EnvironmentCredentials(keys)) as tegu:
            run_ids = await tegu.start(document("Judge it."), *(f"Note {n}." for n in range(RUNS)))
            await tegu.drive(run_ids, timeout_s=120)
            before = len(server.ledger)
            await tegu.pipeline(document("Judge it mildly."))
            started = await _ask(tegu, "backfills.start", pipeline="notes", is_all=True)
            workers = [await begin(environment, "worker", "--concurrency", "8") for _ in range(2)]
            try:
                for _ in range(KILLS):
                    await asyncio.sleep(random.uniform(2.0, 5.0))
                    place = random.randrange(len(workers))
                    workers[place].send_signal(signal.SIGKILL)
                    await workers[place].wait()
                    workers[place] = await begin(environment, "worker", "--concurrency", "8")
                async with asyncio.timeout(240):
                    while (await _ask(tegu, "backfills.get", backfill_id=started.id)).ended_at is None:
                        await asyncio.sleep(0.2)
            finally:
                for each in workers:
                    with suppress(ProcessLookupError):
                        each.terminate()
                    await each.wait()
            done = await _ask(tegu, "backfills.get", backfill_id=started.id)
        assert done.progress is not None
        assert done.progress.runs == {"completed": RUNS}
        connection = await asyncpg.connect(address.owner)
        try:
            row = await connection.fetchrow(
                "select count(distinct reuse_from) as bases, count(*) as runs from tegu.runs where backfill_id = $1",
                started.id,
            )
            stages = await connection.fetch(
                "select s.stage, count(s.reused_from) as reused, count(*) as all from tegu.stage_runs s"
                " join tegu.runs r on r.id = s.run_id where r.backfill_id = $1 and s.status = 'completed' group by 1",
                started.id,
            )
        finally:
            await connection.close()
        assert row is not None
        assert (row["bases"], row["runs"]) == (RUNS, RUNS)
        assert {each["stage"]: (each["reused"], each["all"]) for each in stages} == {
            "say": (RUNS, RUNS),
            "judge": (0, RUNS),
        }
        # A call whose worker died before its reply was stored is asked again, and both are in the ledger.
        assert RUNS <= len(server.ledger) - before <= done.progress.calls <= RUNS + KILLS * 8
    checks = await check_invariants(address, rows_max=5)
    assert [check for check in checks if check.broken] == []

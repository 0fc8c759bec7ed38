"""The pattern suites on worker processes: undisturbed, and while workers are killed.

Whatever is killed, each run takes the path that it takes in memory. A seed that fails is printed, and had again with
TEGU_CHAOS_SEED=<seed>; `make chaos` draws more.
"""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import pytest
from storm import Scale, Storm
from workers import Crew

from conformance.by_workers import Models, seen_by_workers
from conformance.case import run_cases
from conformance.pets import LOGIN, pet_store
from conformance.seen import problems
from conformance.tasks import FUNCTIONS
from tegu.actions.declared.http_credentials import CreateHttpCredential, create_http_credential
from tegu.actions.declared.webhooks import CreateWebhook, create_webhook
from tegu.app import Tegu
from tegu.domain.webhook import WebhookEvent
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import ScriptedProvider

TESTS = Path(__file__).resolve().parents[1]
GIVEN = os.environ.get("TEGU_CHAOS_SEED")
IS_LARGE = os.environ.get("TEGU_CHAOS") == "large"
COUNT = int(os.environ.get("TEGU_CHAOS_SEEDS", "3")) if IS_LARGE and not GIVEN else 1
KILLS = Scale(runs=0, workers=3, concurrency=60, kills=10, stops=1, crashes=0, lasts_s=15.0)
AT_ONCE = 4
"""Cases. What was under way when its worker died is performed alone afterwards, and a worker has few children for that: tasks
that nobody answers would keep them from those that everybody waits for.
"""
SECRET_KEYS = f"first:{b64encode(b'k' * 32).decode()}"


@dataclass(frozen=True, slots=True)
class Scene:
    """Workers that ask models, somebody who starts runs, and the service that `http` stages ask."""

    crew: Crew
    tegu: Tegu
    models: Models
    pets: str

    async def wrong(self) -> dict[str, list[str]]:
        """Run every case; what was not as it must be."""
        cases = run_cases()
        seen = await seen_by_workers(self.tegu, self.models, cases, self.pets, at_once=AT_ONCE)
        return {case.name: found for case in cases if (found := problems(case, seen[case.name]))}


@asynccontextmanager
async def scene(environment: dict[str, str]) -> AsyncGenerator[Scene]:
    models = Models()
    async with ScriptedProvider(models, keeps_bodies=False) as server, pet_store() as pets:
        told = {
            **environment,
            "PYTHONPATH": os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), str(TESTS)))),
            "CHAOS_STAGES": "conformance.tasks",
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": server.base_url("openai"),
            "TEGU_EGRESS_ALLOW": "127.0.0.1",
            "TEGU_SECRET_KEYS": SECRET_KEYS,
        }
        hiring = Crew.of(KILLS.workers, told, concurrency=KILLS.concurrency, lease_s=KILLS.lease_s)
        settings = Settings.from_environment(told)
        async with hiring as crew, Tegu(settings=settings, stages=FUNCTIONS) as tegu:
            scope = await tegu.scope()
            login = CreateHttpCredential(name="pets", url=pets, secret=LOGIN)
            await create_http_credential(scope, login)
            await create_webhook(
                scope, CreateWebhook(url=f"{pets}/1", events=(WebhookEvent.PIPELINE_MESSAGE,))
            )
            yield Scene(crew, tegu, models, pets)


@pytest.mark.timeout(300)
async def test_patterns_take_their_paths_on_worker_processes(
    process_environment: dict[str, str], address: DatabaseAddress
) -> None:
    async with scene(process_environment) as opened:
        assert not await opened.wrong()
    assert not [check.name for check in await check_invariants(address, rows_max=5) if check.broken]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "number", range(COUNT)
)  # the seed is drawn within: all processes must collect the same tests
async def test_patterns_take_their_paths_whichever_workers_are_killed(
    number: int, process_environment: dict[str, str], address: DatabaseAddress, tmp_path: Path
) -> None:
    del number
    seed = int(GIVEN) if GIVEN else SystemRandom().randrange(2**32)
    storm = Storm.of(KILLS, seed)
    async with scene(process_environment) as opened:
        raging = asyncio.create_task(storm.rage(opened.crew, address.owner, tmp_path))
        found = await opened.wrong()
        await raging
    assert not found, f"TEGU_CHAOS_SEED={seed} has it again"
    assert not [check.name for check in await check_invariants(address, rows_max=5) if check.broken]

"""Storms over a load of runs: kill -9 of workers, crashes of PostgreSQL, workers stopped beyond their lease.

Whatever happens, every run ends as it would have without, every output is there once, and a model is asked again only
for what was under way. A seed that fails is printed, and had again with TEGU_CHAOS_SEED=<seed>. `make chaos` runs twenty
seeds of the large storm, one after the other.
"""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from servers_of_chaos import chaos_server
from storm import Scale, Storm
from workers import Crew

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import ProviderRequest, Reply, ScriptedProvider, Text

SMALL = Scale(runs=45, workers=3, concurrency=10, kills=5, stops=1, crashes=1, lasts_s=6.0)
LARGE = Scale(runs=1000, workers=4, concurrency=50, kills=50, stops=5, crashes=5, lasts_s=60.0)
STAGES = ("one", "two", "three", "four", "five")
ENDS_WITHIN_S = 300.0

GIVEN = os.environ.get("TEGU_CHAOS_SEED")
IS_LARGE = os.environ.get("TEGU_CHAOS") == "large"
COUNT = 1 if GIVEN else int(os.environ.get("TEGU_CHAOS_SEEDS", "3"))


def chain() -> JsonObject:
    """Each stage asks a model about what the one before it said."""
    before = ("source", *STAGES)
    return {
        "tegu": 1,
        "name": "chain",
        "input": "content",
        "stages": {
            name: {"uses": "prompt", "with": {"instructions": f"Stage {name}."}, "inputs": [before[i]]}
            for i, name in enumerate(STAGES)
        },
    }


class Model:
    """Answers the same question with the same words, after a while that depends on the question alone; or, with `held`,
    when that is set.
    """

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self.held: asyncio.Event | None = None
        self.waiting: set[str] = set()
        self.asked: Counter[str] = Counter()

    async def __call__(self, request: ProviderRequest) -> Reply:
        if self.held is not None:
            self.waiting.add(request.prompt)
            await self.held.wait()
            return Reply(Text("done"))
        digest = hashlib.sha256(request.prompt.encode()).hexdigest()
        self.asked[digest] += 1
        low, high = self._scale.reply_s
        delay_s = low + (high - low) * int(digest[:4], 16) / 0xFFFF
        return Reply(Text(f"answer {digest[:24]}"), delay_s=delay_s)


async def _start(tegu: Tegu, count: int) -> tuple[UUID, ...]:
    notes = [f"Note number {n}." for n in range(count)]
    return await tegu.start(chain(), *notes, options=StartOptions(model="openai:gpt-5-mini"))


async def _outputs(dsn: str, run_ids: Sequence[UUID]) -> list[dict[str, object]]:
    """What each run has said, stage by stage, in the order of the inputs."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "select run_id, stage, output::text as output from tegu.stage_runs where run_id = any($1)",
            list(run_ids),
        )
        results = await connection.fetch(
            "select run_id, stage, count(*)::int as n from tegu.results where run_id = any($1) group by 1, 2",
            list(run_ids),
        )
    finally:
        await connection.close()
    assert {row["n"] for row in results} == {1}, "a stage has several results"
    assert len(results) == len(run_ids) * len(STAGES), "a stage has no result"
    found: dict[UUID, dict[str, object]] = {run_id: {} for run_id in run_ids}
    for row in rows:
        found[row["run_id"]][row["stage"]] = row["output"]
    return [found[run_id] for run_id in run_ids]


async def _taken_over(dsn: str, run_ids: Sequence[UUID]) -> int:
    """How often these runs went from one owner to another."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(
            "select coalesce(sum(epoch - 1), 0) from tegu.runs where id = any($1)", list(run_ids)
        )
    finally:
        await connection.close()


async def _completed(tegu: Tegu, run_ids: Sequence[UUID], what: str) -> None:
    statuses = await tegu.wait(run_ids, timeout_s=ENDS_WITHIN_S)
    wrong = Counter(status.value for status in statuses.values() if status is not RunStatus.COMPLETED)
    assert not wrong, f"{what}: {wrong} of {len(run_ids)} runs"


async def _every_slot_works(tegu: Tegu, model: Model, slots: int) -> None:
    """As many runs as there are slots are all asked about at once."""
    model.held = asyncio.Event()
    document: JsonObject = {
        "tegu": 1,
        "name": "one",
        "input": "content",
        "stages": {"only": {"uses": "prompt", "with": {"instructions": "Only."}}},
    }
    notes = [f"Slot number {n}." for n in range(slots)]
    run_ids = await tegu.start(document, *notes, options=StartOptions(model="openai:gpt-5-mini"))
    try:
        async with asyncio.timeout(60):
            while len(model.waiting) < slots:
                await asyncio.sleep(0.05)
    finally:
        model.held.set()
    await _completed(tegu, run_ids, "after the storm")


async def weather(scale: Scale, seed: int, folder: Path) -> dict[str, Any]:
    """One storm of one seed; its figures. Raises AssertionError where outputs are not those of the undisturbed load."""
    async with chaos_server() as (server_dsn, server_folder):
        dsn = server_dsn.replace("/postgres?", "/tegu?", 1)
        admin = await asyncpg.connect(server_dsn)
        await admin.execute("create database tegu")
        await admin.close()
        model, storm = Model(scale), Storm.of(scale, seed)
        async with ScriptedProvider(model, keeps_bodies=False) as server:
            environment = {
                **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
                "HOME": str(folder),
                "TEGU_HOME": str(folder / "home"),
                "DATABASE_URL": dsn,
                "OPENAI_API_KEY": "sk-test",
                "OPENAI_BASE_URL": server.base_url("openai"),
            }
            calm = Tegu(database_url=dsn, organization="calm")
            await calm.migrate()
            crew_of = Crew.of(
                scale.workers, environment, concurrency=scale.concurrency, lease_s=scale.lease_s
            )
            async with crew_of as crew, calm, Tegu(database_url=dsn, organization="storm") as tegu:
                marks = [monotonic()]
                undisturbed = await _start(calm, scale.runs)
                await _completed(calm, undisturbed, "without a storm")
                # A machine that starves a worker beyond its lease is a fault too; a chain has one call at a time.
                repeated = sum(count - 1 for count in model.asked.values())
                assert repeated <= await _taken_over(dsn, undisturbed), "a call was repeated without a fault"
                model.asked.clear()
                marks.append(monotonic())
                run_ids = await _start(tegu, scale.runs)
                await storm.rage(crew, dsn, server_folder)
                marks.append(monotonic())
                await _completed(tegu, run_ids, "in the storm")
                repeated = sum(count - 1 for count in model.asked.values())
                assert await _outputs(dsn, run_ids) == await _outputs(dsn, undisturbed)
                marks.append(monotonic())
                await _every_slot_works(tegu, model, scale.workers * scale.concurrency)
                await crew.dismiss()
        checks = await check_invariants(DatabaseAddress(dsn, is_embedded=True), rows_max=5)
    broken = [f"{check.name}: {check.broken}" for check in checks if check.broken]
    faults = {fault.value: count for fault, count in storm.done.items()}
    calm_s, storm_s, after_s = (round(end - begin, 1) for begin, end in pairwise(marks))
    return {
        "seed": seed,
        "repeated": repeated,
        "in_flight": storm.in_flight,
        "calm_s": calm_s,
        "storm_s": storm_s,
        "after_s": after_s,
        "faults": faults,
        "broken": broken,
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", range(COUNT))
async def test_nothing_is_lost_and_nothing_is_done_twice_in_a_storm(turn: int, tmp_path: Path) -> None:
    seed = (
        int(GIVEN) if GIVEN else SystemRandom().randrange(10**6)
    )  # whatever else draws by the suite's own seed
    try:
        figures = await weather(LARGE if IS_LARGE else SMALL, seed, tmp_path)
        assert figures["repeated"] <= figures["in_flight"], figures
        assert figures["broken"] == [], figures
        assert all(figures["faults"].values()), "a kind of fault never came"
    except BaseException:
        size = "TEGU_CHAOS=large " if IS_LARGE else ""
        print(f"\nhave it again: {size}TEGU_CHAOS_SEED={seed} pytest tests/chaos")  # noqa: T201
        raise
    print(figures)  # noqa: T201

"""How long a claim takes: on an empty table, and on one with 1,000,000 finished runs of which 10 % were churned while a
snapshot was held open for a minute, which keeps every dead row version where it is.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic, perf_counter

import asyncpg

from benchmarks.bench_database import Bench
from benchmarks.processes import percentile
from benchmarks.scale.finished import finish
from benchmarks.scale.ground import Ground, Json
from tegu.domain.ids import new_id
from tegu.storage.claims import Claims, before_all
from tegu.storage.workers import Workers

CLAIM = 100
_BULK = 100_000


async def measure(ground: Ground) -> Json:
    """The same loop on both tables, at the same pace."""
    bench = ground.bench
    finished = 20_000 if ground.quick else 1_000_000
    seconds = 5.0 if ground.quick else 60.0
    churned = finished // 10
    await bench.clear()
    empty = await _loop(bench, seconds=seconds, churned=churned)
    print(f"empty: {_said(empty)}", flush=True)
    await bench.clear()
    for _ in range(max(1, finished // _BULK)):
        await finish(bench, min(finished, _BULK), only_runs=True)
    await bench.execute("vacuum analyze tegu.runs")
    full = await _loop(bench, seconds=seconds, churned=churned)
    print(f"{finished} finished: {_said(full)}", flush=True)
    await bench.execute("vacuum analyze tegu.runs")
    async with _snapshot(bench):
        held = await _loop(bench, seconds=seconds, churned=churned)
    print(f"{finished} finished, snapshot held: {_said(held)}", flush=True)
    return {
        "finished": finished,
        "churned": churned,
        "held_s": seconds,
        "claim": CLAIM,
        "empty": _said(empty),
        "full": _said(full),
        "held": _said(held),
        "p99_ratio": round(percentile(held, 0.99) / percentile(empty, 0.99), 2),
    }


async def _loop(bench: Bench, *, seconds: float, churned: int) -> list[float]:
    """Insert 100 due runs, claim them, end them; so often that so many were churned after so many seconds."""
    pool = await bench.database.engine()
    worker_id = new_id()
    workers = Workers(pool)
    await workers.register(
        worker_id,
        host="bench",
        pid=1,
        version="",
        concurrency=1000,
        functions=(),
        lease_s=600,
        drives_all=True,
    )
    claims = Claims(pool)
    owner = await asyncpg.connect(bench.dsn)
    rounds = churned // CLAIM
    begun, found = monotonic(), list[float]()
    try:
        for number in range(rounds):
            await owner.execute(
                """insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id)
                select $1, uuidv7(), $2, $3, uuidv7() from generate_series(1, $4::int)""",
                bench.organization,
                bench.version.pipeline_id,
                bench.version.id,
                CLAIM,
            )
            called = perf_counter()
            claimed = await claims.claim(
                worker_id, limit=CLAIM, after=before_all(), functions=(), owned={}, owned_max=CLAIM
            )
            found.append((perf_counter() - called) * 1e3)
            assert len(claimed.runs) == CLAIM, len(claimed.runs)
            await owner.execute(
                """update tegu.runs set status = 'completed', owner = null, due_at = null, rev = rev + 4,
                ended_at = clock_timestamp() where organization_id = $1 and id = any($2)""",
                bench.organization,
                [run.id for run in claimed.runs],
            )
            await asyncio.sleep(max(0.0, begun + seconds * (number + 1) / rounds - monotonic()))
    finally:
        await owner.close()
        await workers.retire(worker_id)
    return found


@asynccontextmanager
async def _snapshot(bench: Bench) -> AsyncGenerator[None]:
    connection = await asyncpg.connect(bench.dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.fetchval("select count(*) from tegu.organizations")
            yield
    finally:
        await connection.close()


def _said(found: list[float]) -> Json:
    return {
        "p50_ms": round(percentile(found, 0.5), 3),
        "p99_ms": round(percentile(found, 0.99), 3),
        "last_fifth_p99_ms": round(percentile(found[-len(found) // 5 :], 0.99), 3),
        "n": len(found),
    }

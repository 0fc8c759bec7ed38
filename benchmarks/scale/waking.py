"""How long an idle worker takes to begin a run whose NOTIFY was lost: it finds it when it polls."""

import asyncio
from random import Random
from time import monotonic

from benchmarks.bench_database import STAGES
from benchmarks.measurements import read_timings
from benchmarks.processes import percentile, workers
from benchmarks.scale.ground import Ground, Json
from tegu.domain.ids import new_id
from tegu.storage import run_starts


async def measure(ground: Ground) -> Json:
    """Runs that are stored and of which nobody is told, at any moment of the poll."""
    bench, random = ground.bench, Random(1)
    await bench.clear()
    timings = ground.folder / "waking.json"
    new = run_starts.NewRun(bench.version, content_id=new_id())
    stored: dict[str, float] = {}
    async with workers(bench.dsn, 1, concurrency=8, timings=timings):
        for _ in range(5 if ground.quick else 40):
            await asyncio.sleep(0.5 + random.random())
            async with bench.database.transaction(bench.organization) as connection:
                run_id = await run_starts.insert_run(connection, bench.organization, new)
            stored[run_id.hex] = monotonic()
            while not await bench.value(
                "select count(*) from tegu.runs where id = $1 and status = 'completed'", run_id
            ):
                await asyncio.sleep(0.05)
    found = [t.begun - stored[t.run] for t in read_timings(timings) if t.stage == STAGES[0]]
    print(f"woken after p50 {percentile(found, 0.5):.2f} s, most {max(found):.2f} s", flush=True)
    return {"p50_s": round(percentile(found, 0.5), 3), "max_s": round(max(found), 3), "n": len(found)}

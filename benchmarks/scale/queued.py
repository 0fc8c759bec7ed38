"""Memory of a worker while 1,000 and while 100,000 runs are queued: it must not grow with the queue."""

import asyncio

from benchmarks.processes import rss_peak_mb, workers
from benchmarks.scale.ground import Ground, Json

SIZES = (1_000, 100_000)
OWNED = 200


async def measure(ground: Ground) -> Json:
    """Work for the same time on a short and on a long queue, in stages that take 0.2 s."""
    sizes = (1_000, 5_000) if ground.quick else SIZES
    seconds = 5.0 if ground.quick else 15.0
    found: dict[str, float] = {}
    for size in sizes:
        await ground.bench.clear()
        await ground.bench.queue(size)
        async with workers(ground.bench.dsn, 1, concurrency=OWNED, sleep_s=0.2) as started:
            await asyncio.sleep(seconds)
            found[str(size)] = round(rss_peak_mb(started[0]), 1)
        print(f"{size} queued: peak {found[str(size)]} MB", flush=True)
    return {"peak_mb": found, "owned": OWNED, "seconds": seconds}

"""Memory of a worker by owned run that waits in a stage: how much more a process has with many than with few."""

import asyncio
from asyncio.subprocess import Process
from pathlib import Path

from benchmarks.processes import workers
from benchmarks.scale.ground import Ground, Json


async def measure(ground: Ground) -> Json:
    """Few and many runs, each waiting in its first stage."""
    sizes = (100, 1_000) if ground.quick else (1_000, 10_000)
    found: dict[int, float] = {}
    for size in sizes:
        await ground.bench.clear()
        await ground.bench.queue(size)
        async with workers(ground.bench.dsn, 1, concurrency=size, sleep_s=40.0) as started:
            owned = "select count(*) from tegu.stage_runs where status = 'running'"
            async with asyncio.timeout(120):
                while await ground.bench.value(owned) < size:
                    await asyncio.sleep(0.2)
            await asyncio.sleep(3)
            found[size] = rss_mb(started[0])
        print(f"{size} owned runs that wait: {found[size]:.1f} MB", flush=True)
    few, many = sizes
    by_run = (found[many] - found[few]) * 1e3 / (many - few)
    return {"rss_mb": {str(size): round(mb, 1) for size, mb in found.items()}, "kb_a_run": round(by_run, 2)}


def rss_mb(process: Process) -> float:
    """What a process has now, in MB (10^6 bytes)."""
    for line in Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("no VmRSS")

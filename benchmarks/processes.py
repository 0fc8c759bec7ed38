"""Worker processes for a measurement."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def workers(
    dsn: str, count: int, *, concurrency: int, sleep_s: float = 0.0, timings: Path | None = None
) -> AsyncGenerator[list[Process]]:
    """Start worker processes, wait until they have their leases, and stop them by SIGTERM."""
    command = [sys.executable, "-m", "benchmarks.worker", dsn, "--concurrency", str(concurrency)]
    command += ["--sleep-s", str(sleep_s)] + (["--timings", str(timings)] if timings else [])
    started = [await asyncio.create_subprocess_exec(*command, stdout=PIPE) for _ in range(count)]
    try:
        for process in started:
            assert process.stdout is not None
            async with asyncio.timeout(30):
                assert await process.stdout.readline() == b"ready\n"
        yield started
    finally:
        for process in started:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        for process in started:
            await asyncio.wait_for(process.wait(), 30)


def rss_peak_mb(process: Process) -> float:
    """The most memory that a process had, in MB (10^6 bytes)."""
    for line in Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("no VmHWM")


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

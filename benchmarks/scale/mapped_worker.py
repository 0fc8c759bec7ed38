"""A worker process as `tegu worker` is, whose Python stages do nothing; started by `run_of_100000`.

It prints `ready` when it works, and at SIGTERM writes how long the database took for each batch of checkpoints, and how
many runs and stages were in it.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import uvloop

from tegu import Document, StageContext, Tegu, stage
from tegu.engine.worker import WorkerOptions
from tegu.storage.checkpoints import Applied, Checkpoints, RunWrite


@stage(version=1)
async def numbers(document: Document, ctx: StageContext) -> dict[str, list[int]]:
    """As many as the text says."""
    del ctx
    return {"items": list(range(int(document.text)))}


@stage(version=1)
async def touched(item: int, ctx: StageContext) -> int:
    """One of them."""
    del ctx
    return item


@stage(version=1)
async def first(document: Document, ctx: StageContext) -> int:
    """The first of three."""
    del document, ctx
    return 1


@stage(version=1)
async def next_one(before: int, ctx: StageContext) -> int:
    """The second and the third."""
    del ctx
    return before + 1


FUNCTIONS: tuple[Any, ...] = (numbers, touched, first, next_one)


def _timed(took: list[tuple[float, int, int]]) -> None:
    store = Checkpoints.store

    async def timed(self: Checkpoints, worker_id: UUID, writes: Sequence[RunWrite]) -> list[Applied | None]:
        begun = perf_counter()
        found = await store(self, worker_id, writes)
        took.append((perf_counter() - begun, len(writes), sum(len(write.stages) for write in writes)))
        return found

    Checkpoints.store = timed  # type: ignore[method-assign]


async def work(dsn: str, *, concurrency: int, written: Path) -> None:
    """Work until told to stop."""
    took: list[tuple[float, int, int]] = []
    _timed(took)
    async with Tegu(database_url=dsn, stages=FUNCTIONS) as tegu:
        worker = await tegu.worker(options=WorkerOptions(concurrency=concurrency))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        working = asyncio.create_task(worker.run())
        while worker.id is None:
            await asyncio.sleep(0.01)
        print("ready", flush=True)
        await working
    written.write_text(json.dumps(took), "utf-8")


def main() -> None:
    """Read the arguments and work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dsn")
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--written", type=Path, required=True)
    given = parser.parse_args()
    uvloop.run(work(given.dsn, concurrency=given.concurrency, written=given.written))


if __name__ == "__main__":
    main()

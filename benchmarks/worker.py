"""A worker process whose stages do nothing, or sleep (`sleep_s` of the stage's options, or of the command): started by
the benchmarks, one or two at a time.

It prints `ready` when it has its lease, works until SIGTERM, and then writes when each stage began and ended
(CLOCK_MONOTONIC, which all processes of a machine share) to a file, if asked for.
"""

import argparse
import asyncio
import json
import signal
from functools import partial
from pathlib import Path
from time import monotonic

import uvloop

from tegu.domain.json import JsonObject
from tegu.domain.outcome import Completed, ResultDraft, StageOutcome
from tegu.engine.worker import Doors, Worker, WorkerOptions
from tegu.pipeline.task import StageTask
from tegu.storage.database import ENGINE_ROLE, Database, DatabaseAddress, connect

OUTPUT: JsonObject = {"text": "x" * 200}


async def work(dsn: str, *, concurrency: int, sleep_s: float, timings: Path | None) -> None:
    """Work until told to stop."""
    noted: list[tuple[str, str, float, float]] = []

    async def perform(task: StageTask) -> StageOutcome:
        begun = monotonic()
        own = task.stage.config.get("sleep_s", sleep_s)
        if isinstance(own, float) and own:
            await asyncio.sleep(own)
        if timings is not None:
            noted.append((task.run_id.hex, task.stage.name, begun, monotonic()))
        return Completed(OUTPUT, (ResultDraft(task.stage.name, OUTPUT),))

    address = DatabaseAddress(dsn, is_embedded=True)
    database = Database(address)
    doors = Doors(await database.engine(), partial(connect, address, ENGINE_ROLE))
    worker = Worker(doors, perform, options=WorkerOptions(concurrency=concurrency))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    working = asyncio.create_task(worker.run())
    while worker.id is None:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await working
    await database.close()
    if timings is not None:
        timings.write_text(json.dumps(noted), "utf-8")


def main() -> None:
    """Read the arguments and work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dsn")
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--sleep-s", type=float, default=0.0)
    parser.add_argument("--timings", type=Path)
    given = parser.parse_args()
    uvloop.run(work(given.dsn, concurrency=given.concurrency, sleep_s=given.sleep_s, timings=given.timings))


if __name__ == "__main__":
    main()

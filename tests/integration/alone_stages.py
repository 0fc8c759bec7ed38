"""What child processes perform in the tests of `engine.alone`. Importable there, so it needs no pytest."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from tegu.domain.outcome import Completed, ResultDraft, StageOutcome
from tegu.engine.attempt import Perform
from tegu.pipeline.task import StageTask


async def perform(task: StageTask) -> StageOutcome:
    """Whatever the stage's name says."""
    match task.stage.name.split("_", maxsplit=1)[0]:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "memory":
            eaten = [bytearray(64 * 2**20) for _ in range(1000)]
            return Completed({"eaten": len(eaten)})
        case "nap":
            await asyncio.sleep(0.3)
        case "hang":
            _write_pid(str(task.stage.config["pid"]))
            await asyncio.sleep(3600)
        case "object":
            return Completed({"x": cast("Any", object())})
        case _:
            pass
    return Completed({"pid": os.getpid()}, (ResultDraft(task.stage.name, {"pid": os.getpid()}),))


def _write_pid(path: str) -> None:
    Path(path).write_text(str(os.getpid()))


@asynccontextmanager
async def open_performer() -> AsyncGenerator[Perform]:
    """The performer above."""
    yield perform


@asynccontextmanager
async def broken_performer() -> AsyncGenerator[Perform]:
    """One that cannot be opened, as when the database is away."""
    raise ConnectionError("no database")
    yield perform

"""Performing a stage alone, in a child process: for stages that were under way when their worker died.

Called by the worker for such tasks only. Hundreds of runs share a worker, so a crash does not tell which stage caused
it; a crash of a child that performs one stage does. Children are reused while they live, since starting one takes about
a second. Invariants: a child performs one stage at a time; a child that dies is a `Crashed` outcome and nothing else;
a child does not outlive its worker.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Crashed, Failed, StageOutcome
from tegu.engine.wire import pack_outcome, pack_task, unpack_outcome, unpack_task
from tegu.engine.worker import Perform
from tegu.pipeline.task import StageTask

Open = Callable[[], AbstractAsyncContextManager[Perform]]
"""Opens, in the child, what performs stages. It is sent by reference, so it must be importable there."""


@dataclass(slots=True)
class _Child:
    process: BaseProcess
    pipe: "Connection[bytes, bytes]"

    def kill(self) -> None:
        self.process.kill()
        self.pipe.close()


class AlonePerformer:
    """Up to `children` child processes, started when needed."""

    def __init__(self, open_performer: Open, *, children: int = 2, memory_bytes: int = 4 * 2**30) -> None:
        self._open = open_performer
        self._memory_bytes = memory_bytes
        self._slots = asyncio.Semaphore(children)
        self._free: list[_Child] = []

    async def perform(self, task: StageTask) -> StageOutcome:
        """Perform one stage; a child that dies of it is a `Crashed`."""
        async with self._slots:
            child = self._free.pop() if self._free else await asyncio.to_thread(self._start)
            try:
                outcome = await asyncio.to_thread(_ask, child, pack_task(task))
            except asyncio.CancelledError:
                child.kill()
                raise
            if outcome is None:
                return await asyncio.to_thread(_death, child)
            self._free.append(child)
            return outcome

    async def close(self) -> None:
        """End the children."""
        while self._free:
            child = self._free.pop()
            child.kill()
            await asyncio.to_thread(child.process.join, 5)

    def _start(self) -> _Child:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_live, args=(theirs, self._open, self._memory_bytes), name="tegu-alone", daemon=True
        )
        process.start()
        theirs.close()
        return _Child(process, ours)


def _ask(child: _Child, task: bytes) -> StageOutcome | None:
    try:
        child.pipe.send_bytes(task)
        return unpack_outcome(child.pipe.recv_bytes())
    except (EOFError, OSError):
        return None


def _death(child: _Child) -> Crashed:
    child.process.join(5)
    code = child.process.exitcode
    child.kill()
    if code is not None and code < 0:
        with suppress(ValueError):
            return Crashed(f"its process was ended by {signal.Signals(-code).name}")
    return Crashed(f"its process ended with code {code}")


# Below: the child.


def _live(pipe: "Connection[bytes, bytes]", open_performer: Open, memory_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to handle
    _limit_memory(memory_bytes)
    asyncio.run(_serve(pipe, open_performer))


async def _serve(pipe: "Connection[bytes, bytes]", open_performer: Open) -> None:
    tasks: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
    loop = asyncio.get_running_loop()
    threading.Thread(target=_read, args=(pipe, tasks, loop), daemon=True).start()
    async with open_performer() as perform:
        while True:
            outcome = await _outcome(perform, unpack_task(await tasks.get()))
            pipe.send_bytes(pack_outcome(outcome))


def _read(
    pipe: "Connection[bytes, bytes]", tasks: asyncio.Queue[bytes], loop: asyncio.AbstractEventLoop
) -> None:
    """Pass tasks on; when the worker is gone, so are we, whatever the stage is doing."""
    with suppress(EOFError, OSError):
        while True:
            asyncio.run_coroutine_threadsafe(tasks.put(pipe.recv_bytes()), loop).result()
    os._exit(0)


async def _outcome(perform: Perform, task: StageTask) -> StageOutcome:
    try:
        return await perform(task)
    except MemoryError:
        os._exit(137)  # as if the kernel had done it
    except Exception as error:  # noqa: BLE001 (what a stage raises is a failure that may pass)
        return Failed(ErrorInfo.of(error), transient=True)


def _limit_memory(memory_bytes: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

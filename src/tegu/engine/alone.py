"""Performing a stage alone, in a child process: for stages that were under way when their worker died.

Called by the worker for such tasks only. Hundreds of runs share a worker, so a crash does not tell which stage caused
it; a crash of a child that performs one stage does. Children are reused while they live, and forked from a server that
has imported what they need, where there is one: importing takes about a second. Invariants: a child performs one stage
at a time; only a child that dies after it took a stage is a `Crashed`; a stage's time begins when its child is there; a
child does not outlive its worker.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Crashed, Failed, StageOutcome
from tegu.engine.attempt import Perform, attempt
from tegu.engine.wire import pack_outcome, pack_task, unpack_outcome, unpack_task
from tegu.pipeline.task import StageTask

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext  # the first is not everywhere

log = logging.getLogger("tegu.engine")

Open = Callable[[], AbstractAsyncContextManager[Perform]]
"""Opens, in the child, what performs stages. It is sent by reference, so it must be importable there."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_READY = b"ready"
_TAKEN = b"taken"
_HANDINGS_MAX = 3
_REPLY_BYTES_MAX = 256 * 2**20


class ChildUnavailableError(RuntimeError):
    """No child could be started: no fault of the stage that waits for it."""


class _NotTakenError(RuntimeError):
    """The child died before it took the stage: the kernel may end an idle one while it is handed work."""


@dataclass(slots=True)
class _Child:
    process: BaseProcess
    pipe: "Connection[bytes, bytes]"
    performed: int = 0


def _context(opened: Open) -> "SpawnContext | ForkServerContext":
    """Children of a server that has imported what performs stages once: several start at once after a crash, while their
    runs wait, and each would take a second of CPU. The server has no threads, and ends with this process.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    made = opened.func if isinstance(opened, partial) else opened
    context.set_forkserver_preload([made.__module__])
    return context


def can_be_sent(opened: Open) -> bool:
    """Whether a child process can import what performs stages; a stage declared inside a function it cannot."""
    try:
        ForkingPickler.dumps(opened)
    except Exception as error:  # noqa: BLE001 (pickle raises whatever it meets)
        log.warning(
            "stages that were under way when their worker died will run in the worker, not in a child process: %s. "
            "Declare stages at the top of a module",
            error,
        )
        return False
    return True


class AlonePerformer:
    """Up to `children` child processes, started when needed, each for up to `performed_max` stages."""

    def __init__(
        self,
        open_performer: Open,
        *,
        children: int = 4,
        memory_bytes: int = 4 * 2**30,
        start_s: float = 60.0,
        performed_max: int = 100,
    ) -> None:
        self._open = open_performer
        self._memory_bytes = memory_bytes
        self._start_s = start_s
        self._performed_max = performed_max
        self._slots = asyncio.Semaphore(children)
        self._free: list[_Child] = []
        # Threads of our own: synchronous stages may have taken every other one.
        self._threads = ThreadPoolExecutor(2 * children, thread_name_prefix="tegu-alone")

    async def perform(self, task: StageTask) -> StageOutcome:
        """Perform one stage within its time; a child that dies of it is a `Crashed`. Raises ChildUnavailableError."""
        async with self._slots:
            child = await self._child()

            async def ask(task: StageTask) -> StageOutcome:
                taker = child
                for _ in range(_HANDINGS_MAX):
                    try:
                        return await self._ask(taker, task)
                    except _NotTakenError:
                        taker = await self._child()
                raise ChildUnavailableError(f"{_HANDINGS_MAX} child processes died before they took a stage")

            return await attempt(ask, task)

    async def close(self) -> None:
        """End the children."""
        while self._free:
            child = self._free.pop()
            child.process.kill()
            await self._in_thread(_bury, child)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _child(self) -> _Child:
        """One that lives: the kernel may have ended an idle one, which is nobody's crash."""
        while self._free:
            child = self._free.pop()
            if child.process.is_alive():
                return child
            await self._in_thread(_bury, child)
        return await self._in_thread(self._start)

    async def _ask(self, child: _Child, task: StageTask) -> StageOutcome:
        asking = self._in_thread(_ask, child, pack_task(task))
        try:
            outcome = await asyncio.shield(asking)
        except BaseException:
            # The thread still reads from the pipe, so it must be the one to close it.
            child.process.kill()
            if asking.done():
                self._in_thread(_bury, child)
            else:
                asking.add_done_callback(lambda done: self._after(done, child))
            raise
        child.performed += 1
        if outcome is None:
            return await self._in_thread(_bury, child)
        if child.performed < self._performed_max:
            self._free.append(child)
        else:  # what its stages left in memory goes with it
            child.process.kill()
            self._in_thread(_bury, child)
        return outcome

    def _after(self, done: "asyncio.Future[StageOutcome | None]", child: _Child) -> None:
        if not done.cancelled():
            done.exception()
        with suppress(RuntimeError):  # the threads are gone when the process ends
            self._in_thread(_bury, child)

    def _in_thread(self, function: Callable[[*Ts], T], *arguments: *Ts) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def _start(self) -> _Child:
        context = _context(self._open)
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_live, args=(theirs, self._open, self._memory_bytes), name="tegu-alone", daemon=True
        )
        process.start()
        theirs.close()
        child = _Child(process, ours)
        with suppress(EOFError, OSError):
            if ours.poll(self._start_s) and ours.recv_bytes(len(_READY)) == _READY:
                return child
        process.kill()
        raise ChildUnavailableError(f"no child process for a stage: {_bury(child).reason}")


def _ask(child: _Child, task: bytes) -> StageOutcome | None:
    try:
        child.pipe.send_bytes(task)
        child.pipe.recv_bytes(len(_TAKEN))
    except (EOFError, OSError) as error:
        child.process.kill()
        raise _NotTakenError from error
    try:
        reply = child.pipe.recv_bytes(_REPLY_BYTES_MAX)
    except (EOFError, OSError):
        child.process.kill()
        return None
    return unpack_outcome(reply)


def _bury(child: _Child) -> Crashed:
    """Close what is left of a child that died or was killed, and say how it ended."""
    child.process.join(5)
    child.pipe.close()
    code = child.process.exitcode
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
        pipe.send_bytes(_READY)
        while True:
            task = unpack_task(await tasks.get())
            pipe.send_bytes(_TAKEN)
            pipe.send_bytes(_packed(await _outcome(perform, task)))


def _read(
    pipe: "Connection[bytes, bytes]", tasks: asyncio.Queue[bytes], loop: asyncio.AbstractEventLoop
) -> None:
    """Pass tasks on; when the worker is gone, so are we, whatever the stage is doing."""
    with suppress(EOFError, OSError):
        while True:
            asyncio.run_coroutine_threadsafe(tasks.put(pipe.recv_bytes()), loop).result()
    os._exit(0)


async def _outcome(perform: Perform, task: StageTask) -> StageOutcome:
    async def with_memory(task: StageTask) -> StageOutcome:
        try:
            return await perform(task)
        except MemoryError:
            os._exit(137)  # as if the kernel had done it

    return await attempt(with_memory, task, is_bounded=False)


def _packed(outcome: StageOutcome) -> bytes:
    """As the worker would have found it, had the stage run there: what is no JSON fails the stage."""
    try:
        return pack_outcome(outcome)
    except Exception as error:  # noqa: BLE001 (whatever it is that cannot be written)
        words = str(error).encode("ascii", "backslashreplace").decode()[:2000]
        return pack_outcome(Failed(ErrorInfo("output_refused", f"the output cannot be stored: {words}")))


def _limit_memory(memory_bytes: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

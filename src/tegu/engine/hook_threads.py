"""Where hooks that are not async run: each call in a thread of its own, which nobody has to wait for.

Called by `deliver`. A pool would lose a thread to every call that hangs, and the process could not exit while one does.
Invariants: a thread that is given up is counted until it ends, so that the deliverer can stop calling a hook that hangs;
no thread keeps the process alive.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from tegu.domain.hook import RunEnded


class HookExitError(Exception):
    """The hook wanted to end the thread or the process, which is not for it to decide."""


class HookThreads:
    """The threads of one deliverer."""

    def __init__(self) -> None:
        self._given_up: Counter[str] = Counter()
        self._lock = threading.Lock()

    def given_up(self, name: str) -> int:
        """How many calls of the hook still run although nobody waits for them any more."""
        with self._lock:
            return self._given_up[name]

    async def call(self, name: str, function: Callable[[RunEnded], Any], ended: RunEnded) -> Any:
        """What the function returns. Raises what it raises; cancelled, the thread goes on alone."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        call = _Call(function, ended)

        def run() -> None:
            call.run()
            with self._lock:
                call.is_over = True
                if call.is_given_up:
                    self._given_up[name] -= 1
                    return
            try:
                loop.call_soon_threadsafe(call.settle, future)
            except RuntimeError:  # the loop was closed meanwhile
                return

        threading.Thread(target=run, name=f"tegu-hook-{name}", daemon=True).start()
        try:
            return await future
        except asyncio.CancelledError:
            with self._lock:
                if not call.is_over:
                    call.is_given_up = True
                    self._given_up[name] += 1
            raise


class _Call:
    """One call, between its thread and the event loop."""

    def __init__(self, function: Callable[[RunEnded], Any], ended: RunEnded) -> None:
        self.is_over = False
        self.is_given_up = False
        self._function = function
        self._ended = ended
        self._returned: Any = None
        self._raised: Exception | None = None

    def run(self) -> None:
        try:
            self._returned = self._function(self._ended)
        except StopIteration as error:  # which no future can hold
            self._raised = RuntimeError(f"StopIteration: {error}")
        except Exception as error:  # noqa: BLE001 (a hook may raise anything)
            self._raised = error
        except BaseException as error:  # noqa: BLE001 (SystemExit and the like would end the host's event loop)
            self._raised = HookExitError(f"{type(error).__name__}: {error}")

    def settle(self, future: "asyncio.Future[Any]") -> None:
        if future.done():
            return
        if self._raised is not None:
            future.set_exception(self._raised)
        else:
            future.set_result(self._returned)

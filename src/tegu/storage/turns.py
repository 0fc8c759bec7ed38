"""One start at a time on a caller's connection.

Called by `joined`. Two that run at once in one transaction (`asyncio.gather`, threads) would take each other's role and
organization for the host's own, and act under them. Invariant: whoever holds the turn is alone on the connection as far
as Tegu is concerned; nothing is kept of a connection that nobody uses.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tegu.domain.errors import UsageError

WAIT_S = 60.0


@dataclass(slots=True)
class _Turn:
    """Of one connection. Synchronous ones belong to threads, the others to tasks."""

    users: int = 0
    of_tasks: asyncio.Lock = field(default_factory=asyncio.Lock)
    of_threads: threading.Lock = field(default_factory=threading.Lock)


_turns: dict[int, _Turn] = {}
_changing = threading.Lock()


@asynccontextmanager
async def turn(connection: object, *, is_synchronous: bool, wait_s: float = WAIT_S) -> AsyncGenerator[None]:
    """Wait until nobody else acts on this connection. On a synchronous one the thread waits, and nothing is awaited.
    Raises UsageError when it takes longer than `wait_s`.
    """
    key = id(connection)  # which is nobody else's while we hold it
    with _changing:
        found = _turns.setdefault(key, _Turn())
        found.users += 1
    try:
        if is_synchronous:
            if not found.of_threads.acquire(timeout=wait_s):
                raise _busy(wait_s)
        else:
            try:
                async with asyncio.timeout(wait_s):
                    await found.of_tasks.acquire()
            except TimeoutError:
                raise _busy(wait_s) from None
        try:
            yield
        finally:
            (found.of_threads if is_synchronous else found.of_tasks).release()
    finally:
        with _changing:
            found.users -= 1
            if not found.users:
                del _turns[key]


def _busy(wait_s: float) -> UsageError:
    return UsageError(
        f"another start has held this connection for {wait_s:g} s",
        hint="start one after the other in a transaction, or give each its own connection",
    )

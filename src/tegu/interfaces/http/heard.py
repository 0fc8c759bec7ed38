"""Work that is given up when whoever asked for it has left.

Called by the routes whose work takes long and is worth nothing to anybody else: reading, and what is stored at its end.
Invariant: the body of the request was read before, for what comes after it is that the client is gone.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

T = TypeVar("T")
GONE = Response(status_code=499)
"""Nobody reads it."""


async def while_heard(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work gives; None where the client left before, and the work was cancelled."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        return None
    finally:
        for each in (working, leaving):
            each.cancel()
            with suppress(BaseException):
                await each


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

"""Patience of whoever waits for runs while the database is not there."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from tegu.domain.errors import StorageUnavailableError

T = TypeVar("T")

_AGAIN_S = 0.1
_OUTAGE_S = 60.0
"""How long whoever waits for runs puts up with a database that is not there: it may be restarting."""


async def through_outages(look: Callable[[], Awaitable[T]]) -> T:
    """What a look into the database finds, once it is there. Raises StorageUnavailableError after a while."""
    until = monotonic() + _OUTAGE_S
    while True:
        try:
            return await look()
        except StorageUnavailableError:
            if monotonic() > until:
                raise
        await asyncio.sleep(_AGAIN_S)

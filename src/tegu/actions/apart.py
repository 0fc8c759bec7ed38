"""Work that is long for one that everybody waits for: done in a thread, one at a time for an organization, so that others go on.

Called by the actions on pipeline documents, which a caller may make as large as is allowed. Invariant: the event loop goes on
meanwhile, and no organization keeps others from theirs.
"""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from tegu.turns import Asker, FairTurns, Shares, asker

P = ParamSpec("P")
T = TypeVar("T")
_SHARES = Shares(at_once=2, of_organization=1, of_actor=1, wait_s=20.0, waiting=20)
_turns: WeakKeyDictionary[AbstractEventLoop, FairTurns] = WeakKeyDictionary()


async def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work gives. Raises QuotaError for whoever has too much of it under way. What a program asks of itself, perhaps without
    an event loop, is done at once: it holds up nobody else.
    """
    if asker() == Asker():
        return work(*args, **kwargs)
    turns = _turns.setdefault(asyncio.get_running_loop(), FairTurns(_SHARES))
    async with turns.turn(asker(), refusal="other documents of yours are being checked"):
        return await asyncio.to_thread(work, *args, **kwargs)

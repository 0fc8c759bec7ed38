"""A courier: fetches what is due from an outbox, delivers it beside the rest, and keeps it while it is under way.

    claim        what is due and there is room for; nothing due? sleep until told, at most poll_s
    deliver      each in a task of its own, while the lease of all is renewed
    tend         now and then, what the outbox wants done beside it

Called by `deliver` (hooks of the host's) and `webhooks`, which are the outboxes. Invariants: a delivery leaves its outbox only
by being settled there; a process that dies while it delivers costs `lease_s`.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Generic, Protocol, TypeVar

log = logging.getLogger("tegu.hooks")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class CourierOptions:
    """How often to look, how long others wait for what we hold, how long the last calls may take at the end."""

    poll_s: float = 1.0
    lease_s: float = 10.0
    drain_s: float = 2.0
    tend_s: float = 60.0


class Outbox(Protocol[Item]):
    """What a courier fetches from, and how it is delivered."""

    async def claim(self, under_way: Sequence[Item]) -> tuple[Sequence[Item], bool]:
        """What to deliver now, where so much is under way; True when there may be more, and room for it."""
        ...

    async def deliver(self, item: Item) -> None:
        """Deliver it and settle it; cancelled, hand it back."""

    async def renew(self, held: Sequence[Item]) -> None:
        """Keep what is under way."""

    async def tend(self) -> None:
        """What else is to be done from time to time."""


class Courier(Generic[Item]):
    """See the module."""

    def __init__(self, outbox: Outbox[Item], options: CourierOptions, *, name: str) -> None:
        self._outbox = outbox
        self._options = options
        self._name = name
        self._calls: dict[asyncio.Task[None], Item] = {}
        self._wake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Something may be due: look now."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more, and end."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """Deliver until `stop` was called. Calls under way get `drain_s`; then they are handed back."""
        keeping = asyncio.create_task(self._keep())
        try:
            while not self._stopping:
                self._wake.clear()
                if not await self._claim():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._options.poll_s):
                            await self._wake.wait()
            if self._calls:
                await asyncio.wait(self._calls, timeout=self._options.drain_s)
        finally:
            keeping.cancel()
            for task in tuple(self._calls):
                task.cancel()
            # What refuses to be cancelled is due again when its lease ends.
            await asyncio.wait([keeping, *self._calls], timeout=self._options.drain_s)

    async def _claim(self) -> bool:
        """Claim once; True when there may be more and room for it."""
        try:
            taken, more = await self._outbox.claim(tuple(self._calls.values()))
        except Exception as error:  # noqa: BLE001 (the next look may do better)
            log.warning("no deliveries of %s: %s", self._name, error or type(error).__name__)
            return False
        for item in taken:
            task = asyncio.create_task(self._outbox.deliver(item))
            self._calls[task] = item
            task.add_done_callback(self._called)
        return more

    def _called(self, task: asyncio.Task[None]) -> None:
        self._calls.pop(task, None)
        self.wake()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Not settled: the delivery is due again when its lease ends.
            log.warning("a delivery of %s is not settled: %s", self._name, error or type(error).__name__)

    async def _keep(self) -> None:
        """Renew what is under way, and tend the outbox."""
        tended = monotonic()
        while True:
            await asyncio.sleep(self._options.lease_s / 4)
            try:
                if self._calls:
                    await self._outbox.renew(tuple(self._calls.values()))
                if monotonic() - tended > self._options.tend_s:
                    await self._outbox.tend()
                    tended = monotonic()
            except Exception as error:  # noqa: BLE001 (the next round may do better)
                log.info("%s not kept: %s", self._name, error or type(error).__name__)

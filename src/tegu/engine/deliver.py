"""Delivering: calls completion hooks for runs that have ended, at least once each.

    subscribe    say which hooks this process has, again every minute
    claim        due deliveries for them
    call         the hook, while the lease of its delivery is renewed
    settle       returned: the delivery is gone; raised: again after a back-off, and after `attempts` never

Called by the runtime of every process that has hooks; `courier` goes to and fro. Invariants: a delivery leaves the database only
after its hook returned, or visibly: as failed, or for its age; whatever other hooks have waiting or under way, each hook has room
for one call.
"""

import asyncio
import inspect
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import asyncpg

from tegu.domain.errors import ErrorInfo
from tegu.domain.hook import HookEvent, RunEnded
from tegu.domain.ids import new_id
from tegu.domain.json import storable_json, storable_text
from tegu.engine.courier import Courier, CourierOptions
from tegu.engine.hook_threads import HookExitError, HookThreads
from tegu.engine.retry import RetryPolicy
from tegu.storage.hooks import PRUNE_MAX, Deliveries, Delivery, Room, Subscription

log = logging.getLogger("tegu.hooks")

HookFunction = Callable[[RunEnded], Awaitable[Any] | Any]
_ERROR_CHARACTERS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Hook:
    """A function that hears of ended runs. `attempts` bounds how often one ending is tried, `timeout_s` each call."""

    name: str
    event: HookEvent
    function: HookFunction
    pipeline: str | None = None
    attempts: int = 12
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class DelivererOptions:
    """Limits and intervals. `keep_s` is how long an ending waits for a process that has its hook, and a failed one stays.

    `concurrency` bounds the calls under way, but for one more of each hook that has none. A hook of which `hanging_max`
    calls hang in their threads is not called any more until one of them returns.
    """

    concurrency: int = 10
    hanging_max: int = 20
    poll_s: float = 1.0
    lease_s: float = 10.0
    drain_s: float = 2.0
    subscribe_s: float = 60.0
    keep_s: float = 7 * 86400.0
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(base_s=1.0, max_s=600.0))


class Deliverer:
    """See the module."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        hooks: Iterable[Hook],
        *,
        options: DelivererOptions | None = None,
        random: Random | None = None,
    ) -> None:
        self._hooks = {hook.name: hook for hook in hooks}
        self._options = options or DelivererOptions()
        self._random = random or Random()  # noqa: S311 (jitter, no secret)
        self._deliveries = Deliveries(pool, new_id())
        self._threads = HookThreads()
        self._hanging: set[str] = set()
        timing = CourierOptions(
            self._options.poll_s, self._options.lease_s, self._options.drain_s, self._options.subscribe_s
        )
        self._courier = Courier(self, timing, name="hooks")

    def wake(self) -> None:
        """A run may have ended: look now."""
        self._courier.wake()

    def stop(self) -> None:
        """Claim nothing more, and end."""
        self._courier.stop()

    async def run(self) -> None:
        """Deliver until `stop` was called. Calls under way get `drain_s`; then they are handed back."""
        await self._courier.run()

    async def subscribe(self) -> None:
        """Runs that end from now on are delivered to these hooks."""
        await self._deliveries.subscribe(
            [Subscription(hook.name, hook.event, hook.pipeline) for hook in self._hooks.values()]
        )

    # What the courier asks of its outbox.

    async def claim(self, under_way: Sequence[Delivery]) -> tuple[Sequence[Delivery], bool]:
        """See `courier.Outbox`."""
        rooms, limit = self._rooms(under_way)
        if limit <= 0:
            return (), False
        taken = await self._deliveries.claim(rooms, limit=limit, lease_s=self._options.lease_s)
        return taken, len(taken) == limit

    async def renew(self, held: Sequence[Delivery]) -> None:
        """See `courier.Outbox`."""
        await self._deliveries.renew(held, lease_s=self._options.lease_s)

    async def tend(self) -> None:
        """Say that the hooks are still there; drop what is too old."""
        await self.subscribe()
        lost = await self._deliveries.prune(age_s=self._options.keep_s)
        if lost:
            log.warning("up to %d deliveries that nobody fetched are dropped: %s", PRUNE_MAX, ", ".join(lost))

    def _rooms(self, calls: Sequence[Delivery]) -> tuple[list[Room], int]:
        """How many calls of each hook may begin, and how many of all together."""
        under_way = Counter(delivery.hook for delivery in calls)
        shared = max(0, self._options.concurrency - len(calls))
        callable_ = [name for name in self._hooks if not self._hangs(name)]
        rooms = [
            Room(name, max(shared, 1 - under_way[name]), under_way[name])
            for name in callable_
            if shared or not under_way[name]
        ]
        idle = sum(not room.under_way for room in rooms)
        return rooms, max(shared, idle) if rooms else 0

    def _hangs(self, name: str) -> bool:
        count = self._threads.given_up(name)
        if count < self._options.hanging_max:
            self._hanging.discard(name)
            return False
        if name not in self._hanging:
            self._hanging.add(name)
            log.error("hook %s is not called any more: %d calls of it hang in their threads", name, count)
        return True

    async def deliver(self, item: Delivery) -> None:
        """See `courier.Outbox`."""
        hook, attempt = self._hooks[item.hook], item.ended.attempt
        if attempt > hook.attempts:
            died = ErrorInfo(
                "crashed", f"the process died within the hook, the last of {hook.attempts} times"
            )
            await self._put_off(item, None, died)
            return
        try:
            async with asyncio.timeout(hook.timeout_s):
                await self._call(hook, item.ended)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():  # the hook's own, of something that it waited for
                await self._failed(hook, item, HookExitError(f"CancelledError: {error}"))
                return
            with suppress(Exception):
                await self._deliveries.put_off(item, delay_s=0.0, error=None)
            raise
        except Exception as error:  # noqa: BLE001 (a hook may raise anything)
            await self._failed(hook, item, error)
        else:
            await self._deliveries.end(item)

    async def _call(self, hook: Hook, ended: RunEnded) -> None:
        try:
            if inspect.iscoroutinefunction(hook.function):
                await hook.function(ended)
                return
            returned = await self._threads.call(hook.name, hook.function, ended)
            if inspect.isawaitable(returned):
                await returned
        except SystemExit as error:  # it would end the host's event loop
            raise HookExitError(f"SystemExit: {error}") from error

    async def _failed(self, hook: Hook, delivery: Delivery, error: Exception) -> None:
        attempt = delivery.ended.attempt
        info = ErrorInfo.of(error)
        if isinstance(error, TimeoutError) and not str(error):
            info = ErrorInfo("timeout", f"the hook took longer than {hook.timeout_s:g} s")
        is_last = attempt >= hook.attempts
        delay_s = (
            None if is_last else self._options.retry.delay_s(attempt, at_least_s=None, random=self._random)
        )
        log.warning(
            "hook %s, run %s, attempt %d of %d: %s",
            hook.name,
            delivery.ended.run_id,
            attempt,
            hook.attempts,
            storable_text(info.message),  # a log handler may choke on half a surrogate pair
        )
        await self._put_off(delivery, delay_s, info)

    async def _put_off(self, delivery: Delivery, delay_s: float | None, info: ErrorInfo) -> None:
        message = storable_text(info.message)[:_ERROR_CHARACTERS_MAX]
        error = storable_json({"code": info.code, "stage": None, "message": message, "hint": info.hint})
        await self._deliveries.put_off(delivery, delay_s=delay_s, error=error)

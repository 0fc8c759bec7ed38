"""Leave of the limits of providers: asked before each attempt, for all organizations of one process.

Made by the runtime, one for each process. A call has leave at once while the process holds a slot, a request and the tokens
for it; otherwise it waits in a queue in which organizations take turns. While a limit is used a task visits the shared part
about once a second, and at once when something lacks. Invariants: a waiting call holds nothing; the queue is bounded; a
database that does not answer only stops what the process holds from growing.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Protocol
from uuid import UUID

from tegu.domain.errors import NoCapacityError
from tegu.llm.admission import Ending, EndingKind, Intent
from tegu.llm.limits.budget import RetryBudget
from tegu.llm.limits.grant import LEASE_S, Grant, Report
from tegu.llm.limits.headers import heard_levels
from tegu.llm.limits.place import LimitPlace, place_of
from tegu.llm.limits.rules import LimitRules
from tegu.llm.limits.share import VISIT_S, Lack, Share
from tegu.llm.protocol import ModelRequest

log = logging.getLogger("tegu.llm")

WAITING_MAX = 10_000
PLACES_MAX = 1000
_CONGESTED = frozenset({429, 503, 529})
_CONGESTED_CODES = frozenset({"rate_limited", "overloaded"})
_BYTES_PER_TOKEN = 4
_OUTPUT_FIRST = 500.0
_OUTPUT_WEIGHT = 0.1
_VISIT_ANSWER_S = 10.0
_DUE_LEAST_S, _DUE_MOST_S = 1.0, 300.0
_WORDS = {
    Lack.PAUSE: "asked for a pause",
    Lack.SHARE: "has no share of its limit free",
    Lack.SLOTS: "is asked as many things at once as it allows",
    Lack.REQUESTS: "is asked as often as it allows",
    Lack.TOKENS: "is given as many tokens as it allows",
}


class Visit(Protocol):
    """How the shared part is visited."""

    async def __call__(self, place: LimitPlace, report: Report) -> Grant:
        """Raises whatever a database raises."""
        ...


@dataclass(slots=True, eq=False)
class _Waiter:
    organization_id: UUID
    tokens: float
    leave: "asyncio.Future[int]"
    """The episode that the call belongs to."""


@dataclass(slots=True)
class _Place:
    """One limit in this process."""

    place: LimitPlace
    share: Share
    retries: RetryBudget = field(default_factory=RetryBudget)
    queues: "OrderedDict[UUID, deque[_Waiter]]" = field(default_factory=OrderedDict[UUID, deque[_Waiter]])
    output_tokens: float = _OUTPUT_FIRST
    visiting: "asyncio.Task[None] | None" = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self.queues.values())

    @property
    def head_tokens(self) -> float:
        """What the call asks for whose turn it is: to ask for less would never serve it, nor those behind it."""
        return next((queue[0].tokens for queue in self.queues.values()), 0.0)


class Limiter:
    """See the module."""

    def __init__(
        self,
        visit: Visit,
        rules: LimitRules | None = None,
        *,
        clock: Callable[[], float] = monotonic,
        random: Random | None = None,
    ) -> None:
        self._visit = visit
        self._rules = rules or LimitRules()
        self._clock = clock
        self._random = random or Random()  # noqa: S311 (jitter, no secret)
        self._places: OrderedDict[LimitPlace, _Place] = OrderedDict()

    def for_organization(self, organization_id: UUID) -> "Leave":
        """The admission of one organization's calls."""
        return Leave(self, organization_id)

    async def close(self) -> None:
        """Give everything back."""
        tasks = [each.visiting for each in self._places.values() if each.visiting is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._places.clear()

    async def reserve(self, intent: Intent, organization_id: UUID, *, wait_s: float) -> "Reserved":
        """See `admission.Admission`."""
        at = self._place(place_of(intent.request.model, intent.credential))
        tokens, now_s = _estimate(intent.request, at.output_tokens), self._clock()
        if intent.is_retry and not at.retries.has_room(now_s):
            raise NoCapacityError(
                f"{at.place} failed too often of late to be asked again at once", due_in_s=at.retries.due_in_s
            )
        if not at.queues and at.share.lack(tokens, now_s) is None:
            episode = at.share.take(tokens)
            self._keep_visiting(at)
        elif wait_s <= 0:
            raise self._lacks(at, tokens)
        else:
            episode = await self._wait(at, organization_id, tokens, wait_s)
        if intent.is_retry:
            at.retries.repeat()
        else:
            at.retries.first()
        return Reserved(self, at, tokens, episode)

    def settle(self, at: _Place, tokens: float, episode: int, ending: Ending) -> None:
        """What became of a call; then those that wait may have their turn."""
        now_s, die = self._clock(), self._random.random()
        match ending.kind:
            case EndingKind.UNUSED:
                at.share.refund(tokens, now_s)
            case EndingKind.REPLIED:
                at.share.ended(answered=True, settled_tokens=self._settled(at, tokens, ending))
            case EndingKind.FAILED | EndingKind.ABANDONED:
                at.share.ended(answered=False)
                error = ending.error
                if error is not None and (error.status in _CONGESTED or error.code in _CONGESTED_CODES):
                    # Not the provider's words: every organization that waits for this key reads it.
                    why = f"{error.code}, status {error.status}" if error.status else error.code
                    at.share.congested(episode, why, error.retry_after_s, now_s, die)
                    if error.retry_after_s:
                        self._pause_key(at.place, error.retry_after_s, why, now_s, die)
                    at.wake.set()
        self._pump(at)

    def heard(self, at: _Place, headers: Mapping[str, str]) -> None:
        """What the provider says of its limits."""
        at.share.heard(heard_levels(headers), self._clock())

    # One place.

    def _place(self, place: LimitPlace) -> _Place:
        found = self._places.get(place)
        if found is None:
            self._forget_idle()
            found = _Place(place, Share(self._rules.of(place.provider, place.model)))
            self._places[place] = found
        self._places.move_to_end(place)
        return found

    def _forget_idle(self) -> None:
        for place, each in list(self._places.items()):
            if len(self._places) < PLACES_MAX:
                return
            if each.visiting is None and not each.queues and not each.share.in_flight:
                del self._places[place]

    def _pause_key(self, place: LimitPlace, pause_s: float, why: str, now_s: float, die: float) -> None:
        for other in self._places.values():
            if other.place.key == place.key and other.place != place:
                other.share.pause(pause_s, why, now_s, die)

    def _settled(self, at: _Place, tokens: float, ending: Ending) -> float:
        usage = ending.reply.usage if ending.reply is not None else None
        if usage is None or usage.input_tokens is None or usage.output_tokens is None:
            return 0.0
        at.output_tokens += _OUTPUT_WEIGHT * (usage.output_tokens - at.output_tokens)
        return usage.input_tokens + usage.output_tokens - tokens

    async def _wait(self, at: _Place, organization_id: UUID, tokens: float, wait_s: float) -> int:
        if at.waiting >= WAITING_MAX:
            raise self._lacks(at, tokens)
        waiter = _Waiter(organization_id, tokens, asyncio.get_running_loop().create_future())
        at.queues.setdefault(organization_id, deque()).append(waiter)
        self._pump(at)
        at.wake.set()
        self._keep_visiting(at)
        try:
            async with asyncio.timeout(wait_s):
                return await waiter.leave
        except BaseException as error:
            if waiter.leave.done() and not waiter.leave.cancelled():  # granted at the last moment
                at.share.refund(tokens, self._clock())
                self._pump(at)
            else:
                self._leave_queue(at, waiter)
            if isinstance(error, TimeoutError):
                raise self._lacks(at, tokens) from None
            raise

    def _leave_queue(self, at: _Place, waiter: _Waiter) -> None:
        queue = at.queues.get(waiter.organization_id)
        if queue is not None:
            with contextlib.suppress(ValueError):
                queue.remove(waiter)
            if not queue:
                del at.queues[waiter.organization_id]

    def _pump(self, at: _Place) -> None:
        """Give leave to those whose turn it is: one of each organization, then one of each again."""
        now_s = self._clock()
        while at.queues:
            organization_id, queue = next(iter(at.queues.items()))
            waiter = queue[0]
            if at.share.lack(waiter.tokens, now_s) is not None:
                return
            queue.popleft()
            if queue:
                at.queues.move_to_end(organization_id)
            else:
                del at.queues[organization_id]
            if not waiter.leave.done():
                waiter.leave.set_result(at.share.take(waiter.tokens))

    def _lacks(self, at: _Place, tokens: float) -> NoCapacityError:
        now_s = self._clock()
        lack = at.share.lack(tokens, now_s) or Lack.SLOTS
        due_s = at.share.paused_until_s if lack is Lack.PAUSE else at.share.come_back_s
        due_in_s = min(_DUE_MOST_S, max(_DUE_LEAST_S, due_s - now_s)) * (1 + self._random.random() / 4)
        why = f" ({at.share.paused_why})" if lack is Lack.PAUSE and at.share.paused_why else ""
        return NoCapacityError(
            f"{at.place} {_WORDS[lack]}{why}",
            due_in_s=due_in_s,
            hint="`tegu limits` shows how the limits stand",
        )

    # Visits.

    def _keep_visiting(self, at: _Place) -> None:
        if at.visiting is None or at.visiting.done():
            at.visiting = asyncio.create_task(self._visits(at))

    async def _visits(self, at: _Place) -> None:
        idle_since = self._clock()
        try:
            while True:
                at.wake.clear()
                await self._visit_once(at)
                now_s = self._clock()
                if at.queues or at.share.in_flight:
                    idle_since = now_s
                elif now_s - idle_since > LEASE_S:
                    break
                await self._until_next(at)
        finally:
            at.share.left()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1.0):
                    await self._visit(at.place, Report())
            at.visiting = None  # not before: a visit of the next task would lose its share to this one
        if at.queues or at.share.in_flight:
            self._keep_visiting(at)

    async def _visit_once(self, at: _Place) -> None:
        asked_s, waiters = self._clock(), [each for queue in at.queues.values() for each in queue]
        report = at.share.report(len(waiters), sum(each.tokens for each in waiters), at.head_tokens, asked_s)
        try:
            async with asyncio.timeout(_VISIT_ANSWER_S):
                grant = await self._visit(at.place, report)
        except Exception as error:  # noqa: BLE001 (the next visit may do better)
            log.info("limits of %s not visited: %s", at.place, error or type(error).__name__)
            return
        at.share.granted(grant, asked_s=asked_s, now_s=self._clock(), die=self._random.random())
        self._pump(at)

    async def _until_next(self, at: _Place) -> None:
        """A second, or sooner where something lacks that may be there again."""
        now_s = self._clock()
        until_s = now_s + VISIT_S
        if at.queues:
            until_s = min(until_s, max(at.share.come_back_s, at.share.paused_until_s, now_s + 0.05))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.05, until_s - now_s)):
                await at.wake.wait()


@dataclass(frozen=True, slots=True)
class Leave:
    """See `admission.Admission`."""

    limiter: Limiter
    organization_id: UUID

    async def reserve(self, intent: Intent, *, wait_s: float) -> "Reserved":
        """See `admission.Admission`."""
        return await self.limiter.reserve(intent, self.organization_id, wait_s=wait_s)


@dataclass(frozen=True, slots=True)
class Reserved:
    """See `admission.Reservation`."""

    limiter: Limiter
    place: _Place
    tokens: float
    episode: int

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """See `admission.Reservation`."""
        del status
        self.limiter.heard(self.place, headers)

    async def settle(self, ending: Ending) -> None:
        """See `admission.Reservation`."""
        self.limiter.settle(self.place, self.tokens, self.episode, ending)


def _estimate(request: ModelRequest, output_tokens: float) -> float:
    """What a call will take, about: corrected when it is known."""
    characters = len(request.instructions) + sum(len(part.text) for part in request.parts)
    return characters / _BYTES_PER_TOKEN + min(output_tokens, request.settings.max_tokens)

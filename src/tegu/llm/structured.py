"""The one loop around a model call: journal, attempt, read, re-ask.

Called by everything that asks a model (`ctx.llm`, `tegu llm try`). Invariants: an attempt has its row in the ledger
before it is made; a reply is journalled before anyone parses it; a journalled reply is never asked for again, and needs
no leave; nothing waits without a limit.

    leave of every admission (`llm.admission`); none in time: raise, so that the engine releases the run
    begin in the ledger ---- the journal has a reply ------------------.
      | otherwise                                                      |
      call, within a timeout                                           |
        transient failure: wait (backoff, full jitter, Retry-After)    |
          and begin again; too long or too often: raise, so that       |
          the engine releases the run and comes back later             |
      reply: journal it ------------------------------------------> read it
                                                   accepted: return
                                                   refused: ask again with the problems, at most twice
                                                   cut off, empty, filtered, refused to answer: raise
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import NoCapacityError, ProviderError
from tegu.domain.ids import new_id
from tegu.llm.admission import (
    ABANDONED,
    UNUSED,
    Admission,
    Ending,
    EndingKind,
    Held,
    Intent,
    headers_heard,
    hold,
)
from tegu.llm.observed import count_replayed, count_reply, observed, timed_leave
from tegu.llm.protocol import (
    BegunCall,
    CallFailure,
    Credential,
    Ledger,
    ModelRef,
    ModelReply,
    ModelRequest,
    OnText,
    Provider,
    Rejection,
    StreamingProvider,
    Watch,
)
from tegu.llm.reading import Accepted, Refused, Unusable, Verdict, verdict
from tegu.telemetry import measured

log = logging.getLogger("tegu.llm")

REPLY_REFUSED_CODES = frozenset({"malformed", "length", "empty", "refusal", "content_filter"})
"""A reply was stored and is no result: a deliberate retry must ask anew instead of replaying it."""
REJECTED_REPLY_LENGTH_MAX = 20_000


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What one logical call may cost. `attempts` counts transient failures over all of it, re-asks included;
    `capacity_wait_s` is how long each attempt waits for leave.
    """

    attempts: int = 3
    reasks: int = 2
    deadline_s: float = 300.0
    retry_after_max_s: float = 20.0
    backoff_s: float = 0.5
    backoff_max_s: float = 8.0
    capacity_wait_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock, the pause and the dice, so that tests own them."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said, read: validated JSON, or text where no schema was given."""

    value: JsonValue
    reply: ModelReply
    call_id: UUID
    confidence: float | None
    attempts: int


async def complete(
    request: ModelRequest,
    *,
    provider: Provider,
    credential: Credential,
    ledger: Ledger,
    ordinal: int = 1,
    limits: CallLimits | None = None,
    timing: Timing | None = None,
    watch: Watch | None = None,
    admissions: Sequence[Admission] = (),
) -> Completion:
    """Ask until there is a valid answer or a limit is reached.

    `ordinal` numbers this logical call within its stage run. `watch` may hear replies while they grow, where the
    provider can stream; what is heard is never a result, and a reply from the journal is not heard. Raises ProviderError; a transient one carries
    `retry_after_s` where the provider said when to come back. Raises NoCapacityError where one of `admissions` refused.
    """
    return await _Call(
        provider, credential, ledger, ordinal, limits or CallLimits(), timing or Timing(), watch, admissions
    ).completed(request)


class _Call:
    """One logical call: its attempts, and how much of its limits is used."""

    def __init__(
        self,
        provider: Provider,
        credential: Credential,
        ledger: Ledger,
        ordinal: int,
        limits: CallLimits,
        timing: Timing,
        watch: Watch | None,
        admissions: Sequence[Admission],
    ) -> None:
        self._admissions = admissions
        self._watch = watch
        self._provider = provider
        self._credential = credential
        self._ledger = ledger
        self._ordinal = ordinal
        self._limits = limits
        self._timing = timing
        self._deadline = timing.monotonic() + limits.deadline_s
        self._attempts = 0
        self._failures = 0

    async def completed(self, request: ModelRequest) -> Completion:
        for reasks_left in range(self._limits.reasks, -1, -1):
            call, reply = await self._reply(request)
            judgement = verdict(request, reply)
            await self._judged(request, call, judgement)
            match judgement:
                case Accepted(value):
                    return Completion(value, reply, call.id, reply.confidence, self._attempts)
                case Unusable(error):
                    raise error
                case Refused(problems) if reasks_left == 0:
                    raise _malformed(request, problems, self._limits.reasks)
                case Refused(problems):
                    rejection = Rejection(reply.text[:REJECTED_REPLY_LENGTH_MAX], problems)
                    request = replace(request, rejections=(*request.rejections, rejection))
                case _:
                    assert_never(judgement)
        raise AssertionError("the last round returns or raises")

    async def _judged(self, request: ModelRequest, call: BegunCall, judgement: Verdict) -> None:
        match judgement:
            case Accepted():
                await self._ledger.judged(call, accepted=True)
            case Refused(problems):
                measured.REJECTED.add(1, request.model.provider, request.model.name)
                await self._ledger.judged(call, accepted=False, problems=problems)
            case Unusable(error):
                await self._ledger.judged(call, accepted=False, problems=(f"{error.code}: {error.message}",))
            case _:
                assert_never(judgement)

    async def _reply(self, request: ModelRequest) -> tuple[BegunCall, ModelReply]:
        """The journal's reply, or the provider's, journalled."""
        while True:
            self._check_deadline(request)
            intent = Intent(new_id(), request, self._credential, is_retry=self._failures > 0)
            held = await self._leave(intent)
            ending = UNUSED
            try:
                self._attempts += 1
                call = await self._ledger.begin(
                    request, ordinal=self._ordinal, attempt=self._attempts, call_id=intent.call_id
                )
                if call.reply is not None:
                    count_replayed(request)
                    return call, call.reply
                ending = ABANDONED
                started = self._timing.monotonic()
                try:
                    attempt = partial(self._heard_attempt, request, started, held)
                    reply = await observed(request, self._credential, attempt, number=self._attempts)
                except ProviderError as error:
                    ending = Ending(EndingKind.FAILED, error=error)
                    await self._failed(call, error, started)
                    passing = error
                except Exception as error:
                    # A mistake of ours must not leave a row that looks as if it were still on its way.
                    failure = CallFailure("exception", f"{type(error).__name__}: {error}")
                    await self._ledger.failed(call, failure, latency_ms=self._since_ms(started))
                    raise
                else:
                    ending = Ending(EndingKind.REPLIED, reply=reply)
                    count_reply(request, reply)
                    return call, await self._ledger.replied(call, reply, latency_ms=self._since_ms(started))
            finally:
                if held is not None:
                    await held.settle(ending)
            await self._pause(request.model, passing)  # holding nothing

    async def _leave(self, intent: Intent) -> Held | None:
        """Leave to make an attempt; None when the journal has the reply, so that none is needed."""
        try:
            return await hold(self._admissions, intent, wait_s=0.0)
        except NoCapacityError:
            if await self._ledger.stored_among([intent.request], ordinal=self._ordinal) is not None:
                return None
        wait_s = min(self._limits.capacity_wait_s, self._deadline - self._timing.monotonic())
        return await timed_leave(hold(self._admissions, intent, wait_s=max(0.0, wait_s)))

    async def _heard_attempt(self, request: ModelRequest, started: float, held: Held | None) -> ModelReply:
        if held is None:
            raise _gone(request)
        token = headers_heard.set(held.heard)
        try:
            return await self._attempt(request, started)
        finally:
            headers_heard.reset(token)

    async def _attempt(self, request: ModelRequest, started: float) -> ModelReply:
        timeout_s = min(request.settings.timeout_s, self._deadline - started)
        if timeout_s <= 0:
            raise ProviderError(
                f"{request.model}: no time is left of {self._limits.deadline_s:g} s",
                code="timeout",
                transient=True,
            )
        timed = replace(request, settings=replace(request.settings, timeout_s=timeout_s))
        try:
            async with asyncio.timeout(timeout_s):
                provider = self._provider
                if self._watch is not None and isinstance(provider, StreamingProvider):
                    on_text = await self._watch()
                    if on_text is not None:
                        return await provider.request_streamed(timed, self._credential, _harmless(on_text))
                return await self._provider.request(timed, self._credential)
        except TimeoutError as error:
            raise ProviderError(
                f"{request.model} did not answer within {timeout_s:g} s", code="timeout", transient=True
            ) from error

    def _check_deadline(self, request: ModelRequest) -> None:
        """Before the row is written: an attempt that cannot be made is none."""
        if self._timing.monotonic() >= self._deadline:
            allowed = f"{self._limits.deadline_s:g} s"
            raise ProviderError(
                f"{request.model}: no time is left of {allowed}", code="timeout", transient=True
            )

    async def _failed(self, call: BegunCall, error: ProviderError, started: float) -> None:
        failure = CallFailure(
            code=error.code,
            message=error.message,
            status=error.status,
            transient=error.transient,
            retry_after_s=error.retry_after_s,
        )
        await self._ledger.failed(call, failure, latency_ms=self._since_ms(started))

    async def _pause(self, model: ModelRef, error: ProviderError) -> None:
        """Wait before the next attempt, or raise the error when there is to be none in this process."""
        self._failures += 1
        if not error.transient or self._failures >= self._limits.attempts:
            raise error
        asked_s = error.retry_after_s or 0.0
        ceiling_s = min(self._limits.backoff_max_s, self._limits.backoff_s * 2 ** (self._failures - 1))
        delay_s = asked_s + self._timing.random() * ceiling_s
        if asked_s > self._limits.retry_after_max_s or self._timing.monotonic() + delay_s >= self._deadline:
            raise error
        measured.CALL_RETRIES.add(1, model.provider, model.name)
        await self._timing.sleep(delay_s)

    def _since_ms(self, started: float) -> int:
        return round((self._timing.monotonic() - started) * 1000)


def _harmless(on_text: OnText) -> OnText:
    """A listener that fails is not called again: the reply that it listens to is paid for."""
    is_broken = False

    def heard(piece: str) -> None:
        nonlocal is_broken
        if is_broken:
            return
        try:
            on_text(piece)
        except Exception:
            is_broken = True
            log.exception("whoever listens to a reply failed, and is not called again")

    return heard


def _gone(request: ModelRequest) -> ProviderError:
    """The journal had the reply and has it no more: its content was erased meanwhile."""
    return ProviderError(f"{request.model}: the stored reply is gone", code="server", transient=True)


def _malformed(request: ModelRequest, problems: tuple[str, ...], reasks: int) -> ProviderError:
    shown = "; ".join(problems[:3]) + (f" and {len(problems) - 3} more" if len(problems) > 3 else "")
    return ProviderError(
        f"{request.model}: the reply is no valid output after {reasks} re-asks: {shown}",
        code="malformed",
        transient=False,
        hint="try a stronger model, or a simpler schema",
    )

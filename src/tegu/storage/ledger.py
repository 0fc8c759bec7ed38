"""The journal and the call ledger of one stage run, as `llm.protocol.Ledger` asks for them.

Made by the app for each stage task, used by the structured loop. Invariants: an attempt's row is written before the
attempt is made; a journalled reply is never overwritten, and whoever comes second uses the winner; every statement may be
asked twice, so that a connection which is cut loses no reply that was paid for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from tegu.domain.call import Fallback
from tegu.domain.errors import ProviderError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject, storable_json
from tegu.domain.privacy import StoreLlm
from tegu.llm.protocol import (
    BegunCall,
    CallFailure,
    DataPart,
    ModelReply,
    ModelRequest,
    Rejection,
    StoredReply,
)
from tegu.sealing import SecretPlace
from tegu.storage.bodies import READABLE, Bodies
from tegu.storage.outages import PatientPool
from tegu.storage.reservations import open_windows, refusal, worst_usd
from tegu.storage.statements import statement


@dataclass(frozen=True, slots=True)
class CallPlace:
    """Where calls belong. Without a run there is no journal, only the ledger."""

    organization_id: UUID
    run_id: UUID | None = None
    stage: str | None = None
    item: str = ""
    generation: int = 0


_BEGINS_MAX = 4
"""The first without a price, one after windows were opened, and two for windows or budgets that come about meanwhile."""

_Question = tuple[str, tuple[DataPart, ...], tuple[Rejection, ...]]


@dataclass(slots=True)
class _Occurrences:
    """Tells equal requests of one stage run apart: which logical calls asked this, in order.

    Of whichever model: a question that was once answered by the second of a chain has the same place on the next run,
    where the first may answer the calls before it.
    """

    ordinals: list[int] = field(default_factory=list[int])

    def nth(self, ordinal: int) -> int:
        if ordinal not in self.ordinals:
            self.ordinals.append(ordinal)
        return self.ordinals.index(ordinal)


class StoredLedger:
    """The ledger on a pool; `pool` must act for the place's organization (the engine's role does for all)."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", place: CallPlace, bodies: Bodies = READABLE
    ) -> None:
        self._pool = PatientPool(pool)
        self._place = place
        self._bodies = bodies
        self._sealed_for = SecretPlace("llm_reply", place.organization_id, (str(place.run_id),))
        self._occurrences: dict[_Question, _Occurrences] = {}
        self._nth: dict[UUID, int] = {}
        self._has_budgets = False  # found out by the first call; looking up a price costs more than its row

    async def begin(
        self, request: ModelRequest, *, ordinal: int, attempt: int, call_id: UUID | None = None
    ) -> BegunCall:
        """See `llm.protocol.Ledger`. Where there are budgets the most that the attempt may cost is reserved in each."""
        call_id, request_hash = call_id or new_id(), request.hash()
        self._nth[call_id] = self._nth_of(request, ordinal)
        body = storable_json(request.to_json())
        kept = await self._kept()
        is_priced = self._has_budgets  # of this call: another may find out meanwhile
        worst = worst_usd(request, body) if is_priced else None
        row = None
        for _ in range(_BEGINS_MAX):
            try:
                row = await self._pool.fetchrow(
                    statement("begin_call"),
                    *self._key(call_id, request_hash),
                    self._bodies.request(kept, body),
                    request.model.provider,
                    request.model.name,
                    ordinal,
                    attempt,
                    storable_json(_metadata(request)),
                    worst,
                    kept is not StoreLlm.FULL,
                )
            except asyncpg.UniqueViolationError:
                begun = await self._begun(call_id, request_hash)
                assert begun is not None
                return begun
            assert row is not None
            if row["is_gone"]:
                raise _gone(request)
            if row["is_begun"]:
                return BegunCall(call_id, request_hash, self._opened(row["reply"]))
            if row["windows"] < row["budgets"]:
                await self._pool.ask(open_windows, self._place.organization_id, self._place.run_id)
            elif is_priced:
                break
            self._has_budgets = is_priced = True
            worst = worst_usd(request, body)
        assert row is not None
        if (begun := await self._begun(call_id, request_hash)) is not None:
            return begun  # what fills the budget is its own reservation
        raise refusal(request, row, worst)

    async def _begun(self, call_id: UUID, request_hash: str) -> BegunCall | None:
        """It was begun before, and the connection was cut before the answer came."""
        row = await self._pool.fetchrow(statement("find_call"), self._place.organization_id, call_id)
        if row is None:
            return None
        return BegunCall(call_id, request_hash, self._opened(row["reply"]) if row["is_replayed"] else None)

    async def stored_among(self, requests: Sequence[ModelRequest], *, ordinal: int) -> StoredReply | None:
        """See `llm.protocol.Ledger`."""
        place = self._place
        if place.run_id is None:
            return None
        hashes = [request.hash() for request in requests]
        rows = await self._pool.fetch(
            statement("find_replies"),
            place.organization_id,
            place.run_id,
            place.stage,
            place.item,
            place.generation,
            self._nth_of(requests[0], ordinal),
            hashes,
        )
        found = {row["request_hash"]: row["fallback"] for row in rows}
        index = max((n for n, each in enumerate(hashes) if each in found), default=None)
        if index is None:
            return None
        fallback = found[hashes[index]]
        return StoredReply(index, Fallback.from_json(from_json(fallback)) if fallback else None)

    async def replied(self, call: BegunCall, reply: ModelReply, *, latency_ms: int) -> ModelReply:
        """See `llm.protocol.Ledger`."""
        usage = reply.usage
        row = await self._pool.fetchrow(
            statement("store_reply"),
            *self._key(call.id, call.request_hash),
            self._bodies.reply(await self._kept(), reply.to_json(), self._sealed_for),
            usage.input_tokens,
            usage.cached_tokens,
            usage.output_tokens,
            usage.reasoning_tokens,
            storable_json(usage.raw),
            reply.cost_usd,
            reply.price_version,
            latency_ms,
            reply.finish_reason,
            storable_json(reply.metadata),
        )
        return (self._opened(row["reply"]) if row is not None else None) or reply

    async def failed(self, call: BegunCall, error: CallFailure, *, latency_ms: int) -> None:
        """See `llm.protocol.Ledger`."""
        self._nth.pop(call.id, None)
        message = self._bodies.said(await self._kept(), error.message)
        info: JsonObject = {"code": error.code, "message": message, "status": error.status}
        await self._pool.execute(
            statement("fail_call"),
            self._place.organization_id,
            call.id,
            storable_json(info),
            latency_ms,
            error.usage.input_tokens,
            error.usage.output_tokens,
            storable_json(error.usage.raw),
            self._place.run_id,
            error.may_be_billed,
        )

    async def judged(self, call: BegunCall, *, accepted: bool, problems: tuple[str, ...] = ()) -> None:
        """See `llm.protocol.Ledger`. A reply counts as accepted unless it is said otherwise."""
        if accepted:
            return
        kept = await self._kept()
        shown = storable_json([self._bodies.said(kept, problem) for problem in problems[:20]])
        key = self._key(call.id, call.request_hash)
        await self._pool.execute(statement("judge_call"), *key, shown)

    async def _kept(self) -> StoreLlm:
        return await self._bodies.chosen(self._place.organization_id)

    def _opened(self, stored: str | None) -> ModelReply | None:
        """None: it was erased meanwhile."""
        return ModelReply.from_json(self._bodies.opened(stored, self._sealed_for)) if stored else None

    def _nth_of(self, request: ModelRequest, ordinal: int) -> int:
        question = (request.instructions, request.parts, request.rejections)
        return self._occurrences.setdefault(question, _Occurrences()).nth(ordinal)

    def _key(self, call_id: UUID, request_hash: str) -> tuple[object, ...]:
        place = self._place
        return (
            place.organization_id,
            call_id,
            place.run_id,
            place.stage,
            place.item,
            place.generation,
            request_hash,
            self._nth.get(call_id, 0),
        )


def _gone(request: ModelRequest) -> ProviderError:
    """Whoever asks lost the run, and what this stage returns is dropped."""
    return ProviderError(
        f"{request.model} is not asked: what the run is about was deleted", code="erased", transient=False
    )


def _metadata(request: ModelRequest) -> JsonObject:
    return {"fallback": request.fallback.to_json()} if request.fallback is not None else {}

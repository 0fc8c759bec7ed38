"""A journal and a ledger in memory, as the Ledger protocol describes them; `events` tells in which order it was used."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tegu.domain.ids import new_id
from tegu.llm.protocol import BegunCall, CallFailure, ModelReply, ModelRequest, StoredReply


@dataclass
class Row:
    ordinal: int
    attempt: int
    request: ModelRequest
    answered_by: str
    status: str = "sent"
    reply: ModelReply | None = None
    failure: CallFailure | None = None
    problems: tuple[str, ...] = ()


@dataclass
class MemoryLedger:
    journal: dict[tuple[int, str], ModelReply] = field(default_factory=dict[tuple[int, str], ModelReply])
    calls: dict[UUID, Row] = field(default_factory=dict[UUID, Row])
    events: list[str] = field(default_factory=list[str])

    @property
    def rows(self) -> list[Row]:
        return list(self.calls.values())

    @property
    def paid_rows(self) -> list[Row]:
        return [row for row in self.rows if row.answered_by == "provider"]

    async def begin(
        self, request: ModelRequest, *, ordinal: int, attempt: int, call_id: UUID | None = None
    ) -> BegunCall:
        stored = self.journal.get((ordinal, request.hash()))
        call = BegunCall(call_id or new_id(), request.hash(), stored)
        self.calls[call.id] = Row(
            ordinal, attempt, request, "journal" if stored else "provider", reply=stored
        )
        self.events.append("begin")
        return call

    async def stored_among(self, requests: Sequence[ModelRequest], *, ordinal: int) -> StoredReply | None:
        found = [n for n, each in enumerate(requests) if (ordinal, each.hash()) in self.journal]
        return StoredReply(found[-1]) if found else None

    async def replied(self, call: BegunCall, reply: ModelReply, *, latency_ms: int) -> ModelReply:
        row = self.calls[call.id]
        row.reply, row.status = reply, "replied"
        self.events.append("replied")
        return self.journal.setdefault(
            (row.ordinal, call.request_hash), ModelReply.from_json(reply.to_json())
        )

    async def failed(self, call: BegunCall, error: CallFailure, *, latency_ms: int) -> None:
        row = self.calls[call.id]
        row.failure, row.status = error, "failed"
        self.events.append("failed")

    async def judged(self, call: BegunCall, *, accepted: bool, problems: tuple[str, ...] = ()) -> None:
        row = self.calls[call.id]
        row.status, row.problems = ("completed" if accepted else "rejected"), problems
        self.events.append("accepted" if accepted else "rejected")

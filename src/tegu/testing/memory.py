"""Journal, ledger and contents in memory, for stages and pipelines that are tested without a database.

Called by `contexts` and `running`. Invariant: they implement the same protocols as the storage room, whose answers
they give; what a stage sees must not depend on which of the two it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.call import RULES
from tegu.domain.content import Content
from tegu.domain.errors import ErrorInfo, NotFoundError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.run import CallTotals
from tegu.llm.protocol import (
    BegunCall,
    CallFailure,
    DataPart,
    ModelReply,
    ModelRequest,
    Rejection,
    StoredReply,
)
from tegu.storage.sources import StoredText

ORGANIZATION = UUID(int=1)
"""Whose runs the ones in memory are."""
NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
"""The time of runs and contexts in memory, unless a test says otherwise: the same each time."""


_Question = tuple[str, tuple[DataPart, ...], tuple[Rejection, ...]]


@dataclass(slots=True)
class AskedCall:
    """One attempt to ask a model, as a test looks at it. `status` as in the ledger: completed, rejected, failed."""

    stage: str
    ordinal: int
    attempt: int
    request: ModelRequest
    is_from_journal: bool = False
    status: str = "sent"
    reply: ModelReply | None = None
    failure: CallFailure | None = None
    problems: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """Which model was asked."""
        return str(self.request.model)

    @property
    def instructions(self) -> str:
        """What the author told the model."""
        return self.request.instructions

    @property
    def parts(self) -> dict[str, str]:
        """The data that went with them, by name."""
        return {part.name: part.text for part in self.request.parts}

    @property
    def output(self) -> str | None:
        """The name of the output that was asked for; None for a text."""
        return self.request.output.name if self.request.output else None

    @property
    def schema(self) -> JsonObject | None:
        """The JSON Schema of the output; None for a text."""
        return self.request.output.schema if self.request.output else None


MemoryJournal = dict[tuple[int, str, int], ModelReply]
"""Replies by (generation, request, occurrence)."""


@dataclass(slots=True)
class MemoryLedger:
    """Implements Ledger for one stage; attempts go to `calls`, which many stages may share.

    `journal` is the stage's, kept from attempt to attempt, by (generation, request, occurrence).
    """

    stage: str
    calls: list[AskedCall] = field(default_factory=list[AskedCall])
    journal: MemoryJournal = field(default_factory=dict[tuple[int, str, int], ModelReply])
    generation: int = 0
    _asked: dict[UUID, tuple[AskedCall, tuple[int, str, int]]] = field(
        default_factory=dict[UUID, tuple[AskedCall, tuple[int, str, int]]]
    )
    _ordinals: dict[_Question, list[int]] = field(default_factory=dict[_Question, list[int]])

    async def begin(
        self, request: ModelRequest, *, ordinal: int, attempt: int, call_id: UUID | None = None
    ) -> BegunCall:
        """See `llm.protocol.Ledger`."""
        request_hash = request.hash()
        place = (self.generation, request_hash, self._nth(request, ordinal))
        stored = self.journal.get(place)
        call = AskedCall(self.stage, ordinal, attempt, request, stored is not None, reply=stored)
        begun = BegunCall(call_id or new_id(), request_hash, stored)
        self._asked[begun.id] = (call, place)
        self.calls.append(call)
        return begun

    async def stored_among(self, requests: Sequence[ModelRequest], *, ordinal: int) -> StoredReply | None:
        """See `llm.protocol.Ledger`."""
        nth = self._nth(requests[0], ordinal)
        hits = [
            index
            for index, request in enumerate(requests)
            if (self.generation, request.hash(), nth) in self.journal
        ]
        if not hits:
            return None
        asked = next(
            call for call in reversed(self.calls) if call.request.hash() == requests[hits[-1]].hash()
        )
        return StoredReply(hits[-1], asked.request.fallback)

    async def replied(self, call: BegunCall, reply: ModelReply, *, latency_ms: int) -> ModelReply:
        """See `llm.protocol.Ledger`."""
        del latency_ms
        asked, place = self._asked[call.id]
        # As from the store: through JSON.
        asked.reply = self.journal.setdefault(place, ModelReply.from_json(reply.to_json()))
        return asked.reply

    async def failed(self, call: BegunCall, error: CallFailure, *, latency_ms: int) -> None:
        """See `llm.protocol.Ledger`."""
        del latency_ms
        asked, _ = self._asked[call.id]
        asked.status, asked.failure = "failed", error

    async def judged(self, call: BegunCall, *, accepted: bool, problems: tuple[str, ...] = ()) -> None:
        """See `llm.protocol.Ledger`."""
        asked, _ = self._asked[call.id]
        asked.status, asked.problems = ("completed" if accepted else "rejected"), problems

    def _nth(self, request: ModelRequest, ordinal: int) -> int:
        """Which of the equal questions of the stage this is, of whichever model: as the store counts."""
        question = (request.instructions, request.parts, request.rejections)
        ordinals = self._ordinals.setdefault(question, [])
        if ordinal not in ordinals:
            ordinals.append(ordinal)
        return ordinals.index(ordinal)


def totals_of(calls: list[AskedCall]) -> CallTotals:
    """The calls added up, as the store does it: replies from the journal are no calls."""
    made = [call for call in calls if not call.is_from_journal]
    replies = [call.reply for call in made]
    costs = [reply.cost_usd if reply else None for reply in replies]
    return CallTotals(
        calls=len(made),
        input_tokens=sum(reply.usage.input_tokens or 0 for reply in replies if reply),
        output_tokens=sum(reply.usage.output_tokens or 0 for reply in replies if reply),
        cost_usd=sum((cost for cost in costs if cost is not None), CallTotals().cost_usd),
        unknown_costs=sum(
            cost is None and call.request.model.provider != RULES
            for call, cost in zip(made, costs, strict=True)
        ),
    )


@dataclass(slots=True)
class MemoryContents:
    """Implements ContentStore over contents that were read already."""

    contents: dict[UUID, Content] = field(default_factory=dict[UUID, Content])
    threads: dict[UUID, tuple[str, tuple[UUID, ...]]] = field(
        default_factory=dict[UUID, tuple[str, tuple[UUID, ...]]]
    )
    texts: dict[tuple[str, str], StoredText] = field(default_factory=dict[tuple[str, str], StoredText])

    async def content(self, organization_id: UUID, content_id: UUID) -> Content:
        """See `stages.source.ContentStore`."""
        del organization_id
        found = self.contents.get(content_id)
        if found is None:
            raise NotFoundError(f"content {content_id} is not there", hint="it was deleted, perhaps")
        return found

    async def thread(self, organization_id: UUID, thread_id: UUID) -> tuple[str, tuple[Content, ...]]:
        """See `stages.source.ContentStore`."""
        del organization_id
        subject, ids = self.threads[thread_id]
        return subject, tuple(self.contents[each] for each in ids)

    async def data(self, organization_id: UUID, sha256: str) -> bytes:
        """Never needed: every content is read before a run begins."""
        del organization_id
        raise NotFoundError(f"the bytes {sha256[:12]} are not there", hint="contents in memory are texts")

    async def text(
        self, organization_id: UUID, sha256: str, media_type: str, parser_version: str
    ) -> StoredText | None:
        """See `stages.source.ContentStore`."""
        del organization_id, parser_version
        return self.texts.get((sha256, media_type))

    async def store_text(
        self,
        organization_id: UUID,
        sha256: str,
        media_type: str,
        parser_version: str,
        *,
        document: JsonObject | None,
        error: ErrorInfo | None,
    ) -> None:
        """See `stages.source.ContentStore`."""
        del organization_id, parser_version
        self.texts[sha256, media_type] = StoredText(document, error)


def facts_of(
    contents: MemoryContents, content_id: UUID | None, thread_id: UUID | None, run: JsonObject
) -> dict[str, JsonValue]:
    """What conditions may name besides stages: as `load_facts` reads it."""
    content = contents.contents.get(content_id) if content_id else None
    about: JsonObject | None = None
    if content is not None:
        about = {
            "name": content.name,
            "media_type": content.media_type,
            "source_type": content.source_type.value,
            "size_bytes": content.size_bytes,
            "external_id": content.external_id,
            "metadata": content.metadata,
        }
    thread: JsonObject | None = {"subject": contents.threads[thread_id][0]} if thread_id else None
    return {"run": run, "content": about, "thread": thread}

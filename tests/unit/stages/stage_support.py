"""What the stage tests share: a store and a ledger in memory, and the making of tasks. No database, no network."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import JsonValue

from tegu.domain.content import Content, InputKind, SourceType
from tegu.domain.errors import ErrorInfo, NotFoundError
from tegu.domain.json import JsonObject
from tegu.domain.outcome import Completed, Failed
from tegu.llm.protocol import BegunCall, CallFailure, Credential, ModelReply, ModelRequest, StoredReply
from tegu.llm.providers.registry import Providers
from tegu.llm.structured import CallLimits
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask
from tegu.stages.perform import Performer
from tegu.stages.registry import StageRegistry, functions_by_key
from tegu.stages.source import Sources
from tegu.storage.sources import StoredText

ORGANIZATION = UUID(int=1)
STARTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUICK = CallLimits(attempts=2, reasks=2, backoff_s=0.01, backoff_max_s=0.01)

INVOICE = """\
ACME Tools GmbH
Invoice number: INV-2026-0042
Date: 2026-02-27

Total due: EUR 1,234.50
Please pay within 14 days to anna@acme-tools.example.
"""

MAIL = b"""\
From: Maria Lopez <maria@customer.example>
To: support@shop.example
Subject: Refund for order A-1001
Date: Mon, 2 Mar 2026 08:15:00 +0000
Message-ID: <one@customer.example>
Content-Type: text/plain; charset=utf-8

Hello,

my kettle arrived broken. I want a refund of 49.90 EUR for order A-1001.

Regards,
Maria
"""

ANSWER = b"""\
From: Support <support@shop.example>
To: maria@customer.example
Subject: Re: Refund for order A-1001
Date: Mon, 2 Mar 2026 09:30:00 +0000
Message-ID: <two@shop.example>
In-Reply-To: <one@customer.example>
Content-Type: text/plain; charset=utf-8

We are sorry. The refund is on its way.

On Mon, 2 Mar 2026 at 08:15, Maria Lopez wrote:
> my kettle arrived broken. I want a refund of 49.90 EUR for order A-1001.
"""


@dataclass
class MemoryStore:
    """Implements ContentStore. Counts how often bytes are fetched."""

    contents: dict[UUID, Content] = field(default_factory=dict[UUID, Content])
    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    texts: dict[tuple[object, ...], StoredText] = field(default_factory=dict[tuple[object, ...], StoredText])
    threads: dict[UUID, tuple[str, list[UUID]]] = field(default_factory=dict[UUID, tuple[str, list[UUID]]])
    data_reads: int = 0

    def add(self, data: bytes, media_type: str = "text/plain", name: str | None = "file.txt") -> Content:
        sha256 = hashlib.sha256(data).hexdigest()
        content = Content(
            id=uuid4(),
            organization_id=ORGANIZATION,
            source_type=SourceType.FILE,
            media_type=media_type,
            sha256=sha256,
            size_bytes=len(data),
            name=name,
            metadata={},
            created_at=STARTED,
        )
        self.contents[content.id] = content
        self.blobs[sha256] = data
        return content

    def add_thread(self, subject: str, *mails: bytes) -> UUID:
        thread_id = uuid4()
        added = [self.add(mail, "message/rfc822", None).id for mail in mails]
        self.threads[thread_id] = (subject, added)
        return thread_id

    def append(self, thread_id: UUID, mail: bytes, *, at: datetime) -> None:
        content = replace(self.add(mail, "message/rfc822", None), created_at=at)
        self.contents[content.id] = content
        self.threads[thread_id][1].append(content.id)

    async def content(self, organization_id: UUID, content_id: UUID) -> Content:
        found = self.contents.get(content_id)
        if found is None or found.organization_id != organization_id:
            raise NotFoundError(f"content {content_id} is not there")
        return found

    async def thread(self, organization_id: UUID, thread_id: UUID) -> tuple[str, tuple[Content, ...]]:
        subject, ids = self.threads[thread_id]
        return subject, tuple([await self.content(organization_id, each) for each in ids])

    async def data(self, organization_id: UUID, sha256: str) -> bytes:
        self.data_reads += 1
        return self.blobs[sha256]

    async def text(
        self, organization_id: UUID, sha256: str, media_type: str, parser_version: str
    ) -> StoredText | None:
        return self.texts.get((organization_id, sha256, media_type, parser_version))

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
        assert (document is None) != (error is None)
        self.texts[(organization_id, sha256, media_type, parser_version)] = StoredText(document, error)


@dataclass
class MemoryLedger:
    """Implements Ledger: a journal by request hash, and every attempt in order."""

    attempts: list[tuple[ModelRequest, int, int]] = field(default_factory=list[tuple[ModelRequest, int, int]])
    journal: dict[tuple[str, int], ModelReply] = field(default_factory=dict[tuple[str, int], ModelReply])
    refused: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    failures: list[CallFailure] = field(default_factory=list[CallFailure])
    replayed: int = 0
    _places: dict[UUID, tuple[str, int]] = field(default_factory=dict[UUID, tuple[str, int]])

    async def begin(
        self, request: ModelRequest, *, ordinal: int, attempt: int, call_id: UUID | None = None
    ) -> BegunCall:
        self.attempts.append((request, ordinal, attempt))
        place = (request.hash(), ordinal)
        call = BegunCall(call_id or uuid4(), place[0], self.journal.get(place))
        self.replayed += call.reply is not None
        self._places[call.id] = place
        return call

    async def stored_among(self, requests: Sequence[ModelRequest], *, ordinal: int) -> StoredReply | None:
        found = [n for n, each in enumerate(requests) if (each.hash(), ordinal) in self.journal]
        return StoredReply(found[-1]) if found else None

    async def replied(self, call: BegunCall, reply: ModelReply, *, latency_ms: int) -> ModelReply:
        return self.journal.setdefault(self._places[call.id], reply)

    async def failed(self, call: BegunCall, error: CallFailure, *, latency_ms: int) -> None:
        self.failures.append(error)

    async def judged(self, call: BegunCall, *, accepted: bool, problems: tuple[str, ...] = ()) -> None:
        if not accepted:
            self.refused.append(problems)


@dataclass(frozen=True)
class LocalCredentials:
    """Implements CredentialSource: one host for every provider."""

    base_url: str | None = None

    async def credential(self, organization_id: UUID, provider: str) -> Credential:
        return Credential(api_key="sk-of-a-test", base_url=self.base_url)


@dataclass
class Bench:
    """A performer over a store and a ledger in memory, with the real providers."""

    functions: tuple[Callable[..., Any], ...] = ()
    base_url: str | None = None
    default_model: str | None = None
    store: MemoryStore = field(default_factory=MemoryStore)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    providers: Providers = field(default_factory=Providers)

    def performer(self) -> Performer:
        async def default_model(organization_id: UUID) -> str | None:
            return self.default_model

        return Performer(
            registry=StageRegistry(functions=functions_by_key(self.functions)),
            sources=Sources(self.store),
            provider_for=self.providers.ready,
            credentials=LocalCredentials(self.base_url),
            ledger_for=lambda task: self.ledger,
            default_model=default_model,
            limits=QUICK,
        )

    async def completed(self, task: StageTask) -> Completed:
        outcome = await self.performer().perform(task)
        assert isinstance(outcome, Completed), outcome
        return outcome

    async def failed(self, task: StageTask) -> Failed:
        outcome = await self.performer().perform(task)
        assert isinstance(outcome, Failed), outcome
        return outcome


def task_of(
    stage: StageDefinition,
    *,
    content: Content | None = None,
    thread_id: UUID | None = None,
    upstream: tuple[StageDefinition, ...] = (),
    outputs: Mapping[str, JsonValue] | None = None,
    model: str | None = "rules",
    pipeline_model: str | None = None,
    input_kind: InputKind | None = None,
) -> StageTask:
    kind = input_kind or (InputKind.MAIL_THREAD if thread_id else InputKind.CONTENT)
    return StageTask(
        organization_id=ORGANIZATION,
        run_id=UUID(int=7),
        definition=PipelineDefinition("under_test", kind, (*upstream, stage), model=pipeline_model),
        stage=stage,
        inputs=outputs or {},
        content_id=content.id if content else None,
        thread_id=thread_id,
        model=model,
        attempt=1,
        generation=0,
        pinned_at=STARTED,
    )

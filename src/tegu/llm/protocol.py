"""What the rest of Tegu and a model provider say to each other.

Called by the structured loop (`llm.structured`), implemented by every file of `llm/providers`. Invariants: a provider
makes exactly one request per call of `request` (no hidden retries, no validation), raises only ProviderError, and
reports what it does not know as None.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, Self, runtime_checkable
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from tegu.domain.call import Fallback, Usage
from tegu.domain.errors import ConfigurationError
from tegu.domain.evidence import Quote
from tegu.domain.json import JsonObject, json_hash


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model as people write it: `anthropic:claude-sonnet-4-5`, `rules`, `openai-responses:gpt-5`."""

    provider: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `provider:model`; `rules` alone is the embedded provider. Raises ConfigurationError."""
        if text == "rules":
            return cls("rules", "rules")
        provider, colon, name = text.partition(":")
        if not text.isprintable():  # a name travels into requests, paths and terminals
            raise ConfigurationError(
                f"model {text!r} holds a character that no name has",
                hint="for example anthropic:claude-sonnet-4-5",
            )
        if not colon or not provider or not name:
            raise ConfigurationError(
                f"model {text!r} is not of the form provider:model",
                hint="for example anthropic:claude-sonnet-4-5, openai:gpt-5-mini, or rules",
            )
        return cls(provider, name)

    def __str__(self) -> str:
        return self.provider if self.provider == self.name else f"{self.provider}:{self.name}"


class OutputMode(StrEnum):
    """How a provider is asked for JSON: its native structured output, or a tool that it must call."""

    NATIVE = "native"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """The JSON that is wanted. `schema` is the author's, before any provider's normalisation."""

    name: str
    schema: JsonObject
    mode: OutputMode = OutputMode.NATIVE


@dataclass(frozen=True, slots=True)
class DataPart:
    """Content or an upstream output. Sent as a part of its own, delimited, never mixed into the instructions."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A reply that was refused, and why: shown to the model when it is asked again."""

    reply: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallSettings:
    """Settings of one call. `timeout_s` bounds one attempt as a whole."""

    max_tokens: int = 4096
    temperature: float | None = None
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request, rendered: what is hashed, journalled and shown. Holds no secret."""

    model: ModelRef
    instructions: str
    parts: tuple[DataPart, ...] = ()
    output: OutputSpec | None = None
    rejections: tuple[Rejection, ...] = ()
    settings: CallSettings = field(default_factory=CallSettings)
    hints: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What a rule-based provider may use and an LLM reads in the instructions: `task` (extract, classify, summarize,
    prompt) and `labels` (label -> description)."""
    fallback: Fallback | None = None
    """Why this model is asked, where another was to answer. For the ledger; no part of what is sent or hashed."""

    def to_json(self) -> JsonObject:
        """The rendered request, as stored by its hash."""
        output: JsonObject | None = None
        if self.output is not None:
            output = {
                "name": self.output.name,
                "schema": self.output.schema,
                "mode": self.output.mode.value,
            }
        return {
            "model": str(self.model),
            "instructions": self.instructions,
            "parts": [{"name": part.name, "text": part.text} for part in self.parts],
            "output": output,
            "rejections": [{"reply": r.reply, "problems": list(r.problems)} for r in self.rejections],
            "settings": {"max_tokens": self.settings.max_tokens, "temperature": self.settings.temperature},
            "hints": dict(self.hints),
        }

    def hash(self) -> str:
        """SHA-256 of the rendered request. The timeout is no part of it."""
        return json_hash(self.to_json())


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What came back, before anyone judges it. Serialisable: this is what the journal keeps.

    `text` is the reply as text (the tool's arguments as JSON text in tool mode). `quotes` are spans that the provider
    itself vouches for (the rules provider), as opposed to quotes that a model writes into its output.
    """

    text: str
    finish_reason: str | None
    usage: Usage
    cost_usd: Decimal | None
    model: str | None = None
    price_version: str | None = None
    confidence: float | None = None
    quotes: tuple[Quote, ...] = ()
    metadata: JsonObject = field(default_factory=JsonObject)

    def to_json(self) -> JsonObject:
        """As journalled."""
        usage = self.usage
        return {
            "text": self.text,
            "finish_reason": self.finish_reason,
            "usage": {
                "input_tokens": usage.input_tokens,
                "cached_tokens": usage.cached_tokens,
                "output_tokens": usage.output_tokens,
                "reasoning_tokens": usage.reasoning_tokens,
                "raw": usage.raw,
            },
            "cost_usd": str(self.cost_usd) if self.cost_usd is not None else None,
            "model": self.model,
            "price_version": self.price_version,
            "confidence": self.confidence,
            "quotes": [{"path": q.path, "text": q.text, "start": q.start} for q in self.quotes],
            "metadata": self.metadata,
        }

    @classmethod
    def from_json(cls, value: JsonObject) -> Self:
        """The inverse of `to_json`. Raises ValueError on anything else."""
        stored = _StoredReply.model_validate(value)
        return cls(
            text=stored.text,
            finish_reason=stored.finish_reason,
            usage=Usage(**dict(stored.usage)),
            cost_usd=stored.cost_usd,
            model=stored.model,
            price_version=stored.price_version,
            confidence=stored.confidence,
            quotes=tuple(Quote(quote.path, quote.text, quote.start) for quote in stored.quotes),
            metadata=stored.metadata,
        )


class _StoredUsage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    raw: JsonObject


class _StoredQuote(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    text: str
    start: int | None = None  # replies journalled before quotes had a place have none


class _StoredReply(BaseModel):
    """A journalled reply comes back from outside (the database), so pydantic reads it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    finish_reason: str | None
    usage: _StoredUsage
    cost_usd: Decimal | None
    model: str | None
    price_version: str | None
    confidence: float | None
    quotes: tuple[_StoredQuote, ...]
    metadata: JsonObject


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret and where it may be sent. Its repr hides the secret.

    `options` is what some providers want beside them, secrets among it: pairs of name and value (`region`, `project`,
    `secret_access_key`), as `tegu.llm.variables` names them.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def option(self, name: str) -> str | None:
        """The option of that name, if it is set."""
        return dict(self.options).get(name)


class CredentialSource(Protocol):
    """Finds the credential of one organization for one provider."""

    async def credential(self, organization_id: UUID, provider: str) -> Credential:
        """Raises ConfigurationError, with the environment variable to set as its hint, when there is none."""
        ...


class Provider(Protocol):
    """A way to call models."""

    async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
        """Make one request. Raises ProviderError, and nothing else, when no reply came."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


OnText = Callable[[str], None]
"""Hears each new piece of a reply's text as it arrives, in order (of a tool's arguments, in tool mode). Must not block."""
Watch = Callable[[], Awaitable[OnText | None]]
"""Asked before each attempt: who hears the text of this attempt, if anybody. What earlier attempts said is void then."""


@runtime_checkable
class StreamingProvider(Protocol):
    """A provider that can show its replies while they grow. One that cannot is no less a Provider."""

    async def request_streamed(
        self, request: ModelRequest, credential: Credential, on_text: OnText
    ) -> ModelReply:
        """As `Provider.request`, with the same reply in the end: still one request, and a reply that breaks off in the
        middle is a ProviderError, whatever was heard of it.
        """
        ...


class Ledger(Protocol):
    """The journal and the call ledger, for one stage run (or for a call with no run). Implemented by storage."""

    async def begin(
        self, request: ModelRequest, *, ordinal: int, attempt: int, call_id: UUID | None = None
    ) -> "BegunCall":
        """Write down that an attempt is made, before it is made; or find the stored reply of the same request.

        `ordinal` numbers the logical calls of a stage run from 1; `attempt` the attempts of one logical call from 1
        (a retry after a lost connection and a re-ask after a refused reply are both attempts). Attempts of one ordinal
        with the same hash share one place in the journal; another ordinal with the same hash has its own. `call_id` is
        the id of the row, where somebody knows it already.
        """
        ...

    async def stored_among(self, requests: Sequence[ModelRequest], *, ordinal: int) -> "StoredReply | None":
        """The last of these requests, which ask several models the same, to which the journal has a reply."""
        ...

    async def replied(self, call: "BegunCall", reply: ModelReply, *, latency_ms: int) -> ModelReply:
        """Journal the reply before anyone parses it. Returns the stored winner, which is not always this one."""
        ...

    async def failed(self, call: "BegunCall", error: "CallFailure", *, latency_ms: int) -> None:
        """The attempt brought no reply. Failures are never journalled, so that they are tried again."""
        ...

    async def judged(self, call: "BegunCall", *, accepted: bool, problems: tuple[str, ...] = ()) -> None:
        """The verdict on a reply: a refused one stays in the journal, so that the re-ask replays too."""
        ...


@dataclass(frozen=True, slots=True)
class BegunCall:
    """An attempt that the ledger knows. `reply` is set when the journal answered: then no request may be made."""

    id: UUID
    request_hash: str
    reply: ModelReply | None = None


@dataclass(frozen=True, slots=True)
class StoredReply:
    """That there is one: to the request at `index`, whose model was asked because of `fallback`."""

    index: int
    fallback: Fallback | None = None


@dataclass(frozen=True, slots=True)
class CallFailure:
    """Why an attempt brought no reply, for the ledger. `status` is the HTTP status, where there was one."""

    code: str
    message: str
    status: int | None = None
    usage: Usage = field(default_factory=Usage)
    transient: bool = False
    retry_after_s: float | None = None

    @property
    def may_be_billed(self) -> bool:
        """Whether the provider may have worked for it: everything but a refusal that it answered with."""
        return self.status is None or self.status < 400

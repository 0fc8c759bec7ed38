"""The script of a scripted provider: which requests it expects and what it answers, as plain data.

Called by tests that write scripts in Python, and by `document` that reads the same data from JSON. Invariant: a script
is immutable; what has already been used up of it is kept by the server (`ScriptState`), not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue

_STRICT = ConfigDict(extra="forbid")


class WireFormat(StrEnum):
    """The provider APIs that are spoken."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    BEDROCK = "bedrock"
    COHERE = "cohere"


@dataclass(frozen=True, slots=True)
class Text:
    """The model answers with this text, even where a tool was forced."""

    text: str
    kind: Literal["text"] = field(default="text", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Json:
    """The model answers with this value: as arguments of the tool that the request forces or offers, else as text."""

    value: JsonValue
    kind: Literal["json"] = field(default="json", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Call:
    """The model calls this tool, whether it was offered or not."""

    tool: str
    arguments: JsonValue
    kind: Literal["call"] = field(default="call", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Derived:
    """The smallest value that the request's JSON schema allows; the text `x` where the request has no schema."""

    kind: Literal["derived"] = field(default="derived", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Invalid:
    """Well-formed JSON that the request's schema does not allow."""

    kind: Literal["invalid"] = field(default="invalid", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Malformed:
    """Text that is no JSON, where JSON was asked for.

    As tool arguments: OpenAI sends the string; Anthropic sends it as a string in place of the input object; Gemini
    never sends such a call but the finish reason MALFORMED_FUNCTION_CALL, and so does this.
    """

    text: str = '{"unfinished": '
    kind: Literal["malformed"] = field(default="malformed", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Refused:
    """The model refuses (Gemini, which has no refusals: finish reason SAFETY)."""

    text: str = "I can't help with that."
    kind: Literal["refused"] = field(default="refused", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Filtered:
    """The provider's content filter stops the reply (Gemini: blocks the prompt)."""

    kind: Literal["filtered"] = field(default="filtered", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Failed:
    """An HTTP error status with the provider's error body.

    `code` is OpenAI's error code, Anthropic's or Bedrock's error type or Google's status, and follows from the status when it is
    not given. `retry_after_s` goes where the provider puts it: headers, or Google's RetryInfo in the body.
    """

    status: Annotated[int, Field(ge=400, le=599)]
    message: str | None = None
    code: str | None = None
    retry_after_s: Annotated[float, Field(ge=0)] | None = None
    kind: Literal["failed"] = field(default="failed", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Raw:
    """A body that is sent as it stands, with status 200: a proxy's HTML page, half a JSON document, nothing."""

    text: str
    content_type: str = "application/json"
    kind: Literal["raw"] = field(default="raw", kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


ModelBody = Text | Json | Call | Derived | Invalid | Malformed | Refused | Filtered
Body = ModelBody | Failed | Raw


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the usage says. `input_tokens` includes cached ones and cache writes, `output_tokens` includes reasoning.

    All zero is what some servers send with a 200 when they do not know.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, and how it travels.

    `delay_s` passes before the first byte. `bytes_per_s` drips the body. `reset` breaks the connection before the
    first byte or in the middle of the body. Where a stream is asked for, events carry `piece_characters` of the text
    each, `piece_delay_s` apart; in the middle of them the stream may break with an error event (`breaks_with`) or end as
    if all were well (`ends_early`). `endless` never ends the body (a limit of the server and the client's
    patience do); with `gzip` it is a bomb that unpacks a thousandfold. `truncated` cuts the model's output in half and
    says that the token limit was reached. `tokens` None counts four characters a token. `headers` replace the
    provider's own.
    """

    body: Annotated[Body, Field(discriminator="kind")]
    delay_s: Annotated[float, Field(ge=0, le=3600)] = field(default=0.0, kw_only=True)
    bytes_per_s: Annotated[float, Field(gt=0)] | None = field(default=None, kw_only=True)
    reset: Literal["before", "during"] | None = field(default=None, kw_only=True)
    endless: bool = field(default=False, kw_only=True)
    gzip: bool = field(default=False, kw_only=True)
    truncated: bool = field(default=False, kw_only=True)
    piece_characters: Annotated[int, Field(ge=1)] = field(default=16, kw_only=True)
    piece_delay_s: Annotated[float, Field(ge=0, le=60)] = field(default=0.0, kw_only=True)
    breaks_with: Failed | None = field(default=None, kw_only=True)
    ends_early: bool = field(default=False, kw_only=True)
    tokens: Tokens | None = field(default=None, kw_only=True)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], kw_only=True)
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a rule takes: those that pass everything that is set here. Nothing set takes any request.

    `contains` are texts that must all be in the prompt (instructions, messages, tool results). `nth` takes only the
    nth request, from 1, of those that reach the rule and pass the rest.
    """

    wire: WireFormat | None = None
    model: str | None = None
    contains: tuple[str, ...] = ()
    nth: Annotated[int, Field(ge=1)] | None = None
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Rule:
    """A reply for the requests that match, at most `times` times (None: without end)."""

    reply: Reply
    match: Match = field(default_factory=Match)
    times: Annotated[int, Field(ge=0)] | None = None
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Script:
    """Rules in order: the first that matches and is not used up answers; `default` answers what none takes."""

    rules: tuple[Rule, ...] = ()
    default: Reply = field(default_factory=lambda: Reply(Derived()))
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

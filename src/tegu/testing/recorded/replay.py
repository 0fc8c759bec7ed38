"""Replays recorded model calls through our own providers, and says how Tegu reads each of them.

Called by `tegu llm-replay`. Invariants: the real SDK and the real reading code run, against a server on 127.0.0.1 that
answers with what was recorded; no other host is reached; every file gives one report, whatever is in it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self, assert_never

from pydantic import JsonValue

from tegu.domain.call import Usage
from tegu.domain.errors import (
    ConfigurationError,
    DefinitionError,
    ProviderError,
    RecordingError,
    TeguError,
    UsageError,
)
from tegu.domain.json import JsonObject, canonical_json
from tegu.llm.protocol import (
    CallSettings,
    Credential,
    ModelRef,
    ModelReply,
    ModelRequest,
    OutputSpec,
    Provider,
)
from tegu.llm.providers.registry import Providers, canonical_name
from tegu.llm.reading import Accepted, Refused, Unusable, verdict
from tegu.llm.schema import validator
from tegu.testing.recorded.exchange import RecordedExchange, RecordedResponse, json_object
from tegu.testing.recorded.gathered import gathered, is_stream
from tegu.testing.recorded.hosts import UNREADABLE_APIS, ModelCall, base_url, model_call
from tegu.testing.recorded.reading import read_recording
from tegu.testing.recorded.server import LocalServer
from tegu.testing.recorded.wanted import tokens_max, wanted
from tegu.testing.scripted.http import HttpRequest

SUFFIXES = (".yaml", ".yml", ".json", ".yaml.gz", ".yml.gz", ".json.gz")
CALL_TIMEOUT_S = 30.0
_KEY = "no-key-is-needed"
_JSON: Mapping[str, str] = {"content-type": "application/json"}
_OPEN: JsonObject = {"type": "object"}


@dataclass(frozen=True, slots=True)
class ReplayError:
    """Why there is no object. `kind` is the class of the error in Tegu."""

    code: str
    kind: str
    message: str
    transient: bool = False

    @classmethod
    def of(cls, error: TeguError) -> Self:
        """What to say of an error of ours."""
        is_transient = isinstance(error, ProviderError) and error.transient
        return cls(error.code, type(error).__name__, error.message, is_transient)


@dataclass(frozen=True, slots=True)
class ReplayedCall:
    """How Tegu reads one recorded model call. None is unknown."""

    provider: str | None = None
    model: str | None = None
    status: int | None = None
    object: JsonValue = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    finish: str | None = None
    error: ReplayError | None = None


@dataclass(frozen=True, slots=True)
class ReplayedFile:
    """How Tegu reads one file. `problem` is why there is no call in it; `is_readable` whether it is a recording at all."""

    file: str
    calls: tuple[ReplayedCall, ...] = ()
    problem: ReplayError | None = None
    is_readable: bool = True

    @property
    def last(self) -> ReplayedCall:
        """The last model call: the one that a loop of tools or retries was made for."""
        return self.calls[-1] if self.calls else ReplayedCall(error=self.problem)


def recordings_in(place: Path, pattern: str = "*") -> list[Path]:
    """The files below a folder that may be recordings and whose name matches, in order; a file is itself. Raises
    UsageError for a pattern that matches nothing.
    """
    if not pattern.strip("/."):
        raise UsageError(f"{pattern!r} matches no file", hint="for instance 'test_chat*.yaml'")
    if place.is_file():
        return [place]
    found = (path for path in place.rglob("*") if path.name.endswith(SUFFIXES) and path.is_file())
    return sorted(path for path in found if path.relative_to(place).match(pattern))


class Replayer:
    """Replays one file after the other, over one server. Open while it is entered."""

    def __init__(self) -> None:
        self._server = LocalServer(self._answer)
        self._providers = Providers()
        self._now: RecordedResponse | None = None
        self._count = 0

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._providers.close()
        await self._server.__aexit__(kind, error, trace)

    async def replay(self, path: Path, name: str | None = None) -> ReplayedFile:
        """Replay a file; `name` is what the report calls it. Raises nothing."""
        name = name or str(path)
        try:
            recording = await asyncio.to_thread(read_recording, path)
        except RecordingError as error:
            return ReplayedFile(name, problem=ReplayError.of(error), is_readable=False)
        except Exception as error:  # noqa: BLE001 - a file of a stranger never ends the list
            said = f"cannot be read ({type(error).__name__}: {error})"
            return ReplayedFile(name, problem=ReplayError.of(RecordingError(said)), is_readable=False)
        found: list[ReplayedCall] = []
        for exchange in recording.exchanges:
            call = model_call(exchange.request, recording.base_urls)
            if call is not None:
                found.append(await self._replayed(call, exchange))
        if found:
            return ReplayedFile(name, tuple(found))
        count = len(recording.exchanges)
        said = f"none of its {count} exchanges is a model call" if count else "it holds no exchange"
        return ReplayedFile(name, problem=ReplayError.of(RecordingError(said, code="no_model_call")))

    async def _replayed(self, call: ModelCall, exchange: RecordedExchange) -> ReplayedCall:
        status = exchange.response.status
        try:
            return await self._asked(call, exchange)
        except TeguError as error:
            problem = ReplayError.of(error)
        except Exception as error:  # noqa: BLE001 - a reply of a stranger never ends the list
            problem = ReplayError("exception", type(error).__name__, str(error))
        return ReplayedCall(call.provider, call.model or None, status, error=problem)

    async def _asked(self, call: ModelCall, exchange: RecordedExchange) -> ReplayedCall:
        asked, response = exchange.request.json(), exchange.response
        if response.problem is not None:
            raise RecordingError(response.problem, code="unsupported_recording")
        if call.api in UNREADABLE_APIS:
            raise RecordingError(
                f"is {call.api.value}, which Tegu does not speak", code="unsupported_recording"
            )
        if not call.model:
            raise RecordingError("the request names no model", code="unsupported_recording")
        try:
            name = canonical_name(call.provider)
        except ConfigurationError as error:
            raise ConfigurationError(error.message, hint=error.hint, code="unknown_provider") from error
        if is_stream(response):
            whole = canonical_json(gathered(call.api, response)).encode("utf-8", "surrogatepass")
            response = RecordedResponse(response.status, {**response.headers, **_JSON}, whole)
        output = _checkable(wanted(call.api, asked, json_object(response.body)).output)
        limit = tokens_max(asked) or CallSettings().max_tokens
        request = ModelRequest(
            model=ModelRef(call.provider, call.model),
            instructions="Replay of a recorded reply.",
            output=output,
            settings=CallSettings(max_tokens=limit, timeout_s=CALL_TIMEOUT_S),
        )
        return await self._read(request, await self._providers.ready(name), response)

    async def _read(
        self, request: ModelRequest, provider: Provider, response: RecordedResponse
    ) -> ReplayedCall:
        name, model = request.model.provider, request.model.name
        credential = Credential(api_key=_KEY, base_url=base_url(self._server.url, name))
        self._now = response
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                reply = await provider.request(request, credential)
        except TimeoutError:
            said = f"the replay took longer than {CALL_TIMEOUT_S:g} s"
            problem = ReplayError("timeout", "ProviderError", said, transient=True)
            return ReplayedCall(name, model, response.status, error=problem)
        except ProviderError as error:
            return ReplayedCall(name, model, response.status, error=ReplayError.of(error))
        finally:
            self._now = None
        return _judged(request, reply, response.status)

    async def _answer(self, request: HttpRequest) -> RecordedResponse:
        del request  # whatever is asked: one call is replayed at a time
        return self._now or RecordedResponse(
            409, _JSON, b'{"error": {"message": "Nothing is replayed now."}}'
        )


def _judged(request: ModelRequest, reply: ModelReply, status: int) -> ReplayedCall:
    value: JsonValue = None
    problem: ReplayError | None = None
    judgement = verdict(request, reply)
    match judgement:
        case Accepted(found):
            value = found
        case Refused(problems):
            problem = ReplayError("malformed", "ProviderError", "; ".join(problems[:3]))
        case Unusable(error):
            problem = ReplayError.of(error)
        case _:
            assert_never(judgement)
    return ReplayedCall(
        provider=request.model.provider,
        model=request.model.name,
        status=status,
        object=value,
        usage=reply.usage,
        cost_usd=reply.cost_usd,
        finish=reply.finish_reason,
        error=problem,
    )


def _checkable(output: OutputSpec | None) -> OutputSpec | None:
    """With an open schema in place of one that Tegu would refuse of an author: the reply is still read as an object."""
    if output is None:
        return None
    try:
        validator(output.schema)
    except DefinitionError:
        return OutputSpec(output.name, _OPEN, output.mode)
    return output

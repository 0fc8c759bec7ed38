"""A scripted provider in a thread of its own, for tests of any kind: async, not async, or of other processes.

Made by the pytest plugin (`tegu_models`). Invariant: it speaks real HTTP to the real client code, and nothing that is
sent to it leaves this machine.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, cast

from tegu.stages.evidence import EVIDENCE, EVIDENCE_NOTE, OUTPUT
from tegu.testing.canned import Quoted, jsonable, with_quotes
from tegu.testing.scripted.ledger import LedgerEntry
from tegu.testing.scripted.routes import ProviderRequest
from tegu.testing.scripted.script import Failed, Json, Reply, Text
from tegu.testing.scripted.server import ScriptedProvider
from tegu.testing.scripted.state import AnyScript, ScriptState

_START_S = 10.0
_PROVIDERS = {"OPENAI": "openai", "ANTHROPIC": "anthropic", "GOOGLE": "google"}
_WITHOUT_KEY = ("OPENAI_COMPATIBLE", "OLLAMA", "VLLM")
# The end of the note is enough to know it by, and survives a provider that trims texts.
_NOTE = EVIDENCE_NOTE.strip()[-60:]


@dataclass(slots=True)
class _Answer:
    """Replies for requests that hold all these texts."""

    texts: tuple[str, ...]
    replies: Sequence[object]
    used: int = 0


@dataclass(slots=True)
class ModelServer:
    """See the module. Without a script every request is answered with the smallest value that its schema allows."""

    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    _answers: list[_Answer] = field(default_factory=list[_Answer])
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tegu-models", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.provider.__aenter__(), self._loop).result(_START_S)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._thread is not None
        closing = self.provider.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(closing, self._loop).result(_START_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    @property
    def ledger(self) -> list[LedgerEntry]:
        """Every request, in order of arrival."""
        return self.provider.ledger

    def base_url(self, provider: str) -> str:
        """What to give this provider's SDK as base_url."""
        return self.provider.base_url(provider)

    def script(self, script: AnyScript) -> None:
        """Answer by a script of `tegu.testing.scripted` from now on."""
        self.provider.script = ScriptState(script)

    def when(self, *texts: str, reply: object) -> None:
        """Answer requests that hold all these texts (of the instructions or the data) with this reply.

        `reply` is a value as in `tegu.testing.context` (JSON, a pydantic model, a text, `quoted`), one of
        `tegu.testing.scripted` (`Failed(429)`, `Refused()`), or a list of these, answered in order, its last one for
        ever. What was said first goes first.
        """
        replies = list(cast("list[object]", reply)) if isinstance(reply, list) else [reply]
        self._answers.append(_Answer(texts, replies))
        self.provider.script = ScriptState(self._reply)

    def environment(self) -> dict[str, str]:
        """Keys and hosts of the providers, all of them served here: for `EnvironmentCredentials` or a child process."""
        found: dict[str, str] = {}
        for prefix, provider in _PROVIDERS.items():
            found[f"{prefix}_API_KEY"] = "sk-of-a-test"
            found[f"{prefix}_BASE_URL"] = self.base_url(provider)
        return found | {f"{prefix}_BASE_URL": self.base_url("openai") for prefix in _WITHOUT_KEY}

    def _reply(self, request: ProviderRequest) -> Reply | None:
        for answer in self._answers:
            if answer.replies and all(text in request.prompt for text in answer.texts):
                value = answer.replies[min(answer.used, len(answer.replies) - 1)]
                answer.used += 1
                return _scripted(value, request)
        return None


def _scripted(value: object, request: ProviderRequest) -> Reply:
    if isinstance(value, Reply):
        return value
    if isinstance(value, str):
        return Reply(Text(value))
    if type(value).__module__ == Failed.__module__:
        return Reply(cast("Failed", value))
    quotes: Mapping[str, str] = {}
    if isinstance(value, Quoted):
        value, quotes = value.value, value.quotes
    found = jsonable(value)
    if _NOTE in request.prompt and not (isinstance(found, dict) and found.keys() == {OUTPUT, EVIDENCE}):
        found = with_quotes(found, quotes)
    return Reply(Json(found))

"""Models for tests: real replies, recorded once and replayed after.

Called by users' tests and by the pytest plugin. Invariants: a provider is asked only when recording was asked for, and
never in CI; a request that was not recorded is an error, never a call.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

from tegu.domain.errors import ConfigurationError, RecordingError
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import Credential, CredentialSource
from tegu.llm.providers.registry import canonical_name
from tegu.testing.recorded.hosts import home
from tegu.testing.recorded.reading import read_recording
from tegu.testing.recorded.recorder import RecordedProviders, Records, Replays
from tegu.testing.recorded.writing import write_recording

Mode = Literal["auto", "record", "replay"]
T = TypeVar("T")

_THREAD_S = 30.0
_NO = frozenset({"", "0", "false", "no"})
_KEY = "no-key-is-needed"
"""Blotted out wherever it stands in a message, so it is no word that stands in one."""
_LOCAL = frozenset({"rules"})


@dataclass(frozen=True, slots=True)
class RecordedCredentials:
    """Implements CredentialSource: every provider is the recording. `base_urls` is where they really are."""

    url: str
    base_urls: dict[str, str]
    upstream: CredentialSource | None = None

    async def credential(self, organization_id: UUID, provider: str) -> Credential:
        """Raises ConfigurationError: when recording, for a key that is missing or a host that is not known."""
        name = canonical_name(provider)
        if name in _LOCAL:
            return Credential()
        if self.upstream is None:
            return Credential(
                api_key=_KEY, base_url=self._local(name, self.base_urls.get(name) or home(name))
            )
        found = await self.upstream.credential(organization_id, name)
        base = found.base_url or home(name)
        if base is None:
            raise ConfigurationError(
                f"calls to {name!r} cannot be recorded: where it is, is not known here",
                hint="set the base URL of the provider",
            )
        self.base_urls[name] = base
        return replace(found, base_url=self._local(name, base))

    def _local(self, name: str, base: str | None) -> str:
        return f"{self.url}/{name}{urlsplit(base).path.rstrip('/') if base else '/v1'}"


@dataclass(slots=True)
class Recorded:
    """Open while it is entered (`with` or `async with`). `mode` is `record` or `replay` then."""

    path: Path
    mode: Mode = "auto"
    upstream: CredentialSource | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _providers: RecordedProviders | None = None
    _answerer: Records | Replays | None = None
    _base_urls: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def credentials(self) -> CredentialSource:
        """What to give to `Tegu(credentials=...)`: keys and hosts that lead to the recording."""
        if self._providers is None:
            raise RecordingError(
                f"the recording {str(self.path)!r} is not open",
                hint="with recorded_models(...) as recorded: ...",
                code="not_recorded",
            )
        upstream = self._upstream() if self.mode == "record" else None
        return RecordedCredentials(self._providers.url, self._base_urls, upstream)

    def __enter__(self) -> Self:
        self.mode = _decided(self.path, self.mode)
        self._base_urls = {}
        if self.mode == "record":
            self._answerer = Records(self._base_urls)
        else:
            self._answerer = self._replays()
        self._providers = RecordedProviders(self._answerer)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tegu-recorded", daemon=True)
        self._thread.start()
        self._run(self._providers.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._providers is not None
        assert self._loop is not None
        assert self._thread is not None
        self._run(self._providers.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_THREAD_S)
        self._loop.close()
        self._providers = None
        match self._answerer:
            case Records(exchanges=exchanges, secrets=secrets) if exchanges:
                write_recording(self.path, exchanges, self._base_urls, secrets)
            case Replays(unknown=[first, *more]) if error is None:
                others = f" and {len(more)} more" if more else ""
                raise RecordingError(
                    f"{first}{others}", hint="TEGU_RECORD=1 records anew", code="not_recorded"
                )
            case _:
                pass

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _upstream(self) -> CredentialSource:
        return self.upstream or EnvironmentCredentials()

    def _replays(self) -> Replays:
        try:
            recording = read_recording(self.path)
        except RecordingError as error:
            raise RecordingError(
                f"the recording {str(self.path)!r} {error.message}", code=error.code
            ) from error
        self._base_urls = dict(recording.base_urls)
        return Replays(str(self.path), recording.exchanges)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_THREAD_S)


def recorded_models(
    path: str | Path, mode: Mode = "auto", *, credentials: CredentialSource | None = None
) -> Recorded:
    """Models whose replies were recorded once; to be used in a `with`, or an `async with`.

    `auto` replays, and records when the environment has TEGU_RECORD=1; `credentials` are the keys to record with, those
    of the environment by default. A path without a suffix gets `.yaml`. On entering raises ConfigurationError when there
    is no recording, and when recording was asked for in CI. On leaving raises RecordingError for what was asked and not
    recorded. Keys, cookies and accounts are not written; prompts and replies are.
    """
    found = Path(path)
    return Recorded(found if found.suffix else found.with_name(f"{found.name}.yaml"), mode, credentials)


def _decided(path: Path, mode: Mode) -> Mode:
    if mode == "auto":
        mode = cast("Mode", "record" if _is_set("TEGU_RECORD") else "replay")
    if mode == "record" and _is_set("CI"):
        raise ConfigurationError(
            f"{str(path)!r} is not recorded in CI, where the environment has CI set",
            hint="record on your own machine and commit the file",
        )
    if mode == "replay" and not path.is_file():
        raise ConfigurationError(
            f"there is no recording {str(path)!r}",
            hint="TEGU_RECORD=1 records it once, with the keys of the environment",
        )
    return mode


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() not in _NO

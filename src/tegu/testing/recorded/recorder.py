"""What stands between the code under test and its providers: answers from a recording, or asks and writes down.

Called by `record_or_replay`. Invariants: a replayer reaches nobody; a recorder forwards only to where the credential of that
provider leads, and what it keeps is cleaned before it is kept.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit

from tegu.domain.json import JsonObject, canonical_json
from tegu.llm.providers.http import BoundedClient
from tegu.testing.recorded.exchange import RecordedExchange, RecordedRequest, RecordedResponse
from tegu.testing.recorded.matching import Matcher
from tegu.testing.recorded.reading import EXCHANGES_MAX
from tegu.testing.recorded.server import LocalServer
from tegu.testing.recorded.writing import clean, secrets_in
from tegu.testing.scripted.http import HttpRequest

_JSON: Mapping[str, str] = {"content-type": "application/json"}
_UNKNOWN_MAX = 100
_CONNECTION_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)


class Answerer(Protocol):
    """Answers what the code under test asks of a provider. `path` is the path at the provider."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def answer(self, provider: str, path: str, request: HttpRequest) -> RecordedResponse:
        """The response; raises nothing."""
        ...


class RecordedProviders:
    """One server for all providers: `/openai/v1/chat/completions` is the path `/v1/chat/completions` of `openai`."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._server = LocalServer(self._answer)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._answerer)
        await self._open.enter_async_context(self._server)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    @property
    def url(self) -> str:
        """The root."""
        return self._server.url

    async def _answer(self, request: HttpRequest) -> RecordedResponse:
        provider, slash, path = request.path.removeprefix("/").partition("/")
        return await self._answerer.answer(unquote(provider), slash + path, request)


class Replays:
    """Answers from a recording. `unknown` holds what was asked and not recorded."""

    def __init__(self, name: str, exchanges: tuple[RecordedExchange, ...]) -> None:
        self.unknown: list[str] = []
        self._name = name
        self._matcher = Matcher(exchanges)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def answer(self, provider: str, path: str, request: HttpRequest) -> RecordedResponse:
        """What was recorded, or a refusal that says what differs."""
        del provider
        asked = RecordedRequest(request.method, f"http://recorded{path}", {}, request.body)
        found = self._matcher.answer(asked)
        if found is not None:
            return found
        said = f"this request is not in the recording {self._name}: {self._matcher.difference(asked)}"
        if len(self.unknown) < _UNKNOWN_MAX:
            self.unknown.append(said)
        return _failure(400, f"{said} (TEGU_RECORD=1 records anew)")


class Records:
    """Asks the providers and keeps the exchanges. `base_urls` says where each is, and is filled as they are used; `secrets`
    are all keys that were sent, in every form.
    """

    def __init__(self, base_urls: Mapping[str, str]) -> None:
        self.secrets: set[str] = set()
        self._base_urls = base_urls
        self._kept: dict[int, RecordedExchange] = {}
        self._asked = 0
        self._http = BoundedClient()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def exchanges(self) -> tuple[RecordedExchange, ...]:
        """What was kept, in the order in which it was asked."""
        return tuple(exchange for _, exchange in sorted(self._kept.items()))

    async def answer(self, provider: str, path: str, request: HttpRequest) -> RecordedResponse:
        """What the provider says. What cannot be reached is not recorded."""
        base = self._base_urls.get(provider)
        if base is None:
            return _failure(
                404, f"no credential of {provider!r} was asked for, so nothing is forwarded to it"
            )
        if self._asked >= EXCHANGES_MAX:
            return _failure(400, f"a recording holds at most {EXCHANGES_MAX} exchanges")
        self._asked += 1
        place = self._asked
        parts = urlsplit(base)
        uri = f"{parts.scheme}://{parts.netloc}{path}" + (f"?{request.query}" if request.query else "")
        headers = {name: value for name, value in request.headers.items() if name not in _CONNECTION_HEADERS}
        try:
            reply = await self._http.request(request.method, uri, headers=headers, content=request.body)
        except Exception as error:  # noqa: BLE001 - whatever the connection did, the code under test gets an answer
            return _failure(502, f"{provider} could not be asked ({type(error).__name__})")
        said = {name.lower(): value for name, value in reply.headers.items()}
        response = RecordedResponse(reply.status_code, said, reply.content)
        asked = RecordedRequest(request.method, uri, request.headers, request.body)
        self.secrets |= secrets_in(request.headers, uri)
        self._kept[place] = clean(RecordedExchange(asked, response), self.secrets)
        return response


def _failure(status: int, message: str) -> RecordedResponse:
    """In a form that the clients of all providers find the sentence in."""
    body: JsonObject = {
        "type": "error",
        "message": message,
        "error": {"type": "not_recorded", "message": message},
    }
    return RecordedResponse(status, _JSON, canonical_json(body).encode("utf-8", "surrogatepass"))

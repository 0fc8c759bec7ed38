"""How what a client asks for gets to the service and back.

`HttpAsking` is the one over HTTP; the command line has another that performs actions in its own process. Used by the nouns
and by `service`. Invariant: every request has its time limits, and is repeated only as `patience` allows.
"""

import os
import stat
from collections.abc import AsyncGenerator, Mapping
from contextlib import nullcontext
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Protocol, TypeVar
from uuid import UUID

import httpx
from pydantic import TypeAdapter, ValidationError

from tegu.actions.contents import readable
from tegu.client.call import Call, Request
from tegu.client.event_stream import EventStream
from tegu.client.failures import error_of
from tegu.client.pace import pieces, sleep
from tegu.client.patience import Patience
from tegu.domain.errors import IntakeError, TeguError, UnreachableError
from tegu.domain.page import Page
from tegu.domain.run import RunEvent
from tegu.intake.sniff import SIZE_LIMIT_BYTES

Out = TypeVar("Out")
Item = TypeVar("Item")
API = "/api"
_CONNECT_S = 5.0
_SILENCE_S = 45.0
"""How long the live feed may say nothing; it gives a sign of life more often."""
_QUIET_S = 10.0
"""For how long it is believed that nothing happens."""
_REFUSALS = frozenset({401, 403})
_EVENT = TypeAdapter(RunEvent)


class Asking(Protocol):
    """What carries calls."""

    async def ask(self, call: Call[Out], given: Mapping[str, object]) -> Out:
        """Have an action performed. Raises what it raises."""
        ...

    async def upload(self, call: Call[Out], file: Path | bytes, given: Mapping[str, object]) -> Out:
        """The same for what takes a file, or bytes. Raises IntakeError for one that cannot be read."""
        ...

    def live(self, topics: str, *, partials: bool) -> AsyncGenerator[RunEvent]:
        """What happens, until the feed ends or breaks off: then what was missed is read, and it is asked for again."""
        ...

    def export(self, organization_id: UUID) -> AsyncGenerator[bytes]:
        """All that an organization has, as an archive, piece by piece. Raises what refuses it."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


async def every(
    asking: Asking, call: Call[Page[Item]], given: Mapping[str, object], page_size: int
) -> AsyncGenerator[Item]:
    """The items of all pages, read as they are wanted."""
    cursor: str | None = None
    while True:
        page = await asking.ask(call, {**given, "limit": page_size, "cursor": cursor})
        for item in page.items:
            yield item
        cursor = page.next_cursor
        if cursor is None:
            return


class HttpAsking:
    """See the module. `transport` stands in for the network, as an ASGI application does in tests of hosts."""

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        timeout_s: float,
        patience: Patience,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._patience = patience
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/") + API,
            headers={"authorization": f"Bearer {key}"} if key else {},
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    async def ask(self, call: Call[Out], given: Mapping[str, object]) -> Out:
        """See `Asking`."""
        return self._read(call, await self._answer(call.request(given)))

    async def upload(self, call: Call[Out], file: Path | bytes, given: Mapping[str, object]) -> Out:
        """See `Asking`. The file is never whole in memory."""
        return self._read(call, await self._answer(call.upload(file, given)))

    async def live(self, topics: str, *, partials: bool) -> AsyncGenerator[RunEvent]:
        """See `Asking`. Raises what refuses it for good."""
        stream = EventStream()
        limits = httpx.Timeout(_SILENCE_S, connect=_CONNECT_S)
        query = {"topics": topics, "partials": partials}
        try:
            async with self._http.stream("GET", "/events", params=query, timeout=limits) as answer:
                if answer.status_code in _REFUSALS:
                    raise error_of(answer.status_code, answer.headers, await answer.aread())
                if not answer.is_success:  # no feed there, or no room for now: whoever follows reads again
                    return
                heard_at = monotonic()
                async for piece in answer.aiter_bytes():
                    found = stream.feed(piece)
                    if not found and monotonic() > heard_at + _QUIET_S:
                        return  # so that what the feed may have left out is read all the same
                    heard_at = monotonic() if found else heard_at
                    for kind, data in found:
                        if kind in {"run", "partial"}:
                            yield _EVENT.validate_json(data)
                        elif kind in {"end", "resync"}:
                            return
        except (httpx.TransportError, ValueError):
            return

    async def export(self, organization_id: UUID) -> AsyncGenerator[bytes]:
        """See `Asking`. Raises UnreachableError for an archive that breaks off."""
        path = f"/organizations/{organization_id}/export/data"
        limits = httpx.Timeout(self._timeout_s, connect=_CONNECT_S)
        try:
            async with self._http.stream("GET", path, timeout=limits) as answer:
                if not answer.is_success:
                    raise error_of(answer.status_code, answer.headers, await answer.aread())
                async for piece in answer.aiter_bytes():
                    yield piece
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    async def close(self) -> None:
        """See `Asking`."""
        await self._http.aclose()

    def _read(self, call: Call[Out], body: bytes) -> Out:
        try:
            return call.output.validate_json(body)
        except ValidationError as error:
            raise TeguError(
                f"{self.url} answered {call.name} with something that this version of Tegu does not understand",
                hint="use the client of the same version as the service",
                code="unexpected_answer",
            ) from error

    async def _answer(self, request: Request) -> bytes:
        """The body of the success, after as many tries as are allowed. Raises what the last one ended with."""
        tries, waited_s = 0, 0.0
        while True:
            tries += 1
            try:
                return await self._try(request)
            except TeguError as failure:
                wait_s = self._patience.wait_s(failure, tries, waited_s, may_repeat=request.may_repeat)
                if wait_s is None:
                    raise
            waited_s += wait_s
            await sleep(wait_s)

    async def _try(self, request: Request) -> bytes:
        with readable(request.file) if request.file else nullcontext() as file:
            try:
                answer = await self._http.request(
                    request.method,
                    request.path,
                    params=request.query,
                    content=pieces(file) if file else request.body,
                    headers={**request.headers, **(_length_of(file) if file else {})},
                    timeout=httpx.Timeout(self._timeout_s + request.extra_s, connect=_CONNECT_S),
                )
            except httpx.TransportError as error:
                raise self._unreachable(error) from error
        if answer.is_success:
            return answer.content
        if answer.is_redirect:
            raise UnreachableError(
                f"{self.url} redirects to {answer.headers.get('location', 'nowhere')!r}",
                hint="use the address that the service itself has",
            )
        raise error_of(answer.status_code, answer.headers, answer.content)

    def _unreachable(self, error: httpx.TransportError) -> UnreachableError:
        """No answer."""
        was_sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        said = str(error) or type(error).__name__
        return UnreachableError(
            f"{self.url} does not answer: {said}", hint="is the service running there?", was_sent=was_sent
        )


def _length_of(file: BinaryIO) -> dict[str, str]:
    """How much will be sent, where that is known. Raises IntakeError for more than is taken."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        return {}
    if found.st_size > SIZE_LIMIT_BYTES:
        raise IntakeError(
            f"{file.name!r} is larger than {SIZE_LIMIT_BYTES // 2**20} MiB",
            hint="split it, or leave out what nobody reads",
            code="too_large",
        )
    return {"content-length": str(found.st_size)}

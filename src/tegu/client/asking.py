"""How what a client asks for gets to the service and back.

`HttpAsking` is the one over HTTP; the command line has another that performs actions in its own process. Used by the nouns
and by `service`. Invariant: every request has its time limits, and is repeated only as `patience` allows.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol, TypeVar

import httpx
from pydantic import ValidationError

from tegu.client.call import Call, Request
from tegu.client.failures import error_of
from tegu.client.pace import sleep
from tegu.client.patience import Patience
from tegu.domain.errors import TeguError, UnreachableError
from tegu.domain.page import Page

Out = TypeVar("Out")
Item = TypeVar("Item")
API = "/api"
_CONNECT_S = 5.0


class Asking(Protocol):
    """What carries calls."""

    async def ask(self, call: Call[Out], given: Mapping[str, object]) -> Out:
        """Have an action performed. Raises what it raises."""
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
        body = await self._answer(call.request(given))
        try:
            return call.output.validate_json(body)
        except ValidationError as error:
            raise self._not_understood(call.name) from error

    async def close(self) -> None:
        """See `Asking`."""
        await self._http.aclose()

    def _not_understood(self, what: str) -> TeguError:
        """The service said something of another shape than this version expects."""
        return TeguError(
            f"{self.url} answered {what} with something that this version of Tegu does not understand",
            hint="use the client of the same version as the service",
            code="unexpected_answer",
        )

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
        headers = dict(request.headers)
        if request.body is not None:
            headers["content-type"] = "application/json"
        try:
            answer = await self._http.request(
                request.method,
                request.path,
                params=request.query,
                content=request.body,
                headers=headers,
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

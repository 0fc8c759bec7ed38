"""A client of the older HTTP library, for the SDKs that still want one, over ours.

Called by the files of such providers. Invariant: nothing is sent but by BoundedClient, so its limits hold for these
SDKs too; its exceptions are said in the older library's words, which are what these SDKs know.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import httpx2

from tegu.llm.providers.http import exchange

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient


class _Body(httpx.AsyncByteStream):
    """A body that is handed on as it comes."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_raw():
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, http: "BoundedClient") -> None:
        self._http = http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent = httpx2.Request(
            request.method,
            str(request.url),
            headers=request.headers.multi_items(),
            content=await request.aread(),
            extensions=request.extensions,
        )
        noted = exchange.get()
        try:
            # Not every SDK is told the timeout of the call.
            async with asyncio.timeout(noted.timeout_s if noted is not None else None):
                response = await self._http.send(sent)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no reply in time", request=request) from error
        except httpx2.TransportError as error:
            raise _said_before(error, request) from error
        headers = response.headers.multi_items()
        if response.is_stream_consumed:
            return httpx.Response(response.status_code, headers=headers, content=response.content)
        return httpx.Response(response.status_code, headers=headers, stream=_Body(response))


def legacy_client(http: "BoundedClient") -> httpx.AsyncClient:
    """A client that holds no connections itself, so that it needs no closing."""
    return httpx.AsyncClient(transport=_Transport(http), timeout=None, follow_redirects=False)  # noqa: S113 - ours has


def _said_before(error: httpx2.TransportError, request: httpx.Request) -> httpx.TransportError:
    """The older library's exception of the same name, or of the nearest base that has one."""
    for kind in type(error).__mro__:
        found: Any = getattr(httpx, kind.__name__, None)
        if isinstance(found, type) and issubclass(found, httpx.TransportError):
            return found(str(error), request=request)
    return httpx.TransportError(str(error), request=request)

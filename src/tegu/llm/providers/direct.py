"""A provider over pydantic-ai's direct model calls: the one class behind every network provider.

Called by the registry, with the client builder of a provider file. Invariant: one call of `request` or
`request_streamed` sends at most one HTTP request; what the library refuses before sending is asked for in another output
mode, and the reply says which. Being watched never costs a reply: a server that will not stream is asked without.
"""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from tegu.domain.errors import ConfigurationError, ProviderError
from tegu.llm.protocol import Credential, ModelReply, ModelRequest, OnText, OutputMode
from tegu.llm.providers.clients import ClientBuilder, ClientCache

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

    from tegu.llm.providers.http import Exchange


_SLOW_MODULES = (
    "pydantic_ai.direct",
    "tegu.llm.providers.faults",
    "tegu.llm.providers.replies",
    "tegu.llm.providers.streams",
    "tegu.llm.providers.wording",
)
_UNSTREAMED_MAX = 256


class DirectProvider:
    """Implements Provider and StreamingProvider. The options are those of the registry's `Entry`."""

    def __init__(
        self,
        build: ClientBuilder,
        *,
        priced_by_url: bool = False,
        extra: str | None = None,
        sample_model: str = "not-a-model",
        streams: bool = True,
    ) -> None:
        self._build = build
        self._extra = extra
        self._sample_model = sample_model
        self._streams = streams
        self._clients = ClientCache(build)
        self._priced_by_url = priced_by_url
        self._is_loaded = False
        self._unstreamed: dict[tuple[str | None, str], None] = {}  # (base URL, model) that will not stream

    def load(self) -> None:
        """Import the SDK and the library: 1 to 3 s of CPU, so call it in a thread, before the first timed call.

        Raises ConfigurationError when the SDK is not installed.
        """
        if self._is_loaded:
            return
        for module in _SLOW_MODULES:
            import_module(module)
        from tegu.llm.providers.http import BoundedClient

        # SDKs import more when they are first used; a client that never connects needs no closing.
        try:
            self._build(Credential("not-a-key", "http://localhost"), BoundedClient())(self._sample_model)
        except ImportError as error:
            if self._extra is None:
                raise
            missing = error.name or getattr(error.__cause__, "name", None) or self._extra
            raise ConfigurationError(
                f"models of this provider need the package {missing!r}, which is not installed",
                hint=f"pip install 'tegu[{self._extra}]'",
            ) from error
        self._is_loaded = True

    async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
        """Make one request. Raises ProviderError when no reply came, ConfigurationError when none could be asked for."""
        return await self._exchange(request, credential, None)

    async def request_streamed(
        self, request: ModelRequest, credential: Credential, on_text: OnText
    ) -> ModelReply:
        """The same, heard while it comes, where the server streams."""
        can_stream = self._streams and (credential.base_url, request.model.name) not in self._unstreamed
        return await self._exchange(request, credential, on_text if can_stream else None)

    async def _exchange(
        self, request: ModelRequest, credential: Credential, on_text: OnText | None
    ) -> ModelReply:
        if not self._is_loaded:
            await asyncio.to_thread(self.load)
        from tegu.llm.providers.faults import fault_of
        from tegu.llm.providers.http import Exchange, exchange

        exchanged = Exchange(
            secret=credential.api_key,
            timeout_s=request.settings.timeout_s,
            wants_stream=on_text is not None,
        )
        token = exchange.set(exchanged)
        try:
            return await self._request(request, credential, exchanged, on_text)
        except (ConfigurationError, ProviderError):
            raise
        except Exception as error:
            fault = fault_of(error, request.model, credential, exchanged)
            if on_text is not None and _will_not_stream(fault, exchanged):
                raise self._asked_without(request, credential, fault) from error
            raise fault from error
        finally:
            exchange.reset(token)

    async def _request(
        self, request: ModelRequest, credential: Credential, exchanged: "Exchange", on_text: OnText | None
    ) -> ModelReply:
        from pydantic_ai.exceptions import ModelRequestRejectedError, UserError

        from tegu.llm.providers.wording import messages, settings, ways_to_ask

        conversation, chosen = messages(request), settings(request)
        *preferred, last = ways_to_ask(request)
        async with self._clients.lease(credential) as client:
            model = client.model(request.model.name)
            for mode, parameters in [*preferred, last]:
                try:
                    response = await _respond(model, conversation, chosen, parameters, on_text, exchanged)
                except (UserError, ModelRequestRejectedError):
                    if exchanged.is_sent or parameters is last[1]:
                        raise
                else:
                    return self._reply(request, response, exchanged, mode)
        raise AssertionError("the last way returns or raises")

    def _reply(
        self, request: ModelRequest, response: "ModelResponse", exchanged: "Exchange", mode: OutputMode | None
    ) -> ModelReply:
        from tegu.llm.providers.replies import body_of, reply_of

        body = body_of(exchanged)
        if body is None:
            raise ProviderError(
                f"{request.model}: the reply is not what this API promises (no JSON object, or an empty one)",
                code="server",
                transient=True,
                status=exchanged.status,
            )
        return reply_of(response, exchanged, body, mode=mode, priced_by_url=self._priced_by_url)

    def _asked_without(
        self, request: ModelRequest, credential: Credential, fault: ProviderError
    ) -> ProviderError:
        """Remember that this server will not stream this model; the next attempt asks without, and is due at once."""
        if len(self._unstreamed) >= _UNSTREAMED_MAX:
            self._unstreamed.pop(next(iter(self._unstreamed)))
        self._unstreamed[credential.base_url, request.model.name] = None
        said = f"{fault.message}; it is asked again without a stream"
        return ProviderError(said, code=fault.code, transient=True, status=fault.status)

    async def close(self) -> None:
        """Close connections."""
        await self._clients.close()


async def _respond(
    model: "Model",
    conversation: "list[ModelMessage]",
    settings: "ModelSettings",
    parameters: "ModelRequestParameters",
    on_text: OnText | None,
    exchanged: "Exchange",
) -> "ModelResponse":
    if on_text is not None:
        from tegu.llm.providers.streams import request_streamed

        return await request_streamed(model, conversation, settings, parameters, on_text, exchanged)
    from pydantic_ai.direct import model_request

    return await model_request(
        model, conversation, model_settings=settings, model_request_parameters=parameters, instrument=False
    )


def _will_not_stream(fault: ProviderError, exchanged: "Exchange") -> bool:
    """Whether the server is there and objects to streaming alone: a 200 that is no stream of events, or a refusal that
    speaks of streams (unknown `stream_options`, an account that may not stream a model).
    """
    if exchanged.status == 200:
        return exchanged.stream is None and bool(exchanged.body.strip())
    return exchanged.status in {400, 404, 405, 422, 501} and "stream" in fault.message.lower()

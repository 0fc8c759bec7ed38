"""Chat completions of OpenAI's SDK without its walk over the request.

Called by `openai`. Before it sends, the SDK walks the whole body, schemas and messages included, against its typed
dictionaries, to rename aliases and to encode files: a quarter of the CPU of a call, for a body that pydantic-ai has
made of plain JSON already. Invariant: what arrives at the provider is the same JSON, under the same headers.
"""

from typing import Any

from openai import AsyncOpenAI, AsyncStream, NotGiven, Omit
from openai.resources.chat.completions import AsyncCompletions
from openai.types.chat import ChatCompletion, ChatCompletionChunk


class PlainCompletions(AsyncCompletions):
    """Sends what it is given."""

    async def create(  # pyright: ignore[reportIncompatibleMethodOverride] (the SDK has eight overloads; the arguments are the same)
        self,
        *,
        stream: Any = None,
        extra_headers: Any = None,
        extra_query: Any = None,
        extra_body: Any = None,
        timeout: Any = None,  # noqa: ASYNC109 (as the SDK names it)
        **body: Any,
    ) -> Any:
        """As the SDK's."""
        options: Any = {
            "security": {"bearer_auth": True},
            "headers": extra_headers,
            "params": extra_query,
            "extra_json": extra_body,
            "timeout": timeout,
        }
        is_stream = bool(stream) and _is_given(stream)
        sent = {"messages": body.pop("messages"), "model": body.pop("model"), **body, "stream": stream}
        given: Any = {
            name: value for name, value in options.items() if value is not None and _is_given(value)
        }
        reply: ChatCompletion | AsyncStream[ChatCompletionChunk] = await self._client.post(
            "/chat/completions",
            body={name: value for name, value in sent.items() if value is not None and _is_given(value)},
            options=given,
            cast_to=ChatCompletion,
            stream=is_stream,
            stream_cls=AsyncStream[ChatCompletionChunk],
        )
        return reply


def use_plain_completions(client: AsyncOpenAI) -> None:
    """Let this client send chat completions so."""
    vars(client.chat)["completions"] = PlainCompletions(
        client
    )  # where its cached property would put the other


def _is_given(value: object) -> bool:
    return not isinstance(value, Omit | NotGiven)

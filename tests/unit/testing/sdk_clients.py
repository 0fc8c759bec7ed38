"""Calls a scripted provider through the real SDKs, as the provider layer does."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Literal, assert_never

import httpx2
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from tegu.domain.json import JsonObject
from tegu.testing.scripted import ScriptedProvider, WireFormat

Mode = Literal["text", "native", "tool"]
# Made once: making it takes 50 ms, and every client would make its own.
_TLS = ssl.create_default_context()
KEY = "sk-secret-of-a-test"
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "kind": {"enum": ["town", "village"]},
        "people": {"type": "integer"},
        "mayor": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "streets": {"type": "array", "items": {"$ref": "#/$defs/Street"}},
    },
    "required": ["city", "kind", "people", "mayor", "streets"],
    "additionalProperties": False,
    "$defs": {
        "Street": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        }
    },
}


SDK_WIRES = (
    WireFormat.OPENAI_CHAT,
    WireFormat.OPENAI_RESPONSES,
    WireFormat.ANTHROPIC,
    WireFormat.GOOGLE,
)
"""Those whose SDK takes an HTTP client of ours as it is; the others are tested with the providers."""


def model(wire: WireFormat, server: ScriptedProvider, client: httpx2.AsyncClient) -> Model:
    match wire:
        case WireFormat.OPENAI_CHAT:
            openai = OpenAIProvider(base_url=server.base_url("openai"), api_key=KEY, http_client=client)
            return OpenAIChatModel("gpt-5-mini", provider=openai)
        case WireFormat.OPENAI_RESPONSES:
            openai = OpenAIProvider(base_url=server.base_url("openai"), api_key=KEY, http_client=client)
            return OpenAIResponsesModel("gpt-5-mini", provider=openai)
        case WireFormat.ANTHROPIC:
            anthropic = AnthropicProvider(
                base_url=server.base_url("anthropic"), api_key=KEY, http_client=client
            )
            return AnthropicModel("claude-sonnet-4-6", provider=anthropic)
        case WireFormat.GOOGLE:
            google = GoogleProvider(base_url=server.base_url("google"), api_key=KEY, http_client=client)
            return GoogleModel("gemini-2.5-flash", provider=google)
        case WireFormat.BEDROCK | WireFormat.COHERE:
            raise AssertionError(f"{wire} is none of SDK_WIRES")
        case _:
            assert_never(wire)


def parameters(mode: Mode) -> ModelRequestParameters:
    match mode:
        case "text":
            return ModelRequestParameters()
        case "native":
            return ModelRequestParameters(
                output_mode="native",
                output_object=OutputObjectDefinition(json_schema=dict(SCHEMA), name="Place", strict=True),
                allow_text_output=True,
            )
        case "tool":
            tool = ToolDefinition(name="Place", parameters_json_schema=dict(SCHEMA), kind="output")
            return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)


async def ask(
    server: ScriptedProvider,
    wire: WireFormat,
    mode: Mode = "text",
    *,
    prompt: str = "Where is it?",
    timeout_s: float = 10.0,
) -> ModelResponse:
    """One request, with a client of its own."""
    messages: list[ModelMessage] = [ModelRequest.user_text_prompt(prompt, instructions="Answer briefly.")]
    settings: ModelSettings = {"max_tokens": 200, "max_retries": 0, "timeout": timeout_s}
    async with httpx2.AsyncClient(timeout=timeout_s, verify=_TLS) as client:
        return await model_request(
            model(wire, server, client),
            messages,
            model_settings=settings,
            model_request_parameters=parameters(mode),
        )


async def until(is_so: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait for what another task is about to do."""
    async with asyncio.timeout(timeout_s):
        while not is_so():
            await asyncio.sleep(0.01)


def said(response: ModelResponse) -> str:
    """The text of a reply, or the arguments of its tool call as JSON text."""
    parts = [p.content for p in response.parts if isinstance(p, TextPart)]
    calls = [p.args_as_json_str() for p in response.parts if isinstance(p, ToolCallPart)]
    return "".join(parts + calls)

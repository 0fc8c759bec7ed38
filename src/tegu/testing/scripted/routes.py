"""From an HTTP request to what it asks of which provider.

Called by the server. Invariant: a path is recognized by its end, so that any base path works; what is kept of a
request holds no secret.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from pydantic import JsonValue, TypeAdapter, ValidationError

from tegu.domain.json import JsonObject, json_hash
from tegu.testing.scripted.anthropic import AnthropicWire
from tegu.testing.scripted.bedrock import BedrockWire
from tegu.testing.scripted.cohere import CohereWire
from tegu.testing.scripted.google import GoogleWire
from tegu.testing.scripted.http import HttpRequest
from tegu.testing.scripted.openai_chat import OpenAIChatWire
from tegu.testing.scripted.openai_responses import OpenAIResponsesWire
from tegu.testing.scripted.openrouter import OpenRouterWire
from tegu.testing.scripted.script import Failed, WireFormat
from tegu.testing.scripted.wire import Asked, Wire

_GOOGLE_PATH = re.compile(r"/models/([^/]+):(\w+)$")
_GOOGLE_STREAM = "streamGenerateContent"
_WIRES: dict[str, Wire] = {
    "/api/v1/chat/completions": OpenRouterWire(),
    "/chat/completions": OpenAIChatWire(),
    "/responses": OpenAIResponsesWire(),
    "/messages": AnthropicWire(),
    "/v2/chat": CohereWire(),
}
_GOOGLE = GoogleWire()
_BEDROCK_PATH = re.compile(r"/model/([^/]+)/converse$")
_BEDROCK = BedrockWire()
_OBJECT = TypeAdapter(JsonObject)

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "x-amz-security-token",
        "cookie",
    }
)
# What changes from one sending of the same prompt to the next.
_VOLATILE = frozenset(
    {
        "stream",
        "stream_options",
        "user",
        "metadata",
        "safety_identifier",
        "prompt_cache_key",
        "include",
        "store",
    }
)
_CONVERSATION = frozenset({"messages", "input", "contents"})
_CALL_IDS = frozenset({"tool_call_id", "call_id", "tool_use_id"})


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A request as scripts and the ledger see it. `number` counts from 1; `wire` is None for a path nobody serves."""

    number: int
    wire: WireFormat | None
    path: str
    headers: Mapping[str, str]
    body: JsonObject
    asked: Asked
    prompt_hash: str

    @property
    def model(self) -> str:
        """The model that is asked for."""
        return self.asked.model

    @property
    def prompt(self) -> str:
        """All text that the model is told."""
        return self.asked.prompt

    @property
    def key(self) -> str:
        """Unique in one server, and the same in every run of the same requests: what reply ids are made of."""
        return f"{self.prompt_hash[:18]}{self.number:06d}"


@dataclass(frozen=True, slots=True)
class Routed:
    """A request, the wire it speaks (OpenAI's, where nobody's), and the error that it deserves as it stands."""

    request: ProviderRequest
    wire: Wire
    failure: Failed | None


def route(number: int, http: HttpRequest) -> Routed:
    """Read one HTTP request."""
    wire, model, failure = _wire(http)
    speaks = wire or _WIRES["/chat/completions"]
    try:
        body = _OBJECT.validate_json(http.body) if failure is None else {}
    except ValidationError:
        body, failure = {}, Failed(400, "We could not parse the JSON body of your request.")
    asked = speaks.read(body, model)
    if http.path.endswith(f":{_GOOGLE_STREAM}"):  # Gemini asks for a stream by its path
        asked = replace(asked, stream=True)
    if failure is None and asked.problem is not None:
        failure = Failed(400, asked.problem)
    request = ProviderRequest(
        number=number,
        wire=wire.format if wire else None,
        path=http.path,
        headers={k: "***" if k in _SECRET_HEADERS else v for k, v in http.headers.items()},
        body=body,
        asked=asked,
        prompt_hash=prompt_hash(body, asked.model),
    )
    return Routed(request, speaks, failure)


def prompt_hash(body: JsonObject, model: str) -> str:
    """SHA-256 of the canonical request body and its model, without user, metadata, streaming flags and call ids."""
    kept: dict[str, JsonValue] = {"model": model}
    for name, value in body.items():
        if name not in _VOLATILE:
            kept[name] = _without_ids(value) if name in _CONVERSATION else value
    return json_hash(kept)


def _without_ids(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_without_ids(item) for item in value]
    if isinstance(value, dict):
        # An `id` beside a `type` is a wire object's own; one alone may be part of a tool's arguments.
        is_typed = "type" in value or "args" in value
        return {
            k: _without_ids(v)
            for k, v in value.items()
            if k not in _CALL_IDS and not (is_typed and k == "id")
        }
    return value


def _wire(http: HttpRequest) -> tuple[Wire | None, str | None, Failed | None]:
    if http.method != "POST":
        return (
            None,
            None,
            Failed(405 if _known(http.path) else 404, f"{http.method} {http.path} is not served here."),
        )
    if found := _GOOGLE_PATH.search(http.path):
        model, method = unquote(found[1]), found[2]
        is_served = method in {"generateContent", _GOOGLE_STREAM}
        return _GOOGLE, model, None if is_served else Failed(400, f"{method} is not scripted.")
    if found := _BEDROCK_PATH.search(http.path):
        return _BEDROCK, unquote(found[1]), None
    for end, wire in _WIRES.items():
        if http.path.endswith(end):
            return wire, None, None
    return None, None, Failed(404, f"Unknown request URL: {http.method} {http.path}.", code="unknown_url")


def _known(path: str) -> bool:
    return bool(_GOOGLE_PATH.search(path) or _BEDROCK_PATH.search(path)) or path.endswith(tuple(_WIRES))

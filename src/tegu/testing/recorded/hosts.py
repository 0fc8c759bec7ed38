"""Which model call a recorded request is: the provider by its host, the API by its path.

Called by `replay`; `recorder` asks where a provider is. Invariant: pure; a request that is no model call is None, and a
host that nobody knows is served by the API that its path speaks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tegu.testing.recorded.exchange import RecordedRequest


class Api(StrEnum):
    """The language that a model call is in."""

    CHAT = "chat completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    GENERATE = "generateContent"
    CONVERSE = "converse"
    COHERE = "cohere chat"
    OLLAMA = "ollama chat"
    INVOKE = "invoke model"


UNREADABLE_APIS = frozenset({Api.OLLAMA, Api.INVOKE})
"""Model calls that no provider of ours makes."""

_PROVIDERS = (
    # What a host ends with, its provider. The more exact ones first.
    ("api.openai.com", "openai"),
    (".openai.azure.com", "azure"),
    (".cognitiveservices.azure.com", "azure"),
    (".services.ai.azure.com", "azure"),
    ("models.inference.ai.azure.com", "github"),
    ("models.github.ai", "github"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "google"),
    ("aiplatform.googleapis.com", "google-vertex"),
    (".rep.googleapis.com", "google-vertex"),
    ("api.mistral.ai", "mistral"),
    ("api.groq.com", "groq"),
    ("openrouter.ai", "openrouter"),
    ("api.deepseek.com", "deepseek"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.x.ai", "xai"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cerebras.ai", "cerebras"),
    ("api.moonshot.ai", "moonshotai"),
    ("api.moonshot.cn", "moonshotai"),
    ("huggingface.co", "huggingface"),
    ("api.sambanova.ai", "sambanova"),
    ("api.studio.nebius.com", "nebius"),
    ("aliyuncs.com", "alibaba"),
    ("ovh.net", "ovhcloud"),
    ("api.z.ai", "zai"),
    ("ai-gateway.vercel.sh", "vercel"),
    ("ollama.com", "ollama"),
)
_BY_API = {
    Api.CHAT: "openai-compatible",
    Api.RESPONSES: "openai-responses",
    Api.MESSAGES: "anthropic",
    Api.GENERATE: "google",
    Api.CONVERSE: "bedrock",
    Api.COHERE: "cohere",
    Api.OLLAMA: "ollama",
    Api.INVOKE: "bedrock",
}
_OLLAMA_PORT = ":11434"
_MODEL_IN_PATH = re.compile(r"/(?:models|tunedModels|endpoints)/([^/:]+):(?:stream)?[gG]enerateContent$")
_BEDROCK = re.compile(r"/model/(.+)/(converse|converse-stream|invoke|invoke-with-response-stream)$")
_DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")
_RAW_PREDICT = re.compile(r"/publishers/[^/]+/models/([^/:]+):(?:stream)?[rR]awPredict$")
_ROOTED = frozenset(
    {"anthropic", "bedrock", "cohere", "google", "google-cloud", "google-vertex", "groq", "mistral"}
)


@dataclass(frozen=True, slots=True)
class ModelCall:
    """Which model was asked, where and in which language. `model` is empty where the request does not say."""

    provider: str
    model: str
    api: Api


def model_call(request: RecordedRequest, base_urls: Mapping[str, str] | None = None) -> ModelCall | None:
    """The model call that a request is, or None (embeddings, files, tokens, lists of models). `base_urls` is what the
    recording itself says of where providers were.
    """
    if request.method != "POST":
        return None
    path = request.path.rstrip("/")
    api = _api(path, request.host)
    if api is None:
        return None
    told = [name for name, url in (base_urls or {}).items() if request.uri.startswith(url)]
    fitting = [name for name in told if _speaks(name, api)]
    provider = fitting[0] if fitting else _provider(request, path, api)
    return ModelCall(provider, _model(request, path), api)


def base_url(root: str, provider: str) -> str:
    """What the provider's SDK is given as base URL of a server at `root`: the root itself, or with `/v1`."""
    return root if provider in _ROOTED else f"{root}/v1"


def _api(path: str, host: str) -> Api | None:
    if path.endswith("/chat/completions"):
        return Api.CHAT
    if path.endswith("/responses"):
        return Api.RESPONSES
    if path.endswith("/messages") and "/threads/" not in path:
        return Api.MESSAGES
    if _MODEL_IN_PATH.search(path):
        return Api.GENERATE
    if found := _BEDROCK.search(path):
        return Api.CONVERSE if found[2].startswith("converse") else Api.INVOKE
    if _RAW_PREDICT.search(path):
        return Api.INVOKE
    if path.endswith(("/v1/chat", "/v2/chat")) and "cohere" in host:
        return Api.COHERE
    return Api.OLLAMA if path.endswith(("/api/chat", "/api/generate")) else None


def _speaks(provider: str, api: Api) -> bool:
    """Whether a provider of ours asks in that language: most ask for chat completions."""
    own = {"anthropic": Api.MESSAGES, "bedrock": Api.CONVERSE, "cohere": Api.COHERE}
    if provider.startswith("google"):
        return api is Api.GENERATE
    return api is (Api.RESPONSES if provider.endswith("-responses") else own.get(provider, Api.CHAT))


def _provider(request: RecordedRequest, path: str, api: Api) -> str:
    host = request.host
    found = next((name for end, name in _PROVIDERS if host == end or host.endswith(end)), None)
    if found is None and _OLLAMA_PORT in request.uri:
        found = "ollama"
    if found is None and host.startswith("bedrock-runtime."):
        found = "bedrock"
    match found, api:
        case None, _:
            return _BY_API[api]
        case "openai" | "azure", Api.RESPONSES:
            return f"{found}-responses"
        case "google" | "google-vertex" | "bedrock", Api.CHAT | Api.RESPONSES:
            return _BY_API[api]  # their endpoints in the language of OpenAI
        case "google-vertex" | "azure" | "bedrock", Api.MESSAGES:
            return "anthropic"
        case _ if path.endswith("/responses") or api is Api.MESSAGES:
            return _BY_API[api]  # the language of OpenAI or Anthropic, spoken by somebody else
        case _:
            return found


def _model(request: RecordedRequest, path: str) -> str:
    for pattern in (_MODEL_IN_PATH, _BEDROCK, _RAW_PREDICT):
        if found := pattern.search(path):
            return found[1]
    said = request.json().get("model")
    if isinstance(said, str) and said:
        return said
    deployment = _DEPLOYMENT.search(path)
    return deployment[1] if deployment else ""


_HOMES: Mapping[str, str] = MappingProxyType(
    {
        "anthropic": "https://api.anthropic.com",
        "cohere": "https://api.cohere.com",
        "deepseek": "https://api.deepseek.com/v1",
        "google": "https://generativelanguage.googleapis.com",
        "groq": "https://api.groq.com",
        "mistral": "https://api.mistral.ai",
        "openai": "https://api.openai.com/v1",
        "openai-responses": "https://api.openai.com/v1",
        "openrouter": "https://openrouter.ai/api/v1",
    }
)


def home(provider: str) -> str | None:
    """The base URL of a provider where its credential names none; None where it is not known here."""
    return _HOMES.get(provider)

"""OpenAI (chat completions, responses) and servers that speak its language.

Called by the registry. Invariant: nothing is read from the environment: key, host and account are the credential's.
"""

from typing import TYPE_CHECKING

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from tegu.llm.providers.http import BoundedClient

BASE_URL = "https://api.openai.com/v1"
_NO_KEY = "no-key"
"""Local servers want none, but the SDK insists on one."""


def chat(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The chat completions API of OpenAI, or of a proxy to it."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=_client(credential, http))
    return lambda name: OpenAIChatModel(name, provider=provider)


def responses(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The responses API. Replies are not kept at the provider."""
    from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=_client(credential, http))
    settings = OpenAIResponsesModelSettings(openai_store=False)
    return lambda name: OpenAIResponsesModel(name, provider=provider, settings=settings)


def compatible(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """Any server with an OpenAI-compatible chat API."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    provider = OpenAICompatibleProvider("openai-compatible", openai_client=_client(credential, http))
    return lambda name: OpenAIChatModel(name, provider=provider)


def vllm(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """vLLM, with what is known of its models."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.vllm import VLLMProvider

    provider = VLLMProvider(openai_client=_client(credential, http))
    return lambda name: OpenAIChatModel(name, provider=provider)


def ollama(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """Ollama, with what is known of its models."""
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.providers.ollama import OllamaProvider

    provider = OllamaProvider(openai_client=_client(credential, http))
    return lambda name: OllamaModel(name, provider=provider)


def _client(credential: Credential, http: "BoundedClient") -> "AsyncOpenAI":
    from openai import AsyncOpenAI

    from tegu.llm.providers.openai_completions import use_plain_completions

    client = AsyncOpenAI(
        api_key=credential.api_key or _NO_KEY,
        base_url=credential.base_url or BASE_URL,
        http_client=http,
        max_retries=0,
    )
    # The SDK takes these from the environment: they would go to every organization's host.
    client.organization = None
    client.project = None
    use_plain_completions(client)
    return client

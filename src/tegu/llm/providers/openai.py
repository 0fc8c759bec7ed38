"""OpenAI (chat completions, responses) and servers that speak its language.

Called by the registry. Invariant: nothing is read from the environment: key, host and account are the credential's.
"""

from typing import TYPE_CHECKING

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient

BASE_URL = "https://api.openai.com/v1"


def chat(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The chat completions API of OpenAI, or of a proxy to it."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from tegu.llm.providers.quiet import openai_client

    provider = OpenAIProvider(openai_client=openai_client(credential, http, BASE_URL))
    return lambda name: OpenAIChatModel(name, provider=provider)


def responses(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The responses API. Replies are not kept at the provider."""
    from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings
    from pydantic_ai.providers.openai import OpenAIProvider

    from tegu.llm.providers.quiet import openai_client

    provider = OpenAIProvider(openai_client=openai_client(credential, http, BASE_URL))
    settings = OpenAIResponsesModelSettings(openai_store=False)
    return lambda name: OpenAIResponsesModel(name, provider=provider, settings=settings)


def compatible(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """Any server with an OpenAI-compatible chat API."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    from tegu.llm.providers.quiet import openai_client

    provider = OpenAICompatibleProvider(
        "openai-compatible", openai_client=openai_client(credential, http, BASE_URL)
    )
    return lambda name: OpenAIChatModel(name, provider=provider)


def vllm(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """vLLM, with what is known of its models."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.vllm import VLLMProvider

    from tegu.llm.providers.quiet import openai_client

    provider = VLLMProvider(openai_client=openai_client(credential, http, BASE_URL))
    return lambda name: OpenAIChatModel(name, provider=provider)


def ollama(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """Ollama, with what is known of its models."""
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.providers.ollama import OllamaProvider

    from tegu.llm.providers.quiet import openai_client

    provider = OllamaProvider(openai_client=openai_client(credential, http, BASE_URL))
    return lambda name: OllamaModel(name, provider=provider)

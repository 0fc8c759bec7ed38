"""Providers that speak OpenAI's language and that pydantic-ai knows by name: passed through to its own classes.

Called by the registry. Invariant: `SERVICES` is the closed list of names; the library's class for one of them is found
by that name and gets our client, so that key, host, limits and retries are ours. Nothing is read from the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ClientBuilder, ModelMaker

if TYPE_CHECKING:
    from pydantic_ai.providers import Provider

    from tegu.llm.providers.http import BoundedClient


@dataclass(frozen=True, slots=True)
class Service:
    """Where a provider is. `url` empty: it must be given, or follows from the credential's options."""

    url: str
    sample_model: str = "not-a-model"
    """A name that the library's class takes, where it is strict about names."""


SERVICES: Mapping[str, Service] = MappingProxyType(
    {
        "alibaba": Service("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        "bedrock-mantle": Service("", sample_model="openai.gpt-oss-20b"),
        "cerebras": Service("https://api.cerebras.ai/v1"),
        "crusoe": Service("https://api.inference.crusoecloud.com/v1"),
        "deepseek": Service("https://api.deepseek.com"),
        "fireworks": Service("https://api.fireworks.ai/inference/v1"),
        "heroku": Service("https://us.inference.heroku.com/v1"),
        "litellm": Service(""),
        "meta": Service("https://api.meta.ai/v1"),
        "moonshotai": Service("https://api.moonshot.ai/v1"),
        "nebius": Service("https://api.studio.nebius.com/v1"),
        "openrouter": Service("https://openrouter.ai/api/v1", sample_model="openai/not-a-model"),
        "ovhcloud": Service("https://oai.endpoints.kepler.ai.cloud.ovh.net/v1"),
        "sambanova": Service("https://api.sambanova.ai/v1"),
        "snowflake": Service(""),
        "together": Service("https://api.together.xyz/v1"),
        "vercel": Service("https://ai-gateway.vercel.sh/v1"),
        "zai": Service("https://api.z.ai/api/paas/v4"),
    }
)
GROK_URL = "https://api.x.ai/v1"
HUGGINGFACE_URL = "https://router.huggingface.co/v1"
COPILOT_URL = "https://api.githubcopilot.com"


def passed_through(name: str) -> ClientBuilder:
    """The builder of one of SERVICES."""

    def build(credential: Credential, http: "BoundedClient") -> ModelMaker:
        from pydantic_ai.providers import infer_provider_class

        from tegu.llm.providers.quiet import openai_client

        client = openai_client(credential, http, SERVICES[name].url)
        kind: Any = infer_provider_class(
            name
        )  # a closed match over names in the library; each class takes a client
        return _models(name, kind(openai_client=client))

    return build


def copilot(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """GitHub Copilot, which wants headers that the library's class knows."""
    from pydantic_ai.providers.github_copilot import GitHubCopilotProvider

    from tegu.llm.providers.quiet import NO_KEY, quiet

    provider = GitHubCopilotProvider(
        api_key=credential.api_key or NO_KEY,
        base_url=credential.base_url or COPILOT_URL,
        integration_id=credential.option("integration_id") or "vscode-chat",  # the library's own default
        http_client=http,
    )
    quiet(provider.client)
    return _models("github-copilot", provider)


def grok(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """XAI over its HTTP API. Its own SDK speaks gRPC, past our limits on bodies, redirects and retries."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.grok import grok_model_profile
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    from tegu.llm.providers.quiet import openai_client

    client = openai_client(credential, http, GROK_URL)
    provider = OpenAICompatibleProvider("xai", openai_client=client, profile=grok_model_profile)
    return lambda name: OpenAIChatModel(name, provider=provider)


def huggingface(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """Hugging Face's router, in OpenAI's language. Its own SDK takes no HTTP client of ours."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    from tegu.llm.providers.quiet import openai_client

    client = openai_client(credential, http, HUGGINGFACE_URL)
    provider = OpenAICompatibleProvider("huggingface", openai_client=client)
    return lambda name: OpenAIChatModel(name, provider=provider)


def _models(prefix: str, provider: "Provider[Any]") -> ModelMaker:
    """The library's own choice of model class for a name, over our provider."""
    from pydantic_ai.models import infer_model

    return lambda name: infer_model(f"{prefix}:{name}", provider_factory=lambda _: provider)

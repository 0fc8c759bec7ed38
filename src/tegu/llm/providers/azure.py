"""OpenAI's models on Azure: chat completions and responses.

Called by the registry. Invariant: nothing is read from the environment: key, endpoint and version are the credential's.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from pydantic_ai.providers.azure import AzureProvider

    from tegu.llm.providers.http import BoundedClient


def chat(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The chat completions API of a deployment; the model's name is the deployment's."""
    from pydantic_ai.models.openai import OpenAIChatModel

    provider = _provider(credential, http)
    return lambda name: OpenAIChatModel(name, provider=provider)


def responses(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The responses API of a deployment. Replies are not kept at the provider."""
    from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings

    provider = _provider(credential, http)
    settings = OpenAIResponsesModelSettings(openai_store=False)
    return lambda name: OpenAIResponsesModel(name, provider=provider, settings=settings)


def _provider(credential: Credential, http: "BoundedClient") -> "AzureProvider":
    """With a version, the dated API under `/openai/deployments`; without one, or where the endpoint ends in `/v1`,
    Azure's v1 API, which knows no versions.
    """
    from pydantic_ai.providers.azure import AzureProvider

    from tegu.llm.providers.quiet import NO_KEY, QuietAzure, quiet

    endpoint = (credential.base_url or "").rstrip("/")
    version = credential.option("api_version")
    is_v1 = urlsplit(endpoint).path.endswith("/v1")
    if version is not None and not is_v1:
        client = QuietAzure(
            azure_endpoint=endpoint,
            api_version=version,
            api_key=credential.api_key or NO_KEY,
            http_client=http,
            max_retries=0,
        )
        return AzureProvider(openai_client=client)
    provider = AzureProvider(
        azure_endpoint=endpoint if is_v1 else f"{endpoint}/openai/v1",
        api_key=credential.api_key or NO_KEY,
        http_client=http,
    )
    quiet(provider.client)
    return provider

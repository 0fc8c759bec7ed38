"""Cohere's chat API, through its own SDK.

Called by the registry. Invariant: nothing is read from the environment: key and host are the credential's.
"""

import warnings
from typing import TYPE_CHECKING, Any

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient

BASE_URL = "https://api.cohere.com"


def chat(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The chat API (v2) of Cohere, or of a proxy to it. The SDK adds `/v2` to the base URL."""
    import cohere  # pyright: ignore[reportMissingImports] (an extra that development does not install)
    from pydantic_ai.models.cohere import CohereModel
    from pydantic_ai.providers.cohere import CohereProvider
    from pydantic_ai.settings import ModelSettings

    from tegu.llm.providers.legacy import legacy_client
    from tegu.llm.providers.quiet import NO_KEY

    sdk: Any = cohere
    client = sdk.AsyncClientV2(
        api_key=credential.api_key or NO_KEY,
        base_url=credential.base_url or BASE_URL,
        httpx_client=legacy_client(http),
    )
    # The library passes no timeout to this SDK, and warns at each call; `legacy` keeps it.
    warnings.filterwarnings("ignore", message="The `timeout` setting is not supported by model 'cohere:")
    provider = CohereProvider(cohere_client=client)
    return lambda name: CohereModel(name, provider=provider, settings=ModelSettings(max_retries=0))

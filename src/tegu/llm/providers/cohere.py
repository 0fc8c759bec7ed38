"""Cohere's chat API, through its own SDK.

Called by the registry. Invariant: nothing is read from the environment: key and host are the credential's.
"""

from typing import TYPE_CHECKING

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient

BASE_URL = "https://api.cohere.com"


def chat(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The chat API (v2) of Cohere, or of a proxy to it. The SDK adds `/v2` to the base URL."""
    # The extra is not among the tools of development: its types are unknown here.
    from cohere import AsyncClientV2  # pyright: ignore[reportMissingImports, reportUnknownVariableType]
    from pydantic_ai.models.cohere import CohereModel
    from pydantic_ai.providers.cohere import CohereProvider

    from tegu.llm.providers.legacy import legacy_client
    from tegu.llm.providers.quiet import NO_KEY

    client: object = AsyncClientV2(  # pyright: ignore[reportUnknownVariableType]
        api_key=credential.api_key or NO_KEY,
        base_url=credential.base_url or BASE_URL,
        httpx_client=legacy_client(http),
    )
    provider = CohereProvider(cohere_client=client)  # pyright: ignore[reportArgumentType]
    return lambda name: CohereModel(name, provider=provider)

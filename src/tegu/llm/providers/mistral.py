"""Mistral's chat API, through its own SDK.

Called by the registry. Invariant: nothing is read from the environment: key and host are the credential's.
"""

from functools import cache
from typing import TYPE_CHECKING

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    import httpx2

    from tegu.llm.providers.http import BoundedClient

BASE_URL = "https://api.mistral.ai"


def chat(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The chat completions API of Mistral, or of a proxy to it. The SDK adds `/v1` to the base URL."""
    from mistralai.client import Mistral
    from pydantic_ai.models.mistral import MistralModel
    from pydantic_ai.providers.mistral import MistralProvider

    from tegu.llm.providers.quiet import NO_KEY

    client = Mistral(
        api_key=credential.api_key or NO_KEY,
        server_url=credential.base_url or BASE_URL,
        client=_never_used(),
        async_client=http,
        retry_config=None,
    )
    provider = MistralProvider(mistral_client=client)
    return lambda name: MistralModel(name, provider=provider)


@cache
def _never_used() -> "httpx2.Client":
    """The SDK would make a blocking client beside ours for each credential, and read all certificates for it."""
    import httpx2

    return httpx2.Client()

"""Groq's chat API, through its own SDK.

Called by the registry. Invariant: nothing is read from the environment: key and host are the credential's.
"""

from typing import TYPE_CHECKING

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient

BASE_URL = "https://api.groq.com"


def chat(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The chat completions API of Groq, or of a proxy to it. The SDK adds `/openai/v1` to the base URL."""
    from groq import AsyncGroq
    from pydantic_ai.models.groq import GroqModel
    from pydantic_ai.providers.groq import GroqProvider

    from tegu.llm.providers.legacy import legacy_client
    from tegu.llm.providers.quiet import NO_KEY, without_headers_of_the_environment

    client = AsyncGroq(
        api_key=credential.api_key or NO_KEY,
        base_url=credential.base_url or BASE_URL,
        http_client=legacy_client(http),
        max_retries=0,
    )
    without_headers_of_the_environment(client)
    provider = GroqProvider(groq_client=client)
    return lambda name: GroqModel(name, provider=provider)

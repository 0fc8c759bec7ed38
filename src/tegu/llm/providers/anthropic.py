"""Anthropic's messages API.

Called by the registry. Invariant: nothing is read from the environment: key and host are the credential's.
"""

import warnings
from typing import TYPE_CHECKING

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient

BASE_URL = "https://api.anthropic.com"


def messages(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The messages API of Anthropic, or of a proxy to it."""
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    from tegu.llm.providers.quiet import without_headers_of_the_environment

    # The SDK warns at each call of a model with an announced end; the user chose it, and `tegu models` says so.
    warnings.filterwarnings("ignore", message="The model .* is deprecated", category=DeprecationWarning)
    client = AsyncAnthropic(
        api_key=credential.api_key or "",
        base_url=credential.base_url or BASE_URL,
        http_client=http,
        max_retries=0,
    )
    without_headers_of_the_environment(client)
    provider = AnthropicProvider(anthropic_client=client)
    return lambda name: AnthropicModel(name, provider=provider)

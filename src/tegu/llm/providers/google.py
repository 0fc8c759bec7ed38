"""Google's Gemini API.

Called by the registry. Invariant: nothing is read from the environment: key and host are the credential's.
"""

from typing import TYPE_CHECKING

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient

BASE_URL = "https://generativelanguage.googleapis.com"


def generate_content(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The generateContent API of Gemini, or of a proxy to it."""
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    provider = GoogleProvider(
        api_key=credential.api_key or "no-key",
        base_url=credential.base_url or BASE_URL,
        http_client=http,
    )
    return lambda name: GoogleModel(name, provider=provider)

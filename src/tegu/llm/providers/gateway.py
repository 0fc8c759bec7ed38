"""The Pydantic AI Gateway: other providers' APIs behind one key.

Called by the registry. Invariant: `ROUTES` is the closed list; key and host are the credential's.
"""

from typing import TYPE_CHECKING, Any

from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ClientBuilder, ModelMaker

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient

ROUTES = ("anthropic", "google-cloud", "groq", "openai-chat", "openai-responses")
"""By the provider's name after `gateway/`. Bedrock's is made by `bedrock`."""
BEDROCK_REGION = "pydantic-ai-gateway"
"""The gateway chooses the region; the SDK wants one all the same."""


def routed(route: str) -> ClientBuilder:
    """The builder of one of ROUTES."""

    def build(credential: Credential, http: "BoundedClient") -> ModelMaker:
        from pydantic_ai.models import infer_model
        from pydantic_ai.providers.gateway import gateway_provider

        from tegu.llm.providers.legacy import legacy_client
        from tegu.llm.providers.quiet import NO_KEY, quiet, without_headers_of_the_environment

        client: Any = legacy_client(http) if route == "groq" else http
        make: Any = gateway_provider  # its overloads are by literal names, ours come from ROUTES
        provider: Any = make(
            route, api_key=credential.api_key or NO_KEY, base_url=credential.base_url, http_client=client
        )
        if route != "google-cloud":  # its SDK does not retry unless asked
            quiet(provider.client)
        if route in {"anthropic", "groq"}:
            without_headers_of_the_environment(provider.client)
        return lambda name: infer_model(f"gateway/{route}:{name}", provider_factory=lambda _: provider)

    return build

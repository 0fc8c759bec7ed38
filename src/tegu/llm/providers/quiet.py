"""SDK clients that read nothing from the environment and send one request a call.

Called by the provider files, which import it only when a client is made: it imports an SDK. Invariant: account, project
and headers that the SDKs would take from variables are gone, also from the copies that libraries make of a client.
"""

from typing import TYPE_CHECKING, Any

from openai import AsyncAzureOpenAI, AsyncOpenAI

from tegu.llm.protocol import Credential
from tegu.llm.providers.openai_completions import use_plain_completions

if TYPE_CHECKING:
    from tegu.llm.providers.http import BoundedClient

NO_KEY = "no-key"
"""Local servers want none, but the SDKs insist on one."""


class QuietOpenAI(AsyncOpenAI):
    """OpenAI's client, without the organization and project of the environment."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        quiet(self)


class QuietAzure(AsyncAzureOpenAI):
    """Azure's client, the same."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        quiet(self)


def openai_client(credential: Credential, http: "BoundedClient", default_url: str) -> QuietOpenAI:
    """The client of a server that speaks OpenAI's language."""
    return QuietOpenAI(
        api_key=credential.api_key or NO_KEY,
        base_url=credential.base_url or default_url,
        http_client=http,
        max_retries=0,
    )


def quiet(client: Any) -> None:
    """Switch off what an SDK's client, already made, would take from the environment, and its retries."""
    client.max_retries = 0
    for name in ("organization", "project"):
        if hasattr(client, name):
            setattr(client, name, None)
    if isinstance(client, AsyncOpenAI):
        use_plain_completions(client)


def without_headers_of_the_environment(client: Any) -> None:
    """The SDKs of Anthropic and Groq take headers from a variable: they would go to every organization's host."""
    client._custom_headers = {}  # noqa: SLF001 - the SDKs have no public way to leave the variable out

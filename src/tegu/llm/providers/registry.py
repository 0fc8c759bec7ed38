"""The providers by name.

Called by the app, which keeps one `Providers` for the process. Invariant: nothing heavy is imported before the first
call of a provider; a name is a registry key and never an import path.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from tegu.domain.call import DEMO, RULES
from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import Provider
from tegu.llm.providers import (
    anthropic,
    azure,
    bedrock,
    cohere,
    gateway,
    google,
    google_cloud,
    groq,
    mistral,
    openai,
    passed,
)
from tegu.llm.providers.clients import ClientBuilder
from tegu.llm.providers.direct import DirectProvider


@dataclass(frozen=True, slots=True)
class Entry:
    """How a provider of the network is made. `extra` brings its SDK, where the core does not. `priced_by_url`: see
    `replies.reply_of`. `sample_model` is a name that its library takes. `streams`: whether its wire format is one of
    server-sent events that we have tried.
    """

    build: ClientBuilder
    extra: str | None = None
    priced_by_url: bool = False
    sample_model: str = "not-a-model"
    streams: bool = True


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "anthropic": Entry(anthropic.messages),
        "azure": Entry(azure.chat),
        "azure-responses": Entry(azure.responses),
        "bedrock": Entry(bedrock.converse, extra="bedrock", streams=False),
        "cohere": Entry(cohere.chat, extra="cohere", streams=False),
        "github-copilot": Entry(passed.copilot),
        "google": Entry(google.generate_content),
        "google-cloud": Entry(google_cloud.generate_content),
        "groq": Entry(groq.chat, extra="groq", streams=False),
        "huggingface": Entry(passed.huggingface),
        "mistral": Entry(mistral.chat, extra="mistral", streams=False),
        "ollama": Entry(openai.ollama, priced_by_url=True),
        "openai": Entry(openai.chat),
        "openai-compatible": Entry(openai.compatible, priced_by_url=True),
        "openai-responses": Entry(openai.responses),
        "vllm": Entry(openai.vllm, priced_by_url=True),
        "xai": Entry(passed.grok),
        **{
            name: Entry(
                passed.passed_through(name),
                priced_by_url=name == "litellm",
                sample_model=service.sample_model,
                extra="bedrock" if name == "bedrock-mantle" else None,
            )
            for name, service in passed.SERVICES.items()
        },
        **{
            f"gateway/{route}": Entry(
                gateway.routed(route), extra="groq" if route == "groq" else None, streams=route != "groq"
            )
            for route in gateway.ROUTES
        },
        "gateway/bedrock": Entry(bedrock.through_gateway, extra="bedrock", streams=False),
    }
)
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "gateway/chat": "gateway/openai-chat",
        "gateway/converse": "gateway/bedrock",
        "gateway/google": "gateway/google-cloud",
        "gateway/google-vertex": "gateway/google-cloud",
        "gateway/openai": "gateway/openai-chat",
        "gateway/responses": "gateway/openai-responses",
        "google-gla": "google",
        "google-vertex": "google-cloud",
        "grok": "xai",
        "openai-chat": "openai",
    }
)
_PERSONAL = (
    "it wants the login of a person's ChatGPT plan, which no server should hold; use openai with an API key"
)
_DECISIONS = "it answers fixed questions and fills no schema"
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "elevenlabs": "it makes speech, not text",
        "github": "GitHub Models was retired on 2026-07-30",
        "google-decisions": _DECISIONS,
        "openai-chatgpt": _PERSONAL,
        "openai-codex": _PERSONAL,
        "openai-decisions": _DECISIONS,
        "sentence-transformers": "it makes embeddings, not text",
        "system-one": _DECISIONS,
        "typesafe": _DECISIONS,
        "voyageai": "it makes embeddings, not text",
    }
)
"""Names that pydantic-ai knows and that cannot be a model of a stage, and why."""

PROVIDER_NAMES = tuple(sorted((*ENTRIES, RULES)))
"""Those that one chooses among. The demo is none of them: it answers to the samples alone."""


def canonical_name(name: str) -> str:
    """The registry key of a name or alias. Raises ConfigurationError, with the nearest name."""
    name = ALIASES.get(name, name)
    if name in PROVIDER_NAMES or name == DEMO:
        return name
    if name in REFUSED:
        raise ConfigurationError(
            f"provider {name!r} cannot be used here: {REFUSED[name]}",
            hint="`tegu models --keys` lists the others",
        )
    near = get_close_matches(name, [*PROVIDER_NAMES, *ALIASES], n=1)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    raise ConfigurationError(
        f"there is no provider {name!r}{meant}", hint="providers: " + ", ".join(PROVIDER_NAMES)
    )


def provider_for(name: str) -> Provider:
    """A new provider of that name; the caller closes it. Raises ConfigurationError."""
    key = canonical_name(name)
    if key == DEMO:
        from tegu.llm.providers.demo import DemoProvider

        return DemoProvider()
    if key == RULES:
        from tegu.llm.providers.rules import RulesProvider

        return RulesProvider()
    entry = ENTRIES[key]
    return DirectProvider(
        entry.build,
        priced_by_url=entry.priced_by_url,
        extra=entry.extra,
        sample_model=entry.sample_model,
        streams=entry.streams,
    )


class Providers:
    """One provider of each name, made when it is first asked for; `close` closes them all."""

    def __init__(self, overrides: Mapping[str, Provider] | None = None) -> None:
        """`overrides` are providers of one's own by name, which may be new names."""
        self._made: dict[str, Provider] = dict(overrides or {})

    def provider_for(self, name: str) -> Provider:
        """Raises ConfigurationError for a name that is not known."""
        found = self._made.get(name)
        if found is None:
            key = canonical_name(name)
            found = (
                self._made.setdefault(key, provider_for(key)) if key not in self._made else self._made[key]
            )
        return found

    async def ready(self, name: str) -> Provider:
        """The provider of that name with its SDK imported, which must not count against the time of its first call."""
        found = self.provider_for(name)
        if isinstance(found, DirectProvider):
            await asyncio.to_thread(found.load)
        return found

    async def close(self) -> None:
        """Close every provider."""
        made, self._made = self._made, {}
        for provider in made.values():
            await provider.close()

"""The providers by name.

Called by the app, which keeps one `Providers` for the process. Invariant: nothing heavy is imported before the first
call of a provider; a name is a registry key and never an import path.
"""

import asyncio
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import Provider
from tegu.llm.providers import anthropic, google, openai
from tegu.llm.providers.direct import DirectProvider


def _rules() -> Provider:
    from tegu.llm.providers.rules import RulesProvider

    return RulesProvider()


_FACTORIES: Mapping[str, Callable[[], Provider]] = MappingProxyType(
    {
        "anthropic": lambda: DirectProvider(anthropic.messages),
        "google": lambda: DirectProvider(google.generate_content),
        "ollama": lambda: DirectProvider(openai.ollama, priced_by_url=True),
        "openai": lambda: DirectProvider(openai.chat),
        "openai-compatible": lambda: DirectProvider(openai.compatible, priced_by_url=True),
        "openai-responses": lambda: DirectProvider(openai.responses),
        "rules": _rules,
        "vllm": lambda: DirectProvider(openai.vllm, priced_by_url=True),
    }
)
_ALIASES: Mapping[str, str] = MappingProxyType({"google-gla": "google", "openai-chat": "openai"})

PROVIDER_NAMES = tuple(_FACTORIES)


def canonical_name(name: str) -> str:
    """The registry key of a name or alias. Raises ConfigurationError, with the nearest name."""
    name = _ALIASES.get(name, name)
    if name in _FACTORIES:
        return name
    near = get_close_matches(name, [*_FACTORIES, *_ALIASES], n=1)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    raise ConfigurationError(
        f"there is no provider {name!r}{meant}", hint="providers: " + ", ".join(PROVIDER_NAMES)
    )


def provider_for(name: str) -> Provider:
    """A new provider of that name; the caller closes it. Raises ConfigurationError."""
    return _FACTORIES[canonical_name(name)]()


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

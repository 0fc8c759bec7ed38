"""Keys and hosts of providers, from the environment of the operator.

Called by the app, as the CredentialSource of a process with one set of keys. Invariant: a base URL comes from the
operator only; none that a user gave is accepted here. The secret is in no message.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit
from uuid import UUID

from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import Credential
from tegu.llm.providers.registry import canonical_name


@dataclass(frozen=True, slots=True)
class _Variables:
    """Where a provider's key and host are, in order of preference. `default_url` None: the provider's own host."""

    keys: tuple[str, ...]
    urls: tuple[str, ...]
    is_key_required: bool = True
    is_url_required: bool = False
    default_url: str | None = None
    default_path: str = ""


_OPENAI = _Variables(("OPENAI_API_KEY",), ("OPENAI_BASE_URL",))
_VARIABLES: Mapping[str, _Variables] = MappingProxyType(
    {
        "anthropic": _Variables(("ANTHROPIC_API_KEY",), ("ANTHROPIC_BASE_URL",)),
        "google": _Variables(
            ("GOOGLE_API_KEY", "GEMINI_API_KEY"), ("GOOGLE_BASE_URL", "GOOGLE_GEMINI_BASE_URL")
        ),
        "ollama": _Variables(
            ("OLLAMA_API_KEY",),
            ("OLLAMA_BASE_URL",),
            is_key_required=False,
            default_url="http://localhost:11434/v1",
            default_path="/v1",
        ),
        "openai": _OPENAI,
        "openai-compatible": _Variables(
            ("OPENAI_COMPATIBLE_API_KEY",),
            ("OPENAI_COMPATIBLE_BASE_URL",),
            is_key_required=False,
            is_url_required=True,
        ),
        "openai-responses": _OPENAI,
        "vllm": _Variables(
            ("VLLM_API_KEY",),
            ("VLLM_BASE_URL",),
            is_key_required=False,
            default_url="http://localhost:8000/v1",
            default_path="/v1",
        ),
    }
)


def variables_of(provider: str) -> tuple[str, ...]:
    """The environment variables of a provider: its keys, then its hosts."""
    found = _VARIABLES.get(canonical_name(provider))
    return (*found.keys, *found.urls) if found is not None else ()


class EnvironmentCredentials:
    """Implements CredentialSource: the same keys for every organization."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment` instead of the process's own; it is read at each call."""
        # The process's own is not kept: it cannot be sent to a child process, which has its own copy anyway.
        self._given = environment

    async def credential(self, organization_id: UUID, provider: str) -> Credential:
        """Raises ConfigurationError naming the variable that is missing or wrong."""
        del organization_id  # one environment serves all
        name = canonical_name(provider)
        variables = _VARIABLES.get(name)
        if variables is None:  # rules: nothing to send, nowhere to send it
            return Credential()
        return Credential(api_key=self._key(name, variables), base_url=self._url(name, variables))

    def has_credential(self, provider: str) -> bool:
        """Whether a call could be made, for `tegu doctor` and `tegu models`."""
        variables = _VARIABLES.get(canonical_name(provider))
        if variables is None:
            return True
        has_key = not variables.is_key_required or self._first(variables.keys) is not None
        return has_key and (not variables.is_url_required or self._first(variables.urls) is not None)

    def _key(self, provider: str, variables: _Variables) -> str | None:
        found = self._first(variables.keys)
        if found is None:
            if variables.is_key_required:
                raise ConfigurationError(
                    f"provider {provider!r} needs a key and {' or '.join(variables.keys)} is not set",
                    hint=f"export {variables.keys[0]}=...",
                )
            return None
        variable, key = found
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ConfigurationError(
                f"{variable} holds characters that no key has",
                hint="copy the key again, without quotes or spaces",
            )
        return key

    def _url(self, provider: str, variables: _Variables) -> str | None:
        found = self._first(variables.urls)
        if found is None:
            if variables.is_url_required:
                raise ConfigurationError(
                    f"provider {provider!r} needs a base URL and {' or '.join(variables.urls)} is not set",
                    hint=f"export {variables.urls[0]}=http://localhost:8000/v1",
                )
            return variables.default_url
        variable, url = found
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(
                f"{variable} is {url!r}, which is no http or https URL",
                hint=f"export {variable}=http://localhost:8000/v1",
            )
        return url.rstrip("/") + (variables.default_path if parts.path in {"", "/"} else "")

    def _first(self, names: tuple[str, ...]) -> tuple[str, str] | None:
        environment = os.environ if self._given is None else self._given
        values = ((name, environment.get(name, "").strip()) for name in names)
        return next((found for found in values if found[1]), None)

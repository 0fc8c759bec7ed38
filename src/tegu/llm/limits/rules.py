"""What operators allow: requests and tokens a minute, and calls at once, by provider and model.

Read from TEGU_LIMITS by the runtime. The form, entries separated by semicolons or lines:

    openai:gpt-5-mini rpm=500 tpm=200000 concurrency=50; anthropic rpm=50

The most exact name counts alone: a model's own entry, else its provider's, else that of `*`. What an entry does not say is
learned from the provider's headers and refusals.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tegu.domain.errors import ConfigurationError

_HINT = "for example TEGU_LIMITS='openai:gpt-5-mini rpm=500 tpm=200000 concurrency=50; anthropic rpm=50'"
_FIELDS = ("rpm", "tpm", "concurrency")
_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LimitRule:
    """What is configured for one model; None: nothing."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class LimitRules:
    """All that is configured, by the name written."""

    by_name: Mapping[str, LimitRule] = field(default_factory=dict[str, LimitRule])

    @classmethod
    def parse(cls, text: str | None) -> "LimitRules":
        """Read TEGU_LIMITS. Raises ConfigurationError, quoting what is wrong."""
        found: dict[str, LimitRule] = {}
        for entry in re.split(r"[;\n]", text or ""):
            if not entry.strip():
                continue
            name, *parts = entry.split()
            if name in found or not parts:
                problem = "is there twice" if name in found else "has no limit"
                raise ConfigurationError(f"TEGU_LIMITS: {name!r} {problem}", hint=_HINT)
            given = dict(_part(part) for part in parts)
            found[name] = LimitRule(given.get("rpm"), given.get("tpm"), given.get("concurrency"))
        return cls(found)

    def of(self, provider: str, model: str) -> LimitRule:
        """What is configured for a model."""
        names = (f"{provider}:{model}", f"{provider}:*", provider, "*")
        return next((self.by_name[name] for name in names if name in self.by_name), LimitRule())


def _part(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if name not in _FIELDS:
        raise ConfigurationError(f"TEGU_LIMITS: {text!r} is none of {', '.join(_FIELDS)}", hint=_HINT)
    if not re.fullmatch(r"[0-9]{1,10}", value) or not 0 < int(value) <= _MOST:
        raise ConfigurationError(f"TEGU_LIMITS: {text!r} is no whole number from 1 to {_MOST}", hint=_HINT)
    return name, int(value)

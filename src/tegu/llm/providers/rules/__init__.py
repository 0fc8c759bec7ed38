"""The embedded rule-based provider: no key, no network, no weights, deterministic, and no language model."""

from tegu.llm.providers.rules.provider import CHARS_MAX, RulesProvider

__all__ = ["CHARS_MAX", "RulesProvider"]

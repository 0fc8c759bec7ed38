"""What `fast` and `smart` stand for where the operator has not said: the one place where models are named for people.

Called by `model_names`. Invariant: each is in the price table that is installed and not deprecated (a test compares
them, so that a model that is gone shows), and only models of providers whose key is present are ever asked.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tegu.llm.protocol import ModelRef

CHOSEN_ON = "2026-11-25"
SOURCE = "the models and prices of genai-prices 0.2.3, and what their providers say that they are for"


def _chain(*models: tuple[str, str]) -> tuple[ModelRef, ...]:
    return tuple(ModelRef(provider, name) for provider, name in models)


DEFAULT_MODELS: Mapping[str, tuple[ModelRef, ...]] = MappingProxyType(
    {
        # For much and simple work: extraction, classification, short summaries.
        "fast": _chain(
            ("anthropic", "claude-haiku-5-5"),
            ("openai", "gpt-6-luna"),
            ("google", "gemini-3.8-flash"),
            ("mistral", "mistral-small-2603"),
            ("groq", "openai/gpt-oss-20b"),
            ("deepseek", "deepseek-flash"),
        ),
        # For what must be thought about; dearer, and no provider's very dearest.
        "smart": _chain(
            ("anthropic", "claude-sonnet-5-5"),
            ("openai", "gpt-6.1-sol"),
            ("google", "gemini-4-argon"),
            ("mistral", "mistral-large-4"),
            ("groq", "openai/gpt-oss-120b"),
            ("deepseek", "deepseek-v4-pro"),
        ),
    }
)
"""In the order in which they are asked. Never `rules`: who wants it names it."""

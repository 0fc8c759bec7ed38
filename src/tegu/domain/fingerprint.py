"""Fingerprints: what the output of a stage run depends on, each component by its name, as one text.

Made by `stages.fingerprint` before a stage is performed, stored with its stage run, compared by whoever asks why two stage
runs differ. Invariant: equal texts mean that the same question was asked of the same data in the same way.

    {"configuration":"5d0c...","input:source":"a41f...","kind":"extract@1","model":"openai:gpt-5-mini", ...}

A component is a digest, or where people want to read it (`kind`, `function`, `model`, `prompt`) what it is.
"""

from collections.abc import Mapping

from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.json import canonical_json, json_hash

INPUT = "input:"
"""Before the name of an input: `input:source`."""
_DIGITS = 20


def digest(value: JsonValue) -> str:
    """Of a component that is too long to be kept."""
    return json_hash(value)[:_DIGITS]


def fingerprint_text(components: Mapping[str, str]) -> str:
    """The one text of these components."""
    return canonical_json(dict(components))


def components_of(text: str | None) -> Mapping[str, str] | None:
    """The inverse of `fingerprint_text`; None where there is none, and for one from before components were kept."""
    if text is None or not text.startswith("{"):
        return None
    found: JsonValue = from_json(text)
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else None


def changed_components(before: str | None, after: str | None) -> tuple[str, ...] | None:
    """The names of the components that differ, in order; None where one of the fingerprints does not say."""
    a, b = components_of(before), components_of(after)
    if a is None or b is None:
        return None
    return tuple(name for name in sorted({*a, *b}) if a.get(name) != b.get(name))

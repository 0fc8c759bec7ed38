"""JSON as a value: its type, its canonical form and its hash.

Called by everything that stores, compares or hashes data. Invariant: equal values have equal canonical text.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping

from pydantic import JsonValue
from pydantic_core import to_json

JsonObject = dict[str, JsonValue]
"""A JSON object. Rooms pass dataclasses; this type is for data whose shape a user's schema decides."""

_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)  # made once: every stage hashes with it
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SUSPICIOUS = (b"\\u0000", b"NaN", b"Infinity")


def canonical_json(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """The one text of a JSON value: keys sorted, no spaces, no NaN."""
    return _CANONICAL.encode(value)


def json_hash(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def storable_text(text: str) -> str:
    """The text with NUL and lone surrogates, which PostgreSQL refuses, replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable(value: JsonValue) -> JsonValue:
    """The same value as PostgreSQL's jsonb can hold it: no NUL, no lone surrogates, no NaN or infinity."""
    match value:
        case str():
            return storable_text(value)
        case float() if not math.isfinite(value):
            return None
        case list():
            return [storable(item) for item in value]
        case dict():
            return {storable_text(key): storable(item) for key, item in value.items()}
        case _:
            return value


def as_stored(value: JsonValue) -> tuple[JsonValue, bytes]:
    """A value as PostgreSQL's jsonb will hold it, and its text. Most values are storable as they are, and looking at every
    string costs more than writing them: only a text that looks suspicious is looked at closely. Raises what pydantic raises
    for what is no JSON.
    """
    try:
        text = to_json(value, inf_nan_mode="constants")
    except ValueError:  # half a surrogate pair
        text = b"NaN"
    if any(mark in text for mark in _SUSPICIOUS):
        value = storable(value)
        text = to_json(value)
    return value, text


def storable_json(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """A value as JSON text for a jsonb parameter, made storable."""
    return as_stored(dict(value) if isinstance(value, Mapping) else value)[1].decode()

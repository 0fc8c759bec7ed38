"""Values as texts for models: one data part for each input, never mixed into instructions.

Called by the context and the kinds. Invariant: the same value gives the same text, whether it comes from memory or
back from PostgreSQL's jsonb (which reorders keys and writes 1e3 as 1000); otherwise a run that is taken over would ask
its models anew.
"""

import json
import re
from collections.abc import Sequence

from pydantic import JsonValue
from pydantic_core import PydanticSerializationError, to_jsonable_python

from tegu.domain.content import Document, MailMessage, MailThread
from tegu.domain.errors import StageError
from tegu.domain.json import storable, storable_text
from tegu.llm.protocol import DataPart

_SORTED = json.JSONEncoder(sort_keys=True, ensure_ascii=False)
_SUSPICIOUS = re.compile("\\\\u0000|[\ud800-\udfff]|\\.0|e\\+|NaN|Infinity")
"""NUL, half a surrogate pair, what may be a whole number with a point or an exponent, and what is no number."""

SOURCE = "source"
PROMPT_VERSION = 1
"""Of the code that turns instructions, inputs and schemas into requests. Raise it when the same stage would ask something
else: it is part of fingerprints.
"""
PART_CHARACTERS_MAX = 4_000_000
"""More than any model reads; a larger part is a mistake that should not travel first."""


def data_parts(inputs: Sequence[object]) -> tuple[DataPart, ...]:
    """The inputs of a call, named by what they are: texts `source`, `source_2`, values by their type or `input_3`."""
    parts: list[DataPart] = []
    taken: set[str] = set()
    for number, value in enumerate(inputs, start=1):
        name = _name(value, number)
        unique = name if name not in taken else f"{name}_{number}"
        taken.add(unique)
        parts.append(data_part(unique, value))
    return tuple(parts)


def data_part(name: str, value: object) -> DataPart:
    """One value under a name. Raises StageError when it is too large, or nothing that can be written as JSON."""
    text = text_of(value, name)
    if len(text) > PART_CHARACTERS_MAX:
        raise StageError(
            f"input {name!r} has {len(text)} characters; a call takes at most {PART_CHARACTERS_MAX}",
            code="input_too_large",
            hint="give the stage less, for example a parse stage with `pages`",
        )
    return DataPart(name, text)


def text_of(value: object, name: str = "input") -> str:
    """The text that a model reads."""
    match value:
        case str():
            return storable_text(value)
        case Document() | MailThread():
            return storable_text(value.text)
        case MailMessage():
            return storable_text(MailThread(value.subject, (value,)).text)
        case _:
            return stable_json(_jsonable(value, name))


def stable_json(value: JsonValue) -> str:
    """JSON with sorted keys and whole numbers without a point: what jsonb may change is not in it. Most values are so as
    they are, and every stage writes its inputs: only a text that looks suspicious is looked at closely.
    """
    text = _SORTED.encode(value)
    if _SUSPICIOUS.search(text):
        text = _SORTED.encode(_stable(storable(value)))
    return text


def _jsonable(value: object, name: str) -> JsonValue:
    try:
        return to_jsonable_python(value)
    except (PydanticSerializationError, ValueError) as error:
        raise StageError(f"input {name!r} cannot be written as JSON: {error}", code="wrong_input") from error


def _stable(value: JsonValue) -> JsonValue:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_stable(item) for item in value]
        case dict():
            return {key: _stable(item) for key, item in value.items()}
        case _:
            return value


def _name(value: object, number: int) -> str:
    match value:
        case str() | Document() | MailThread() | MailMessage():
            return SOURCE
        case dict() | list() | tuple() | set() | frozenset() | int() | float() | None:
            return f"input_{number}"
        case _:
            return type(value).__name__

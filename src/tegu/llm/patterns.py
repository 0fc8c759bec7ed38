"""Regular expressions that users give, run so that they cannot hang the process.

Called by the schema check and by the validator's keywords. Invariant: a match costs time linear in the text, with a
bounded factor. The engine is the one inside pydantic (Rust's regex: no backtracking); what it cannot run (lookaround,
back-references) is refused, never handed to Python's `re`.
"""

import re
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

PATTERN_LENGTH_MAX = 500
REPEATS_MAX = 1000
"""Product of all counted repetitions: `(a{30}){30}` is 900 states."""
TEXT_LENGTH_MAX = 20_000
"""Longer strings are not searched; the validator says so."""

_COUNTED = re.compile(r"\{(\d{1,9})?(?:,(\d{1,9})?)?\}")


class PatternError(ValueError):
    """This pattern cannot be run in linear time."""


@lru_cache(maxsize=128)
def compiled(pattern: str) -> SchemaValidator:
    """The pattern, ready to search. Raises PatternError."""
    if len(pattern) > PATTERN_LENGTH_MAX:
        raise PatternError(f"it has {len(pattern)} characters, at most {PATTERN_LENGTH_MAX} are allowed")
    repeats = 1
    for low, high in _COUNTED.findall(pattern):
        repeats *= max(1, int(low or 0), int(high or 0))
    if repeats > REPEATS_MAX:
        raise PatternError(
            f"its counted repetitions multiply to {repeats}, at most {REPEATS_MAX} are allowed"
        )
    try:
        return SchemaValidator(
            core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True)
        )
    except SchemaError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("error: ")
        raise PatternError(reason) from error


def matches(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found anywhere in the text; None when the pattern or the text is out of bounds."""
    if len(text) > TEXT_LENGTH_MAX:
        return None
    try:
        return compiled(pattern).isinstance_python(text)
    except PatternError:
        return None


def pattern_problem(pattern: str) -> str | None:
    """Why a pattern cannot be used, or None."""
    try:
        compiled(pattern)
    except PatternError as error:
        return str(error)
    return None

"""The bounds of what a document may say, and what a name looks like. Used by the check, `@stage` and the schema."""

import re

NAME_PATTERN = "^[a-z][a-z0-9_]{0,62}$"
STAGES_MAX = 1000
EDGES_MAX = 10_000
"""Inputs and needs of all stages: what is checked, planned and drawn goes along each."""
RETRIES_MAX = 20
TIMEOUT_S_MAX = 86_400.0
DEADLINE_S_MAX = 366 * 86_400.0
PARALLEL_ITEMS_MAX = 1000
INSTRUCTIONS_LENGTH_MAX = 100_000
DESCRIPTION_LENGTH_MAX = 2000

_NAME = re.compile(NAME_PATTERN.removesuffix("$"))


def is_name(text: str) -> bool:
    """Whether it is snake_case, at most 63 characters."""
    return _NAME.fullmatch(text) is not None


def as_name(text: str) -> str | None:
    """The nearest name, for a hint; None where there is nothing to make one of."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:63]
    return name if is_name(name) else None

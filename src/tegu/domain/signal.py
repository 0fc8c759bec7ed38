"""A signal: something that a run is told from outside, by name, while it goes on.

Sent by `runs.signal`, found by the stages that wait for one.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

NAME_LENGTH_MAX = 100
DATA_BYTES_MAX = 100_000
SIGNALS_MAX = 1000
"""Of one run."""
LISTENERS_MAX = 1000
"""Runs of a family in which stages wait for one signal that is not kept."""


@dataclass(frozen=True, slots=True)
class RunSignal:
    """A signal that was sent."""

    name: str
    data: JsonValue
    created_at: datetime

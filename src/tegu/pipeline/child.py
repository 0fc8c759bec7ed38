"""Children of runs as data: what a stage asks for, where they stand, and what the input of a run is that reads no content.

Made by the kinds that start runs, stored by storage, read by whoever drives the child. Invariant: equal questions give equal
specs, whoever asks and how often: a child is known by its place, and what is there already is not made anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus

DEPTH_MAX = 8
"""How deep pipelines may be nested in each other."""


@dataclass(frozen=True, slots=True)
class DataSource:
    """A value that stands for the source of a run: the output that it was started for, an item of a list."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of the items of a mapped stage: `items` from number `start`, of `of` in all; `inputs` are what the stage
    reads beside them, the same for each.
    """

    stage: str
    start: int
    of: int
    items: tuple[JsonValue, ...]
    inputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class RunInput:
    """What a run was given beside its content: data that stands for it, or the items of its slice."""

    data: DataSource | None = None
    items: tuple[JsonValue, ...] = ()
    inputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def to_json(self) -> JsonObject:
        """As it is stored."""
        found: JsonObject = {"data": self.data.value} if self.data is not None else {}
        if self.items:
            found |= {"items": list(self.items), "inputs": dict(self.inputs)}
        return found

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """The inverse; of what is no object, nothing."""
        if not isinstance(value, dict):
            return cls()
        items, inputs = value.get("items"), value.get("inputs")
        return cls(
            DataSource(value["data"]) if "data" in value else None,
            tuple(items) if isinstance(items, list) else (),
            inputs if isinstance(inputs, dict) else {},
        )


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A child that a stage asks for. `item` tells it from the stage's others; `pipeline` is `name@2`, or None for a slice of
    the stage's own version; without `content_id` the child is about what its parent is about.
    """

    item: str = ""
    pipeline: str | None = None
    input: RunInput | None = None
    content_id: UUID | None = None
    slice: Slice | None = None


@dataclass(frozen=True, slots=True)
class ChildState:
    """Where a child stands. `start` is the number of the first item of a slice."""

    id: UUID
    item: str
    status: RunStatus
    error: ErrorInfo | None = None
    start: int | None = None


@dataclass(frozen=True, slots=True)
class ItemOutput:
    """What one stage of a child came to; None for one that did not complete. `item` is empty where it is not mapped."""

    stage: str
    item: str
    is_completed: bool
    output: JsonValue
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """How many items of a mapped stage have ended so far, and how many of those failed or were skipped."""

    ended: int = 0
    failed: int = 0
    skipped: int = 0

"""The handles that the builder gives out, and what may be said about any stage. Used through `builder`.

Invariant: a handle holds names only, so that it may be used with the pipeline it came from and read by no one else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypedDict, TypeVar

from pydantic import JsonValue

OutputT_co = TypeVar("OutputT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Node(Generic[OutputT_co]):
    """A stage of a pipeline under construction, or its source: where a wire begins."""

    name: str
    is_optional: bool = False

    def optional(self) -> "Node[OutputT_co | None]":
        """The same for a stage that goes on without it: None where it was skipped or failed."""
        return Node(self.name, is_optional=True)

    @property
    def reference(self) -> str:
        """As documents write it."""
        return f"{self.name}?" if self.is_optional else self.name


class ResultOptions(TypedDict, total=False):
    """How an output becomes results: see `ResultSpec`."""

    type: str
    each: str
    key: str


class StageOptions(TypedDict, total=False):
    """What may be said about any stage: see `StageDefinition`. `config` are further settings of the stage's kind."""

    needs: Sequence[Node[Any]]
    when: str
    retries: int
    timeout_s: float
    model: str
    result: Literal[False] | ResultOptions
    config: Mapping[str, JsonValue]

"""The handles that the builder gives out, and what may be said about any stage. Used through `builder`.

Invariants: a handle holds names only, so that it may be used with the pipeline it came from and read by no one else;
and a `Node[T]` hands a T to whom it is wired to, or that stage is skipped: never None where the type does not say so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Required, TypedDict, TypeVar

from pydantic import JsonValue

OutputT = TypeVar("OutputT")
OutputT_co = TypeVar("OutputT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Node(Generic[OutputT_co]):
    """A stage of a pipeline under construction, or its source: where a wire begins.

    The handle of a stage with a condition (`when=`) is optional: a `Node[T | None]`.
    """

    name: str
    is_optional: bool = False

    def optional(self) -> "Node[OutputT_co | None]":
        """The same for a stage that goes on without it: None where it was skipped or failed."""
        return Node(self.name, is_optional=True)

    def required(self: "Node[OutputT | None]") -> "Node[OutputT]":
        """The same for a stage that makes no sense without it, and is skipped where it was skipped or failed."""
        return Node(self.name)

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
    join: Literal["all", "any", "settled"] | int
    on_failure: Literal["fail", "continue"] | Node[Any]
    cancels: Sequence[Node[Any]] | Literal["*"]
    retries: int | Mapping[str, int]
    timeout_s: float
    deadline_s: float
    model: str
    result: Literal[False] | ResultOptions
    config: Mapping[str, JsonValue]


class ModelOptions(StageOptions, total=False):
    """The same for a stage that asks a model."""

    max_tokens: int
    temperature: float
    output_mode: Literal["native", "tool"]


class ConditionalOptions(StageOptions, total=False):
    """`StageOptions` with a condition."""

    when: Required[str]


class ConditionalModelOptions(ModelOptions, total=False):
    """`ModelOptions` with a condition."""

    when: Required[str]


class AnyOptions(ModelOptions, total=False):
    """All of them."""

    when: str

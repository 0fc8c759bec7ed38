"""What may be said about any stage, as keyword arguments of the builder's methods. Used through `builder`.

Invariant: what gives a handle of another type is in a mapping of its own, so that the methods can be overloaded by it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Required, TypedDict

from pydantic import JsonValue

from tegu.pipeline.node import Items, Node, Otherwise, SomeItems


class ResultOptions(TypedDict, total=False):
    """How an output becomes results: see `ResultSpec`."""

    type: str
    each: str
    key: str


class FlowOptions(TypedDict, total=False):
    """What may be said about any stage: see `StageDefinition`. `config` are further settings of the stage's kind."""

    needs: Sequence[Node[Any]]
    join: Literal["all", "any", "settled"] | int
    on_failure: Literal["fail", "continue"] | Node[Any]
    cancels: Sequence[Node[Any]] | Literal["*"]
    retries: int | Mapping[str, int]
    deadline_s: float
    result: Literal[False] | ResultOptions
    config: Mapping[str, JsonValue]


class StageOptions(FlowOptions, total=False):
    """The same for a stage that works here."""

    timeout_s: float
    model: str


class ModelOptions(StageOptions, total=False):
    """The same for a stage that asks a model."""

    max_tokens: int
    temperature: float
    output_mode: Literal["native", "tool"]


class ConditionalOptions(StageOptions, total=False):
    """`StageOptions` with a condition."""

    when: Required[str | Otherwise]


class ConditionalModelOptions(ModelOptions, total=False):
    """`ModelOptions` with a condition."""

    when: Required[str | Otherwise]


class MappedModelOptions(ModelOptions, total=False):
    """`ModelOptions` of a stage that runs once per item."""

    each: Required[Items[Any]]


class ConditionalMappedModelOptions(ModelOptions, total=False):
    """The same with a condition, which may read `item` and is then asked of each: where it is false there is None."""

    when: Required[str | Otherwise]
    each: Required[Items[Any]]


class PartlyMappedModelOptions(ModelOptions, total=False):
    """The same where items may fail."""

    when: str | Otherwise
    each: Required[SomeItems[Any]]


class AnyOptions(ModelOptions, total=False):
    """All of them."""

    when: str | Otherwise
    each: Items[Any] | SomeItems[Any]


class AnyFlowOptions(FlowOptions, total=False):
    """All that may be said about a stage that works elsewhere, or not at all."""

    when: str | Otherwise
    each: Items[Any] | SomeItems[Any]

"""What the check asks about stage kinds and Python stages. The stages room answers; this room knows no kind itself.

Invariant: a catalog answers from memory, so that checking a document does no I/O.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tegu.domain.content import InputKind
from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import RETRIES, TIMEOUT_S

_NO_INPUTS: Mapping[str, JsonObject] = {}


@dataclass(frozen=True, slots=True)
class FunctionInput:
    """One input of a Python stage. `sources` are the pipeline inputs that `source` may be wired from; `schema` is what
    an upstream output must look like, None where only `source` will do.
    """

    name: str
    type_name: str
    schema: JsonObject | None
    sources: frozenset[InputKind] = frozenset()
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class FunctionContract:
    """What a Python stage takes, in order, and puts out; and what a document need not say about it."""

    inputs: tuple[FunctionInput, ...]
    output: JsonObject
    retries: int = RETRIES
    timeout_s: float = TIMEOUT_S
    description: str | None = None


class KindCatalog(Protocol):
    """The stage kinds and Python stages that there are."""

    def kinds(self) -> Collection[str]:
        """Their names, as written after `uses:`."""
        ...

    def describe(self, kind: str) -> str:
        """What a kind is for, in a first paragraph, and what its options are and what it puts out, in the others."""
        ...

    def config_schema(self, kind: str) -> JsonObject:
        """JSON Schema of `with:` of a kind, after the check has made JSON Schema of `with.schema` and read
        `with.instructions_file` into `with.instructions`.
        """
        ...

    def output_schema(
        self, kind: str, config: JsonObject, inputs: Mapping[str, JsonObject] = _NO_INPUTS
    ) -> JsonObject:
        """JSON Schema of the output of a stage of this kind with this valid config, given those of its inputs in the
        order written; `{}` where that is not known.
        """
        ...

    def config_problems(
        self, kind: str, config: JsonObject, inputs: Mapping[str, JsonObject]
    ) -> Sequence[Problem]:
        """What is wrong with a valid config beyond its schema, given the schemas of the stage's inputs, with places below
        `with`: a condition of its own, an input that it names.
        """
        ...

    def check_model(self, written: str) -> None:
        """Raises ConfigurationError for what is written for a model and stands for none: an alias that is not there."""
        ...

    def functions(self) -> Mapping[str, FunctionContract]:
        """Python stages by `name@version`."""
        ...

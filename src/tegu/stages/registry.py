"""The stage kinds and Python functions that there are.

Made by the app, asked by the pipeline check (as its KindCatalog) and by the performer. Invariant: names are keys of
this registry, never import paths.
"""

import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from tegu.domain.errors import Problem, StageError, UsageError
from tegu.domain.json import JsonObject
from tegu.llm.model_names import ModelNames
from tegu.pipeline.catalog import FunctionContract
from tegu.pipeline.check_outputs import output_schemas
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.function import stage_metadata
from tegu.stages.classify import ClassifyKind
from tegu.stages.collect import CollectKind
from tegu.stages.dedupe import DedupeKind
from tegu.stages.extract import ExtractKind
from tegu.stages.http import HttpKind
from tegu.stages.kind import CheckingKind, DerivingKind, StageKind
from tegu.stages.loop import LoopKind
from tegu.stages.merge import MergeKind
from tegu.stages.nested import NestingKind
from tegu.stages.parse import ParseKind
from tegu.stages.prompt import PromptKind
from tegu.stages.python import PythonKind, StageFunction
from tegu.stages.review import ReviewKind
from tegu.stages.split import SplitKind
from tegu.stages.summarize import SummarizeKind
from tegu.stages.wait import WaitKind
from tegu.stages.webhook import WebhookKind

_NO_INPUTS: Mapping[str, JsonObject] = {}


def built_in_kinds() -> tuple[StageKind, ...]:
    """The kinds that come with Tegu, without those that every registry has: `python` and `review`, which know others."""
    return (
        ParseKind(),
        ExtractKind(),
        ClassifyKind(),
        SummarizeKind(),
        PromptKind(),
        SplitKind(),
        CollectKind(),
        MergeKind(),
        DedupeKind(),
        WaitKind(),
        HttpKind(),
        WebhookKind(),
        NestingKind(),
        LoopKind(),
    )


def functions_by_key(functions: Sequence[Callable[..., Any]]) -> dict[str, StageFunction]:
    """Functions declared with `@stage` by `name@version`. Raises UsageError for others, and for two of one key."""
    found: dict[str, StageFunction] = {}
    for function in functions:
        key = stage_metadata(function).key
        if found.setdefault(key, function) is not function:
            raise UsageError(f"there are two stages {key!r}", hint="raise the version of one, or rename it")
    return found


class StageRegistry:
    """Implements `pipeline.catalog.KindCatalog`."""

    def __init__(
        self,
        kinds: Sequence[StageKind] | None = None,
        functions: Mapping[str, StageFunction] | None = None,
        names: ModelNames | None = None,
    ) -> None:
        """`kinds` None: the built-in ones. `functions` by `name@version`; see `functions_by_key`. `names` None: nothing
        is said about aliases and providers of models.
        """
        self._names = names
        python = PythonKind(dict(functions or {}))
        self._kinds: dict[str, StageKind] = {
            kind.name: kind
            for kind in (
                *(built_in_kinds() if kinds is None else kinds),
                ReviewKind(self.schema_of),
                python,
            )
        }
        self._contracts = python.contracts()

    def kinds(self) -> Collection[str]:
        """Their names, as written after `uses:`."""
        return self._kinds.keys()

    def describe(self, kind: str) -> str:
        """What the page of the kind says: the docstring of its module, which is written for authors."""
        said = inspect.getdoc(inspect.getmodule(type(self.kind(kind)))) or ""
        return re.sub(r"^`?\w+`?: ", "", said, count=1)

    def config_schema(self, kind: str) -> JsonObject:
        """JSON Schema of `with:`."""
        return self.kind(kind).config_schema()

    def output_schema(
        self, kind: str, config: JsonObject, inputs: Mapping[str, JsonObject] = _NO_INPUTS
    ) -> JsonObject:
        """JSON Schema of the output with this valid config and inputs of these; `{}` where that is not known."""
        found = self.kind(kind)
        return (
            found.derived_schema(config, inputs)
            if isinstance(found, DerivingKind)
            else found.output_schema(config)
        )

    def config_problems(
        self, kind: str, config: JsonObject, inputs: Mapping[str, JsonObject]
    ) -> Sequence[Problem]:
        """What the kind says of this valid config."""
        found = self.kind(kind)
        return found.config_problems(config, inputs) if isinstance(found, CheckingKind) else ()

    def schema_of(self, definition: PipelineDefinition, name: str) -> JsonObject:
        """JSON Schema of what a stage of a pipeline hands to others: with `each` the list of all; `{}` where it is not known."""
        return output_schemas(definition, self).of(name)

    def check_model(self, written: str) -> None:
        """Raises ConfigurationError for an alias or provider that is not there."""
        if self._names is not None:
            self._names.check(written)

    def functions(self) -> Mapping[str, FunctionContract]:
        """Python stages by `name@version`."""
        return self._contracts

    def kind(self, name: str) -> StageKind:
        """The kind. Raises StageError, with the nearest name."""
        found = self._kinds.get(name)
        if found is None:
            near = get_close_matches(name, self._kinds, n=1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            known = ", ".join(self._kinds)
            raise StageError(
                f"there is no stage kind {name!r}{meant}", code="unknown_kind", hint=f"kinds: {known}"
            )
        return found

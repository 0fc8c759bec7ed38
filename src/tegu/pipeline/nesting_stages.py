"""The builder's methods for the kinds that run other pipelines. Used through `builder.Pipeline`.

Invariant: as in `kind_stages`, each says with its type what the kind puts out, as far as it is told.
"""

from collections.abc import Mapping
from typing import Any, Unpack, overload

from typing_extensions import TypeVar

from tegu.domain.json import JsonObject
from tegu.pipeline.draft import Draft, Inputs
from tegu.pipeline.node import Items, Node, Otherwise, SomeItems
from tegu.pipeline.outputs import Looped
from tegu.pipeline.outside_options import LoopOptions, LoopSettings, apart
from tegu.pipeline.stage_options import FlowOptions

# Whoever does not say what a pipeline puts out may wire it anywhere.
OutputT = TypeVar("OutputT", default=Any)


class NestingStages(Draft):
    """Stages that are pipelines."""

    @overload
    def pipeline(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        **options: Unpack[FlowOptions],
    ) -> Node[OutputT]: ...
    @overload
    def pipeline(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        when: str | Otherwise,
        **options: Unpack[FlowOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def pipeline(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        each: Items[Any],
        **options: Unpack[FlowOptions],
    ) -> Node[list[OutputT]]: ...
    @overload
    def pipeline(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        each: Items[Any],
        when: str | Otherwise,
        **options: Unpack[FlowOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def pipeline(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        each: SomeItems[Any],
        when: str | Otherwise = ...,
        **options: Unpack[FlowOptions],
    ) -> Node[list[OutputT | None]]: ...
    def pipeline(
        self,
        name: str,
        pipeline: str | Draft,
        output: object = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        **options: Any,
    ) -> Node[Any]:
        """Another pipeline as one stage, by name (`person_check`, `person_check@2`) or as it was built; it is published on its
        own. `output` is the type of what it puts out, and `output_of` the stage of it that does.
        """
        config = self._nesting(name, pipeline, output, output_of)
        return self._add(name, "pipeline", config, _read(inputs, options), options)

    @overload
    def loop(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        **options: Unpack[LoopOptions],
    ) -> Node[Looped[OutputT]]: ...
    @overload
    def loop(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        when: str | Otherwise,
        **options: Unpack[LoopOptions],
    ) -> Node[Looped[OutputT] | None]: ...
    @overload
    def loop(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        each: Items[Any],
        **options: Unpack[LoopOptions],
    ) -> Node[list[Looped[OutputT]]]: ...
    @overload
    def loop(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        each: Items[Any],
        when: str | Otherwise,
        **options: Unpack[LoopOptions],
    ) -> Node[list[Looped[OutputT] | None]]: ...
    @overload
    def loop(
        self,
        name: str,
        pipeline: str | Draft,
        output: type[OutputT] | None = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        each: SomeItems[Any],
        when: str | Otherwise = ...,
        **options: Unpack[LoopOptions],
    ) -> Node[list[Looped[OutputT] | None]]: ...
    def loop(
        self,
        name: str,
        pipeline: str | Draft,
        output: object = None,
        *,
        output_of: str | Node[Any] | None = None,
        inputs: Inputs = None,
        **options: Any,
    ) -> Node[Any]:
        """Another pipeline again and again, until a condition over its `output` and `iteration` holds, at most `times_max`
        times. `output` and `output_of` are as in `pipeline`.
        """
        config = self._nesting(name, pipeline, output, output_of) | apart(options, LoopSettings)
        return self._add(name, "loop", config, _read(inputs, options), options)

    def _nesting(
        self, name: str, pipeline: str | Draft, output: object, output_of: str | Node[Any] | None
    ) -> JsonObject:
        """`with:` of a stage that nests."""
        config: JsonObject = {"pipeline": pipeline.name if isinstance(pipeline, Draft) else pipeline}
        if output_of is not None:
            config["output"] = output_of.name if isinstance(output_of, Node) else output_of
        if output is not None:
            config["schema"] = self._schema(name, output)
        return config


def _read(inputs: Inputs, options: Mapping[str, Any]) -> Inputs:
    """Mapped, and told nothing else, a nested pipeline is about the item alone."""
    return [] if inputs is None and options.get("each") is not None else inputs

"""The builder's methods for the stage kinds. Used through `builder.Pipeline`.

Invariant: each says with its type what the kind puts out; a stage with a condition gives an optional handle.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, Unpack, overload

from pydantic import JsonValue

from tegu.domain.content import Document
from tegu.domain.json import JsonObject
from tegu.pipeline.draft import Inputs
from tegu.pipeline.node import Node
from tegu.pipeline.output_stages import OutputStages
from tegu.pipeline.outputs import Classification, Summary
from tegu.pipeline.stage_options import (
    AnyOptions,
    ConditionalMappedModelOptions,
    ConditionalModelOptions,
    ConditionalOptions,
    MappedModelOptions,
    ModelOptions,
    PartlyMappedModelOptions,
    StageOptions,
)

OutputT = TypeVar("OutputT")
Labels = Mapping[str, str] | list[str] | tuple[str, ...]
Shorthand = Mapping[str, JsonValue]


class KindStages(OutputStages):
    """Stages of the kinds that come with Tegu."""

    @overload
    def classify(
        self,
        name: str,
        *,
        labels: Labels,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[Classification]: ...
    @overload
    def classify(
        self,
        name: str,
        *,
        labels: Labels,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[Classification | None]: ...
    @overload
    def classify(
        self,
        name: str,
        *,
        labels: Labels,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[Classification]]: ...
    @overload
    def classify(
        self,
        name: str,
        *,
        labels: Labels,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[Classification | None]]: ...
    @overload
    def classify(
        self,
        name: str,
        *,
        labels: Labels,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[Classification | None]]: ...
    def classify(
        self,
        name: str,
        *,
        labels: Labels,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """Choose one of the labels; `labels` maps each to what it means, or only lists them."""
        config = self._config(name, instructions)
        config["labels"] = list(labels) if isinstance(labels, tuple) else _plain_labels(labels)
        return self._add(name, "classify", config, inputs, options)

    @overload
    def summarize(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        sentences_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[Summary]: ...
    @overload
    def summarize(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        sentences_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[Summary | None]: ...
    @overload
    def summarize(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        sentences_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[Summary]]: ...
    @overload
    def summarize(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        sentences_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[Summary | None]]: ...
    @overload
    def summarize(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        sentences_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[Summary | None]]: ...
    def summarize(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        sentences_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """Sum the inputs up."""
        config = self._config(name, instructions)
        if sentences_max is not None:
            config["sentences_max"] = sentences_max
        return self._add(name, "summarize", config, inputs, options)

    @overload
    def parse(
        self,
        name: str = "parse",
        *,
        pages: int | str | None = None,
        characters_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[StageOptions],
    ) -> Node[Document]: ...
    @overload
    def parse(
        self,
        name: str = "parse",
        *,
        pages: int | str | None = None,
        characters_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalOptions],
    ) -> Node[Document | None]: ...
    def parse(
        self,
        name: str = "parse",
        *,
        pages: int | str | None = None,
        characters_max: int | None = None,
        inputs: Inputs = None,
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """The text of the content, or a stretch of it. Every pipeline gets the whole text without it too."""
        config: JsonObject = {} if pages is None else {"pages": pages}
        if characters_max is not None:
            config["characters_max"] = characters_max
        return self._add(name, "parse", config, inputs, options)

    @overload
    def add(
        self,
        name: str,
        uses: str,
        *,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[JsonObject]: ...
    @overload
    def add(
        self,
        name: str,
        uses: str,
        *,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[JsonObject | None]: ...
    @overload
    def add(
        self,
        name: str,
        uses: str,
        *,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[JsonObject]]: ...
    @overload
    def add(
        self,
        name: str,
        uses: str,
        *,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[JsonObject | None]]: ...
    @overload
    def add(
        self,
        name: str,
        uses: str,
        *,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[JsonObject | None]]: ...
    def add(self, name: str, uses: str, *, inputs: Inputs = None, **options: Unpack[AnyOptions]) -> Node[Any]:
        """A stage of any kind; its settings are `config`."""
        return self._add(name, uses, {}, inputs, options)


def _plain_labels(labels: Any) -> JsonValue:
    """Whatever it is: the check says what is wrong with it."""
    return {**labels} if isinstance(labels, Mapping) else labels

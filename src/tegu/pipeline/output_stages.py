"""The builder's methods for the stage kinds that fill a schema: extract and prompt. Used through `builder.Pipeline`.

Invariant: each says with its type what the kind puts out; a stage with a condition gives an optional handle.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, Unpack, overload

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.draft import Draft, Inputs
from tegu.pipeline.node import Node
from tegu.pipeline.outputs import Extraction, Text
from tegu.pipeline.stage_options import (
    AnyOptions,
    ConditionalMappedModelOptions,
    ConditionalModelOptions,
    MappedModelOptions,
    ModelOptions,
    PartlyMappedModelOptions,
)

OutputT = TypeVar("OutputT")
Shorthand = Mapping[str, JsonValue]


class OutputStages(Draft):
    """Stages whose output has the shape that the author gives."""

    @overload
    def extract(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[OutputT]: ...
    @overload
    def extract(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def extract(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[JsonObject]: ...
    @overload
    def extract(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[JsonObject | None]: ...
    @overload
    def extract(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[Extraction]: ...
    @overload
    def extract(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[Extraction | None]: ...
    @overload
    def extract(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[OutputT]]: ...
    @overload
    def extract(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def extract(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def extract(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[JsonObject]]: ...
    @overload
    def extract(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[JsonObject | None]]: ...
    @overload
    def extract(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[JsonObject | None]]: ...
    @overload
    def extract(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[Extraction]]: ...
    @overload
    def extract(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[Extraction | None]]: ...
    @overload
    def extract(
        self,
        name: str,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[Extraction | None]]: ...
    def extract(
        self,
        name: str,
        output: object = None,
        *,
        instructions: str | Path | None = None,
        inputs: Inputs = None,
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """Fill a schema from the inputs, with evidence. Without `output` the entities and a category.

        `instructions` are the text, or the absolute path of a file with it.
        """
        return self._add(name, "extract", self._config(name, instructions, output), inputs, options)

    @overload
    def prompt(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[OutputT]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[JsonObject]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[JsonObject | None]: ...
    @overload
    def prompt(
        self,
        name: str,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ModelOptions],
    ) -> Node[Text]: ...
    @overload
    def prompt(
        self,
        name: str,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ConditionalModelOptions],
    ) -> Node[Text | None]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[OutputT]]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[JsonObject]]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[JsonObject | None]]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: Shorthand,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[JsonObject | None]]: ...
    @overload
    def prompt(
        self,
        name: str,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[MappedModelOptions],
    ) -> Node[list[Text]]: ...
    @overload
    def prompt(
        self,
        name: str,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[ConditionalMappedModelOptions],
    ) -> Node[list[Text | None]]: ...
    @overload
    def prompt(
        self,
        name: str,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[PartlyMappedModelOptions],
    ) -> Node[list[Text | None]]: ...
    def prompt(
        self,
        name: str,
        output: object = None,
        *,
        instructions: str | Path,
        inputs: Inputs = None,
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """Ask a model with instructions of your own. Without `output` the answer is text: `{text}`."""
        return self._add(name, "prompt", self._config(name, instructions, output), inputs, options)

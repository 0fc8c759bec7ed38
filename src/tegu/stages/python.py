"""`python`: a function of the team's own, declared with `@stage`.

options     function  name@version, as registered by the application; never an import path
inputs      bound in order to the function's parameters, as the types that they are annotated with: MailThread, Document
            or Content (the run's own), str (the text), a pydantic model or any type pydantic knows (an upstream output)
returns     what the function returns, checked against its annotation

Plain (not async) functions run in a thread.
"""

import asyncio
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, Union, get_args, get_origin

from pydantic import Field, JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from tegu.domain.content import Content, Document, MailThread
from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract
from tegu.pipeline.function import StageMetadata, stage_metadata
from tegu.stages.inputs import DataInput, StageInput, TextInput, cut_document
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options

StageFunction = Callable[..., Any]
_PROBLEMS_MAX = 5


class PythonOptions(Options):
    """See the module."""

    function: str = Field(description="function: name@version of a registered function")


@dataclass(frozen=True, slots=True)
class _Callee:
    """A registered function, with what converts its inputs and its output."""

    function: StageFunction
    metadata: StageMetadata
    inputs: tuple[TypeAdapter[Any], ...]
    output: TypeAdapter[Any]

    @classmethod
    def of(cls, function: StageFunction) -> Self:
        metadata = stage_metadata(function)
        inputs = tuple(TypeAdapter[Any](annotation) for annotation in metadata.input_types)
        return cls(function, metadata, inputs, TypeAdapter[Any](metadata.output_type))


class PythonKind:
    """Implements StageKind, over the functions that the application has registered."""

    name = "python"
    version = 1

    def __init__(self, functions: Mapping[str, StageFunction]) -> None:
        """By `name@version`."""
        self._callees = {key: _Callee.of(function) for key, function in functions.items()}

    def contracts(self) -> Mapping[str, FunctionContract]:
        """What each takes and puts out."""
        return {key: callee.metadata.contract() for key, callee in self._callees.items()}

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(PythonOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """Of the function's return type; `{}` for a function that is not here."""
        callee = self._callees.get(str(config.get("function")))
        return callee.metadata.contract().output if callee is not None else {}

    async def perform(self, work: StageWork) -> StageOutput:
        """Call it. What it raises that is no TeguError is left to the engine, which tries again."""
        key = read_options(PythonOptions, work.config).function
        callee = self._callees.get(key)
        if callee is None:
            raise StageError(
                f"no worker has {key}", code="unknown_function", hint="start a worker that registers it"
            )
        arguments = _arguments(callee, work.inputs)
        if callee.metadata.is_async:
            returned = await callee.function(*arguments, work.ctx)
        else:
            returned = await asyncio.to_thread(callee.function, *arguments, work.ctx)
        return StageOutput(_value(callee, returned))


def _arguments(callee: _Callee, inputs: Sequence[StageInput]) -> tuple[object, ...]:
    """The inputs as the function's parameters. Raises StageError, naming the parameter and what is wrong with it."""
    metadata = callee.metadata
    if len(inputs) != len(metadata.input_types):
        names = ", ".join(metadata.input_names) or "nothing"
        raise StageError(
            f"{metadata.key} takes {names}, and {len(inputs)} inputs are wired",
            code="wrong_input",
            hint=f"inputs: one for each of {names}, in this order",
        )
    return tuple(_argument(callee, number, item) for number, item in enumerate(inputs))


def _argument(callee: _Callee, number: int, item: StageInput) -> object:
    wanted = _without_none(callee.metadata.input_types[number])
    match item:
        case TextInput():
            if wanted is str:
                return item.text
            if wanted in {Document, MailThread, Content}:
                return _source(callee, number, wanted, item)
            if item.output is None:
                raise _wrong(callee, number, f"is no text, and {item.name!r} is one")
            return _validated(callee, number, item.output)
        case DataInput():
            if wanted is Document and isinstance(item.value, dict):
                return Document(str(item.value.get("text", "")))
            return _validated(callee, number, item.value)


def _source(callee: _Callee, number: int, wanted: Any, item: TextInput) -> object:
    if wanted is Content and item.content is not None:
        return item.content
    if isinstance(item.value, wanted):
        return item.value
    if wanted is Document and isinstance(item.value, MailThread):
        return cut_document(item.value, item.text, 0, len(item.text))
    raise _wrong(
        callee, number, f"is a {wanted.__name__}, and {item.name!r} is a {type(item.value).__name__}"
    )


def _validated(callee: _Callee, number: int, value: JsonValue) -> object:
    try:
        return callee.inputs[number].validate_json(to_json(value))
    except ValidationError as error:
        raise _wrong(callee, number, f"does not fit: {_explained(error)}") from error


def _value(callee: _Callee, returned: object) -> JsonValue:
    """What it returned, as JSON. Raises StageError when it is not what the annotation says."""
    key = callee.metadata.key
    try:
        return callee.output.dump_python(callee.output.validate_python(returned), mode="json")
    except ValidationError as error:
        message = f"{key} returned something else than it says: {_explained(error)}"
        raise StageError(message, code="wrong_output") from error
    except (PydanticSerializationError, ValueError) as error:
        message = f"what {key} returned cannot be written as JSON: {error}"
        raise StageError(message, code="wrong_output") from error


def _explained(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False)[:_PROBLEMS_MAX]
    return "; ".join(
        f"{'.'.join(str(step) for step in each['loc']) or 'value'}: {each['msg']}" for each in found
    )


def _wrong(callee: _Callee, number: int, message: str) -> StageError:
    name = callee.metadata.input_names[number]
    return StageError(f"input {name!r} of {callee.metadata.key} {message}", code="wrong_input")


def _without_none(annotation: Any) -> Any:
    """`T` of `T | None`."""
    if get_origin(annotation) not in {Union, types.UnionType}:
        return annotation
    branches = [branch for branch in get_args(annotation) if branch is not types.NoneType]
    return branches[0] if len(branches) == 1 else annotation

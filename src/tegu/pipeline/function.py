"""`@stage`: a plain function made known as a stage, with its version, limits and types.

Used by users, the builder and the stages room. Invariant: the function stays the plain function, callable in a test;
what it takes and puts out is read from its annotations, never said twice. The last parameter is the context.
"""

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_origin, overload

from tegu.domain.content import Content, Document, InputKind, MailThread
from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, FunctionInput
from tegu.pipeline.definition import RETRIES, TIMEOUT_S
from tegu.pipeline.limits import RETRIES_MAX, TIMEOUT_S_MAX, is_name
from tegu.pipeline.output_schema import schema_of

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
_Parameter = inspect.Parameter

_ATTRIBUTE = "__tegu_stage__"
_TEXT: JsonObject = {"type": "string"}
_PARSED: JsonObject = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
_ANY_INPUT = frozenset(InputKind)
_POSITIONAL = frozenset({_Parameter.POSITIONAL_ONLY, _Parameter.POSITIONAL_OR_KEYWORD})


class AnyStageContext:
    """What every context of a stage is, so that functions that take none are found out; see `stages.context`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class StageMetadata:
    """What `@stage` knows of a function. `input_types` are its annotations in order, without the context."""

    name: str
    version: int
    retries: int
    timeout_s: float
    input_names: tuple[str, ...]
    input_types: tuple[Any, ...]
    output_type: Any
    description: str | None
    is_async: bool

    @property
    def key(self) -> str:
        """How documents and workers name it: `refund_request@1`."""
        return f"{self.name}@{self.version}"

    def contract(self) -> FunctionContract:
        """Its inputs and output as the check compares them with a document's wiring."""
        inputs = zip(self.input_names, self.input_types, strict=True)
        return FunctionContract(
            inputs=tuple(_function_input(name, annotation) for name, annotation in inputs),
            output=schema_of(self.output_type),
            retries=self.retries,
            timeout_s=self.timeout_s,
            description=self.description,
        )


@overload
def stage(function: FunctionT, /) -> FunctionT: ...
@overload
def stage(
    *, version: int = 1, retries: int = RETRIES, timeout_s: float = TIMEOUT_S, name: str | None = None
) -> Callable[[FunctionT], FunctionT]: ...
def stage(
    function: Callable[..., Any] | None = None,
    /,
    *,
    version: int = 1,
    retries: int = RETRIES,
    timeout_s: float = TIMEOUT_S,
    name: str | None = None,
) -> Any:
    """Make a function known as a stage: `@stage`, or `@stage(version=2)`. Raise `version` when what it does changes.

    `retries` counts attempts after the first; `timeout_s` bounds one attempt. Raises UsageError for values out of
    range, and for functions whose types cannot be read or whose last parameter is no StageContext.
    """

    def declare(function: FunctionT) -> FunctionT:
        given = name or getattr(function, "__name__", repr(function))
        metadata = _read(function, given, version, retries, timeout_s)
        setattr(function, _ATTRIBUTE, metadata)
        return function

    return declare if function is None else declare(function)


def stage_metadata(function: Callable[..., Any]) -> StageMetadata:
    """What `@stage` knows of it. Raises UsageError for a function that is no stage."""
    metadata = getattr(function, _ATTRIBUTE, None)
    if not isinstance(metadata, StageMetadata):
        name = getattr(function, "__name__", repr(function))
        raise UsageError(f"{name!r} is not a stage", hint="put @stage(version=1) above it")
    return metadata


def _read(
    function: Callable[..., Any], name: str, version: int, retries: int, timeout_s: float
) -> StageMetadata:
    if not is_name(name):
        raise UsageError(f"{name!r} is no name of a stage", hint="use snake_case, or say @stage(name=...)")
    if (
        type(version) is not int
        or version < 1
        or not 0 <= retries <= RETRIES_MAX
        or not 0 < timeout_s <= TIMEOUT_S_MAX
    ):
        limits = f"version >= 1, retries 0..{RETRIES_MAX}, 0 < timeout_s <= {TIMEOUT_S_MAX:.0f}"
        raise UsageError(f"@stage of {name!r} is out of range", hint=limits)
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise UsageError(
            f"stage {name!r} takes nothing", hint="its last parameter is the context: ctx: StageContext"
        )
    odd = [each.name for each in parameters if each.kind not in _POSITIONAL]
    if odd:
        hint = "give each input a parameter of its own; the last one is ctx: StageContext"
        raise UsageError(f"stage {name!r} gets its inputs by position, and {odd[0]!r} is not", hint=hint)
    names = tuple(parameter.name for parameter in parameters[:-1])
    hints = _annotations(function, name, (*names, "return"))
    _check_context(function, name, parameters[-1].name)
    metadata = StageMetadata(
        name=name,
        version=version,
        retries=retries,
        timeout_s=float(timeout_s),
        input_names=names,
        input_types=tuple(hints[each] for each in names),
        output_type=hints["return"],
        description=inspect.getdoc(function),
        is_async=inspect.iscoroutinefunction(function),
    )
    metadata.contract()  # raises UsageError for types that cannot be written as JSON
    return metadata


def _check_context(function: Callable[..., Any], name: str, parameter: str) -> None:
    """Raises UsageError where the last parameter is certainly no context. A name that is known to type checkers only
    is theirs to check.
    """
    hint = (
        f"its last parameter is the context: {parameter if parameter == 'context' else 'ctx'}: StageContext"
    )
    written = inspect.get_annotations(function)
    if parameter not in written:
        raise UsageError(f"stage {name!r} does not say the type of {parameter}", hint=hint)
    holder = types.SimpleNamespace(__annotations__={parameter: written[parameter]})
    try:
        found = typing.get_type_hints(holder, globalns=getattr(function, "__globals__", {}))[parameter]
    except NameError:
        return
    if not (isinstance(found, type) and issubclass(found, AnyStageContext)):
        what = inspect.formatannotation(written[parameter]).rpartition(".")[2]
        raise UsageError(
            f"the last parameter of stage {name!r} is {parameter}: {what}, no context", hint=hint
        )


def _annotations(function: Callable[..., Any], name: str, wanted: tuple[str, ...]) -> dict[str, Any]:
    """The types of the inputs and of the output; the context's is left alone, it may be known to type checkers only."""
    written = inspect.get_annotations(function)
    missing = [each for each in wanted if each not in written]
    if missing:
        raise UsageError(f"stage {name!r} does not say the type of {', '.join(missing)}", hint="annotate it")
    # Annotations that are text (`from __future__ import annotations`) are looked up where the author wrote them.
    holder = types.SimpleNamespace(__annotations__={each: written[each] for each in wanted})
    try:
        return typing.get_type_hints(holder, globalns=function.__globals__)
    except NameError as error:
        hint = "types of a stage must be importable when it is declared, not under TYPE_CHECKING"
        raise UsageError(f"stage {name!r}: {error}", hint=hint) from error


def _function_input(name: str, annotation: Any) -> FunctionInput:
    inner, is_optional = _without_none(annotation)
    type_name = getattr(inner, "__name__", str(inner))
    sources, schema = _source_types().get(inner, (frozenset[InputKind](), None))
    if not sources:
        schema = schema_of(inner)
    return FunctionInput(name, type_name, schema, sources, is_optional)


def _source_types() -> dict[Any, tuple[frozenset[InputKind], JsonObject | None]]:
    return {
        MailThread: (frozenset({InputKind.MAIL_THREAD}), None),
        Document: (frozenset({InputKind.CONTENT}), _PARSED),
        Content: (frozenset({InputKind.CONTENT}), None),
        str: (_ANY_INPUT, _TEXT),
    }


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in {typing.Union, types.UnionType}:
        return annotation, False
    branches = [branch for branch in get_args(annotation) if branch is not types.NoneType]
    if len(branches) == len(get_args(annotation)):
        return annotation, False
    return typing.Union[tuple(branches)], True  # noqa: UP007 - the branches are known only at run time

"""From the inputs of an action to the options of its command.

Called by `action_commands`. Invariant: an option says what the input's own type says; what cannot be an option can be given by
`--input`, as JSON.
"""

import types
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin
from uuid import UUID

import annotated_types
import click
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import from_json

from tegu.interfaces.cli.run_reference import RunReference
from tegu.interfaces.cli.when import Moment

FILE_MARK = "@"
_CHOICES_LENGTH_MAX = 60
_SEQUENCES = {tuple, list, set, frozenset}
_RUNS = frozenset({"run_id", "other_id"})
"""The inputs that name a run."""


class Json(click.ParamType[Any]):
    """JSON as text, or from a file: `'{"customer": 7}'`, `@order.json`."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click."""
        if not isinstance(value, str):
            return value
        text = file_text(value, self, param, ctx)
        try:
            return from_json(text)
        except ValueError as error:
            self.fail(f"{_excerpt(text)} is no JSON: {error}", param, ctx)


class Text(click.ParamType[str]):
    """Text, or with `@` before it the name of a file that holds it; `@@` begins a text with an at sign."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See click."""
        return file_text(str(value), self, param, ctx)


class Bytes(click.ParamType[str]):
    """The bytes of a file (`@order.pdf`), or of a text; sent in base64."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See click."""
        return b64encode(_given(str(value), self, param, ctx)).decode()


class Amount(click.ParamType[Decimal]):
    """A number with as many places as it is written with."""

    name = "decimal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """See click."""
        try:
            return Decimal(str(value).removeprefix("$").strip())
        except InvalidOperation:
            self.fail(f"{value!r} is no number", param, ctx)


_SIMPLE: Mapping[Any, click.ParamType[Any]] = {
    AwareDatetime: Moment(),
    Decimal: Amount(),
    UUID: click.UUID,
    bytes: Bytes(),
    datetime: Moment(),
    str: Text(),
}


def option_of(name: str, field: FieldInfo) -> click.Option:
    """The option of an input. What is not given is not sent."""
    kind, is_many = _kind(name, field)
    flag = f"--{name.replace('_', '-')}"
    said = field.description or ""
    if isinstance(kind, click.types.BoolParamType):
        declarations = [f"{flag}/--no-{flag.removeprefix('--')}", name]
        return click.Option(declarations, default=None, help=said or None, required=field.is_required())
    if not field.is_required() and field.default not in {None, ()} and not isinstance(field.default, dict):
        default = field.default.value if isinstance(field.default, Enum) else field.default
        said = f"{said}  [default: {default}]".strip()
    if isinstance(kind, click.Choice) and _is_long(kind):
        said = f"{said} One of {', '.join(map(str, kind.choices))}.".strip()
    if is_many:
        said = f"{said} May be given several times.".strip()
    return click.Option(
        [flag, name],
        type=kind,
        multiple=is_many,
        default=None,
        required=field.is_required(),
        help=said or None,
        metavar=_metavar(name, kind),
    )


def argument_of(name: str, field: FieldInfo) -> click.Argument:
    """The argument that says which one is meant."""
    return click.Argument([name], type=_kind(name, field)[0], metavar=name.removesuffix("_id").upper())


def _kind(name: str, field: FieldInfo) -> tuple[click.ParamType[Any], bool]:
    """The type of an input, and whether it may be given several times."""
    annotation = _bare(field.annotation)
    if annotation is UUID and name in _RUNS:
        return RunReference(), False
    if get_origin(annotation) in _SEQUENCES:
        inner = _bare(get_args(annotation)[0])
        return _single(inner, ()), True
    return _single(annotation, field.metadata), False


def _bare(annotation: Any) -> Any:
    """Without None and without what only pydantic reads."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        parts = [part for part in get_args(annotation) if part is not types.NoneType]
        if len(parts) == 1:
            return _bare(parts[0])
    return annotation


def _single(annotation: Any, metadata: Any) -> click.ParamType[Any]:
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if annotation is bool:
        return click.BOOL
    if annotation in {int, float}:
        return _number(annotation, metadata)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return click.Choice([str(each.value) for each in annotation])
    if get_origin(annotation) is Literal:
        return click.Choice([str(each) for each in get_args(annotation)])
    if get_origin(annotation) in {Union, types.UnionType} and not _holds_object(annotation):
        return click.STRING  # a number or a word: pydantic says which
    return Json()


def _holds_object(annotation: Any) -> bool:
    return any(
        get_origin(part) is dict or (isinstance(part, type) and issubclass(part, BaseModel | dict))
        for part in get_args(annotation)
    )


def _number(annotation: Any, metadata: Any) -> click.ParamType[Any]:
    low = next((each.ge for each in metadata if isinstance(each, annotated_types.Ge)), None)
    high = next((each.le for each in metadata if isinstance(each, annotated_types.Le)), None)
    if annotation is int:
        return click.IntRange(cast("int | None", low), cast("int | None", high))
    return click.FloatRange(cast("float | None", low), cast("float | None", high))


def _is_long(kind: click.ParamType[Any]) -> bool:
    """Whether the choices do not fit beside the option."""
    return isinstance(kind, click.Choice) and len("|".join(map(str, kind.choices))) > _CHOICES_LENGTH_MAX


def _metavar(name: str, kind: click.ParamType[Any]) -> str | None:
    if _is_long(kind):
        return name.rpartition("_")[2].upper()
    if isinstance(kind, click.Choice | click.types.IntRange | click.types.FloatRange):
        return None
    if isinstance(kind, Json):
        return "JSON"
    if isinstance(kind, Moment):
        return "TIME"
    return name.removesuffix("_id").rpartition("_")[2].upper()


def file_text(
    value: str, kind: click.ParamType[Any], param: click.Parameter | None, ctx: click.Context | None
) -> str:
    """The text that was given, or that of the file that was named."""
    try:
        return _given(value, kind, param, ctx).decode()
    except UnicodeDecodeError:
        kind.fail(f"{value} is not text", param, ctx)


def _given(
    value: str, kind: click.ParamType[Any], param: click.Parameter | None, ctx: click.Context | None
) -> bytes:
    if not value.startswith(FILE_MARK) or value.startswith(2 * FILE_MARK):
        return value.removeprefix(FILE_MARK).encode("utf-8", "surrogatepass")
    try:
        return Path(value.removeprefix(FILE_MARK)).read_bytes()
    except (OSError, ValueError) as error:
        kind.fail(f"{value.removeprefix(FILE_MARK)!r} cannot be read: {error}", param, ctx)


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")

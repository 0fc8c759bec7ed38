"""Draft 2020-12 validation with the keywords replaced that could hang or reach out.

Called by `llm.schema`. Invariant: every `$ref` step is counted against a budget, patterns run in linear time, and no
reference is ever fetched. Keywords that cannot be bounded (`unevaluated*`, dynamic references) are not enforced; the
schema check reports them.
"""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from tegu.domain.json import JsonObject, canonical_json
from tegu.llm.patterns import TEXT_LENGTH_MAX, matches

if TYPE_CHECKING:
    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError

REFERENCES_MAX = 10_000
"""`$ref` steps of one validation: a recursive `anyOf` is exponential in the depth of the value."""
FORMATS = ("date", "email", "ipv4", "ipv6", "uuid")
NOT_ENFORCED = ("unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef")

_references_left: ContextVar[int] = ContextVar("references_left", default=REFERENCES_MAX)

Errors = Iterator["ValidationError"]


class TooMuchWorkError(Exception):
    """The value and the schema together need more steps than one validation may take."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a value: where, and what."""

    path: tuple[str | int, ...]
    message: str


def findings(validator: Any, value: JsonValue, limit: int) -> list[Finding]:
    """What a jsonschema validator finds, at most `limit`. Raises TooMuchWorkError."""
    from jsonschema import exceptions

    library: Any = exceptions  # its stubs are partly untyped
    token = _references_left.set(REFERENCES_MAX)
    try:
        errors: list[Any] = [
            library.best_match([error]) or error for error in islice(validator.iter_errors(value), limit)
        ]
    except RecursionError as error:
        raise TooMuchWorkError from error
    finally:
        _references_left.reset(token)
    return [Finding(tuple(error.absolute_path), str(error.message)) for error in errors]


def meta_validator() -> Any:
    """The validator of schemas themselves."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(Draft202012Validator.META_SCHEMA)


def validator_of(schema: JsonObject) -> Any:
    """The bounded validator of one schema. It has a registry of its own, since the default one fetches references."""
    from referencing import Registry

    registry: Registry[Any] = Registry()
    return _validator_class()(schema, format_checker=_format_checker(), registry=registry)


@cache
def _validator_class() -> Any:
    """Built once, on first use, because jsonschema is slow to import."""
    from jsonschema import Draft202012Validator, validators

    library: Any = validators  # its stubs are partly untyped

    original_ref = Draft202012Validator.VALIDATORS["$ref"]

    def ref(validator: Any, reference: Any, instance: Any, schema: Any) -> Errors:
        left = _references_left.get()
        if left <= 0:
            raise TooMuchWorkError
        _references_left.set(left - 1)
        yield from original_ref(validator, reference, instance, schema) or ()

    replaced: dict[str, Callable[..., Errors]] = {
        "$ref": ref,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
        **dict.fromkeys(NOT_ENFORCED, _ignored),
    }
    return library.extend(Draft202012Validator, replaced)


@cache
def _format_checker() -> "FormatChecker":
    """The formats that are enforced: those that the standard library can judge."""
    from jsonschema import FormatChecker

    checker = FormatChecker(FORMATS)
    checker.checks("date-time", raises=ValueError)(_is_date_time)
    return checker


def _is_date_time(instance: object) -> bool:
    if isinstance(instance, str):
        datetime.fromisoformat(instance)
    return True


def _error(message: str) -> "ValidationError":
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)


def _ignored(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    del validator, value, instance, schema
    yield from ()


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Errors:
    del validator, schema
    if not isinstance(instance, str):
        return
    if len(instance) > TEXT_LENGTH_MAX:
        yield _error(f"has {len(instance)} characters; a text with a pattern may have {TEXT_LENGTH_MAX}")
    elif matches(pattern, instance) is False:
        yield _error(f"{instance[:100]!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Errors:
    del schema
    if not isinstance(instance, dict):
        return
    for pattern, subschema in patterns.items():
        for name, value in _items(instance):
            if matches(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, additional: Any, instance: Any, schema: Any) -> Errors:
    if not isinstance(instance, dict) or additional is True:
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in _items(instance):
        if name in named or any(matches(p, name) is not False for p in patterns):
            continue
        if additional is False:
            yield _error(f"{name[:100]!r} is not a field of this object")
        else:
            yield from validator.descend(value, additional, path=name)


def _unique_items(validator: Any, unique: Any, instance: Any, schema: Any) -> Errors:
    """By canonical text: linear, where comparing each with each is not."""
    del validator, schema
    if unique is True and isinstance(instance, list):
        items: list[Any] = list(instance)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] (a list of JSON)
        if len({canonical_json(item) for item in items}) != len(items):
            yield _error("has items that are not unique")


def _items(instance: Any) -> Iterator[tuple[str, Any]]:
    return iter(instance.items())

"""What stands under `with:`, checked against the schema of its stage kind.

Called by `check_stage`. Invariant: every problem has the place of the value that is wrong, and what was written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.report import TYPE_WORDS, Report, did_you_mean, one_of, type_word
from tegu.pipeline.shorthand import to_json_schema

_TYPE_WORDS = TYPE_WORDS | {"integer": "a whole number"}
_EXAMPLES = {
    "string": "text",
    "integer": "3",
    "number": "0.5",
    "boolean": "true",
    "array": "[...]",
    "object": "{...}",
}
_SHOWN_MAX = 60
_MESSAGE_MAX = 300


def normalize_schema(config: JsonObject, place: str, report: Report) -> JsonObject:
    """The config with its `schema` as JSON Schema, whatever form it was written in."""
    if config.get("schema") is None:
        return {key: item for key, item in config.items() if key != "schema"}
    from tegu.llm.schema import schema_problems

    schema, problems = to_json_schema(config["schema"], f"{place}.schema")
    report.extend(problems)
    if not problems:
        for problem in schema_problems(schema):
            report.add(_below(f"{place}.schema", problem.place), problem.message, problem.hint)
    return {**config, "schema": schema}


def check_config(kind: str, config: JsonObject, schema: JsonObject, place: str, report: Report) -> bool:
    """Whether the config obeys the kind's schema; what does not is reported."""
    found = _mismatches(config, schema)
    for mismatch in found:
        where = place
        for step in mismatch.path:
            where += f"[{step}]" if isinstance(step, int) else f".{step}"
        for suffix, message, hint in _explained(kind, mismatch):
            report.add(where + suffix, message, hint)
    return not found


@dataclass(frozen=True, slots=True)
class _Mismatch:
    """One thing in a value that its schema forbids. `branches` are those of an `anyOf` that were tried."""

    rule: str
    path: tuple[str | int, ...]
    value: JsonValue
    wanted: JsonValue
    schema: JsonObject
    message: str
    branches: tuple["_Mismatch", ...] = ()


def _mismatches(config: JsonObject, schema: JsonObject) -> list[_Mismatch]:
    from jsonschema import Draft202012Validator

    validator: Any = Draft202012Validator(schema)
    return [found for error in validator.iter_errors(config) for found in _nearest(_mismatch(error))]


def _mismatch(error: Any) -> _Mismatch:
    schema: Any = error.schema
    return _Mismatch(
        rule=str(error.validator),
        path=tuple(error.absolute_path),
        value=error.instance,
        wanted=error.validator_value,
        schema={} if isinstance(schema, bool) else schema,
        message=str(error.message),
        branches=tuple(_mismatch(each) for each in error.context or ()),
    )


def _nearest(mismatch: _Mismatch) -> list[_Mismatch]:
    """The branch of an `anyOf` that came nearest to what was meant: the right type, and wrong further inside; with all
    that is wrong in the same way beside it, in a fixed order.
    """
    right_type = [
        branch
        for branch in mismatch.branches
        if branch.rule != "type" or len(branch.path) > len(mismatch.path)
    ]
    if not right_type:
        return [mismatch]
    first = min(right_type, key=lambda branch: (-len(branch.path), str(branch.path)))
    beside = [
        branch
        for branch in sorted(right_type, key=lambda branch: str(branch.path))
        if branch.rule == first.rule and branch.path[:-1] == first.path[:-1] and branch.path != first.path
    ]
    return [found for branch in (first, *beside) for found in _nearest(branch)]


def _explained(kind: str, found: _Mismatch) -> Iterator[tuple[str, str, str | None]]:
    """(what to add to the place, message, hint) of one mismatch."""
    match found.rule:
        case "additionalProperties":
            yield from _unknown_keys(kind, found)
        case "required":
            for key in _strings(found.wanted):
                if isinstance(found.value, dict) and key not in found.value:
                    yield "", f"{kind!r} needs {key!r}", _description(_properties(found.schema).get(key))
        case "type":
            wanted = _strings(found.wanted)
            yield (
                "",
                _type_message(wanted, found.value),
                _description(found.schema) or _type_hint(found, wanted),
            )
        case "anyOf" | "oneOf":
            types = [word for each in found.branches if each.rule == "type" for word in _strings(each.wanted)]
            hint = _description(found.schema) or _type_hint(found, types)
            yield "", _type_message(types, found.value) if types else "does not fit", hint
        case "enum":
            choices = _strings(found.wanted)
            hint = did_you_mean(str(found.value), choices) or one_of(choices)
            yield "", f"{_shown(found.value)} is not allowed here", hint
        case "minProperties" | "minItems":
            yield "", f"needs at least {found.wanted}", _description(found.schema)
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            yield "", f"{_shown(found.value)} is out of range", f"{found.rule} {found.wanted}"
        case _:
            yield (
                "",
                found.message if len(found.message) < _MESSAGE_MAX else "does not fit this setting",
                None,
            )


def _unknown_keys(kind: str, found: _Mismatch) -> Iterator[tuple[str, str, str | None]]:
    known = _properties(found.schema)
    for key in found.value if isinstance(found.value, dict) else {}:
        if key not in known:
            hint = did_you_mean(key, known) or (one_of(known) if known else None)
            yield f".{key}", f"{kind!r} has no setting {key!r}", hint


def _type_message(wanted: Iterable[str], value: JsonValue) -> str:
    words = dict.fromkeys(_TYPE_WORDS.get(word, word) for word in wanted)
    return f"must be {' or '.join(words)}, not {type_word(value)}"


def _type_hint(found: _Mismatch, wanted: Iterable[str]) -> str | None:
    """An example, for values that people write in another form."""
    key = next((step for step in reversed(found.path) if isinstance(step, str)), "")
    examples = (f"{key}: {_EXAMPLES[word]}" for word in wanted if word in _EXAMPLES)
    return next(examples, None) if key else None


def _strings(value: JsonValue) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _properties(schema: JsonObject) -> JsonObject:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _description(schema: JsonValue) -> str | None:
    text = schema.get("description") if isinstance(schema, dict) else None
    return text if isinstance(text, str) else None


def _shown(value: JsonValue) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def _below(place: str, pointer: str) -> str:
    """The place of a JSON pointer below a place."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/") if step]
    return ".".join([place, *steps])

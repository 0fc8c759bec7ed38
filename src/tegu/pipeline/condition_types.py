"""What a condition reads, compared with the schema of the output that it reads from.

Called by `check_wiring`. Invariant: a problem is only what can never be right: a field that the output cannot have,
a label that is none, a number compared with text. What a schema leaves open passes.
"""

from collections.abc import Callable

from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.condition import FACTS, Condition
from tegu.pipeline.condition_operands import Findings, examine_operands
from tegu.pipeline.expression import Read
from tegu.pipeline.report import TYPE_WORDS, did_you_mean, one_of

_LEAVES = frozenset({"string", "number", "integer", "boolean", "array"})
_NAMED_MAX = 20

SchemaOf = Callable[[str], JsonObject]
"""The schema of what a name stands for; `{}` where it is not known."""


def examine_condition(condition: Condition, schema_of: SchemaOf) -> Findings:
    """What can never be read or never be decided, and what is odd. The caller knows the place."""
    misreads = (misread(read, schema_of(read.name)) for read in dict.fromkeys(condition.reads))
    found = tuple(problem for problem in misreads if problem is not None)
    operands = examine_operands(condition.text, lambda name, fields: _kind(schema_of(name), fields))
    return Findings((*found, *operands.problems), operands.warnings)


def misread(read: Read, schema: JsonObject) -> Problem | None:
    """Why this can never be read, or never be true; None where it can."""
    found: JsonObject | None = schema
    path = read.name
    for field in read.fields:
        found = _without_null(found)
        known = found.get("properties") if found is not None else None
        if found is not None and found.get("type") in _LEAVES:
            word = TYPE_WORDS[str(found["type"])]
            return Problem("", f"{path!r} is {word}, which has no field {field!r}", "leave the field out")
        if found is None or not isinstance(known, dict) or not known:
            return None
        if field not in known:
            if found.get("additionalProperties") or "patternProperties" in found:
                return None
            hint = did_you_mean(field, known) or one_of(list(known)[:_NAMED_MAX])
            owner = repr(path) if read.name in FACTS else f"the output of {path!r}"
            return Problem("", f"{owner} has no field {field!r}", hint)
        inner = known[field]
        found = inner if isinstance(inner, dict) else None
        path = f"{path}.{field}"
    found = _without_null(found)
    return _wrong_choice(read, found, path) if found is not None else None


def _wrong_choice(read: Read, schema: JsonObject, path: str) -> Problem | None:
    literal, choices = read.literal, schema.get("enum")
    if not isinstance(choices, list) or read.operator not in {"==", "!="} or literal in choices:
        return None
    if not any(isinstance(choice, type(literal)) for choice in choices):
        return None  # of another type: said by `condition_operands`
    words = [str(choice) for choice in choices[:_NAMED_MAX]]
    return Problem("", f"{path!r} is never {literal!r}", did_you_mean(str(literal), words) or one_of(words))


def _kind(schema: JsonObject, fields: tuple[str, ...]) -> str | None:
    """The one JSON type, beside null, of what stands at a path."""
    found = _without_null(schema)
    for field in fields:
        known = found.get("properties") if found is not None else None
        inner = known.get(field) if isinstance(known, dict) else None
        found = _without_null(inner if isinstance(inner, dict) else None)
    kind = found.get("type") if found is not None else None
    return kind if isinstance(kind, str) else None


def _without_null(schema: JsonObject | None) -> JsonObject | None:
    """The one thing that it may be beside null; None where it may be several."""
    if schema is None or "$ref" in schema or "allOf" in schema or "oneOf" in schema:
        return None
    branches = schema.get("anyOf")
    if not isinstance(branches, list):
        return schema
    left = [branch for branch in branches if isinstance(branch, dict) and branch.get("type") != "null"]
    return left[0] if len(left) == 1 and "$ref" not in left[0] and "anyOf" not in left[0] else None

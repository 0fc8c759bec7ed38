"""What a condition reads, compared with the schema of the output that it reads from.

Called by `check_wiring`. Invariant: it speaks only of what can never be right: a field that the output cannot have,
a label that is none, a number compared with text. What a schema leaves open passes.
"""

from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.expression import Read
from tegu.pipeline.report import TYPE_WORDS, did_you_mean, one_of

_COMPARED = frozenset({"string", "number", "integer", "boolean"})
_NAMED_MAX = 20


def misread(read: Read, schema: JsonObject) -> Problem | None:
    """Why this can never be read, or never be true; None where it can. The caller knows the place."""
    found: JsonObject | None = schema
    path = read.name
    for field in read.fields:
        found = _without_null(found)
        known = found.get("properties") if found is not None else None
        if found is None or not isinstance(known, dict) or not known:
            return None
        if field not in known:
            if found.get("additionalProperties") or "patternProperties" in found:
                return None
            hint = did_you_mean(field, known) or one_of(list(known)[:_NAMED_MAX])
            return Problem("", f"the output of {path!r} has no field {field!r}", hint)
        inner = known[field]
        found = inner if isinstance(inner, dict) else None
        path = f"{path}.{field}"
    found = _without_null(found)
    return _mismatch(read, found, path) if found is not None and read.literal is not None else None


def _mismatch(read: Read, schema: JsonObject, path: str) -> Problem | None:
    literal, choices, kind = read.literal, schema.get("enum"), schema.get("type")
    if isinstance(choices, list) and read.operator in {"==", "!="} and literal not in choices:
        words = [str(choice) for choice in choices[:_NAMED_MAX]]
        return Problem(
            "", f"{path!r} is never {literal!r}", did_you_mean(str(literal), words) or one_of(words)
        )
    wanted = TYPE_WORDS[kind] if isinstance(kind, str) and kind in _COMPARED else None
    match literal:
        case bool():
            given = "true or false"
        case str():
            given = "text"
        case _:
            given = "a number"
    if wanted is None:
        return None
    if wanted != given:
        return Problem("", f"{path!r} is {wanted}, and {literal!r} is {given}", f"compare it with {wanted}")
    return None


def _without_null(schema: JsonObject | None) -> JsonObject | None:
    """The one thing that it may be beside null; None where it may be several."""
    if schema is None or "$ref" in schema or "allOf" in schema or "oneOf" in schema:
        return None
    branches = schema.get("anyOf")
    if not isinstance(branches, list):
        return schema
    left = [branch for branch in branches if isinstance(branch, dict) and branch.get("type") != "null"]
    return left[0] if len(left) == 1 and "$ref" not in left[0] and "anyOf" not in left[0] else None

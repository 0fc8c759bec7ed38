"""Values that a JSON schema allows, and values that it does not.

Called by `answering` for requests without a scripted reply. Invariant: the same schema gives the same value, always.
"""

from pydantic import JsonValue

from tegu.domain.json import JsonObject

_DEPTH_LIMIT = 64
_FORMATS: dict[str, str] = {
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "date-time": "2026-01-01T00:00:00Z",
    "duration": "PT0S",
    "email": "x@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_WRONG: tuple[JsonValue, ...] = (0.5, "x", True, None, ["x"], {"x": "x"})


def derive(schema: JsonObject) -> JsonValue:
    """The smallest value that the schema allows: null where it may be, "x" for strings, first of an enum, low numbers.

    `pattern`, `not` and `if` are not looked at: script those.
    """
    return _derive(schema, schema, 0)


def violate(schema: JsonObject) -> JsonObject:
    """An object that the schema does not allow; `{"unexpected": true}` for a schema that allows every object."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(schema)
    valid = derive(schema)
    candidates: list[JsonObject] = []
    if isinstance(valid, dict):
        candidates.extend({**valid, name: wrong} for name in valid for wrong in _WRONG)
    candidates.extend(({}, {"unexpected": True}))
    for candidate in candidates:
        # jsonschema's stubs leave the type of an instance unknown.
        if not validator.is_valid(candidate):  # pyright: ignore[reportUnknownMemberType]
            return candidate
    return {"unexpected": True}


def _derive(schema: JsonValue, root: JsonObject, depth: int) -> JsonValue:
    if not isinstance(schema, dict) or depth > _DEPTH_LIMIT:
        return None
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    for choices in (schema.get("enum"), schema.get("anyOf"), schema.get("oneOf")):
        if isinstance(choices, list) and choices:
            is_enum = choices is schema.get("enum")
            return choices[0] if is_enum else _derive(_simplest(choices), root, depth + 1)
    match _type(schema):
        case "object":
            return _object(schema, root, depth)
        case "array":
            count = _integer(schema, "minItems")
            return [_derive(schema.get("items", {}), root, depth + 1) for _ in range(count)]
        case "string":
            return _string(schema)
        case "integer" | "number" as kind:
            return _number(schema, whole=kind == "integer")
        case "boolean":
            return False
        case _:
            return None


def _resolved(schema: JsonObject, root: JsonObject) -> JsonObject:
    """The schema with its local reference followed and its `allOf` merged."""
    for _ in range(_DEPTH_LIMIT):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        schema = {**_local(reference, root), **{k: v for k, v in schema.items() if k != "$ref"}}
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    merged: JsonObject = {k: v for k, v in schema.items() if k != "allOf"}
    for part in parts:
        if isinstance(part, dict):
            _merge(merged, _resolved(part, root))
    return merged


def _merge(into: JsonObject, other: JsonObject) -> None:
    for key, value in other.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            into[key] = {**present, **value}
        elif isinstance(present, list) and isinstance(value, list):
            into[key] = [*present, *value]
        else:
            into[key] = value


def _local(reference: str, root: JsonObject) -> JsonObject:
    found: JsonValue = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) and name else found
    return found if isinstance(found, dict) else {}


def _simplest(choices: list[JsonValue]) -> JsonValue:
    """Null where it is among the choices: the way out of a schema that contains itself."""
    for choice in choices:
        if isinstance(choice, dict) and choice.get("type") == "null":
            return choice
    return choices[0]


def _type(schema: JsonObject) -> str:
    match schema.get("type"):
        case str() as name:
            # Gemini's own schema dialect writes types in capitals.
            return name.lower()
        case list() as names:
            return "null" if "null" in names else next((n for n in names if isinstance(n, str)), "null")
        case _:
            return "object" if "properties" in schema or "required" in schema else "null"


def _object(schema: JsonObject, root: JsonObject, depth: int) -> JsonObject:
    required = schema.get("required")
    properties = schema.get("properties")
    names = [n for n in required if isinstance(n, str)] if isinstance(required, list) else []
    known = properties if isinstance(properties, dict) else {}
    return {name: _derive(known.get(name), root, depth + 1) for name in names}


def _string(schema: JsonObject) -> str:
    form = schema.get("format")
    text = _FORMATS.get(form, "x") if isinstance(form, str) else "x"
    text = text.ljust(_integer(schema, "minLength"), "x")
    return text[: _integer(schema, "maxLength")] if "maxLength" in schema else text


def _number(schema: JsonObject, *, whole: bool) -> int | float:
    step = 1 if whole else 0.5
    low = _bound(schema, "minimum", "exclusiveMinimum", step)
    high = _bound(schema, "maximum", "exclusiveMaximum", -step)
    value: int | float = 0
    if low is not None and value < low:
        value = low
    if high is not None and value > high:
        value = high
    return int(value) if whole else value


def _bound(schema: JsonObject, inclusive: str, exclusive: str, step: float) -> int | float | None:
    limit = schema.get(inclusive)
    if isinstance(limit, int | float):
        return limit
    beyond = schema.get(exclusive)
    return beyond + step if isinstance(beyond, int | float) else None


def _integer(schema: JsonObject, key: str) -> int:
    value = schema.get(key)
    return value if isinstance(value, int) else 0

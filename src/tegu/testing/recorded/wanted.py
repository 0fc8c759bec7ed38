"""What a recorded request asked for: the schema of its output, and how it was asked.

Called by `replay`. Invariant: pure; a schema that cannot be found is None, and text is wanted then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.llm.protocol import OutputMode, OutputSpec
from tegu.testing.recorded.exchange import json_object
from tegu.testing.recorded.hosts import Api

_OPEN: JsonObject = {"type": "object"}
_ARGUMENTS = frozenset({"arguments", "args", "input"})
_SCHEMAS = ("parametersJsonSchema", "parameters", "input_schema", "inputSchema")
_CALLABLE = frozenset({None, "custom", "function"})
_DEPTH_MAX = 60
_MAX_TOKENS = ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens", "maxTokens")
_SETTINGS = ("generationConfig", "inferenceConfig")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`output` None: text. `tool` is the tool that the recorded reply called, where it did."""

    output: OutputSpec | None
    tool: str | None = None


def wanted(api: Api, asked: JsonObject, replied: JsonObject) -> Wanted:
    """By the tool that was called, else by the format that was asked for, else by the tool that had to be called."""
    tools = dict(_tools(api, asked))
    called = _called(replied, tools)
    if called is not None:
        return Wanted(OutputSpec(called, tools[called], OutputMode.TOOL), called)
    native = _native(api, asked)
    if native is not None:
        return Wanted(native)
    if tools and _must_call(asked):
        name = next(reversed(tools))
        return Wanted(OutputSpec(name, tools[name], OutputMode.TOOL))
    return Wanted(None)


def tokens_max(asked: JsonObject) -> int | None:
    """How long the reply was allowed to be."""
    nested = [found for key in _SETTINGS if isinstance(found := asked.get(key), dict)]
    for place in (asked, *nested):
        for key in _MAX_TOKENS:
            said = place.get(key)
            if isinstance(said, int) and said > 0:
                return said
    return None


def _tools(api: Api, asked: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    configured = asked.get("toolConfig")
    listed = asked.get("tools")
    if api is Api.CONVERSE and isinstance(configured, dict):
        listed = configured.get("tools")
    for each in _objects(listed):
        declared = _objects(each.get("functionDeclarations", each.get("function_declarations"))) or [each]
        for declaration in declared:
            if found := _tool(declaration):
                yield found


def _tool(declared: JsonObject) -> tuple[str, JsonObject] | None:
    inner = next(
        (v for key in ("function", "toolSpec") if isinstance(v := declared.get(key), dict)), declared
    )
    name = inner.get("name")
    schemas = [v for key in _SCHEMAS if isinstance(v := inner.get(key), dict)]
    if not schemas and declared.get("type") not in _CALLABLE:
        return None  # a tool of the provider's own, which it calls itself
    schema = schemas[0] if schemas else _OPEN
    wrapped = schema.get("json") if "inputSchema" in inner else None
    bare = wrapped if isinstance(wrapped, dict) else schema
    return (name, as_json_schema(bare)) if isinstance(name, str) else None


def _native(api: Api, asked: JsonObject) -> OutputSpec | None:
    match api:
        case Api.CHAT | Api.COHERE:
            return _format(asked.get("response_format"))
        case Api.RESPONSES:
            text = asked.get("text")
            return _format(text.get("format")) if isinstance(text, dict) else None
        case Api.MESSAGES:
            config = asked.get("output_config")
            said = config.get("format") if isinstance(config, dict) else None
            return _format(said or asked.get("output_format"))
        case Api.GENERATE:
            return _generation(asked.get("generationConfig", asked.get("generation_config")))
        case Api.CONVERSE:
            return _converse(asked.get("outputConfig"))
        case _:
            return None


def _format(said: JsonValue) -> OutputSpec | None:
    if not isinstance(said, dict):
        return None
    inner = said.get("json_schema")
    place = inner if isinstance(inner, dict) else said
    schema, name = place.get("schema"), place.get("name")
    if said.get("type") not in {"json_schema", "json_object"}:
        return None
    named = name if isinstance(name, str) and name else "output"
    return OutputSpec(named, as_json_schema(schema) if isinstance(schema, dict) else _OPEN)


def _generation(config: JsonValue) -> OutputSpec | None:
    if not isinstance(config, dict):
        return None
    keys = ("responseJsonSchema", "responseSchema", "response_json_schema", "response_schema")
    for key in keys:
        schema = config.get(key)
        if isinstance(schema, dict):
            return OutputSpec("output", as_json_schema(schema))
    kind = config.get("responseMimeType", config.get("response_mime_type"))
    return OutputSpec("output", _OPEN) if kind == "application/json" else None


def _converse(config: JsonValue) -> OutputSpec | None:
    place: JsonValue = config
    for key in ("textFormat", "structure", "jsonSchema"):
        place = place.get(key) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        return None
    said = place.get("schema")
    schema = json_object(said.encode()) if isinstance(said, str) else said
    name = place.get("name")
    named = name if isinstance(name, str) and name else "output"
    return OutputSpec(named, as_json_schema(schema) if isinstance(schema, dict) and schema else _OPEN)


def _must_call(asked: JsonObject) -> bool:
    choice = asked.get("tool_choice")
    if choice in ("required", "any", "REQUIRED"):
        return True
    if isinstance(choice, dict):
        return choice.get("type") in {"any", "tool", "function"}
    config = asked.get("toolConfig")
    if not isinstance(config, dict):
        return False
    calling, chosen = config.get("functionCallingConfig"), config.get("toolChoice")
    if isinstance(calling, dict):
        return calling.get("mode") == "ANY"
    return isinstance(chosen, dict) and ("any" in chosen or "tool" in chosen)


def _called(replied: JsonValue, tools: Mapping[str, JsonObject], depth: int = 0) -> str | None:
    """The first tool that a reply calls, in any of the APIs: an object with its name and its arguments."""
    if not tools or depth > _DEPTH_MAX:
        return None
    inner: list[JsonValue] = replied if isinstance(replied, list) else []
    if isinstance(replied, dict):
        name = replied.get("name")
        if isinstance(name, str) and name in tools and not _ARGUMENTS.isdisjoint(replied):
            return name
        inner = [value for key, value in replied.items() if key != "tools"]
    for value in inner:
        if found := _called(value, tools, depth + 1):
            return found
    return None


def as_json_schema(schema: JsonObject, depth: int = 0) -> JsonObject:
    """The schema, with what Google's own dialect says otherwise: types in capitals, `nullable`, an order of properties."""
    if depth > _DEPTH_MAX:
        return {}
    found: JsonObject = {}
    for key, value in schema.items():
        if key in {"propertyOrdering", "property_ordering", "nullable"}:
            continue
        if key == "type" and isinstance(value, str):
            found[key] = value.lower()
        elif key == "any_of":
            found["anyOf"] = _schemas(value, depth)
        elif key in {"properties", "$defs", "definitions"} and isinstance(value, dict):
            found[key] = {name: _schemas(each, depth) for name, each in value.items()}
        elif key in {"items", "additionalProperties", "anyOf", "allOf", "oneOf", "prefixItems"}:
            found[key] = _schemas(value, depth)
        else:
            found[key] = value
    kind = found.get("type")
    if schema.get("nullable") is True and isinstance(kind, str):
        found["type"] = [kind, "null"]
        values = found.get("enum")
        if isinstance(values, list) and None not in values:
            found["enum"] = [*values, None]
    return found


def _schemas(value: JsonValue, depth: int) -> JsonValue:
    if isinstance(value, list):
        return [_schemas(each, depth + 1) for each in value]
    return as_json_schema(value, depth + 1) if isinstance(value, dict) else value


def _objects(value: JsonValue) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []

"""Schemas as people like to write them, made into JSON Schema.

    number: str                                  str int float bool date datetime money email url any
    due_date: date? - when it must be paid       `?` at the end: may be missing or null; ` - ` starts a description
    kind: invoice | receipt | other              one of these words (`enum: invoice | receipt` says the same)
    tags: list[str]                              a list; `list[list[int]]` nests
    seller: {name: str, address: str?}           an object
    lines?: [{text: str, amount: money}]         a list of objects, itself optional

Called by `check` and by the builder. Invariant: what is JSON Schema already is passed through as it is, and the result
is always JSON Schema: `{amount: number or decimal text, currency: code?}` is what `money` becomes.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches

from pydantic import JsonValue

from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject

DEPTH_MAX = 12
FIELDS_MAX = 200

_JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_LIST = re.compile(r"list\[(.*)\]", re.DOTALL)
_FIELD_NAME = re.compile(r"[A-Za-z_][\w-]{0,99}\??")


def _money() -> JsonObject:
    return {
        "type": "object",
        "properties": {
            "amount": {
                "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}]
            },
            "currency": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": "ISO 4217 code, such as EUR",
            },
        },
        "required": ["amount"],
    }


_TYPES: Mapping[str, Callable[[], JsonObject]] = {
    "str": lambda: {"type": "string"},
    "int": lambda: {"type": "integer"},
    "float": lambda: {"type": "number"},
    "bool": lambda: {"type": "boolean"},
    "date": lambda: {"type": "string", "format": "date"},
    "datetime": lambda: {"type": "string", "format": "date-time"},
    "email": lambda: {"type": "string", "format": "email"},
    "url": lambda: {"type": "string", "format": "uri"},
    "any": dict,
    "money": _money,
}


def is_json_schema(value: Mapping[str, JsonValue]) -> bool:
    """Whether a mapping is JSON Schema and no shorthand: it has `type: object` or the like, `$ref`, `anyOf`, ..."""
    kind = value.get("type")
    if (isinstance(kind, str) and kind in _JSON_TYPES) or isinstance(kind, list):
        return True
    if any(isinstance(value.get(key), list) for key in ("anyOf", "oneOf", "allOf", "enum")):
        return True
    return any(key.startswith("$") for key in value)


def to_json_schema(value: JsonValue, place: str) -> tuple[JsonObject, tuple[Problem, ...]]:
    """The JSON Schema that a `schema:` means, and everything wrong with it, each with its place below `place`."""
    reader = _Reader()
    schema = reader.schema(value, place, 1)
    return schema, tuple(reader.problems)


def optional(schema: JsonObject) -> JsonObject:
    """The schema with null allowed; its description stays outside."""
    if not schema or schema.get("type") == "null":
        return schema
    description = schema.get("description")
    inner: JsonObject = {key: item for key, item in schema.items() if key != "description"}
    branches = inner.get("anyOf")
    if isinstance(branches, list) and len(inner) == 1:
        found: JsonObject = {"anyOf": [*branches, {"type": "null"}]}
    else:
        found = {"anyOf": [inner, {"type": "null"}]}
    return {**found, "description": description} if description is not None else found


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._fields = 0

    def schema(self, value: JsonValue, place: str, depth: int) -> JsonObject:
        if depth > DEPTH_MAX:
            return self._problem(place, f"the schema is nested more than {DEPTH_MAX} levels deep")
        match value:
            case str():
                return self._text(value, place, depth)
            case dict():
                return value if is_json_schema(value) else self._object(value, place, depth)
            case [item]:
                return {"type": "array", "items": self.schema(item, f"{place}[0]", depth + 1)}
            case list():
                message = f"a list in a schema has one entry, the type of its items, not {len(value)}"
                return self._problem(place, message, "for a choice between words write: a | b | c")
            case _:
                return self._problem(place, f"{value!r:.60} is no type", _type_hint(""))

    def _object(self, value: JsonObject, place: str, depth: int) -> JsonObject:
        properties: JsonObject = {}
        required: list[JsonValue] = []
        for key, item in value.items():
            self._fields += 1
            inside = f"{place}.{key}"
            if not _FIELD_NAME.fullmatch(key):
                hint = "letters, digits, _ and -, beginning with a letter; `name?` makes it optional"
                self._problem(inside, f"{key!r:.60} is no name of a field", hint)
                continue
            name = key.removesuffix("?")
            is_optional = key.endswith("?") or (isinstance(item, str) and _split(item)[1])
            schema = self.schema(item, inside, depth + 1)
            properties[name] = optional(schema) if is_optional else schema
            if not is_optional:
                required.append(name)
        if not value:
            self._problem(place, "the schema has no fields")
        if self._fields > FIELDS_MAX:
            self.problems = [Problem(place, f"the schema has more than {FIELDS_MAX} fields")]
        return {"type": "object", "properties": properties, **({"required": required} if required else {})}

    def _text(self, text: str, place: str, depth: int) -> JsonObject:
        kind, _, description = _split(text)
        if inner := _LIST.fullmatch(kind):
            found: JsonObject = {"type": "array", "items": self.schema(inner[1], place, depth + 1)}
            if _split(inner[1])[1]:
                self._problem(
                    place, f"{kind!r}: items of a list cannot be optional", "write list[...]? instead"
                )
        elif "|" in kind or kind.startswith("enum:"):
            found = self._choice(kind.removeprefix("enum:"), place)
        elif kind in _TYPES:
            found = _TYPES[kind]()
        else:
            return self._problem(place, f"there is no type {kind!r:.60}", _type_hint(kind))
        return {**found, "description": description} if description else found

    def _choice(self, text: str, place: str) -> JsonObject:
        words = [word.strip() for word in text.split("|")]
        if any(word in _TYPES for word in words):
            hint = 'a choice is between words; for types write JSON Schema: {"anyOf": [...]}'
            return self._problem(place, f"{text!r:.60} mixes types into a choice", hint)
        if "" in words or len(set(words)) < len(words):
            return self._problem(place, f"{text!r:.60} has an empty or repeated choice")
        return {"type": "string", "enum": [*words]}

    def _problem(self, place: str, message: str, hint: str | None = None) -> JsonObject:
        self.problems.append(Problem(place, message, hint))
        return {}


def _split(text: str) -> tuple[str, bool, str]:
    """(type, whether it is optional, description)."""
    kind, _, description = text.strip().partition(" - ")
    kind = kind.strip()
    return kind.removesuffix("?").strip(), kind.endswith("?"), description.strip()


def _type_hint(word: str) -> str:
    close = get_close_matches(word, list(_TYPES), n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"types are {', '.join(_TYPES)}, list[...], a | b | c, and JSON Schema"

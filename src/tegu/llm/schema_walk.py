"""Walking a JSON Schema: its subschemas with their places, its references, its depth.

Called by the schema check and by the strict form. Invariant: every walk is iterative or bounded by the depth that
`depth` has measured.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from pydantic import JsonValue

from tegu.domain.json import JsonObject

IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose schemas judge the same value as the schema that holds them."""
INSIDE = (
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "contains",
    "unevaluatedProperties",
    "unevaluatedItems",
)
"""Keywords whose schemas judge parts of the value."""
DEFINITIONS = ("$defs", "definitions")
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", *DEFINITIONS})


def pointer(parts: Iterable[str | int]) -> str:
    """A JSON pointer; `/` alone is written for the root, which reads better in a message than nothing."""
    escaped = [str(part).replace("~", "~0").replace("/", "~1") for part in parts]
    return "/" + "/".join(escaped)


def depth(value: JsonValue, limit: int) -> int:
    """How deep lists and objects nest; stops counting just above the limit."""
    level: list[JsonValue] = [value]
    for found in range(limit + 2):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return found
    return limit + 1


def _children(value: JsonValue) -> Iterable[JsonValue]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def direct_subschemas(
    schema: JsonObject, keywords: tuple[str, ...]
) -> Iterator[tuple[tuple[str | int, ...], JsonValue]]:
    """The schemas directly under these keywords, each with its place relative to this one."""
    for keyword in keywords:
        value = schema.get(keyword)
        match value:
            case dict() if keyword in _NAMED:
                for name, child in value.items():
                    yield (keyword, name), child
            case list():
                for index, child in enumerate(value):
                    yield (keyword, index), child
            case dict():
                yield (keyword,), value
            case _:
                pass


def all_subschemas(schema: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """The schema and every schema in it, each with its JSON pointer."""
    waiting: list[tuple[tuple[str | int, ...], JsonValue]] = [((), schema)]
    while waiting:
        place, node = waiting.pop()
        if isinstance(node, dict):
            yield pointer(place), node
            below = list(direct_subschemas(node, (*IN_PLACE, *INSIDE, *DEFINITIONS)))
            waiting.extend((place + relative, child) for relative, child in reversed(below))


def resolve(root: JsonObject, reference: str) -> JsonObject | None:
    """The object schema that a local reference (`#`, `#/$defs/Name`) names, or None."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    node: JsonValue = root
    for raw in reference[2:].split("/"):
        part = raw.replace("~1", "/").replace("~0", "~")
        match node:
            case dict():
                node = node.get(part)
            case list() if part.isdecimal() and int(part) < len(node):
                node = node[int(part)]
            case _:
                return None
    return cast("JsonObject", node) if isinstance(node, dict) else None


def endless_reference(root: JsonObject) -> str | None:
    """A reference that leads back to itself without looking into the value, which no validator can finish."""
    done: set[int] = set()
    for _, start in all_subschemas(root):
        found = _endless_from(root, start, done)
        if found is not None:
            return found
    return None


def unfolded(root: JsonObject, limit: int) -> int:
    """The most schemas that judge one value when every reference is followed; counts no further than just above the
    limit. Call it where `endless_reference` found none.
    """
    counts: dict[int, int] = {}
    for _, start in all_subschemas(root):
        stack = [start]
        while stack:
            node = stack[-1]
            children = [child for child, _ in _same_value_edges(root, node)]
            missing = [child for child in children if id(child) not in counts]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            counts[id(node)] = 1 + min(limit, sum(counts[id(child)] for child in children))
    return max(counts.values(), default=0)


def _endless_from(root: JsonObject, start: JsonObject, done: set[int]) -> str | None:
    """Depth-first over "judges the same value" edges, with an explicit stack."""
    path: set[int] = set()
    stack: list[tuple[JsonObject, bool]] = [(start, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            path.discard(id(node))
            done.add(id(node))
            continue
        if id(node) in done:
            continue
        path.add(id(node))
        stack.append((node, True))
        for child, reference in _same_value_edges(root, node):
            if id(child) in path:
                return reference
            stack.append((child, False))
    return None


def _same_value_edges(root: JsonObject, node: JsonObject) -> Iterator[tuple[JsonObject, str]]:
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = resolve(root, reference)
        if target is not None:
            yield target, reference
    for _, child in direct_subschemas(node, IN_PLACE):
        if isinstance(child, dict):
            yield child, "#"

"""Whether what one stage puts out is what another takes, by their JSON Schemas.

Called by `check_wiring`. Invariant: it speaks only of misfits that are certain; what schemas leave open passes.
"""

from collections.abc import Iterator

from pydantic import JsonValue

from tegu.domain.json import JsonObject

_DEPTH_MAX = 12


def misfit(offered: JsonObject, wanted: JsonObject) -> str | None:
    """Why `offered` is not what `wanted` asks for (`.confidence is text, not a number`), or None."""
    return _Comparison(offered, wanted).misfit(offered, wanted, "", 1)


class _Comparison:
    def __init__(self, offered: JsonObject, wanted: JsonObject) -> None:
        self._offered_root = offered
        self._wanted_root = wanted

    def misfit(self, offered: JsonValue, wanted: JsonValue, path: str, depth: int) -> str | None:
        if depth > _DEPTH_MAX:
            return None
        offers = list(_branches(offered, self._offered_root))
        wishes = list(_branches(wanted, self._wanted_root))
        for offer in offers:
            found = [self._branch_misfit(offer, wish, path, depth) for wish in wishes]
            if found and None not in found:
                return found[0] if len(found) == 1 else f"{path or 'it'} fits none of the types it may have"
        return None

    def _branch_misfit(self, offered: JsonObject, wanted: JsonObject, path: str, depth: int) -> str | None:
        offers, wishes = _types(offered), _types(wanted)
        if offers and wishes and not all(_fits(offer, wishes) for offer in offers):
            return f"{path or 'it'} is {' or '.join(sorted(offers))}, not {' or '.join(sorted(wishes))}"
        if (wrong := _wrong_choice(offered, wanted)) is not None:
            return f"{path or 'it'} may be {wrong!r}, which is not one of the values taken"
        if "array" in wishes and "items" in offered and "items" in wanted:
            return self.misfit(offered["items"], wanted["items"], f"{path}[]", depth + 1)
        if "object" in wishes:
            return self._object_misfit(offered, wanted, path, depth)
        return None

    def _object_misfit(self, offered: JsonObject, wanted: JsonObject, path: str, depth: int) -> str | None:
        has, takes = offered.get("properties"), wanted.get("properties")
        if not isinstance(has, dict) or not isinstance(takes, dict) or not has:
            return None
        present, required = _names(offered.get("required")), _names(wanted.get("required"))
        for name, wish in takes.items():
            inside = f"{path}.{name}"
            if name not in has:
                if name in required:
                    return f"it has no {inside}"
            elif name in required and name not in present:
                return f"{inside} may be missing"
            elif (found := self.misfit(has[name], wish, inside, depth + 1)) is not None:
                return found
        return None


def _branches(schema: JsonValue, root: JsonObject) -> Iterator[JsonObject]:
    """The alternatives of a schema; nothing where it leaves all open."""
    for _ in range(_DEPTH_MAX):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            break
        schema = _at(root, reference)
    if not isinstance(schema, dict) or not schema:
        return
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(alternatives, list):
        yield schema
        return
    for alternative in alternatives:
        if isinstance(alternative, dict) and "$ref" in alternative:
            alternative = _at(root, str(alternative["$ref"]))  # noqa: PLW2901 - one step is enough here
        yield alternative if isinstance(alternative, dict) else {}


def _at(root: JsonObject, reference: str) -> JsonValue:
    node: JsonValue = root
    for step in reference.removeprefix("#").split("/")[1:]:
        node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
    return node


def _types(schema: JsonObject) -> frozenset[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    return _names(kind)


def _names(value: JsonValue) -> frozenset[str]:
    return frozenset(str(item) for item in value) if isinstance(value, list) else frozenset()


def _fits(offer: str, wishes: frozenset[str]) -> bool:
    return offer in wishes or (offer == "integer" and "number" in wishes)


def _wrong_choice(offered: JsonObject, wanted: JsonObject) -> JsonValue:
    """A value that is offered and not taken, where both are lists of values."""
    offers, wishes = offered.get("enum"), wanted.get("enum")
    if not isinstance(offers, list) or not isinstance(wishes, list):
        return None
    return next((value for value in offers if value not in wishes), None)

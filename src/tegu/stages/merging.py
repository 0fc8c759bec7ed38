"""Several values that speak of one thing, as one value; and where they do not agree.

Called by `merge` and `dedupe`. Invariants: null says nothing, so it never wins and never disagrees; the order of the values
decides, and nothing else; equal values are equal whatever the order of their keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.stages.parts import stable_json
from tegu.stages.placed import DEPTH_MAX, ITEMS_MAX, Placed, too_many

CONFLICTS_MAX = 1_000
Which = Literal["first", "last"]


@dataclass(frozen=True, slots=True)
class MergeRules:
    """Which value is kept where they disagree, and whether lists are joined or chosen like other values."""

    prefer: Which = "first"
    lists: Literal["union", "choose"] = "union"


@dataclass(slots=True)
class Merging:
    """One merge under way: what it found to disagree, the first CONFLICTS_MAX in full."""

    rules: MergeRules
    conflicts: list[JsonValue] = field(default_factory=list[JsonValue])
    conflict_count: int = 0

    def merged(self, said: Sequence[Placed], path: str = "", depth: int = 0) -> JsonValue:
        """What all of them together say."""
        present = [each for each in said if each.value is not None]
        if not present:
            return None
        if depth < DEPTH_MAX and all(isinstance(each.value, dict) for each in present):
            return self._objects(present, path, depth)
        if self.rules.lists == "union" and all(isinstance(each.value, list) for each in present):
            return _union(present)
        return self._chosen(present, path)

    def _objects(self, said: Sequence[Placed], path: str, depth: int) -> JsonObject:
        fields: dict[str, list[Placed]] = {}
        for each in said:
            for key, value in cast("JsonObject", each.value).items():
                fields.setdefault(key, []).append(Placed(value, each.source, each.pointer))
        return {
            key: self.merged(values, f"{path}/{key.replace('~', '~0').replace('/', '~1')}", depth + 1)
            for key, values in fields.items()
        }

    def _chosen(self, said: Sequence[Placed], path: str) -> JsonValue:
        kept = said[0] if self.rules.prefer == "first" else said[-1]
        different: dict[str, Placed] = {}
        for each in said:
            different.setdefault(stable_json(each.value), each)
        if len(different) > 1:
            self.conflict_count += 1
            if len(self.conflicts) < CONFLICTS_MAX:
                values: list[JsonValue] = [
                    {"source": each.place, "value": each.value} for each in different.values()
                ]
                self.conflicts.append({"path": path, "kept": kept.place, "values": values})
        return kept.value


def _union(said: Sequence[Placed]) -> list[JsonValue]:
    """The items of all lists, each once, in the order in which they come."""
    found: dict[str, JsonValue] = {}
    for each in said:
        for item in cast("list[JsonValue]", each.value):
            found.setdefault(stable_json(item), item)
            if len(found) > ITEMS_MAX:
                raise too_many("a merged list")
    return list(found.values())

"""What of results is another than it was: by field, over many runs.

Called by the report of a backfill. Invariant: the items of a list are matched before they are compared, so that another order is
no change; nothing of a value is kept but a few short examples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.backfill import FieldExample, FieldReport
from tegu.domain.json import canonical_json

EXAMPLES_MAX = 3
FIELDS_MAX = 200
_EXAMPLE_LENGTH_MAX = 300
_ITEMS_MAX = 1000
_DEPTH_MAX = 12

ResultKey = tuple[str, str, str, str]
"""Of a result within its run: stage, item, type, key."""
Values = tuple[str, JsonValue, JsonValue]
"""A field's path, and its values before and after; None where it was not there."""


@dataclass(slots=True)
class _Counted:
    same: int = 0
    changed: int = 0
    filled: int = 0
    lost: int = 0
    examples: list[FieldExample] = field(default_factory=list[FieldExample])


class FieldChanges:
    """Counts, run by run."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], _Counted] = {}
        self.is_cut_off = False

    def add(
        self,
        run_id: UUID,
        base_run_id: UUID,
        before: Mapping[ResultKey, JsonValue],
        after: Mapping[ResultKey, JsonValue],
    ) -> None:
        """The results of a run and of the earlier one."""
        for key in dict.fromkeys((*before, *after)):
            for path, was, is_now in paired_values(before.get(key), after.get(key)):
                self._count(key[0], path, FieldExample(run_id, base_run_id, was, is_now))

    def report(self) -> tuple[FieldReport, ...]:
        """Those with most changes first."""
        made = [
            FieldReport(stage, path, each.same, each.changed, each.filled, each.lost, tuple(each.examples))
            for (stage, path), each in self._fields.items()
        ]
        return tuple(
            sorted(made, key=lambda each: (-(each.changed + each.filled + each.lost), each.stage, each.path))
        )

    def _count(self, stage: str, path: str, change: FieldExample) -> None:
        if (stage, path) not in self._fields and len(self._fields) >= FIELDS_MAX:
            self.is_cut_off = True
            return
        counted = self._fields.setdefault((stage, path), _Counted())
        if change.before == change.after:
            counted.same += 1
            return
        if change.before is None:
            counted.filled += 1
        elif change.after is None:
            counted.lost += 1
        else:
            counted.changed += 1
        if len(counted.examples) < EXAMPLES_MAX:
            shown = FieldExample(
                change.run_id, change.base_run_id, _short(change.before), _short(change.after)
            )
            counted.examples.append(shown)


def paired_values(before: JsonValue, after: JsonValue, path: str = "", depth: int = 0) -> Iterator[Values]:
    """Every field of either, with its values; what stands in lists has one path for all items (`/amounts/*`)."""
    if depth >= _DEPTH_MAX:
        yield path, before, after
    elif isinstance(before, dict) and isinstance(after, dict | None):
        yield from _objects(before, after or {}, path, depth)
    elif isinstance(after, dict) and before is None:
        yield from _objects({}, after, path, depth)
    elif isinstance(before, list) and isinstance(after, list | None):
        yield from _lists(before, after or [], path, depth)
    elif isinstance(after, list) and before is None:
        yield from _lists([], after, path, depth)
    else:
        yield path, before, after


def _objects(
    before: Mapping[str, JsonValue], after: Mapping[str, JsonValue], path: str, depth: int
) -> Iterator[Values]:
    for name in dict.fromkeys((*before, *after)):
        escaped = name.replace("~", "~0").replace("/", "~1")
        yield from paired_values(before.get(name), after.get(name), f"{path}/{escaped}", depth + 1)


def _lists(
    before: Sequence[JsonValue], after: Sequence[JsonValue], path: str, depth: int
) -> Iterator[Values]:
    """Equal items are each other; the rest are compared in their order."""
    left: dict[str, list[JsonValue]] = {}
    for item in before[:_ITEMS_MAX]:
        left.setdefault(canonical_json([item]), []).append(item)
    rest: list[JsonValue] = []
    for item in after[:_ITEMS_MAX]:
        twins = left.get(canonical_json([item]))
        if twins:
            yield from paired_values(twins.pop(), item, f"{path}/*", depth + 1)
        else:
            rest.append(item)
    gone = [item for items in left.values() for item in items]
    for place in range(max(len(gone), len(rest))):
        was = gone[place] if place < len(gone) else None
        is_now = rest[place] if place < len(rest) else None
        yield from paired_values(was, is_now, f"{path}/*", depth + 1)


def _short(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else canonical_json([value])[1:-1]
    return value if len(text) <= _EXAMPLE_LENGTH_MAX else text[: _EXAMPLE_LENGTH_MAX - 1] + "…"

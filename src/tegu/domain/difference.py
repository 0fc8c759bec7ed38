"""What differs between two JSON values, place by place.

Called by whoever compares runs and versions. Invariants: pure and bounded; equal values have no differences, and a list that
was only put into another order is equal. A place is a JSON pointer: into the later value, or into the earlier one for what is
gone.

Items of two lists belong together where they are equal, else by the field `key` names, else where they are most alike; in long
lists, by their number.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue

from tegu.domain.json import canonical_json

MATCHED_MAX = 60
"""Items of each list that are compared with each other; of more, those of the same number are."""
_DEPTH_MAX = 60
_EXACT_MAX = 2**53
"""Beyond it not every whole number is a float."""


class ChangeKind(StrEnum):
    """What became of a value."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place that differs. `before` is None where it was added, `after` where it was removed."""

    pointer: str
    kind: ChangeKind
    before: JsonValue = None
    after: JsonValue = None


@dataclass(frozen=True, slots=True)
class ListKeys:
    """Which field tells the items of a list apart, by the pointer of the list."""

    by_pointer: Mapping[str, str] = field(default_factory=dict[str, str])


def differences(before: JsonValue, after: JsonValue, keys: ListKeys | None = None) -> Iterator[Difference]:
    """All of them, in the order of the later value, as they are found: take as many as are wanted."""
    yield from _compared(_Place("", ""), _plain(before, 0), _plain(after, 0), keys or ListKeys(), 0)


def _plain(value: JsonValue, deep: int) -> JsonValue:
    """With 15 for 15.0: they are one number, and are shown as one."""
    match value:
        case float() if value.is_integer() and abs(value) <= _EXACT_MAX:
            return int(value)
        case dict() if deep < _DEPTH_MAX:
            return {name: _plain(each, deep + 1) for name, each in value.items()}
        case list() if deep < _DEPTH_MAX:
            return [_plain(each, deep + 1) for each in value]
        case _:
            return value


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one is, in the later value and in the earlier: items of lists may have had another number."""

    later: str
    earlier: str

    def below(self, name: object, was: object) -> "_Place":
        return _Place(f"{self.later}/{name}", f"{self.earlier}/{was}")


def _compared(
    place: _Place, before: JsonValue, after: JsonValue, keys: ListKeys, deep: int
) -> Iterator[Difference]:
    if canonical_json(before) == canonical_json(after):
        return
    match before, after:
        case dict(), dict() if deep < _DEPTH_MAX:
            yield from _objects(place, before, after, keys, deep + 1)
        case list(), list() if deep < _DEPTH_MAX:
            yield from _lists(place, before, after, keys, deep + 1)
        case _:
            yield Difference(place.later, ChangeKind.CHANGED, before, after)


def _objects(
    place: _Place, before: dict[str, JsonValue], after: dict[str, JsonValue], keys: ListKeys, deep: int
) -> Iterator[Difference]:
    for name, value in after.items():
        at = place.below(_escaped(name), _escaped(name))
        if name in before:
            yield from _compared(at, before[name], value, keys, deep)
        else:
            yield Difference(at.later, ChangeKind.ADDED, after=value)
    for name, value in before.items():
        if name not in after:
            yield Difference(f"{place.earlier}/{_escaped(name)}", ChangeKind.REMOVED, before=value)


def _lists(
    place: _Place, before: list[JsonValue], after: list[JsonValue], keys: ListKeys, deep: int
) -> Iterator[Difference]:
    pairs = _matched(before, after, keys.by_pointer.get(place.later))
    for number, value in enumerate(after):
        earlier = pairs.get(number)
        if earlier is None:
            yield Difference(f"{place.later}/{number}", ChangeKind.ADDED, after=value)
        else:
            yield from _compared(place.below(number, earlier), before[earlier], value, keys, deep)
    taken = set(pairs.values())
    for number, value in enumerate(before):
        if number not in taken:
            yield Difference(f"{place.earlier}/{number}", ChangeKind.REMOVED, before=value)


def _matched(before: list[JsonValue], after: list[JsonValue], key: str | None) -> dict[int, int]:
    """Which earlier item each later one was."""
    pairs = _equal(before, after)
    paired = set(pairs.values())
    left_before = [n for n in range(len(before)) if n not in paired]
    left_after = [n for n in range(len(after)) if n not in pairs]
    if key is not None:
        by_key = {_key(before[n], key): n for n in reversed(left_before)}
        found = {n: by_key.pop(_key(after[n], key), None) for n in left_after}
        return pairs | {n: earlier for n, earlier in found.items() if earlier is not None}
    if len(left_before) > MATCHED_MAX or len(left_after) > MATCHED_MAX:
        there = set(left_before)
        return pairs | {n: n for n in left_after if n in there}
    return pairs | _most_alike(before, after, left_before, left_after)


def _equal(before: list[JsonValue], after: list[JsonValue]) -> dict[int, int]:
    places: dict[str, list[int]] = {}
    for number, value in reversed([*enumerate(before)]):
        places.setdefault(canonical_json(value), []).append(number)
    pairs: dict[int, int] = {}
    for number, value in enumerate(after):
        if found := places.get(canonical_json(value)):
            pairs[number] = found.pop()
    return pairs


def _most_alike(
    before: list[JsonValue], after: list[JsonValue], left_before: list[int], left_after: list[int]
) -> dict[int, int]:
    scored = sorted(
        (
            (-_likeness(before[earlier], after[later]), abs(earlier - later), later, earlier)
            for later in left_after
            for earlier in left_before
        ),
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for score, _, later, earlier in scored:
        if score < 0 and later not in pairs and earlier not in taken:
            pairs[later] = earlier
            taken.add(earlier)
    return pairs


def _likeness(before: JsonValue, after: JsonValue) -> float:
    """0 for what has nothing in common, and less than 1."""
    match before, after:
        case dict(), dict():
            names = {*before, *after}
            return sum(_is_same(before, after, name) for name in names) / (len(names) + 1)
        case str(), str():
            ours, theirs = Counter(before.split()), Counter(after.split())
            return (ours & theirs).total() / (max(ours.total(), theirs.total()) + 1)
        case _:
            return 0.0


def _is_same(before: dict[str, JsonValue], after: dict[str, JsonValue], name: str) -> bool:
    return (
        name in before and name in after and canonical_json([before[name]]) == canonical_json([after[name]])
    )


def _key(item: JsonValue, key: str) -> str:
    return canonical_json(item.get(key)) if isinstance(item, dict) else canonical_json([item])


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

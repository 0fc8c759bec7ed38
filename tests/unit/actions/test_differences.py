"""What differs between two values, place by place."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import JsonValue

from tegu.domain.difference import MATCHED_MAX, ChangeKind, ListKeys, differences

ADDED, REMOVED, CHANGED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED
ANNA = {"name": "Anna", "role": "buyer", "city": "Bonn"}
BOB = {"name": "Bob", "role": "seller", "city": "Kiel"}
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~ ", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


def found(before: Any, after: Any, **keys: str) -> list[tuple[str, ChangeKind, JsonValue, JsonValue]]:
    by_pointer = ListKeys({f"/{name}": key for name, key in keys.items()})
    return [(d.pointer, d.kind, d.before, d.after) for d in differences(before, after, by_pointer)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (1, 1, []),
        (1, 2, [("", CHANGED, 1, 2)]),
        (None, {"a": 1}, [("", CHANGED, None, {"a": 1})]),
        ({"a": 1}, {"a": 2, "b": 3}, [("/a", CHANGED, 1, 2), ("/b", ADDED, None, 3)]),
        ({"a/b": 1, "c~": 2}, {}, [("/a~1b", REMOVED, 1, None), ("/c~0", REMOVED, 2, None)]),
        ({"a": None}, {"a": 0}, [("/a", CHANGED, None, 0)]),
        ({"a": None}, {}, [("/a", REMOVED, None, None)]),
        ([1, 2, 3], [3, 1, 2], []),
        ([1, 2], [1, 2, 2], [("/2", ADDED, None, 2)]),
        ([ANNA, BOB], [BOB, ANNA | {"city": "Köln"}], [("/1/city", CHANGED, "Bonn", "Köln")]),
        ([ANNA], [BOB], [("/0", ADDED, None, BOB), ("/0", REMOVED, ANNA, None)]),
        (["pay in ten days"], ["x", "pay in two days"], [
            ("/0", ADDED, None, "x"),
            ("/1", CHANGED, "pay in ten days", "pay in two days"),
        ]),
    ],
)  # fmt: skip
def test_each_place_that_differs_is_told_once(before: Any, after: Any, expected: list[Any]) -> None:
    assert found(before, after) == expected


def test_items_with_a_key_belong_together_however_much_else_changed() -> None:
    before = {"people": [ANNA, BOB]}
    after = {"people": [{"name": "Bob", "role": "x", "city": "y"}, ANNA]}
    assert found(before, after, people="name") == [
        ("/people/0/role", CHANGED, "seller", "x"),
        ("/people/0/city", CHANGED, "Kiel", "y"),
    ]


def test_items_of_long_lists_are_compared_by_their_number() -> None:
    count = MATCHED_MAX + 1
    before = [{"n": n, "x": 0} for n in range(count)]
    after = [{"n": n, "x": 1} for n in range(count)]
    assert [place for place, *_ in found(before, after)] == [f"/{n}/x" for n in range(count)]


def at(value: JsonValue, pointer: str) -> JsonValue:
    """What stands at a place."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(name)]
        else:
            assert isinstance(value, dict)
            value = value[name]
    return value


@given(JSON, JSON)
@example([None, {"": None, "a": None}], [{"": None}])
def test_places_lead_to_what_they_say_and_equal_values_have_none(before: Any, after: Any) -> None:
    assert list(differences(before, before)) == []
    for each in differences(before, after):
        assert at(before if each.kind is REMOVED else after, each.pointer) in [each.before, each.after]


@given(st.lists(JSON, max_size=6), st.randoms())
def test_another_order_is_no_difference(items: list[Any], random: Any) -> None:
    shuffled = [*items]
    random.shuffle(shuffled)
    assert list(differences(items, shuffled)) == []

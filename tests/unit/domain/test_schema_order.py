"""Fields come in the order in which a schema names them."""

import json
from typing import Any

from tegu.domain.schema_order import at_path, in_order

INVOICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "seller": {"anyOf": [{"$ref": "#/$defs/party"}, {"type": "null"}]},
        "number": {"type": "string"},
        "lines": {"type": "array", "items": {"properties": {"text": {}, "amount": {}}}},
    },
    "$defs": {"party": {"properties": {"name": {}, "iban": {}}}},
}


def told(value: Any) -> str:
    return json.dumps(value)


def test_objects_lists_and_what_is_referred_to_are_in_order_and_the_rest_comes_last() -> None:
    stored: dict[str, Any] = {
        "odd": 1,
        "lines": [{"amount": 2, "text": "a"}],
        "number": "7",
        "seller": {"iban": "DE", "name": "Acme"},
    }
    wanted = {
        "seller": {"name": "Acme", "iban": "DE"},
        "number": "7",
        "lines": [{"text": "a", "amount": 2}],
        "odd": 1,
    }
    assert told(in_order(stored, INVOICE)) == told(wanted)
    assert told(in_order([stored], INVOICE)) == told([wanted])


def test_items_of_a_list_are_in_the_order_of_its_items() -> None:
    assert told(in_order({"amount": 2, "text": "a"}, at_path(INVOICE, "lines"))) == told(
        {"text": "a", "amount": 2}
    )
    assert at_path(INVOICE, "nothing") is None


def test_what_has_no_schema_or_another_shape_stays_as_it_is() -> None:
    values: tuple[Any, ...] = (None, 3, "text", [1], {"b": 1, "a": 2})
    for value in values:
        assert told(in_order(value, None)) == told(in_order(value, {})) == told(value)
    assert told(in_order({"number": [3]}, INVOICE)) == told({"number": [3]})
    loop: dict[str, Any] = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert in_order({"a": 1}, loop) == {"a": 1}

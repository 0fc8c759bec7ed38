"""What is looked at closely only when it looks suspicious comes out as if everything had been."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.json import as_stored, canonical_json, storable
from tegu.stages import parts

ODD = st.sampled_from(
    ["\x00", "\ud800", "\udfff x", "NaN", "1.0", "e+", "\\u0000", 1e3, 1e22, -0.0, float("nan"), float("inf")]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | ODD
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@given(VALUES)
@example({"a": [1000.0, "\x00"], "b": float("inf")})
def test_stable_json_is_that_of_the_cleaned_value(value: JsonValue) -> None:
    cleaned = parts._stable(storable(value))
    assert parts.stable_json(value) == json.dumps(
        cleaned, sort_keys=True, ensure_ascii=False, allow_nan=False
    )


@given(VALUES)
@example({"a\x00": "\ud800"})
def test_what_is_stored_is_the_cleaned_value_and_its_text(value: JsonValue) -> None:
    stored, text = as_stored(value)
    assert canonical_json(stored) == canonical_json(storable(value))
    assert from_json(text) == storable(value)

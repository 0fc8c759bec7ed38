from typing import Literal

from pydantic import BaseModel

from tegu.domain.json import JsonObject
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Classification, Summary
from tegu.pipeline.schema_fit import misfit


class Loose(BaseModel):
    category: str


class Strict(BaseModel):
    category: Literal["a", "b"]
    confidence: float


class Maybe(BaseModel):
    category: str | None = None
    confidence: int = 0


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


class Lines(BaseModel):
    lines: list[Loose]


class OtherLines(BaseModel):
    lines: list[Summary]


def why(offered: type[BaseModel], wanted: type[BaseModel]) -> str | None:
    return misfit(schema_of(offered), schema_of(wanted))


def test_a_type_fits_itself_and_a_looser_one() -> None:
    assert why(Classification, Classification) is None
    assert why(Classification, Loose) is None
    assert why(Strict, Classification) is None
    assert why(Tree, Tree) is None


def test_a_missing_field_is_named() -> None:
    assert why(Summary, Classification) == "it has no .category"
    assert why(Loose, Classification) == "it has no .confidence"


def test_a_field_that_may_be_missing_or_null_does_not_fill_a_required_one() -> None:
    assert why(Maybe, Loose) == ".category may be missing"
    nullable: JsonObject = {
        "type": "object",
        "properties": {"category": {"type": ["string", "null"]}},
        "required": ["category"],
    }
    assert misfit(nullable, schema_of(Loose)) == ".category is null or string, not string"


def test_types_of_fields_and_items_are_compared() -> None:
    assert misfit({"type": "string"}, {"type": "number"}) == "it is string, not number"
    assert misfit({"type": "integer"}, {"type": "number"}) is None
    assert why(OtherLines, Lines) == "it has no .lines[].category"


def test_values_that_are_not_taken_are_named() -> None:
    offered: JsonObject = {"type": "string", "enum": ["a", "c"]}
    assert (
        misfit(offered, {"type": "string", "enum": ["a", "b"]})
        == "it may be 'c', which is not one of the values taken"
    )


def test_what_is_left_open_fits() -> None:
    assert misfit({}, schema_of(Classification)) is None
    assert misfit(schema_of(Classification), {}) is None
    assert misfit({"type": "object"}, schema_of(Classification)) is None
    assert misfit({"type": "string"}, {"type": "string", "enum": ["a"]}) is None

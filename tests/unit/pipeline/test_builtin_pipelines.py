from typing import Any

import pytest
from jsonschema import Draft7Validator

from tegu.domain.content import InputKind
from tegu.domain.json import JsonObject
from tegu.pipeline.builtin import builtin_documents
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.check import checked
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.document import load, to_yaml
from tegu.pipeline.document_schema import document_schema
from tegu.stages.registry import StageRegistry


@pytest.fixture(scope="module")
def catalog() -> KindCatalog:
    return StageRegistry()


def builtin(name: str, catalog: KindCatalog) -> PipelineDefinition:
    return checked(load(builtin_documents()[name]), catalog)


def test_two_pipelines_ship() -> None:
    assert sorted(builtin_documents()) == ["document_extraction", "email_analysis"]


def test_email_analysis_extracts_classifies_and_sums_up(catalog: KindCatalog) -> None:
    email = builtin("email_analysis", catalog)
    assert email.input is InputKind.MAIL_THREAD
    assert [(stage.name, stage.uses) for stage in email.stages] == [
        ("extract", "extract"),
        ("classify", "classify"),
        ("summarize", "summarize"),
    ]
    assert email.roots() == ("extract", "classify")
    assert email.stage("summarize").inputs == ("source", "extract", "classify")
    labels = email.stage("classify").config["labels"]
    assert isinstance(labels, dict)
    assert list(labels) == ["support", "sales", "general"]


def test_document_extraction_parses_then_extracts_fields_that_are_all_optional(catalog: KindCatalog) -> None:
    extraction = builtin("document_extraction", catalog)
    assert extraction.input is InputKind.CONTENT
    assert extraction.order() == ("parse", "extract")
    schema = extraction.stage("extract").config["schema"]
    assert isinstance(schema, dict)
    assert "required" not in schema
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert {
        "document_type",
        "number",
        "date",
        "due_date",
        "seller",
        "total",
        "line_items",
    } <= properties.keys()


@pytest.mark.parametrize("name", ["document_extraction", "email_analysis"])
def test_a_builtin_pipeline_round_trips_to_one_hash(name: str, catalog: KindCatalog) -> None:
    definition = builtin(name, catalog)
    assert checked(load(to_yaml(definition)), catalog).hash == definition.hash


def schema_problems(schema: JsonObject, text: str) -> list[str]:
    validator: Any = Draft7Validator(schema)
    return [error.json_path for error in validator.iter_errors(load(text).data)]


def test_the_generated_schema_takes_what_the_check_takes(catalog: KindCatalog) -> None:
    schema = document_schema(catalog)
    Draft7Validator.check_schema(schema)
    for text in builtin_documents().values():
        assert schema_problems(schema, text) == []
        assert schema_problems(schema, to_yaml(checked(load(text), catalog))) == []
    full = """\
tegu: 1
name: a
model: rules
stages:
  a: {uses: extract, with: {instructions: x, schema: {a: "list[str]"}}, result: {type: b, each: c}, retries: 0}
  b: {uses: parse, inputs: [source, a?, {stage: a, optional: true}], needs: [a], when: "1 == 1", timeout_s: 0.5, result: false}
"""
    assert schema_problems(schema, full) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("stages: {a: {uses: extrct}}", "$.stages"),
        ("stages: {a: {uses: extract, if: x}}", "$.stages"),
        ("stages: {a: {uses: parse}}\nstep: 1", "$"),
        ("name: A b\nstages: {a: {uses: parse}}", "$.name"),
    ],
)
def test_the_generated_schema_refuses_what_the_check_refuses(
    text: str, place: str, catalog: KindCatalog
) -> None:
    assert schema_problems(document_schema(catalog), text) == [place]

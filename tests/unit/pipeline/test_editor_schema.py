"""`tegu.schema.json`, which editors check documents with: it takes what the check takes, and refuses what editors can."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tegu import Document, StageContext, stage
from tegu.domain.json import JsonObject
from tegu.pipeline.builtin import builtin_documents
from tegu.pipeline.check import check
from tegu.pipeline.document import load
from tegu.pipeline.document_schema import document_schema
from tegu.pipeline.yaml_source import parse_text
from tegu.stages.registry import StageRegistry, functions_by_key

ROOT = Path(__file__).resolve().parents[3]


@stage(version=3)
def shout(document: Document, ctx: StageContext) -> str:
    return document.text.upper()


def validator(*functions: Any) -> Any:
    return Draft7Validator(document_schema(StageRegistry(functions=functions_by_key(functions))))


def data(text: str) -> JsonObject:
    parsed = parse_text(text).data
    assert isinstance(parsed, dict)
    return parsed


def test_it_is_json_schema() -> None:
    Draft7Validator.check_schema(document_schema(StageRegistry()))


@pytest.mark.parametrize("name", builtin_documents())
def test_it_takes_the_pipelines_that_ship(name: str) -> None:
    text = builtin_documents()[name]
    assert [error.message for error in validator().iter_errors(data(text))] == []
    # What the check makes of it, with every default written out, is a document too.
    definition, problems = check(load(text), StageRegistry())
    assert definition is not None, problems
    assert [error.message for error in validator().iter_errors(definition.to_json())] == []


def test_it_takes_the_template_and_the_list_form() -> None:
    template = (ROOT / "src/tegu/templates/pipeline.yaml.txt").read_text("utf-8").replace("NAME", "triage")
    assert validator().is_valid(data(template))
    listed = "stages: [{name: a, job_module: extract}, {name: b, job_module: summarize}]\nedges: [{from: a, to: b}]"
    assert validator().is_valid(data(listed))


@pytest.mark.parametrize(
    "text",
    [
        "name: a",
        "stages: {}",
        "stages: {a: {uses: exract}}",
        "stages: {a: {uses: extract, if: x}}",
        "stages: {a: {uses: extract, retries: 99}}",
        "stages: {a: {uses: extract, timeout_s: 0}}",
        "stages: {a: {uses: extract, with: {shema: {a: str}}}}",
        "stages: {a: {uses: classify, with: {}}}",
        "stages: {a: {uses: classify, with: {labels: 5}}}",
        "stages: {a: {uses: prompt, with: {instructions: 5}}}",
        "stages: {A b: {uses: extract}}",
        "input: email\nstages: {a: {uses: extract}}",
        "tegu: 2\nstages: {a: {uses: extract}}",
        "stages: {a: {uses: python, with: {function: whisper@1}}}",
    ],
)
def test_it_refuses_what_the_check_refuses(text: str) -> None:
    assert not validator(shout).is_valid(data(text))
    assert check(load(text), StageRegistry(functions=functions_by_key((shout,))))[1]


def test_it_knows_the_functions_that_it_was_made_with() -> None:
    text = "stages: {a: {uses: python, with: {function: shout@3}}}"
    assert validator(shout).is_valid(data(text))
    assert check(load(text), StageRegistry(functions=functions_by_key((shout,))))[1] == ()

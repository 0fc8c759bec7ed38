"""docs/pipelines.md is true: its documents have no problems and say all words, and its program gives what it says."""

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tegu import Pipeline
from tegu.pipeline.check import DOCUMENT_KEYS, examine
from tegu.pipeline.check_stage import STAGE_KEYS
from tegu.pipeline.document import load, to_yaml
from tegu.pipeline.document_schema import document_schema
from tegu.pipeline.yaml_source import parse_text
from tegu.stages.registry import StageRegistry

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "pipelines.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", _blocks("yaml"))
def test_its_documents_have_no_problems_and_round_trip(text: str) -> None:
    found = examine(load(text), StageRegistry())
    assert found.definition is not None, found.problems
    assert found.warnings == ()
    again = examine(load(to_yaml(found.definition)), StageRegistry()).definition
    assert again is not None
    assert again.hash == found.definition.hash
    validator: Any = Draft7Validator(document_schema(StageRegistry()))
    assert [error.message for error in validator.iter_errors(parse_text(text).data)] == []


def test_it_names_every_word() -> None:
    for word in {*STAGE_KEYS, *DOCUMENT_KEYS} - {"tegu", "name", "description", "stages"}:
        assert f"`{word}`" in PAGE, word


def test_its_program_makes_a_pipeline() -> None:
    names: dict[str, object] = {"__name__": "page"}
    for text in _blocks("python"):
        exec(compile(text, "docs/pipelines.md", "exec"), names)
    email = names["email"]
    assert isinstance(email, Pipeline)
    definition = email.definition(StageRegistry())
    assert definition.stage("other").else_of == ("refund",)
    assert definition.stage("answer").optional_inputs == {"refund", "other", "people"}
    people = definition.stage("people").each
    assert people is not None
    assert (people.over, people.max_parallel, people.failed_share_max) == ("found.entities", 5, 1.0)

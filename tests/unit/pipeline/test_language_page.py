"""docs/pipelines.md and docs/people.md are true: their documents have no problems and say all words, and their programs give
what they say. What people.md shows at a terminal is run in `tests/acceptance/test_console_pages.py`.
"""

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

DOCS = Path(__file__).resolve().parents[3] / "docs"
LANGUAGE, PEOPLE = (DOCS / name for name in ("pipelines.md", "people.md"))


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def _program(page: Path) -> dict[str, object]:
    names: dict[str, object] = {"__name__": "page"}
    for text in _blocks(page, "python"):
        exec(compile(text, page.name, "exec"), names)
    return names


@pytest.mark.parametrize("text", [*_blocks(LANGUAGE, "yaml"), *_blocks(PEOPLE, "yaml")])
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
    page = LANGUAGE.read_text("utf-8")
    for word in {*STAGE_KEYS, *DOCUMENT_KEYS} - {"tegu", "name", "description", "stages"}:
        assert f"`{word}`" in page, word
    for kind in StageRegistry().kinds():
        assert f"`{kind}`" in page, kind


def test_its_program_makes_a_pipeline() -> None:
    email = _program(LANGUAGE)["email"]
    assert isinstance(email, Pipeline)
    definition = email.definition(StageRegistry())
    assert definition.stage("other").else_of == ("refund",)
    assert definition.stage("answer").optional_inputs == {"refund", "other", "people"}
    people = definition.stage("people").each
    assert people is not None
    assert (people.over, people.max_parallel, people.failed_share_max) == ("found.entities", 5, 1.0)


def test_the_program_about_people_makes_a_pipeline() -> None:
    refunds = _program(PEOPLE)["refunds"]
    assert isinstance(refunds, Pipeline)
    definition = refunds.definition(StageRegistry())
    assert definition.stage("approve").inputs == ("refund",)
    assert definition.stage("customer").config["auth"] == {"credential": "crm"}

import pytest

from tegu.domain.content import InputKind
from tegu.domain.errors import DefinitionError
from tegu.pipeline.definition import PipelineDefinition, ResultSpec, StageDefinition

PARSE = StageDefinition("parse", "parse")
REFUND = StageDefinition(
    "refund",
    "python",
    {"function": "refund@2"},
    inputs=("source", "parse"),
    optional_inputs=frozenset({"parse"}),
    when="parse != null",
    result=ResultSpec(type="claim"),
)
SAMPLE = PipelineDefinition("sample", InputKind.CONTENT, (PARSE, REFUND))


def test_the_normalized_document_says_what_has_a_default_in_numbers_and_leaves_the_rest_out() -> None:
    assert SAMPLE.to_json() == {
        "tegu": 1,
        "name": "sample",
        "input": "content",
        "stages": {
            "parse": {"uses": "parse", "with": {}, "inputs": ["source"], "retries": 2, "timeout_s": 120.0},
            "refund": {
                "uses": "python",
                "with": {"function": "refund@2"},
                "inputs": ["source", "parse?"],
                "when": "parse != null",
                "retries": 2,
                "timeout_s": 120.0,
                "result": {"type": "claim"},
            },
        },
    }


def test_the_hash_of_a_stored_version_does_not_change_with_the_code() -> None:
    # If this fails, every stored version would get another name: make the change in a way that keeps it.
    assert SAMPLE.hash == "cef3370a33b4c3819d1f801cb78c6634bc473b0fd7e4b0f7b1f354d53a24097f"


def test_the_hash_sees_every_part_of_a_stage() -> None:
    others = [
        StageDefinition("parse", "extract"),
        StageDefinition("parse", "parse", {"pages": 1}),
        StageDefinition("parse", "parse", when="1 == 1"),
        StageDefinition("parse", "parse", retries=1),
        StageDefinition("parse", "parse", timeout_s=1),
        StageDefinition("parse", "parse", model="rules"),
        StageDefinition("parse", "parse", result=None),
    ]
    hashes = {PipelineDefinition("sample", InputKind.CONTENT, (stage,)).hash for stage in (PARSE, *others)}
    assert len(hashes) == 8


def test_a_timeout_in_whole_seconds_is_the_same_as_in_fractions() -> None:
    whole = StageDefinition("a", "parse", timeout_s=5)
    assert whole.to_json() == StageDefinition("a", "parse", timeout_s=5.0).to_json()
    assert str(whole.to_json()["timeout_s"]) == "5.0"


def test_a_definition_can_be_asked_about_its_stages() -> None:
    assert SAMPLE.stage("refund") is REFUND
    assert "parse" in SAMPLE
    assert "nothing" not in SAMPLE
    assert SAMPLE.roots() == ("parse",)
    assert SAMPLE.after("parse") == ("refund",)
    assert SAMPLE.python_stages() == {"refund@2"}
    assert REFUND.upstream == ("parse",)
    with pytest.raises(KeyError):
        SAMPLE.stage("nothing")


def test_definitions_can_be_keys() -> None:
    again = PipelineDefinition.from_json(SAMPLE.to_json())
    assert {SAMPLE: 1}[again] == 1


def test_the_order_of_a_circle_names_where_it_is() -> None:
    circle = PipelineDefinition("sample", InputKind.CONTENT, (StageDefinition("a", "parse", inputs=("a",)),))
    with pytest.raises(DefinitionError, match=r"stages\.a"):
        circle.order()

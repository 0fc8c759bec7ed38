"""What docs/pipelines.md says of undoing and of nesting is what its own documents do."""

import re
from pathlib import Path

import pytest

from tegu import RunStatus, StageStatus, testing
from tegu.domain.json import JsonObject
from tegu.llm.protocol import ModelRequest
from tegu.pipeline.yaml_source import parse_text

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "pipelines.md").read_text("utf-8")
ORDER: JsonObject = {"number": "A-17", "amount": 49.9}
DONE, FAILS = testing.answered(200, {"ok": True}), testing.answered(400, {"ok": False})


def document(name: str) -> JsonObject:
    """The document of that name on the page."""
    for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE):
        data = parse_text(text).data
        if isinstance(data, dict) and data.get("name") == name:
            return data
    raise AssertionError(f"the page has no document {name!r}")


@pytest.mark.parametrize(
    ("fails", "undone"),
    [(None, []), ("pay", []), ("book", ["refund"]), ("ship", ["release", "refund"])],
)
async def test_the_saga_undoes_what_was_done_the_last_first_and_nothing_else(
    fails: str | None, undone: list[str]
) -> None:
    steps = ("pay", "book", "ship")
    answers = {step: FAILS if step == fails else DONE for step in steps} | {"release": DONE, "refund": DONE}
    run = await testing.run(document("saga"), "Order A-17, 49.90", replies={"order": ORDER}, http=answers)
    assert run.status is RunStatus.COMPLETED, run.error
    asked = [request.url.rpartition("/")[2].removesuffix("s") for request in run.requests]
    assert [each for each in asked if each in {"release", "refund"}] == undone
    status = {stage.stage: stage.status for stage in run.stages}
    assert (status["undo"] is StageStatus.COMPLETED) is (fails is not None)


async def test_undoing_that_fails_fails_the_run() -> None:
    answers = {"pay": DONE, "book": FAILS, "refund": FAILS}
    run = await testing.run(document("saga"), "Order A-17, 49.90", replies={"order": ORDER}, http=answers)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.stage == "refund"


async def test_a_body_reads_input_previous_and_iteration_and_an_item_as_json() -> None:
    asked: list[str] = []

    def draft(request: ModelRequest) -> JsonObject:
        asked.append(repr(request))
        return {"text": f"draft {len(asked)}"}

    judged = [{"is_good": False, "remark": "too curt"}, *[{"is_good": True, "remark": "good"}] * 3]
    replies = {"request": {"asks": ["a refund", "a date"]}, "draft": draft, "judge": judged}
    run = await testing.run(document("answers"), "Hello", replies=replies, pipelines=[document("improve")])
    assert run.status is RunStatus.COMPLETED, run.error
    better = run.stage_outputs["better"]
    assert isinstance(better, dict)
    assert (better["iterations"], better["is_reached"]) == (2, True)
    assert any("previous" in each and "too curt" in each for each in asked)
    assert len(run.stage_outputs["each_alone"]) == 2  # type: ignore[arg-type]

"""Maps, nested pipelines and loops in memory: the same kinds and the same driver as with a database."""

from typing import Any

from tegu import testing
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus

SCHEMA: JsonObject = {"people": "list[str]"}


def document(name: str, **stages: Any) -> JsonObject:
    return {"tegu": 1, "name": name, "input": "content", "stages": stages}


def prompt(instructions: str, *inputs: str, **more: Any) -> JsonObject:
    return {"uses": "prompt", "with": {"instructions": instructions}, "inputs": [*inputs], **more}


EXTRACT: JsonObject = {"uses": "extract", "with": {"instructions": "People.", "schema": SCHEMA}}


def greeting(request: Any) -> str:
    """Of whoever the text names."""
    return f"Hello {request.parts[0].text}"


GREET = document("greet", greet=prompt("Greet.", "source"))
PEOPLE: JsonObject = {"people": ["Ada", "Bo", "Cy"]}


async def test_a_map_gives_each_item_to_the_model_in_order() -> None:
    pipeline = document("greetings", extract=EXTRACT, greet=prompt("Greet.", "item", each="extract.people"))
    run = await testing.run(
        pipeline,
        "Ada, Bo and Cy.",
        replies={"extract": PEOPLE, "greet": ["Hello Ada", "Hello Bo", "Hello Cy"]},
    )
    assert run.status is RunStatus.COMPLETED, run.error
    greeted = run.stage_outputs["greet"]
    assert isinstance(greeted, list)
    assert [each["text"] if isinstance(each, dict) else each for each in greeted] == [
        "Hello Ada",
        "Hello Bo",
        "Hello Cy",
    ]
    assert [result.item for result in run.results if result.stage == "greet"] == ["0", "1", "2"]
    assert run.totals.calls == 4


async def test_a_nested_pipeline_runs_in_memory() -> None:
    inner: JsonObject = {"uses": "pipeline", "with": {"pipeline": "greet", "output": "greet"}}
    run = await testing.run(
        document("outer", inner=inner), "Ada", replies={"greet": "Hello Ada"}, pipelines=[GREET]
    )
    assert run.status is RunStatus.COMPLETED, run.error
    assert "Hello Ada" in str(run.stage_outputs["inner"])


async def test_a_pipeline_is_nested_per_item() -> None:
    inner: JsonObject = {
        "uses": "pipeline",
        "with": {"pipeline": "greet", "output": "greet"},
        "each": "extract.people",
    }
    run = await testing.run(
        document("outer", extract=EXTRACT, inner=inner),
        "Ada, Bo and Cy.",
        replies={"extract": PEOPLE, "greet": greeting},
        pipelines=[GREET],
    )
    assert run.status is RunStatus.COMPLETED, run.error
    said = run.stage_outputs["inner"]
    assert isinstance(said, list)
    assert [name in str(each) for name, each in zip(("Ada", "Bo", "Cy"), said, strict=True)] == [True] * 3


async def test_a_loop_goes_on_until_its_condition_holds() -> None:
    again: JsonObject = {
        "uses": "loop",
        "with": {"pipeline": "greet", "until": "iteration == 3", "times_max": 5, "output": "greet"},
    }
    run = await testing.run(
        document("outer", again=again), "Ada", replies={"greet": ["1", "2", "3"]}, pipelines=[GREET]
    )
    assert run.status is RunStatus.COMPLETED, run.error
    found = run.stage_outputs["again"]
    assert isinstance(found, dict)
    assert (found["iterations"], found["is_reached"]) == (3, True)


async def test_a_pipeline_that_was_not_given_is_said() -> None:
    inner: JsonObject = {"uses": "pipeline", "with": {"pipeline": "greet"}, "retries": 0}
    run = await testing.run(document("outer", inner=inner), "Ada")
    assert run.error is not None
    assert run.error.code == "unknown_pipeline"
    assert "pipelines=[" in str(run.error.hint)

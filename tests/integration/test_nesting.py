"""Pipelines within pipelines: nested once, per item, or until a condition holds."""

from typing import Any

import mapping_stages
import pytest
from action_lab import ask
from sqlalchemy import text
from test_maps import mapped, output, python

from tegu import Tegu
from tegu.domain.errors import DefinitionError
from tegu.domain.json import JsonObject
from tegu.domain.run_filter import RunFilter
from tegu.domain.status import RunStatus
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Any) -> Any:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, stages=mapping_stages.ALL) as opened:
        for inner in INNER:
            await opened.pipeline(inner)
        yield opened


def document(name: str, **stages: Any) -> JsonObject:
    return {"tegu": 1, "name": name, "input": "content", "stages": stages}


INNER = (
    document("measure", length=python("length", "source")),
    document("break", only=python("fails", "source")),
    document("halving", half=python("halve", "source")),
)


def nested(pipeline: str, *inputs: str, **more: Any) -> JsonObject:
    options = more.pop("options", {})
    return {"uses": "pipeline", "with": {"pipeline": pipeline, **options}, "inputs": [*inputs], **more}


def loop(**options: Any) -> JsonObject:
    given = {"pipeline": "halving", "until": "output.half.value < 2.0", "times_max": 10, **options}
    return {"uses": "loop", "with": given, "inputs": ["source"]}


async def test_a_nested_pipeline_is_about_what_its_parent_is_about(tegu: Tegu) -> None:
    run = await tegu.run(document("outer", inner=nested("measure", "source")), b"Twelve signs")
    assert run.status is RunStatus.COMPLETED, run.error
    assert output(run, "inner") == {"length": {"length": 12, "text": "Twelve signs"}}
    assert [(group.stage, group.pipeline, group.runs) for group in run.children] == [
        ("inner", "measure", {RunStatus.COMPLETED: 1})
    ]


async def test_one_stage_of_it_may_be_the_output(tegu: Tegu) -> None:
    inner = nested("measure", "source", options={"output": "length"})
    run = await tegu.run(document("outer", inner=inner), b"abc")
    assert output(run, "inner") == {"length": 3, "text": "abc"}


async def test_it_reads_data_where_the_stage_reads_data(tegu: Tegu) -> None:
    outer = document("outer", numbers=python("numbers", "source"), inner=nested("measure", "numbers"))
    run = await tegu.run(outer, b"3 numbers")
    assert output(run, "inner")["length"]["text"] == "[0, 1, 2]"


async def test_mapped_it_is_about_the_item(tegu: Tegu) -> None:
    outer = document(
        "outer",
        numbers=python("numbers", "source"),
        inner=nested("measure", "source", each="numbers", options={"output": "length"}),
    )
    run = await tegu.run(outer, b"12 numbers")
    assert [each["text"] for each in output(run, "inner")] == [str(n) for n in range(12)]
    children = await tegu.list_runs(limit=50)
    assert [each.id for each in children] == [run.id]


async def test_its_failure_is_the_stages_and_a_retry_starts_another(tegu: Tegu) -> None:
    run = await tegu.run(document("outer", inner=nested("break", "source", retries=1)), b"abc")
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.code == "no_good"
    async with (await tegu.scope()).transaction() as connection:
        tries = await connection.scalars(text("select parent_try from tegu.runs where parent_id is not null"))
        assert sorted(tries) == [0, 1]


async def test_what_is_published_names_its_nested_pipelines_by_version(tegu: Tegu) -> None:
    version = await tegu.pipeline(document("outer", inner=nested("measure", "source")))
    assert version.document["stages"]["inner"]["with"]["pipeline"] == "measure@1"  # type: ignore[index, call-overload]


async def test_all_that_is_wrong_with_nested_pipelines_is_said_at_once(tegu: Tegu) -> None:
    outer = document(
        "outer",
        one=nested("nobody", "source"),
        two=nested("measure", "source", options={"output": "nowhere"}),
        three=loop(until="outpt.half > 1"),
    )
    with pytest.raises(DefinitionError) as raised:
        await tegu.pipeline(outer)
    assert sorted(problem.place for problem in raised.value.problems) == [
        "stages.one.with.pipeline",
        "stages.three.with.until",
        "stages.two.with.output",
    ]


async def test_a_loop_ends_when_its_condition_holds(tegu: Tegu) -> None:
    run = await tegu.run(document("outer", again=loop()), b"20")
    assert run.status is RunStatus.COMPLETED, run.error
    assert output(run, "again") == {"output": {"half": {"value": 1.25}}, "iterations": 4, "is_reached": True}


async def test_a_loop_runs_as_often_as_it_may_and_no_more(tegu: Tegu) -> None:
    run = await tegu.run(document("outer", again=loop(times_max=2)), b"20")
    assert output(run, "again") == {"output": {"half": {"value": 5}}, "iterations": 2, "is_reached": False}


async def test_a_loop_that_must_be_reached_fails(tegu: Tegu) -> None:
    run = await tegu.run(document("outer", again=loop(times_max=2, on_max="fail")), b"20")
    assert run.error is not None
    assert run.error.code == "loop_not_ended"


async def test_runs_that_others_started_are_listed_where_asked_for(tegu: Tegu) -> None:
    from tegu.actions import runs

    run = await tegu.run(mapped("double", "numbers"), b"150 numbers")
    scope = await tegu.scope()
    assert [each.id for each in await runs.list_runs(scope)] == [run.id]
    assert len(await runs.list_runs(scope, RunFilter(includes_children=True))) == 3
    slices = await runs.list_runs(scope, RunFilter(parent_id=run.id))
    assert [each.parent_stage for each in slices] == ["each", "each"]
    assert (run.children[0].items, run.children[0].items_ended, run.children[0].items_failed) == (150, 150, 0)


async def test_what_a_nested_pipeline_puts_out_is_compared_with_what_is_said_of_it_and_wired_to_it(
    tegu: Tegu,
) -> None:
    said = {"output": "length", "schema": {"length": "str"}}
    outer = document(
        "outer",
        said=nested("judged", "source", options=said | {"output": "kind"}),
        inner=nested("judged", "source", options={"output": "kind"}),
        after={"uses": "summarize", "needs": ["inner"], "when": "inner.category == 'd'"},
        again=loop(pipeline="judged", until="output.kind.categroy == 'a'"),
    )
    await tegu.pipeline(document("judged", kind={"uses": "classify", "with": {"labels": ["a", "b"]}}))
    with pytest.raises(DefinitionError) as raised:
        await tegu.pipeline(outer)
    problems = {problem.place: problem.message for problem in raised.value.problems}
    assert problems == {
        "stages.said.with.schema": "what judged@1 puts out does not fit: it has no .length",
        "stages.after.when": "'inner.category' is never 'd'",
        "stages.again.with.until": "the output of 'output.kind' has no field 'categroy'",
    }
    # Whoever only asks is told the same, beside what is wrong with the document itself.
    stages: Any = outer["stages"]
    scope = await tegu.scope()
    checked = await ask(
        scope, "pipelines.check", document=outer | {"stages": stages | {"x": {"uses": "nothing"}}}
    )
    assert {problem.place for problem in checked.problems} == {*problems, "stages.x.uses"}


async def test_a_nested_run_that_puts_out_something_else_than_was_said_fails_its_stage(tegu: Tegu) -> None:
    said = {"output": "length", "schema": {"length": "int", "text": "str"}}
    good = await tegu.run(document("outer", inner=nested("measure", "source", options=said)), b"abc")
    assert output(good, "inner") == {"length": 3, "text": "abc"}
    said = {"output": "length", "schema": {"length": "str"}}
    wrong = await tegu.run(document("outer", inner=nested("measure", "source", options=said)), b"abc")
    assert wrong.error is not None
    assert wrong.error.code == "wrong_output"
    assert "/length" in wrong.error.message

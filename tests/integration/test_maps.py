"""Stages that run once per item: by slices, in order, within limits, with a share that may fail."""

import asyncio
from typing import Any

import mapping_stages
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tegu import Run, Tegu
from tegu.actions import runs as run_actions
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.families import children_of


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Any) -> Any:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, stages=mapping_stages.ALL) as opened:
        yield opened


def python(function: str, *inputs: str, **more: Any) -> JsonObject:
    return {"uses": "python", "with": {"function": f"{function}@1"}, "inputs": [*inputs], **more}


def mapped(function: str, each: Any, **more: Any) -> JsonObject:
    return {
        "tegu": 1,
        "name": f"map_{function}",
        "input": "content",
        "stages": {
            "numbers": python("numbers", "source"),
            "each": python(function, "item", each=each, **more),
        },
    }


def output(run: Run, stage: str = "each") -> Any:
    return run.stage_outputs[stage]


async def test_outputs_stand_in_the_order_of_the_items(tegu: Tegu) -> None:
    run = await tegu.run(mapped("double", "numbers"), b"250 numbers")
    assert run.status is RunStatus.COMPLETED, run.error
    assert output(run) == [2 * n for n in range(250)]


async def test_an_empty_list_is_an_empty_output(tegu: Tegu) -> None:
    run = await tegu.run(mapped("double", "numbers"), b"0 numbers")
    assert output(run) == []


async def test_the_first_failure_is_the_stages(tegu: Tegu) -> None:
    run = await tegu.run(mapped("picky", "numbers"), b"30 numbers")
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.code == "bad_taste"


async def test_items_that_may_fail_are_null(tegu: Tegu) -> None:
    run = await tegu.run(mapped("picky", {"over": "numbers", "on_failure": "skip"}), b"30 numbers")
    assert run.status is RunStatus.COMPLETED, run.error
    assert output(run) == [None if n % 7 == 0 else 2 * n for n in range(30)]


@pytest.mark.parametrize(("share", "status"), [(0.2, RunStatus.COMPLETED), (0.1, RunStatus.FAILED)])
async def test_a_share_may_fail(tegu: Tegu, share: float, status: RunStatus) -> None:
    each = {"over": "numbers", "on_failure": {"at_most": share}}
    run = await tegu.run(mapped("picky", each), b"30 numbers")
    assert run.status is status, run.error


async def test_each_item_is_tried_again_by_itself(tegu: Tegu) -> None:
    run = await tegu.run(mapped("moody", "numbers"), b"5 numbers")
    assert output(run) == [0, 1, 2, 3, 4]


async def test_no_more_items_are_under_way_than_the_map_allows(tegu: Tegu) -> None:
    each = {"over": "numbers", "max_parallel": 3}
    (run_id,) = await tegu.start(mapped("slow", each), b"20 numbers")
    driving = asyncio.create_task(tegu.drive([run_id], timeout_s=60))
    async with asyncio.timeout(30):
        while await under_way(tegu) < 3:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    assert await under_way(tegu) == 3
    await tegu.cancel(run_id)
    assert await driving == {run_id: RunStatus.CANCELLED}


async def under_way(tegu: Tegu) -> int:
    scope = await tegu.scope()
    async with scope.transaction() as connection:
        return (
            await connection.execute(
                text("select count(*) from tegu.stage_runs where item <> '' and status = 'running'")
            )
        ).scalar_one()


async def test_what_is_downstream_reads_the_whole(tegu: Tegu) -> None:
    document = mapped("double", "numbers")
    stages = document["stages"]
    assert isinstance(stages, dict)
    stages["sum"] = python("total", "each")
    run = await tegu.run(document, b"10 numbers")
    assert output(run, "sum") == 90


async def test_results_of_items_are_the_runs_and_stand_there_once(tegu: Tegu) -> None:
    run = await tegu.run(mapped("double", "numbers"), b"120 numbers")
    mine = [result for result in run.results if result.stage == "each"]
    assert sorted(int(result.item) for result in mine) == list(range(120))


async def test_whoever_watches_a_map_is_told_how_many_of_its_items_have_ended(tegu: Tegu) -> None:
    document = mapped("picky", {"over": "numbers", "on_failure": "skip"}, retries=0)
    run = await tegu.run(document, b"1200 numbers")
    (group,) = run.children
    assert group.progress == "1,200 of 1,200 items, 172 failed"
    (item,) = (stage for stage in run.stages if stage.stage == "each")
    assert group.began_at is not None
    assert item.ended_at is not None
    assert item.ended_at > group.began_at
    seen = await run_actions.events_after(await tegu.scope(), {run.id: 0}, limit=1000)
    told = [each.data for each in seen if each.kind == "stage.waiting" and each.stage == "each"]
    assert any("of 1,200 items have ended" in str(data) for data in told)
    # The items of slices that have ended are counted once.
    asked: list[str] = []
    scope = await tegu.scope()
    async with scope.transaction() as connection:
        assert isinstance(connection, AsyncConnection)
        event.listen(
            connection.sync_connection,
            "before_cursor_execute",
            lambda *given: asked.append(given[2]),
        )
        again = await children_of(connection, scope.organization_id, run.id)
    assert again == run.children
    assert asked
    assert not any("stage_runs" in query for query in asked)

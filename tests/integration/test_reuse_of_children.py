"""Runs below a stage reuse those of the same place below the base, item by item and stage by stage."""

from typing import Any
from uuid import UUID

import asyncpg
import mapping_stages
import pytest
from rerun_lab import finished, run_again

from tegu.actions.forking import ForkOptions, fork
from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

MAP: JsonObject = {
    "tegu": 1,
    "name": "doubled",
    "input": "content",
    "stages": {
        "numbers": {"uses": "python", "with": {"function": "numbers@1"}, "inputs": ["source"]},
        "each": {
            "uses": "python",
            "with": {"function": "double@1"},
            "inputs": ["item"],
            "each": "numbers",
        },
        "total": {"uses": "python", "with": {"function": "total@1"}, "inputs": ["each"]},
    },
}


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Any) -> Any:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, stages=mapping_stages.ALL) as opened:
        yield opened


async def items_of(address: DatabaseAddress, run_id: UUID) -> tuple[int, int]:
    """How many items the slices of a run have, and how many of them were reused."""
    owner = await asyncpg.connect(address.owner)
    try:
        row = await owner.fetchrow(
            "select count(*), count(s.reused_from) from tegu.stage_runs s join tegu.runs r on r.id = s.run_id"
            " where r.parent_id = $1",
            run_id,
        )
    finally:
        await owner.close()
    assert row is not None
    return row[0], row[1]


async def test_the_items_of_a_map_are_reused_one_by_one(tegu: Tegu, address: DatabaseAddress) -> None:
    base = await tegu.run(MAP, b"120 numbers")
    again = await run_again(tegu, base, MAP)
    assert again.stage_outputs == base.stage_outputs
    assert await items_of(address, base.id) == (120, 0)
    assert await items_of(address, again.id) == (120, 120)


async def test_a_map_that_is_forked_from_is_performed_anew(tegu: Tegu, address: DatabaseAddress) -> None:
    base = await tegu.run(MAP, b"5 numbers")
    made = await fork(await tegu.scope(), base.id, ForkOptions("each"))
    run = await finished(tegu, made.run_id)
    assert run.stage_outputs == base.stage_outputs
    assert await items_of(address, run.id) == (5, 0)


async def test_no_child_is_started_for_a_map_that_was_copied(tegu: Tegu, address: DatabaseAddress) -> None:
    base = await tegu.run(MAP, b"5 numbers")
    made = await fork(await tegu.scope(), base.id, ForkOptions("total"))
    run = await finished(tegu, made.run_id)
    assert run.stage_outputs == base.stage_outputs
    assert await items_of(address, run.id) == (0, 0)


async def test_an_output_that_was_given_is_mapped_over_and_equal_items_are_reused(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    base = await tegu.run(MAP, b"5 numbers")
    made = await fork(
        await tegu.scope(), base.id, ForkOptions("total", outputs={"numbers": [0, 1, 2, 3, 40]})
    )
    run = await finished(tegu, made.run_id)
    assert run.stage_outputs["each"] == [0, 2, 4, 6, 80]
    assert run.stage_outputs["total"] == 92
    assert await items_of(address, run.id) == (5, 4)

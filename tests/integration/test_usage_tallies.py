"""Tallies: usage and costs of runs are the same however much of them is tallied, and nothing is missed or counted twice."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from action_lab import ask

from tegu.app import Tegu
from tegu.domain.call import Usage
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.engine.tallies import tally_all
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import BegunCall, ModelRef, ModelReply, ModelRequest
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.storage.ledger import CallPlace, StoredLedger
from tegu.storage.tallies import tally

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}
OUTER: JsonObject = {
    "tegu": 1,
    "name": "outer",
    "input": "content",
    "stages": {"inner": {"uses": "pipeline", "with": {"pipeline": "note"}}},
}
TEXT = "Please refund EUR 10.00."


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def fetch(tegu: Tegu, query: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(tegu.database.address.owner)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def tallied(tegu: Tegu, *, at_once: int = 1, **more: float) -> None:
    """Until all that is there now is in the tallies, by so many workers."""
    now, pool = datetime.now(UTC), await tegu.database.engine()
    async with asyncio.timeout(30):
        while True:
            await asyncio.gather(*(tally_all(pool, statement_s=0.0, **more) for _ in range(at_once)))
            (mark,) = await fetch(tegu, "select min(upto) as upto from tegu.tally_marks")
            if mark["upto"] is not None and mark["upto"] > now:
                break
            await asyncio.sleep(0.05)
    broken = [check for check in await check_invariants(tegu.database.address, rows_max=5) if check.broken]
    assert not [check for check in broken if "tallies" in check.name], broken


async def begun(tegu: Tegu, run_id: UUID | None) -> tuple[StoredLedger, BegunCall]:
    scope = await tegu.scope()
    ledger = StoredLedger(await tegu.database.engine(), CallPlace(scope.organization_id, run_id, "extra"))
    request = ModelRequest(ModelRef("scripted", "one"), f"Say {new_id()}.")
    return ledger, await ledger.begin(request, ordinal=1, attempt=1)


async def replied(ledger: StoredLedger, call: BegunCall, cost_usd: str) -> None:
    usage = Usage(input_tokens=3, output_tokens=1)
    await ledger.replied(call, ModelReply("said", "stop", usage, Decimal(cost_usd)), latency_ms=1)


async def used(tegu: Tegu) -> Any:
    return (await ask(await tegu.scope(), "usage.list")).items


async def costing(tegu: Tegu, **said: str) -> set[UUID]:
    return {run.id for run in (await ask(await tegu.scope(), "runs.list", **said)).items}


async def test_usage_is_the_same_before_and_after_it_is_tallied_by_however_many(tegu: Tegu) -> None:
    run = await tegu.run(NOTE, TEXT)
    await replied(*(await begun(tegu, run.id)), "0.25")
    await replied(*(await begun(tegu, None)), "0.5")
    await tegu.for_organization("other").ingest("A note of another.")
    before = await used(tegu)
    assert sum(row.cost_usd for row in before) == Decimal("0.75")
    for _ in range(2):
        await tallied(tegu, at_once=4)
        assert await used(tegu) == before
    await tegu.run(NOTE, TEXT)
    after = await used(tegu)
    assert sum(row.runs for row in after) == sum(row.runs for row in before) + 1
    await fetch(tegu, "delete from tegu.runs")
    assert sum(row.runs for row in await used(tegu)) == 1, (
        "what was pruned was used all the same, once it is tallied"
    )


async def test_a_history_is_tallied_a_step_at_a_time(tegu: Tegu) -> None:
    for _ in range(3):
        await tegu.run(NOTE, TEXT)
    for name in ("runs", "llm_calls", "contents"):
        # As old as the row before it and a day: ids and times go together.
        await fetch(
            tegu,
            f"""update tegu.{name} r set created_at = r.created_at - make_interval(days => o.nth::int),
            id = uuidv7(-make_interval(days => o.nth::int))
            from (select id, row_number() over (order by id desc) as nth from tegu.{name}) o where o.id = r.id""",
        )
    before = await used(tegu)
    assert len({row.day for row in before}) == 3
    await tallied(tegu, step_s=7200.0)
    assert await used(tegu) == before


async def test_a_call_that_ends_after_it_was_tallied_is_added_then_and_once(tegu: Tegu) -> None:
    run = await tegu.run(NOTE, TEXT)
    ledger, call = await begun(tegu, run.id)
    await tallied(tegu)
    (row,) = [row for row in await used(tegu) if row.model == "one"]
    assert (row.calls, row.cost_usd, row.unknown_costs) == (1, Decimal(0), 1)
    await replied(ledger, call, "0.25")
    assert await costing(tegu, cost_above_usd="0.2") == {run.id}, "at once, in lists of runs"
    for _ in range(2):
        await tallied(tegu, at_once=3)
        (row,) = [row for row in await used(tegu) if row.model == "one"]
        assert (row.calls, row.cost_usd, row.unknown_costs, row.input_tokens) == (1, Decimal("0.25"), 0, 3)
    assert await costing(tegu, cost_above_usd="0.2") == {run.id}
    assert not await fetch(tegu, "select 1 from tegu.late_calls")


async def test_what_a_long_transaction_stores_is_not_missed(tegu: Tegu) -> None:
    scope, pool = await tegu.scope(), await tegu.database.engine()
    await tallied(tegu)
    connection = await asyncpg.connect(tegu.database.address.owner)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(
        """insert into tegu.contents (organization_id, id, source_type, media_type, sha256, size_bytes)
        values ($1, uuidv7(), 'api', 'text/plain', 'f00', 7)""",
        scope.organization_id,
    )
    for _ in range(4):
        await tally(pool, scope.organization_id, statement_s=0.0)
    await transaction.commit()
    await connection.close()
    assert sum(row.content_bytes for row in await used(tegu)) == 7
    await tallied(tegu)
    assert sum(row.content_bytes for row in await used(tegu)) == 7


async def test_runs_are_found_by_their_cost_however_much_of_it_is_tallied(tegu: Tegu) -> None:
    await tegu.pipeline(NOTE)
    cheap, outer = await tegu.run(NOTE, TEXT), await tegu.run(OUTER, TEXT)
    (child,) = await fetch(tegu, "select id from tegu.runs where parent_id is not null")
    await replied(*(await begun(tegu, cheap.id)), "0.1")
    await replied(*(await begun(tegu, child["id"])), "0.25")

    async def check() -> None:
        for found, said in (
            ({outer.id}, {"cost_above_usd": "0.2"}),
            ({cheap.id, outer.id}, {"cost_above_usd": "0.0999999999"}),
            ({outer.id}, {"cost_above_usd": "0.1"}),
            (set[UUID](), {"cost_above_usd": "0.25"}),
            (set[UUID](), {"cost_above_usd": "9999999999"}),
            ({cheap.id}, {"cost_below_usd": "0.25"}),
            ({cheap.id, outer.id}, {"cost_below_usd": "0.2500000001"}),
            (set[UUID](), {"cost_below_usd": "0.1"}),
            (set[UUID](), {"cost_below_usd": "0"}),
            ({outer.id}, {"cost_above_usd": "0.1", "cost_below_usd": "0.3", "status": "completed"}),
        ):
            assert await costing(tegu, **said) == found, said

    await check()
    await tallied(tegu)
    await check()
    # What comes now is added to what is tallied, also to the run at the top.
    await replied(*(await begun(tegu, child["id"])), "0.25")
    assert await costing(tegu, cost_above_usd="0.4") == {outer.id}
    assert await costing(tegu, cost_below_usd="0.4") == {cheap.id}

"""Usage: what the days came to, and that it is told once."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tegu.actions import webhooks
from tegu.actions.declared import usage
from tegu.actions.declared.usage import ListUsage
from tegu.app import Tegu
from tegu.domain.call import Usage as Tokens
from tegu.domain.json import JsonObject
from tegu.domain.usage import DayUsage
from tegu.domain.webhook import WebhookEvent
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import ModelRef, ModelReply, ModelRequest
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.ledger import CallPlace, StoredLedger
from tegu.storage.usage import organizations_to_record, record_usage

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "quotas.md").read_text("utf-8")
YESTERDAY = "update tegu.{} set created_at = created_at - interval '1 day'"


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(
        home=tmp_path, database_url=address.owner, model="rules", secret_keys="k1:" + "A" * 43
    )
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


@pytest.fixture
async def execute(address: DatabaseAddress) -> AsyncGenerator[Callable[..., Any]]:
    connection = await asyncpg.connect(address.owner)
    yield connection.fetch
    await connection.close()


async def listed(tegu: Tegu, **asked: Any) -> tuple[DayUsage, ...]:
    return (await usage.list_usage(await tegu.scope(), ListUsage(**asked))).items


async def ask(tegu: Tegu, run_id: UUID | None, cost_usd: str | None) -> None:
    scope = await tegu.scope()
    ledger = StoredLedger(await tegu.database.engine(), CallPlace(scope.organization_id, run_id, "extra"))
    call = await ledger.begin(
        ModelRequest(ModelRef("scripted", "one"), f"Say {cost_usd}."), ordinal=1, attempt=1
    )
    cost = Decimal(cost_usd) if cost_usd is not None else None
    await ledger.replied(
        call, ModelReply("said", "stop", Tokens(input_tokens=3, output_tokens=1), cost), latency_ms=1
    )


async def test_usage_adds_up_by_pipeline_and_model_and_is_ones_own(tegu: Tegu) -> None:
    content = await tegu.ingest("Please refund EUR 10.00.")
    run = await tegu.run(NOTE, content)
    await tegu.run(NOTE, content)
    await ask(tegu, run.id, "0.25")
    await ask(tegu, None, None)
    other = tegu.for_organization("other")
    await other.ingest("A note of another.")
    found = await listed(tegu)
    by_model = {(row.pipeline, row.model): row for row in found}
    assert by_model["note", "one"].cost_usd == Decimal("0.25")
    assert (by_model["note", None].runs, by_model[None, "one"].unknown_costs) == (2, 1)
    assert sum(row.calls for row in found) == 4
    size = content.content.size_bytes
    assert (sum(row.contents for row in found), sum(row.content_bytes for row in found)) == (1, size)
    assert [row.model for row in await listed(tegu, pipeline="note")] != []
    assert await listed(tegu, until="2020-01-01", since="2019-01-01") == ()


async def test_pages_of_usage_neither_repeat_nor_miss_a_row(tegu: Tegu) -> None:
    run = await tegu.run(NOTE, "Please refund EUR 10.00.")
    await ask(tegu, run.id, "0.25")
    whole, cursor, rows = await listed(tegu), None, list[DayUsage]()
    while True:
        page = await usage.list_usage(await tegu.scope(), ListUsage(limit=1, cursor=cursor))
        rows += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert tuple(rows) == whole
    assert len(whole) > 2


async def test_the_view_shows_the_app_role_its_own_organization_alone(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    await tegu.ingest("A note.")
    other = await tegu.for_organization("other").scope()
    async with tegu.database.transaction(other.organization_id) as connection:
        assert (await connection.exec_driver_sql("select * from tegu.usage")).all() == []
    async with tegu.database.transaction((await tegu.scope()).organization_id) as connection:
        (row,) = (await connection.exec_driver_sql("select external_id, contents from tegu.usage")).all()
    assert tuple(row) == ("default", 1)


async def test_a_day_is_told_once_for_each_pipeline_however_many_record_it_and_again_where_it_came_to_more(
    tegu: Tegu, execute: Callable[..., Any]
) -> None:
    scope = await tegu.scope()
    new = webhooks.NewWebhook("https://example.com/", (WebhookEvent.USAGE_RECORDED,))
    await webhooks.create(scope, new)
    run = await tegu.run(NOTE, "Please refund EUR 10.00.")
    await ask(tegu, run.id, "0.25")
    pool = await tegu.database.engine()
    assert await organizations_to_record(pool) == [scope.organization_id]

    async def record() -> int:
        each = (record_usage(pool, scope.organization_id, days=3, grace_s=0.0) for _ in range(4))
        return sum(await asyncio.gather(*each))

    assert await record() == 0, "the day is not over"
    for name in ("runs", "llm_calls", "contents"):
        await execute(YESTERDAY.format(name))
    assert await record() == 2, "of the pipeline, and of what belongs to none"
    assert await record() == 0
    await ask(tegu, run.id, "0.5")
    await execute(YESTERDAY.format("llm_calls") + " where created_at > now() - interval '1 hour'")
    assert await record() == 1
    await execute("delete from tegu.runs")
    assert await record() == 0, "what was pruned since was used all the same"
    rows = await execute(
        "select data from tegu.webhook_deliveries where data->>'pipeline' = 'note' order by id"
    )
    told = [json.loads(row["data"]) for row in rows]
    assert [(each["revision"], each["cost_usd"], each["calls"]) for each in told] == [
        (1, "0.25", 2),
        (2, "0.75", 3),
    ]
    assert {each["runs"] for each in told} == {1}
    (shown,) = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert shown.pop("organization") == "default", "which is said of every event"
    assert shown | {"day": told[0]["day"]} == told[0]


async def test_of_a_pruned_run_it_is_still_known_which_pipeline_its_calls_were_for(
    tegu: Tegu, execute: Callable[..., Any]
) -> None:
    run = await tegu.run(NOTE, "Please refund EUR 10.00.")
    await ask(tegu, run.id, "0.25")
    await execute("delete from tegu.runs")
    assert sum(row.cost_usd for row in await listed(tegu, pipeline="note")) == Decimal("0.25")
    assert await listed(tegu, since=(await listed(tegu))[0].day + timedelta(days=1)) == ()

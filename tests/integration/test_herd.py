"""Herds: ten thousand runs of one organization in front of one run of another, a hundred equal submissions at once."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from engine_lab import FAST, Lab, chain, echo, working

from tegu import StartOptions, Tegu
from tegu.domain.errors import ConflictError
from tegu.domain.outcome import StageOutcome
from tegu.llm.credentials import EnvironmentCredentials
from tegu.pipeline.task import StageTask
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.organizations import ensure_organization

HERD = 10_000
COPIES = """
    insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, functions, due_at, triggered_by, metadata)
    select organization_id, gen_random_uuid(), pipeline_id, version_id, content_id, functions, due_at, triggered_by, metadata
    from tegu.runs, generate_series(1, $2) where id = $1
"""


async def test_a_herd_that_fills_every_slot_for_ever_keeps_no_other_organization_out(lab: Lab) -> None:
    ends = asyncio.Event()

    async def endless(task: StageTask) -> StageOutcome:
        if task.organization_id == lab.organization:
            await ends.wait()
        return await echo(task)

    (first,) = await lab.start(chain("a", timeout_s=600))
    await lab.rows(COPIES, first, HERD - 1)
    other = Lab(lab.database, await ensure_organization(lab.database.address, "small"))
    async with working(await lab.worker(endless, options=replace(FAST, concurrency=20))):
        async with asyncio.timeout(60):
            while (await lab.rows("select count(*) as n from tegu.runs where status = 'running'"))[0][
                "n"
            ] < 20:
                await asyncio.sleep(0.05)
        # Every slot of the herd's share is taken by a stage that does not end.
        mine = await other.start(chain("b"))
        assert await other.until(mine, timeout_s=30) == {"completed"}
        ended = await lab.rows(
            "select count(*) as n from tegu.runs where organization_id = $1 and ended_at is not null",
            lab.organization,
        )
        assert ended[0]["n"] == 0
        ends.set()


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def test_a_hundred_equal_submissions_with_one_key_make_one_run(tegu: Tegu) -> None:
    pipeline = await tegu.pipeline({"name": "note", "stages": {"summary": {"uses": "summarize"}}})
    note = await tegu.ingest("A note about a refund of 12 EUR.")
    options = StartOptions(idempotency_key="order 17")
    started = await asyncio.gather(*(tegu.start(pipeline, note, options=options) for _ in range(100)))
    assert len(set(started)) == 1
    assert [run.id for run in await tegu.list_runs()] == list(started[0])
    with pytest.raises(ConflictError):
        await tegu.start(pipeline, note, options=replace(options, model="rules"))
    other = tegu.for_organization("other")
    theirs = await other.start(
        await other.pipeline({"name": "note", "stages": {"summary": {"uses": "summarize"}}}),
        "A note.",
        options=options,
    )
    assert theirs != started[0]

"""Stages declared inside a function: no child process can import them, and a crash must not cost their runs."""

import asyncio
from pathlib import Path

import pytest

from tegu import Document, Pipeline, StageContext, Tegu, stage
from tegu.domain.status import RunStatus
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress


async def test_a_run_whose_stage_no_child_can_import_goes_on_after_its_worker_died(
    address: DatabaseAddress, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[int] = []

    @stage(version=1, retries=0)
    async def local(ctx: StageContext) -> str:
        begun.append(ctx.attempt)
        if len(begun) == 1:
            await asyncio.sleep(100)
        return "done"

    pipeline = Pipeline("local_stages", input=Document)
    pipeline.stage("only", local)
    settings = Settings(home=Path("/nowhere"), database_url=address.owner)
    async with Tegu(settings=settings, stages=[local]) as tegu:
        (run_id,) = await tegu.start(pipeline, b"A text.")
        worker = await tegu.worker()
        driving = asyncio.create_task(worker.run())
        async with asyncio.timeout(60):
            while not begun:
                await asyncio.sleep(0.02)
        driving.cancel()  # as a crash would: nothing is handed back
        await asyncio.gather(driving, return_exceptions=True)
        statuses = await tegu.drive([run_id], timeout_s=90)
        assert statuses == {run_id: RunStatus.COMPLETED}, (await tegu.get_run(run_id)).error
    assert begun == [1, 2]
    assert "Declare stages at the top of a module" in caplog.text

"""Signals to a run reach what waits in the runs that it started, however deep, and whoever is faster."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import UUID

import mapping_stages
import pytest
from action_lab import ask
from engine_lab import Lab, never, working
from test_families import CHILD, PARENT, nesting, published_child, until_children
from test_maps import output, python
from test_nesting import document, nested

from tegu import Tegu
from tegu.actions import signals as signal_actions
from tegu.actions.scope import Scope
from tegu.domain.errors import ConflictError
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.pipeline.child import ChildSpec
from tegu.settings import Settings
from tegu.storage import signals
from tegu.storage.database import DatabaseAddress
from tegu.storage.statements import statement


@pytest.fixture
async def tegu(address: DatabaseAddress, lab: Lab, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, stages=mapping_stages.ALL) as opened:
        await opened.pipeline(document("asking", wait=wait()))
        yield opened


def wait(**more: Any) -> JsonObject:
    return {"uses": "wait", "inputs": [], "with": {"signal": "go"}, **more}


OUTER = document(
    "outer",
    numbers=python("numbers", "source"),
    mapped=wait(each="numbers"),
    nested=nested("asking", "source", each="numbers"),
    after=wait(needs=["mapped", "nested"]),
)


async def scope_of(tegu: Tegu) -> Scope:
    return await tegu.scope()


async def until_waiting(lab: Lab, count: int) -> None:
    query = "select count(*) as n from tegu.stage_runs where error ->> 'code' = 'waits_for_signal' and status = 'waiting'"
    try:
        async with asyncio.timeout(30):
            while (await lab.rows(query))[0]["n"] != count:
                await asyncio.sleep(0.05)
    except TimeoutError:
        left = await lab.rows("select * from tegu.runs where ended_at is null")
        stages = await lab.rows("select * from tegu.stage_runs where ended_at is null")
        raise AssertionError(f"not {count} wait: {left}; {stages}") from None


async def test_a_signal_to_a_run_reaches_every_wait_of_the_runs_that_it_started(tegu: Tegu, lab: Lab) -> None:
    (run_id,) = await tegu.start(OUTER, b"4 numbers")
    driving = asyncio.create_task(tegu.drive([run_id]))
    await until_waiting(lab, 8)
    assert (await ask(await scope_of(tegu), "runs.signal", run_id=run_id, name="go", data=7)).received
    assert (await driving) == {run_id: RunStatus.COMPLETED}
    run = await tegu.get_run(run_id)
    assert [each["data"] for each in output(run, "mapped")] == [7] * 4
    assert [each["wait"]["data"] for each in output(run, "nested")] == [7] * 4
    assert len(await lab.rows("select 1 from tegu.run_signals")) == 1


async def test_runs_that_are_started_later_hear_what_was_kept(tegu: Tegu, lab: Lab) -> None:
    (run_id,) = await tegu.start(OUTER, b"2 numbers")
    assert (await ask(await scope_of(tegu), "runs.signal", run_id=run_id, name="go")).received
    assert await tegu.drive([run_id]) == {run_id: RunStatus.COMPLETED}


async def test_a_signal_to_a_child_is_heard_by_it_alone(tegu: Tegu, lab: Lab) -> None:
    (run_id,) = await tegu.start(OUTER, b"3 numbers")
    driving = asyncio.create_task(tegu.drive([run_id]))
    await until_waiting(lab, 6)
    (child,) = await lab.rows("select id from tegu.runs where depth = 1 order by id limit 1")
    await ask(await scope_of(tegu), "runs.signal", run_id=child["id"], name="go")
    await until_waiting(lab, 5)
    await ask(await scope_of(tegu), "runs.signal", run_id=run_id, name="go")
    assert (await driving) == {run_id: RunStatus.COMPLETED}


async def test_who_waits_now_hears_once_what_is_not_to_be_kept(
    tegu: Tegu, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = await scope_of(tegu)
    (run_id,) = await tegu.start(OUTER, b"3 numbers")
    assert not (await ask(scope, "runs.signal", run_id=run_id, name="go", keep=False)).received
    driving = asyncio.create_task(tegu.drive([run_id]))
    await until_waiting(lab, 6)
    with monkeypatch.context() as few:
        few.setattr(signal_actions, "LISTENERS_MAX", 2)
        with pytest.raises(ConflictError, match="wait for that"):
            await ask(scope, "runs.signal", run_id=run_id, name="go", keep=False)
    once = {"run_id": run_id, "name": "go", "data": 1, "keep": False, "idempotency_key": "once"}
    assert (await ask(scope, "runs.signal", **once)).received
    await until_waiting(lab, 1)  # what comes after them, and waits for another
    await ask(scope, "runs.signal", **once)  # which is no other
    assert (await ask(scope, "runs.signal", run_id=run_id, name="go", data=2, keep=False)).received
    assert (await driving) == {run_id: RunStatus.COMPLETED}
    run = await tegu.get_run(run_id)
    assert [each["data"] for each in output(run, "mapped")] == [1] * 3
    assert output(run, "after")["data"] == 2


async def test_a_child_that_is_being_started_is_waited_for(lab: Lab) -> None:
    name = await published_child(lab)
    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker({**await nesting(lab, ChildSpec("", name)), "inner": never})):
        await until_children(lab, run_id, {"running"})
    (child,) = await lab.rows("select id from tegu.runs where parent_id = $1", run_id)
    pool = await lab.database.engine()
    async with pool.acquire() as connection:
        starting = connection.transaction()
        await starting.start()
        await connection.execute("select 1 from tegu.runs where id = $1 for no key update", child["id"])
        asked = asyncio.create_task(addressed(lab, run_id))
        async with asyncio.timeout(30):
            while not await lab.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock'"):
                await asyncio.sleep(0.02)
        await connection.execute(
            "insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, priority, triggered_by, metadata,"
            " root_id, parent_id, parent_stage, parent_item, parent_try, depth)"
            " select organization_id, gen_random_uuid(), pipeline_id, version_id, content_id, 0, 'library', '{}', root_id, id,"
            " 'inner', '', 0, 2 from tegu.runs where id = $1",
            child["id"],
        )
        assert not asked.done()
        await starting.commit()
    assert len(await asked) == 3
    assert CHILD.name == "inner"
    assert "for no key update" in statement("lock_parent")


async def addressed(lab: Lab, run_id: UUID) -> tuple[UUID, ...]:
    async with lab.database.transaction(lab.organization) as connection:
        run = await signals.address(connection, lab.organization, run_id)
        assert run is not None
        return run.family

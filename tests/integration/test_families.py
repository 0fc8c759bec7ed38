"""Families of runs: children are started once, their parents wake when they end, and they end with their parents."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from engine_lab import Body, Lab, chain, echo, never, working

from tegu.domain.errors import ErrorInfo, StageError
from tegu.domain.outcome import WAITS_FOR_RUNS, Completed, Failed, Postponed, StageOutcome
from tegu.engine.families import FamilyWatch
from tegu.pipeline.child import ChildSpec, DataSource, RunInput
from tegu.pipeline.task import StageTask
from tegu.settings import FAMILY_RUNS_MAX
from tegu.storage import publishing
from tegu.storage.children import ChildStore, Families
from tegu.storage.statements import statement

PARENT, CHILD = chain("outer"), chain("inner")
LATER_S = 300.0
"""Longer than any test: what wakes a parent is its child."""


async def store_of(lab: Lab, *, family_max: int = FAMILY_RUNS_MAX) -> ChildStore:
    return ChildStore(await lab.database.engine(), family_max=family_max)


async def published_child(lab: Lab) -> str:
    async with lab.database.transaction(lab.organization) as connection:
        version = await publishing.publish(connection, lab.organization, CHILD)
    return f"{version.name}@{version.number}"


async def nesting(lab: Lab, *specs: ChildSpec, asks: int = 1) -> dict[str, Body]:
    """Bodies whose outer stage starts these children, as often as `asks` says, and waits for them."""
    store = await store_of(lab)

    async def outer(task: StageTask) -> StageOutcome:
        for _ in range(asks):
            await store.ensure(task, specs)
        states = await store.states(task)
        if all(state.status.is_terminal for state in states):
            failed = [state for state in states if state.error is not None]
            if failed:
                return Failed(failed[0].error or ErrorInfo("failed", ""))
            return Completed([state.item for state in states])
        return Postponed(ErrorInfo(WAITS_FOR_RUNS, "its children"), LATER_S)

    return {"outer": outer}


async def children_of(lab: Lab, run_id: UUID) -> dict[str, str]:
    rows = await lab.rows("select parent_item, status from tegu.runs where parent_id = $1", run_id)
    return {row["parent_item"]: row["status"] for row in rows}


async def until_children(lab: Lab, run_id: UUID, wanted: set[str], *, timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while set((await children_of(lab, run_id)).values()) != wanted:
            await asyncio.sleep(0.02)


async def test_a_parent_wakes_when_its_last_child_has_ended(lab: Lab) -> None:
    name = await published_child(lab)
    bodies = await nesting(lab, *(ChildSpec(f":{n}", name, RunInput(DataSource(n))) for n in range(5)))
    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker(bodies)):
        assert await lab.until([run_id]) == {"completed"}
    assert set((await children_of(lab, run_id)).values()) == {"completed"}
    assert await lab.rows("select 1 from tegu.run_wakes") == []
    assert await lab.attempts(run_id, "outer") == ["completed"]  # to look is no attempt


async def test_children_asked_for_twice_are_started_once(lab: Lab) -> None:
    name = await published_child(lab)
    bodies = await nesting(lab, ChildSpec(":0", name), ChildSpec(":1", name), asks=3)
    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker(bodies)):
        await lab.until([run_id])
    assert len(await children_of(lab, run_id)) == 2


async def test_a_child_inherits_what_its_parent_is_about_and_goes_before_it(lab: Lab) -> None:
    name = await published_child(lab)
    bodies = await nesting(lab, ChildSpec("", name, RunInput(DataSource({"a": 1}))))
    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker(bodies)):
        await lab.until([run_id])
    parent, child = await lab.rows("select * from tegu.runs order by depth")
    assert (child["parent_id"], child["root_id"], child["depth"]) == (run_id, run_id, 1)
    assert child["content_id"] == parent["content_id"]
    assert child["budget_id"] == run_id
    assert child["priority"] == parent["priority"] + 1
    assert child["input"] == '{"data": {"a": 1}}'


async def test_wakes_that_a_dead_process_left_are_passed_on_by_another(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await published_child(lab)
    bodies = await nesting(lab, ChildSpec("", name))
    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker({**bodies, "inner": never})) as first:
        await until_children(lab, run_id, {"running"})
        await lab.reached(run_id, "outer", "waiting")
        del first
    # The checkpoint of the child is stored by a worker whose chore never runs: as if it died between the two.
    worker = await lab.worker({**bodies, "inner": echo})
    monkeypatch.setattr(FamilyWatch, "watch", _deaf)
    async with working(worker):
        await until_children(lab, run_id, {"completed"})
    assert len(await lab.rows("select 1 from tegu.run_wakes")) == 1
    monkeypatch.undo()
    async with working(await lab.worker(bodies)):
        assert await lab.until([run_id]) == {"completed"}


async def _deaf(self: FamilyWatch, every_s: float, random: object) -> None:
    del self, every_s, random
    await asyncio.sleep(3600)


async def test_children_end_with_a_cancelled_parent(lab: Lab) -> None:
    name = await published_child(lab)
    bodies = await nesting(lab, *(ChildSpec(f":{n}", name) for n in range(3)))
    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker({**bodies, "inner": never})):
        await until_children(lab, run_id, {"running"})
        await lab.reached(run_id, "outer", "waiting")
        await lab.cancel(run_id)
        assert await lab.until([run_id]) == {"cancelled"}
        await until_children(lab, run_id, {"cancelled"})
    assert await lab.rows("select 1 from tegu.child_cancels") == []


async def test_children_end_with_a_stage_that_failed(lab: Lab) -> None:
    name = await published_child(lab)
    store = await store_of(lab)

    async def outer(task: StageTask) -> StageOutcome:
        await store.ensure(task, [ChildSpec("", name)])
        return Failed(ErrorInfo("bad", "no more"))

    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker({"outer": outer, "inner": never})):
        assert await lab.until([run_id]) == {"failed"}
        await until_children(lab, run_id, {"cancelled"})


async def test_a_zombie_starts_no_children(lab: Lab) -> None:
    name = await published_child(lab)
    store = await store_of(lab)
    seen: list[StageTask] = []

    async def outer(task: StageTask) -> StageOutcome:
        seen.append(task)
        return Completed(None)

    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker({"outer": outer})):
        await lab.until([run_id])
    await store.ensure(seen[0], [ChildSpec("", name)])
    await store.ensure(replace(seen[0], epoch=seen[0].epoch - 1), [ChildSpec("", name)])
    assert await children_of(lab, run_id) == {}


async def test_pipelines_nest_each_other_eight_deep_and_no_deeper(lab: Lab) -> None:
    name = await published_child(lab)
    store = await store_of(lab)
    errors: list[StageError] = []

    async def inner(task: StageTask) -> StageOutcome:
        try:
            await store.ensure(task, [ChildSpec("", name)])
        except StageError as error:
            errors.append(error)
            return Completed(None)
        if all(state.status.is_terminal for state in await store.states(task)):
            return Completed(None)
        return Postponed(ErrorInfo(WAITS_FOR_RUNS, "its child"), LATER_S)

    (run_id,) = await lab.start(CHILD)
    async with working(await lab.worker({"inner": inner})):
        assert await lab.until([run_id], timeout_s=60) == {"completed"}
    assert [error.code for error in errors] == ["nested_too_deep"]
    assert len(await lab.rows("select 1 from tegu.runs")) == 9


async def test_a_family_grows_to_its_limit_and_no_further_however_deep(lab: Lab) -> None:
    name = await published_child(lab)
    store = await store_of(lab, family_max=5)
    errors: list[StageError] = []

    async def grow(task: StageTask) -> StageOutcome:
        try:
            await store.ensure(task, [ChildSpec(f":{n}", name) for n in range(2)])
        except StageError as error:
            errors.append(error)
            return Completed(None)
        if all(state.status.is_terminal for state in await store.states(task)):
            return Completed(None)
        return Postponed(ErrorInfo(WAITS_FOR_RUNS, "its children"), LATER_S)

    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker({"outer": grow, "inner": grow})):
        assert await lab.until([run_id], timeout_s=60) == {"completed"}
    assert {(error.code, error.transient) for error in errors} == {("family_too_large", False)}
    assert (
        len(await lab.rows("select 1 from tegu.runs where root_id = $1", run_id)) == 4
    )  # two, and two of one of them
    (size,) = await lab.rows("select root_id, runs from tegu.family_sizes")
    assert (size["root_id"], size["runs"]) == (run_id, 4)


async def test_a_pipeline_that_is_not_there_is_said(lab: Lab) -> None:
    store = await store_of(lab)
    told: list[str] = []

    async def outer(task: StageTask) -> StageOutcome:
        with pytest.raises(StageError) as raised:
            await store.ensure(task, [ChildSpec("", "nobody@3")])
        told.append(raised.value.code)
        return Completed(None)

    (run_id,) = await lab.start(PARENT)
    async with working(await lab.worker({"outer": outer})):
        await lab.until([run_id])
    assert told == ["unknown_pipeline"]


async def test_many_ends_are_one_signal(lab: Lab) -> None:
    (run_id,) = await lab.start(PARENT)
    pool = await lab.database.engine()
    for _ in range(20):
        await pool.execute(
            "insert into tegu.run_wakes (organization_id, run_id, child_id) values ($1, $2, gen_random_uuid())",
            lab.organization,
            run_id,
        )
    assert await Families(pool).wake_parents() == (1, False)
    assert (await lab.rows("select inbox from tegu.runs"))[0]["inbox"] == 1
    assert "skip locked" in statement("drain_wakes")

"""Versions of Python stages while workers come and go: who takes which run, and what is said of those that wait."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from engine_lab import Lab, chain, working
from test_families import PARENT, children_of, nesting, published_child

from tegu.domain.content import InputKind
from tegu.domain.outcome import Completed, StageOutcome
from tegu.domain.run import Run
from tegu.engine.worker import Worker
from tegu.pipeline.child import ChildSpec
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.features import CHILD_RUNS, FEATURES
from tegu.pipeline.flow import EachSpec
from tegu.pipeline.task import StageTask
from tegu.storage import run_starts, runs
from tegu.storage.workers import Workers


def refunds(*versions: str) -> PipelineDefinition:
    """A pipeline whose stages are these versions of functions, one after the other."""
    plain = chain(*(f"s{number}" for number in range(len(versions))))
    stages = tuple(
        StageDefinition(stage.name, "python", {"function": version}, inputs=stage.inputs)
        for stage, version in zip(plain.stages, versions, strict=True)
    )
    return PipelineDefinition("refunds", plain.input, stages)


async def worker_with(lab: Lab, *functions: str, seen: list[str] | None = None, **more: Any) -> Worker:
    """A worker that has these functions, and fails the test when it is given another."""

    async def perform(task: StageTask) -> StageOutcome:
        name = str(task.stage.config["function"])
        assert name in functions, f"{name} was given to a worker that has {functions}"
        if seen is not None:
            seen.append(name)
        return Completed({"by": name})

    return await lab.worker(perform, functions=functions, **more)


async def listed(lab: Lab) -> Mapping[UUID, Run]:
    async with lab.database.transaction(lab.organization) as connection:
        return {run.id: run for run in await runs.list_runs(connection, lab.organization)}


async def waiting(lab: Lab, *run_ids: UUID) -> Mapping[UUID, tuple[str, ...]]:
    async with lab.database.transaction(lab.organization) as connection:
        return await runs.waiting_of(connection, lab.organization, run_ids)


async def reason(lab: Lab, run_id: UUID) -> str | None:
    """What `tegu runs show` says; the list and the short form say the same."""
    async with lab.database.transaction(lab.organization) as connection:
        run = await runs.get_run(connection, lab.organization, run_id)
    assert run is not None
    assert (await listed(lab))[run_id].waits_for == run.waits_for
    assert (await waiting(lab, run_id)).get(run_id, ()) == run.waits_for
    return run.waiting_reason


async def test_each_run_is_taken_by_a_worker_that_has_its_version(lab: Lab) -> None:
    old = await lab.start(refunds("refund@1"), 20)
    new = await lab.start(refunds("refund@2"), 20)
    ones: list[str] = []
    twos: list[str] = []
    async with (
        working(await worker_with(lab, "refund@1", seen=ones)),
        working(await worker_with(lab, "refund@2", seen=twos)),
    ):
        assert await lab.until([*old, *new]) == {"completed"}
    assert (ones, twos) == (["refund@1"] * 20, ["refund@2"] * 20)


async def test_both_versions_may_be_in_one_worker_so_that_old_runs_end(lab: Lab) -> None:
    ids = [*await lab.start(refunds("refund@1")), *await lab.start(refunds("refund@2"))]
    seen: list[str] = []
    async with working(await worker_with(lab, "refund@1", "refund@2", seen=seen)):
        assert await lab.until(ids) == {"completed"}
    assert sorted(seen) == ["refund@1", "refund@2"]


async def test_a_run_that_nobody_can_take_says_so_until_a_worker_comes(lab: Lab) -> None:
    (run_id,) = await lab.start(refunds("refund@1"))
    assert await reason(lab, run_id) == "no worker has refund@1"
    async with working(await worker_with(lab, "refund@2")) as other:
        async with asyncio.timeout(5):
            while other.worker.id is None:
                await asyncio.sleep(0.02)
        assert await reason(lab, run_id) == "no worker has refund@1"
        begun = asyncio.get_running_loop().time()
        async with working(await worker_with(lab, "refund@1")):
            assert await lab.until([run_id], timeout_s=5) == {"completed"}
        assert asyncio.get_running_loop().time() - begun < 5
    assert await reason(lab, run_id) is None


async def test_functions_that_are_only_in_different_workers_are_of_no_use(lab: Lab) -> None:
    (run_id,) = await lab.start(refunds("refund@1", "notify@3"))
    async with (
        working(await worker_with(lab, "refund@1")) as one,
        working(await worker_with(lab, "notify@3")) as two,
    ):
        async with asyncio.timeout(5):
            while one.worker.id is None or two.worker.id is None:
                await asyncio.sleep(0.02)
        assert await reason(lab, run_id) == "no worker has notify@3 and refund@1"


async def test_a_dead_worker_does_not_count(lab: Lab) -> None:
    (run_id,) = await lab.start(refunds("refund@1", "notify@3"))
    pool = await lab.database.engine()
    async with working(await worker_with(lab, "refund@1", "refund@7")) as dying:
        async with asyncio.timeout(5):
            while dying.worker.id is None:
                await asyncio.sleep(0.02)
        assert await reason(lab, run_id) == "no worker has notify@3"
        (alive,) = await Workers(pool).living()
        assert (alive.functions, alive.drives_all, alive.owned_runs) == (("refund@1", "refund@7"), True, 0)
        await dying.kill()
    async with asyncio.timeout(10):  # its lease must end first
        while await reason(lab, run_id) != "no worker has notify@3 and refund@1":
            await asyncio.sleep(0.1)
    assert await Workers(pool).living() == ()


async def test_a_worker_that_drives_only_its_own_runs_is_no_help_to_others(lab: Lab) -> None:
    (run_id,) = await lab.start(refunds("refund@1"))
    async with working(await worker_with(lab, "refund@1", only=())) as own:
        async with asyncio.timeout(5):
            while own.worker.id is None:
                await asyncio.sleep(0.02)
        assert await reason(lab, run_id) == "no worker has refund@1"
        (alive,) = await Workers(await lab.database.engine()).living()
        assert alive.drives_all is False


async def test_a_rolling_deployment_ends_old_runs_on_their_version(lab: Lab) -> None:
    gate, started = asyncio.Event(), asyncio.Event()
    seen: list[tuple[str, str]] = []

    def performing(worker: str, *functions: str):  # noqa: ANN202 (a stage body)
        async def perform(task: StageTask) -> StageOutcome:
            name = str(task.stage.config["function"])
            assert name in functions
            seen.append((worker, name))
            if worker == "old" and task.stage.name == "s1":
                started.set()
                await gate.wait()
            return Completed({"by": name})

        return perform

    (in_flight,) = await lab.start(refunds("refund@1", "refund@1"))
    old = await lab.worker(performing("old", "refund@1"), functions=["refund@1"])
    async with working(old) as leaving:
        await asyncio.wait_for(started.wait(), 60)
        # The new version is there before the old one leaves; it takes the new runs, and never the old one's.
        (fresh,) = await lab.start(refunds("refund@2"))
        async with working(await lab.worker(performing("new", "refund@2"), functions=["refund@2"])):
            assert await lab.until([fresh]) == {"completed"}
            leaving.worker.stop()  # it hands back what is under way
            await asyncio.wait_for(asyncio.shield(leaving._task), 60)
            assert await reason(lab, in_flight) == "no worker has refund@1"
            assert await lab.stages(in_flight) == {"s0": "completed", "s1": "pending"}
            both = await lab.worker(
                performing("both", "refund@1", "refund@2"), functions=["refund@1", "refund@2"]
            )
            async with working(both):
                assert await lab.until([in_flight]) == {"completed"}
    assert seen == [("old", "refund@1"), ("old", "refund@1"), ("new", "refund@2"), ("both", "refund@1")]


async def test_a_cancelled_run_needs_no_worker_with_its_version(lab: Lab) -> None:
    (run_id,) = await lab.start(refunds("refund@1"))
    async with lab.database.transaction(lab.organization) as connection:
        await run_starts.request_cancel(connection, lab.organization, run_id)
    assert await reason(lab, run_id) is None
    async with working(await worker_with(lab)):
        assert await lab.until([run_id]) == {"cancelled"}


async def test_runs_that_nobody_can_take_are_counted_for_the_operator(lab: Lab) -> None:
    await lab.start(refunds("refund@1"), 3)
    await lab.start(refunds("refund@2"), 2)
    async with working(await worker_with(lab, "refund@2")) as other:
        async with asyncio.timeout(5):
            while other.worker.id is None:
                await asyncio.sleep(0.02)
        found = await Workers(await lab.database.engine()).unserved()
    assert [(each.missing, each.runs) for each in found] == [(("refund@1",), 3)]


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        (StageDefinition("a", "loop"), "loop"),
        (StageDefinition("a", "test", each=EachSpec("source.parts")), "each"),
    ],
)
async def test_a_run_waits_for_workers_that_know_what_its_pipeline_uses(
    lab: Lab, stage: StageDefinition, missing: str
) -> None:
    (run_id,) = await lab.start(PipelineDefinition("modern", InputKind.CONTENT, (stage,)))
    async with working(await lab.worker(features=FEATURES - {missing})):
        (again,) = await lab.start(chain("b"))
        assert await lab.until([again]) == {"completed"}
        assert await reason(lab, run_id) == f"no worker has {missing}"
        (unserved,) = await Workers(await lab.database.engine()).unserved()
        assert unserved.missing == (missing,)
    assert await lab.stages(run_id) == {}
    async with working(await lab.worker()):
        assert await lab.until([run_id]) == {"completed"}


async def test_what_a_run_starts_is_left_to_workers_that_know_of_child_runs(lab: Lab) -> None:
    name = await published_child(lab)
    (run_id,) = await lab.start(PARENT)
    bodies, known = await nesting(lab, ChildSpec("", name)), FEATURES - {CHILD_RUNS}
    async with working(await lab.worker(bodies, features=known)):
        await lab.reached(run_id, "outer", "waiting")
        (plain,) = await lab.start(chain("b"))
        assert await lab.until([plain]) == {"completed"}
        assert await children_of(lab, run_id) == {"": "pending"}
    async with working(await lab.worker(bodies)):
        assert await lab.until([run_id]) == {"completed"}

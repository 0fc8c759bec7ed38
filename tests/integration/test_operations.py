"""What is held back: pauses, priorities, scheduled starts, limits."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from engine_lab import FAST, Lab, chain, echo, working

from tegu.domain.errors import UsageError
from tegu.domain.ids import new_id
from tegu.domain.operations import check_start_time, checked_priority
from tegu.domain.outcome import StageOutcome
from tegu.domain.run import Run
from tegu.pipeline.task import StageTask
from tegu.storage import holds, pipelines, publishing, run_starts, runs
from tegu.storage.claims import Claims, before_all
from tegu.storage.organizations import ensure_organization


async def paused(lab: Lab, name: str | None, *, reason: str | None = None) -> None:
    async with lab.database.transaction(lab.organization) as connection:
        found = await pipelines.find(connection, lab.organization, name) if name else None
        await holds.pause(connection, lab.organization, found.pipeline_id if found else None, reason)


async def resumed(lab: Lab, name: str | None) -> bool:
    async with lab.database.transaction(lab.organization) as connection:
        found = await pipelines.find(connection, lab.organization, name) if name else None
        return await holds.resume(connection, lab.organization, found.pipeline_id if found else None)


async def shown(lab: Lab, run_id: UUID) -> Run:
    async with lab.database.transaction(lab.organization) as connection:
        run = await runs.get_run(connection, lab.organization, run_id)
    assert run is not None
    return run


async def with_priorities(lab: Lab, priorities: Mapping[int, str]) -> list[UUID]:
    """One run of each priority, due as long ago as said."""
    found: list[UUID] = []
    for priority, ago in priorities.items():
        (run_id,) = await lab.start(chain("a"))
        await lab.rows(
            "update tegu.runs set priority = $2, due_at = now() - $3::text::interval where id = $1",
            run_id,
            priority,
            ago,
        )
        found.append(run_id)
    return found


# Pauses.


async def test_a_paused_pipeline_waits_and_says_why_while_the_others_go_on(lab: Lab) -> None:
    held = await lab.start(chain("a"), 300)
    free = await lab.start(chain("b"), 3)
    await paused(lab, "a", reason="the supplier is down")
    async with working(await lab.worker()):
        assert await lab.until(free) == {"completed"}
        assert {stage for _, stage, _ in lab.performed} == {"b"}
        assert (await shown(lab, held[0])).waiting_reason == "pipeline a is paused: the supplier is down"
        assert await resumed(lab, "a")
        assert await lab.until(held) == {"completed"}
    assert (await shown(lab, held[0])).waiting_reason is None


async def test_a_run_under_way_ends_its_stage_and_is_let_go_until_it_is_resumed(lab: Lab) -> None:
    gate = asyncio.Event()

    async def slow(task: StageTask) -> StageOutcome:
        await gate.wait()
        return await echo(task)

    (run_id,) = await lab.start(chain("a", "b"))
    async with working(await lab.worker({"a": slow})):
        await lab.reached(run_id, "a", "running")
        await paused(lab, "a_b")
        await asyncio.sleep(0.5)  # several looks of the watch loop
        gate.set()
        await lab.reached(run_id, "a", "completed")
        async with asyncio.timeout(10):
            while (run := await shown(lab, run_id)).status.value != "pending":
                await asyncio.sleep(0.02)
        assert run.waiting_reason == "pipeline a_b is paused"
        assert "b" not in await lab.stages(run_id)
        await resumed(lab, "a_b")
        assert await lab.until([run_id]) == {"completed"}
    assert lab.performed == [(run_id, "a", 1), (run_id, "b", 1)]
    kinds = [row["kind"] for row in await lab.rows("select kind from tegu.run_events order by seq")]
    assert kinds.count("run.paused") == 1


async def test_a_pause_that_ends_before_the_stage_does_lets_the_next_one_begin(lab: Lab) -> None:
    gate = asyncio.Event()

    async def slow(task: StageTask) -> StageOutcome:
        await gate.wait()
        return await echo(task)

    (run_id,) = await lab.start(chain("a", "b"))
    async with working(await lab.worker({"a": slow})):
        await lab.reached(run_id, "a", "running")
        await paused(lab, None)
        await asyncio.sleep(0.4)
        await resumed(lab, None)
        await asyncio.sleep(0.4)
        gate.set()
        assert await lab.until([run_id]) == {"completed"}
    assert not await lab.rows("select 1 from tegu.run_events where kind = 'run.paused'")


async def test_a_pause_of_everybody_holds_every_organization_and_each_sees_it(lab: Lab) -> None:
    other = Lab(lab.database, await ensure_organization(lab.database.address, "other"))
    pool = await lab.database.engine()
    await holds.pause_everybody(pool, None)
    mine, theirs = await lab.start(chain("a")), await other.start(chain("a"))
    async with working(await lab.worker()):
        await asyncio.sleep(0.5)
        assert lab.performed == []
        assert (await shown(other, theirs[0])).waiting_reason == "everything is paused"
        assert await holds.resume_everybody(pool)
        assert not await holds.resume_everybody(pool)
        assert await lab.until([*mine, *theirs]) == {"completed"}


async def test_an_organization_sees_and_ends_no_pause_of_anothers(lab: Lab) -> None:
    other = Lab(lab.database, await ensure_organization(lab.database.address, "other"))
    await paused(other, None, reason="theirs")
    (run_id,) = await lab.start(chain("a"))
    assert not await resumed(lab, None)
    assert (await shown(lab, run_id)).waiting_reason is None
    async with working(await lab.worker()):
        assert await lab.until([run_id]) == {"completed"}


async def test_a_paused_run_can_be_cancelled(lab: Lab) -> None:
    run_ids = await lab.start(chain("a"), 40)
    await paused(lab, "a")
    async with lab.database.transaction(lab.organization) as connection:
        await run_starts.request_cancel(connection, lab.organization, run_ids[-1])
    async with working(await lab.worker()):
        assert await lab.until(run_ids[-1:]) == {"cancelled"}
    assert lab.performed == []


async def test_runs_that_a_process_drives_itself_are_held_back_too(lab: Lab) -> None:
    (run_id,) = await lab.start(chain("a"))
    await paused(lab, "a")
    async with working(await lab.worker(only=[(lab.organization, run_id)])):
        await asyncio.sleep(0.4)
        assert lab.performed == []
        await resumed(lab, "a")
        assert await lab.until([run_id]) == {"completed"}


# Priorities.


async def order_of(lab: Lab) -> list[UUID]:
    """In which order a worker with one slot performs what is there."""
    options = replace(FAST, concurrency=1, reserved=0)
    async with working(await lab.worker(options=options)):
        await lab.until([row["id"] for row in await lab.rows("select id from tegu.runs")])
    return [run_id for run_id, _, _ in lab.performed]


async def test_higher_priorities_go_first_and_equal_ones_by_time(lab: Lab) -> None:
    low, normal, high = await with_priorities(lab, {-3: "9 min", 0: "8 min", 3: "1 min"})
    (newest,) = await lab.start(chain("a"))
    assert await order_of(lab) == [high, normal, newest, low]


async def test_a_low_priority_has_its_turn_when_it_has_waited_for_long(lab: Lab) -> None:
    low, normal = await with_priorities(lab, {-3: "4 hours", 0: "30 min"})
    assert await order_of(lab) == [low, normal]


async def test_priorities_hold_across_pipelines_of_an_organization(lab: Lab) -> None:
    await lab.start(chain("a"), 5)
    (urgent,) = await lab.start(chain("z"))
    await lab.rows("update tegu.runs set priority = 9 where id = $1", urgent)
    assert (await order_of(lab))[0] == urgent


@pytest.mark.parametrize("wrong", ["urgent", "1.5", 10, -10, True])
def test_what_is_no_priority_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match="is no priority"):
        checked_priority(wrong)


def test_priorities_have_names() -> None:
    assert [checked_priority(name) for name in ("low", "normal", "high", "-9", 9)] == [-3, 0, 3, -9, 9]


# Scheduled starts.


async def scheduled(lab: Lab, **when: Any) -> UUID:
    async with lab.database.transaction(lab.organization) as connection:
        version = await publishing.publish(connection, lab.organization, chain("a"))
        new = run_starts.NewRun(version, content_id=new_id(), **when)
        return await run_starts.insert_run(connection, lab.organization, new)


async def test_a_scheduled_run_waits_for_its_time_and_says_when(lab: Lab) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = await scheduled(lab, due_at=tomorrow)
    soon = await scheduled(lab, delay_s=0.5)
    async with working(await lab.worker()):
        assert await lab.until([soon]) == {"completed"}
        assert (await shown(lab, soon)).scheduled_at is None
        run = await shown(lab, later)
    assert run.scheduled_at == tomorrow
    assert run.status.value == "pending"
    assert {run_id for run_id, _, _ in lab.performed} == {soon}


async def test_a_time_that_is_past_is_now_and_no_place_in_the_queue(lab: Lab) -> None:
    (first,) = await lab.start(chain("a"))
    late = await scheduled(lab, due_at=datetime(2000, 1, 1, tzinfo=UTC))
    assert await order_of(lab) == [first, late]


@pytest.mark.parametrize(
    ("due_at", "delay_s"),
    [
        (datetime(2030, 1, 1), None),  # noqa: DTZ001 (refused for that)
        (datetime(2030, 1, 1, tzinfo=UTC), 5.0),
        (None, -1.0),
        (None, float("nan")),
    ],
)
def test_what_is_no_time_to_start_at_is_refused(due_at: datetime | None, delay_s: float | None) -> None:
    with pytest.raises(UsageError):
        check_start_time(due_at, delay_s)


# Limits.


async def test_no_more_runs_are_under_way_than_the_organization_may_have_over_all_workers(lab: Lab) -> None:
    other = Lab(lab.database, await ensure_organization(lab.database.address, "other"))
    await holds.set_runs_max(await lab.database.engine(), lab.organization, 3)
    under_way: dict[UUID, int] = defaultdict(int)
    most: dict[UUID, int] = defaultdict(int)

    async def counted(task: StageTask) -> StageOutcome:
        under_way[task.organization_id] += 1
        most[task.organization_id] = max(most[task.organization_id], under_way[task.organization_id])
        await asyncio.sleep(0.02)
        under_way[task.organization_id] -= 1
        return await echo(task)

    mine, theirs = await lab.start(chain("a", "b"), 60), await other.start(chain("a"), 60)
    workers = [await lab.worker(counted) for _ in range(3)]
    async with working(workers[0]), working(workers[1]), working(workers[2]):
        assert await lab.until([*mine, *theirs]) == {"completed"}
    assert most[lab.organization] == 3
    assert most[other.organization] > 3


async def test_a_run_says_that_it_waits_for_the_limit_and_goes_on_when_it_is_raised(lab: Lab) -> None:
    pool = await lab.database.engine()
    await holds.set_runs_max(pool, lab.organization, 1)
    gate = asyncio.Event()

    async def slow(task: StageTask) -> StageOutcome:
        await gate.wait()
        return await echo(task)

    first, second = await lab.start(chain("a"), 2)
    async with working(await lab.worker(slow)):
        async with asyncio.timeout(10):
            while not lab.performed:
                await asyncio.sleep(0.02)
        waits = second if lab.performed[0][0] == first else first
        assert (
            await shown(lab, waits)
        ).waiting_reason == "the organization has as many runs under way as it may (1 run)"
        await holds.set_runs_max(pool, lab.organization, None)
        async with asyncio.timeout(10):
            while len(lab.performed) < 2:
                await asyncio.sleep(0.02)
        gate.set()
        assert await lab.until([first, second]) == {"completed"}


async def test_claims_at_the_same_time_do_not_exceed_a_limit(lab: Lab) -> None:
    pool = await lab.database.engine()
    await holds.set_runs_max(pool, lab.organization, 5)
    run_ids = await lab.start(chain("a"), 100)
    claimers = [new_id() for _ in range(6)]
    for worker_id in claimers:
        await lab.rows(
            "insert into tegu.workers (id, host, pid, version, concurrency, lease_until)"
            " values ($1, '', 0, '', 1, now() + interval '1 hour')",
            worker_id,
        )
    claims = Claims(pool)
    for _ in range(15):
        await asyncio.gather(
            *(
                claims.claim(w, limit=3, after=before_all(), functions=(), owned={}, owned_max=99)
                for w in claimers[:3]
            ),
            *(
                claims.claim_runs(w, [(lab.organization, r) for r in run_ids], limit=3, functions=())
                for w in claimers[3:]
            ),
        )
        owned = (await lab.rows("select count(*) from tegu.runs where owner is not null"))[0][0]
        assert 0 < owned <= 5
        await lab.rows("update tegu.runs set owner = null, status = 'pending' where owner is not null")
    claimed = [
        await claims.claim(w, limit=3, after=before_all(), functions=(), owned={}, owned_max=99)
        for w in claimers
    ]
    assert [len(each.runs) for each in claimed] == [3, 2, 0, 0, 0, 0]

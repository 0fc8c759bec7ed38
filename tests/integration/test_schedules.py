"""Schedules: on time, once each however many workers look, in their time zone, and honest about what they could not begin."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tegu import Schedule, ScheduledInput, ScheduleSpec, Tegu
from tegu.actions.firing import fire, fire_for_ever
from tegu.actions.scope import Scope
from tegu.domain.errors import ConflictError, NotFoundError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.run import TriggeredBy
from tegu.domain.schedule import CronTimes
from tegu.domain.status import RunStatus
from tegu.engine.options import WorkerOptions
from tegu.storage.schedules import DueSchedules, due_schedules

ECHO: JsonObject = {"name": "echo", "stages": {"facts": {"uses": "summarize", "model": "rules"}}}


async def stored(tegu: Tegu, text: str = "An invoice of 12 EUR.") -> ScheduledInput:
    return ScheduledInput(content_id=(await tegu.ingest(text)).content.id)


async def due(tegu: Tegu, name: str = "daily", *, cron: str = "0 8 * * *") -> Schedule:
    """A schedule whose time came a minute ago."""
    await tegu.pipeline(ECHO)
    spec = ScheduleSpec("echo", cron, (await stored(tegu),), priority=3, budget_usd=Decimal("0.5"))
    made = await tegu.schedules.create(name, spec)
    await put_back(tegu, made.id)
    return made


async def put_back(tegu: Tegu, schedule_id: UUID, by: timedelta = timedelta(minutes=1)) -> None:
    await change(
        tegu,
        "update tegu.schedules set next_at = now() - cast(:by as interval) where id = :id",
        id=schedule_id,
        by=by,
    )


async def change(tegu: Tegu, sql: str, **values: object) -> None:
    async with tegu.database.transaction((await tegu.scope()).organization_id) as connection:
        await connection.execute(text(sql), values)


async def _always(tegu: Tegu) -> Callable[[UUID], Scope]:
    scope = await tegu.scope()
    return lambda _: scope


async def _look(tegu: Tegu) -> Callable[[], Awaitable[DueSchedules]]:
    return partial(due_schedules, await tegu.database.engine())


async def only(tegu: Tegu) -> Schedule:
    (found,) = await tegu.schedules.list()
    return found


# Times.


def test_times_are_those_of_the_zone() -> None:
    times = CronTimes("30 8 * * MON-FRI", "Europe/Berlin")
    friday = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
    assert times.after(friday) == datetime(2026, 11, 30, 7, 30, tzinfo=UTC)


def test_an_hour_that_is_left_out_is_made_up_for_and_one_that_comes_twice_fires_once() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    times = CronTimes("30 2 * * *", "Europe/Berlin")
    spring = times.several_after(datetime(2026, 3, 28, 12, 0, tzinfo=berlin), 2)
    assert [f"{each:%d %H:%M %Z}" for each in spring] == ["29 03:00 CEST", "30 02:30 CEST"]
    autumn = times.several_after(datetime(2026, 10, 24, 12, 0, tzinfo=berlin), 2)
    assert [f"{each:%d %H:%M}" for each in autumn] == ["25 02:30", "26 02:30"]


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("61 * * * *", "UTC", "no cron expression"),
        ("* * *", "UTC", "no cron expression"),
        ("", "UTC", "no cron expression"),
        ("0 0 30 2 *", "UTC", "names no time|no cron expression"),
        ("* * * * *", "Europe/Atlantis", "no time zone"),
        ("* * * * *", "../../etc/passwd", "no time zone"),
        ("* * * * *", "", "no time zone"),
        ("1," * 5000 + "1 * * * *", "UTC", "at most 200"),
    ],
)
def test_what_names_no_time_is_refused(cron: str, zone: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        CronTimes(cron, zone).after(datetime.now(UTC))


# Firing.


async def test_a_schedule_fires_once_however_many_look_at_the_same_time(tegu: Tegu) -> None:
    made = await due(tegu)
    scope = await tegu.scope()
    fired = await asyncio.gather(*(fire(scope, made.id) for _ in range(20)))
    (run_id,) = [run_id for each in fired for run_id in each]
    run = await tegu.get_run(run_id)
    assert (run.triggered_by, run.priority) == (TriggeredBy.SCHEDULE, 3)
    assert run.metadata["schedule"] == "daily"
    found = await only(tegu)
    assert found.last_run_ids == (run_id,)
    assert found.next_at is not None
    assert found.next_at > datetime.now(UTC)
    assert (found.next_at.hour, found.next_at.minute) == (8, 0)


async def test_times_that_nobody_was_there_for_are_made_up_once(tegu: Tegu) -> None:
    made = await due(tegu, cron="*/5 * * * *")
    await put_back(tegu, made.id, timedelta(days=3))
    scope = await tegu.scope()
    assert len(await fire(scope, made.id)) == 1
    assert await fire(scope, made.id) == ()


async def test_many_workers_begin_each_time_once(tegu: Tegu) -> None:
    made = [await due(tegu, f"schedule {n}") for n in range(5)]
    lookers = [
        asyncio.create_task(fire_for_ever(await _look(tegu), await _always(tegu), look_s=0.05))
        for _ in range(8)
    ]
    try:
        async with asyncio.timeout(60):
            while len(await tegu.list_runs()) < len(made):
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
    finally:
        for each in lookers:
            each.cancel()
        await asyncio.gather(*lookers, return_exceptions=True)
    assert sorted(str(run.metadata["schedule"]) for run in await tegu.list_runs()) == [
        each.name for each in made
    ]


async def test_a_worker_fires_and_drives(tegu: Tegu) -> None:
    await due(tegu)
    worker = await tegu.worker(options=WorkerOptions(concurrency=2))
    working = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(60):
            while not (runs := await tegu.list_runs()):
                await asyncio.sleep(0.05)
            statuses = await tegu.wait([run.id for run in runs])
    finally:
        worker.stop()
        await working
    assert list(statuses.values()) == [RunStatus.COMPLETED]
    assert (await only(tegu)).last_run_ids == tuple(statuses)


async def test_a_schedule_that_cannot_begin_says_why_and_keeps_no_other_from_its_time(tegu: Tegu) -> None:
    made = await due(tegu, "broken")
    gone = "jsonb_set(spec, '{inputs,0,content}', to_jsonb(cast(:other as text)))"
    await change(
        tegu, f"update tegu.schedules set spec = {gone} where id = :id", id=made.id, other=str(new_id())
    )
    await due(tegu, "sound")
    looker = asyncio.create_task(fire_for_ever(await _look(tegu), await _always(tegu), look_s=0.05))
    try:
        async with asyncio.timeout(60):
            while any(each.last_at is None for each in await tegu.schedules.list()):
                await asyncio.sleep(0.05)
    finally:
        looker.cancel()
        await asyncio.gather(looker, return_exceptions=True)
    broken, sound = await tegu.schedules.list()
    assert broken.last_error is not None
    assert "any more" in broken.last_error
    assert broken.next_at is not None
    assert (sound.last_error, len(sound.last_run_ids)) == (None, 1)


# Changing.


async def test_a_paused_schedule_begins_nothing_and_goes_on_with_its_next_time(tegu: Tegu) -> None:
    made = await due(tegu)
    await tegu.schedules.pause("daily")
    assert await fire(await tegu.scope(), made.id) == ()
    next_at = await tegu.schedules.resume("daily")
    assert timedelta(0) < next_at - datetime.now(UTC) <= timedelta(days=1)
    assert (await only(tegu)).paused_at is None
    await tegu.schedules.remove("daily")
    assert await tegu.schedules.list() == []
    for change in (tegu.schedules.pause, tegu.schedules.resume, tegu.schedules.remove):
        with pytest.raises(NotFoundError, match="daily"):
            await change("daily")


async def test_what_cannot_be_scheduled_is_refused(tegu: Tegu) -> None:
    await tegu.pipeline(ECHO)
    content = await stored(tegu)
    spec = ScheduleSpec("echo", "0 8 * * *", (content,))
    await tegu.schedules.create("daily", spec)
    with pytest.raises(ConflictError, match="daily"):
        await tegu.schedules.create("daily", spec)
    with pytest.raises(NotFoundError, match="no pipeline"):
        await tegu.schedules.create("other", ScheduleSpec("nothing", "0 8 * * *", (content,)))
    with pytest.raises(NotFoundError, match="no content"):
        await tegu.schedules.create("other", ScheduleSpec("echo", "0 8 * * *", (ScheduledInput(new_id()),)))
    thread = ScheduledInput(thread_id=new_id())
    with pytest.raises(UsageError, match="takes contents"):
        await tegu.schedules.create("other", ScheduleSpec("echo", "0 8 * * *", (thread,)))
    with pytest.raises(UsageError, match="1 to 100 inputs"):
        await tegu.schedules.create("other", ScheduleSpec("echo", "0 8 * * *", ()))
    with pytest.raises(UsageError, match="cannot be named"):
        await tegu.schedules.create(" ", spec)


async def test_another_organization_sees_and_fires_none_of_it(tegu: Tegu) -> None:
    made = await due(tegu)
    other = tegu.for_organization("other")
    assert await other.schedules.list() == []
    assert await fire(await other.scope(), made.id) == ()
    await other.pipeline(ECHO)
    with pytest.raises(NotFoundError, match="no content"):
        await other.schedules.create("theirs", made.spec)

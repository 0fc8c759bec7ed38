"""A fleet follows the load, replaces who is gone, and loses no run: with real workers, each a member in this process."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tegu import Document, Pipeline, StageContext, stage
from tegu.app import Tegu
from tegu.domain.errors import ConfigurationError
from tegu.domain.status import RunStatus
from tegu.engine.fleet import FleetBounds, FleetSize
from tegu.engine.lease import LeaseOptions
from tegu.engine.worker import WorkerOptions
from tegu.interfaces.cli.ray_workers import handed_over
from tegu.interfaces.ray.actor import WorkerActor, WorkerLook, WorkerOrder
from tegu.interfaces.ray.fleet import Fleet, FleetOptions, MemberGoneError
from tegu.runtime import StageFunction
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

OPTIONS = WorkerOptions(concurrency=4, poll_s=0.1, watch_s=0.1, lease=LeaseOptions(lease_s=1.5, beat_s=0.3))
FAST = FleetOptions(every_s=0.1, look_s=10.0, grace_s=20.0, again_s=0.3)


@stage(version=1)
async def doze(document: Document, ctx: StageContext) -> int:
    """Take some time."""
    del ctx
    await asyncio.sleep(0.3)
    return len(document.text)


@stage(version=1)
async def linger(document: Document, ctx: StageContext) -> int:
    """Take more time."""
    del ctx
    await asyncio.sleep(3)
    return len(document.text)


def here() -> tuple[StageFunction, ...]:
    return doze, linger


def pipeline_of(function: StageFunction) -> Pipeline[Document]:
    pipeline = Pipeline(function.__name__, input=Document)
    pipeline.stage("nap", function, pipeline.source)
    return pipeline


@dataclass(eq=False)
class Place:
    """Stands where Ray does: a machine for each worker, which may fail."""

    members: list["Here"] = field(default_factory=list["Here"])

    def hire(self) -> "Here":
        member = Here(WorkerActor(WorkerOrder(OPTIONS, here)))
        self.members.append(member)
        return member

    @property
    def working(self) -> list["Here"]:
        return [member for member in self.members if not member.is_over]


@dataclass(eq=False)
class Here:
    actor: WorkerActor
    is_over: bool = False
    is_drained: bool = False

    async def start(self) -> WorkerLook:
        return await self.actor.start()

    async def look(self) -> WorkerLook:
        if self.is_over:
            raise MemberGoneError
        return await self.actor.look()

    async def drain(self, grace_s: float) -> int:
        given = await self.actor.drain(grace_s)
        self.is_drained = True
        return given

    def end(self) -> None:
        self.is_over = True

    async def crash(self) -> None:
        """As a machine that burns: nothing is handed back, nobody says goodbye."""
        self.is_over = True
        assert self.actor._working is not None
        self.actor._working.cancel()
        with suppress(asyncio.CancelledError):
            await self.actor._working


@pytest.fixture
async def tegu(
    address: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Tegu]:
    monkeypatch.setenv("DATABASE_URL", address.owner)
    monkeypatch.setenv("TEGU_HOME", str(tmp_path))
    async with Tegu(settings=Settings.from_environment(), stages=here()) as opened:
        yield opened


@asynccontextmanager
async def running(tegu: Tegu, place: Place, size: FleetSize, said: list[str]) -> AsyncGenerator[Fleet]:
    fleet = Fleet(place.hire, partial(tegu.count_due, most=size.due_max), size, said.append, FAST)
    task = asyncio.create_task(fleet.run())
    try:
        yield fleet
    finally:
        fleet.stop()
        await asyncio.wait_for(task, 60)
        for member in place.members:
            if not member.is_drained and member.actor._tegu is not None:
                await member.actor._tegu.close()


async def until(condition: object, said: list[str]) -> None:
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)
    assert said


async def outcomes(address: DatabaseAddress) -> Counter[str]:
    connection = await asyncpg.connect(address.owner)
    try:
        rows = await connection.fetch("select outcome, count(*) as n from tegu.stage_attempts group by 1")
    finally:
        await connection.close()
    return Counter({row["outcome"]: row["n"] for row in rows})


async def test_it_grows_with_the_backlog_and_lets_workers_go_whose_runs_have_ended(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    place, said = Place(), list[str]()
    run_ids = await tegu.start(pipeline_of(doze), *(f"Note {n}." for n in range(40)))
    async with running(tegu, place, FleetSize(FleetBounds(1, 3, 0.5), 4), said):
        await until(lambda: len(place.working) == 3, said)
        statuses = await tegu.wait(run_ids, timeout_s=60)
        await until(lambda: len(place.working) == 1, said)
        assert [member.is_drained for member in place.members].count(True) == 2
    assert set(statuses.values()) == {RunStatus.COMPLETED}
    assert await outcomes(address) == {"completed": 40}, "nobody's work was interrupted"
    assert await tegu.list_workers() == ()
    assert said[-1].startswith("1 workers") or "leaving" in said[-1]


async def test_a_worker_that_is_let_go_ends_its_runs_and_takes_no_more(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    actor = WorkerActor(WorkerOrder(OPTIONS, here))
    await actor.start()
    (first,) = await tegu.start(pipeline_of(linger), "First.")
    async with asyncio.timeout(60):
        while (await actor.look()).owned == 0:
            await asyncio.sleep(0.02)
    leaving = asyncio.create_task(actor.drain(60.0))
    await asyncio.sleep(0)
    (second,) = await tegu.start(pipeline_of(doze), "Second.")
    assert await leaving == 0
    assert (await tegu.get_run(first)).status is RunStatus.COMPLETED
    assert (await tegu.get_run(second)).status is RunStatus.PENDING
    assert await outcomes(address) == {"completed": 1}


async def test_one_whose_machine_is_gone_is_replaced_and_its_runs_are_finished_once(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    place, said = Place(), list[str]()
    run_ids = await tegu.start(pipeline_of(doze), *(f"Note {n}." for n in range(24)))
    async with running(tegu, place, FleetSize(FleetBounds(2, 2, 0.5), 4), said):
        await until(lambda: any(m.actor._worker and m.actor._worker.owned for m in place.members), said)
        burning = next(m for m in place.members if m.actor._worker and m.actor._worker.owned)
        await burning.crash()
        await until(lambda: len(place.members) == 3, said)
        statuses = await tegu.wait(run_ids, timeout_s=60)
    assert set(statuses.values()) == {RunStatus.COMPLETED}
    found = await outcomes(address)
    assert found["completed"] == 24
    assert any("is gone" in line for line in said), said


async def test_workers_that_cannot_start_are_tried_again_slowly_and_without_end(
    tegu: Tegu, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, said = Place(), list[str]()
    monkeypatch.delenv("DATABASE_URL")
    async with running(tegu, place, FleetSize(FleetBounds(1, 2, 0.5), 4), said):
        await until(lambda: len(place.members) == 3, said)
    assert any("cannot work" in line and "no DATABASE_URL" in line for line in said), said
    with pytest.raises(ConfigurationError, match="no DATABASE_URL"):
        await WorkerActor(WorkerOrder(OPTIONS, here)).start()


def test_workers_elsewhere_are_told_the_settings_and_keys_and_nothing_of_this_machine() -> None:
    environment = {
        "DATABASE_URL": "postgresql://db/tegu",
        "TEGU_MODEL": "fast",
        "OPENAI_API_KEY": "sk-secret",
        "TEGU_HOME": "/home/me/.tegu",
        "PATH": "/bin",
        "SECRET_OF_THE_SHELL": "x",
    }
    handed = handed_over(environment)
    assert sorted(handed) == ["DATABASE_URL", "OPENAI_API_KEY", "TEGU_MODEL"]
    assert "sk-secret" not in repr(WorkerOrder(OPTIONS, here, handed))

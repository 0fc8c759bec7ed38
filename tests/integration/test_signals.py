"""Signals: what a run is told reaches the stage that waits for it, whoever is faster and whoever owns the run."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from action_lab import ask, keyed
from engine_lab import FAST, Body, Lab, chain, echo, working
from pydantic import JsonValue

from tegu.actions.scope import Scope
from tegu.app import Tegu
from tegu.domain.content import InputKind
from tegu.domain.errors import ConflictError, ErrorInfo, NotFoundError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.outcome import WAITS_FOR_SIGNAL, Completed, Postponed, StageOutcome
from tegu.domain.signal import DATA_BYTES_MAX
from tegu.llm.credentials import EnvironmentCredentials
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask
from tegu.settings import Settings
from tegu.storage import signals
from tegu.storage.database import DatabaseAddress
from tegu.storage.signals import NewSignal, SignalStore

HOURS_S = 3600.0


@pytest.fixture
async def scope(address: DatabaseAddress, lab: Lab, tmp_path: Path) -> AsyncGenerator[Scope]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu:
        yield tegu.runtime.scope_of(lab.organization)


async def waiting_for(lab: Lab, name: str, *, after: asyncio.Event | None = None) -> Body:
    """A stage that waits for a signal; it holds its first look until `after`."""
    store = SignalStore(await lab.database.engine())

    async def wait(task: StageTask) -> StageOutcome:
        found = await store.find(task, name)
        if after is not None and task.attempt == 1:
            await after.wait()
        if found is None:
            return Postponed(ErrorInfo(WAITS_FOR_SIGNAL, f"nobody has sent {name!r}"), HOURS_S)
        return Completed({"name": found.name, "data": found.data})

    return wait


async def send(lab: Lab, run_id: UUID, name: str, data: JsonValue = None, **more: Any) -> bool:
    async with lab.database.transaction(lab.organization) as connection:
        run = await signals.address(connection, lab.organization, run_id)
        assert run is not None
        return await signals.send(connection, lab.organization, run.family, NewSignal(name, data, **more))


async def output(lab: Lab, run_id: UUID, stage: str = "wait") -> Any:
    rows = await lab.rows(
        "select output::text from tegu.stage_runs where run_id = $1 and stage = $2", run_id, stage
    )
    return rows[0]["output"]


async def test_a_run_that_waits_goes_on_when_it_is_signalled(lab: Lab) -> None:
    (run_id,) = await lab.start(chain("wait", "after"))
    async with working(await lab.worker({"wait": await waiting_for(lab, "paid")})):
        await lab.reached(run_id, "wait", "waiting")
        (row,) = await lab.rows("select owner, status from tegu.runs where id = $1", run_id)
        assert (row["owner"], row["status"]) == (None, "waiting")
        await send(lab, run_id, "refused", {"by": "nobody"})
        await send(lab, run_id, "paid", {"amount": 12})
        assert await lab.until([run_id]) == {"completed"}
    assert '"amount": 12' in await output(lab, run_id)
    kinds = await lab.rows("select seq, kind from tegu.run_events where run_id = $1 order by seq", run_id)
    assert [row["seq"] for row in kinds] == list(range(1, len(kinds) + 1))
    assert [row["kind"] for row in kinds].count("run.signalled") == 2


async def test_a_signal_that_comes_before_its_stage_waits_is_kept(lab: Lab) -> None:
    (run_id,) = await lab.start(chain("first", "wait"))
    await send(lab, run_id, "paid", 1)
    await send(lab, run_id, "paid", 2)
    async with working(await lab.worker({"wait": await waiting_for(lab, "paid")})):
        assert await lab.until([run_id]) == {"completed"}
    assert '"data": 1' in await output(lab, run_id)


async def test_a_signal_does_not_start_a_run_before_its_time(lab: Lab) -> None:
    (run_id,) = await lab.start(chain("wait"))
    await lab.rows("update tegu.runs set due_at = now() + interval '1 hour' where id = $1", run_id)
    await send(lab, run_id, "paid")
    (row,) = await lab.rows(
        "select due_at > now() + interval '50 minutes' as is_later from tegu.runs where id = $1", run_id
    )
    assert row["is_later"]


@pytest.mark.parametrize("is_driven_on", [False, True])
async def test_a_signal_that_comes_while_a_stage_looks_is_not_overlooked(
    lab: Lab, *, is_driven_on: bool
) -> None:
    looked, done = asyncio.Event(), asyncio.Event()
    stages = (StageDefinition("wait", "test"), StageDefinition("other", "test"))
    (run_id,) = await lab.start(PipelineDefinition("two_branches", InputKind.CONTENT, stages))

    async def other(task: StageTask) -> StageOutcome:
        if is_driven_on:
            await done.wait()
        return await echo(task)

    async with working(
        await lab.worker({"wait": await waiting_for(lab, "paid", after=looked), "other": other})
    ):
        await lab.reached(run_id, "wait", "running")
        await asyncio.sleep(0.3)  # it has looked
        await send(lab, run_id, "paid")
        await asyncio.sleep(0.3)  # its owner has heard
        looked.set()
        await lab.reached(run_id, "wait", "completed")
        done.set()
        assert await lab.until([run_id]) == {"completed"}


async def test_what_waits_beside_a_stage_that_still_looks_hears_a_signal_that_its_worker_does_not(
    lab: Lab,
) -> None:
    looked = asyncio.Event()
    stages = (StageDefinition("wait", "test"), StageDefinition("other", "test"))
    (run_id,) = await lab.start(PipelineDefinition("two_waits", InputKind.CONTENT, stages))
    bodies = {"wait": await waiting_for(lab, "paid"), "other": await waiting_for(lab, "sent", after=looked)}
    deaf = replace(FAST, watch_s=HOURS_S)
    async with working(await lab.worker(bodies, options=deaf)):
        await lab.reached(run_id, "wait", "waiting")
        await send(lab, run_id, "paid")
        looked.set()
        await lab.reached(run_id, "wait", "completed")
        await send(lab, run_id, "sent")
        assert await lab.until([run_id]) == {"completed"}


async def test_a_signal_reaches_a_run_whose_worker_has_died(lab: Lab) -> None:
    hangs = asyncio.Event()
    (run_id,) = await lab.start(chain("wait"))
    async with working(await lab.worker({"wait": await waiting_for(lab, "paid", after=hangs)})) as dying:
        await lab.reached(run_id, "wait", "running")
        await dying.kill()
    await send(lab, run_id, "paid")
    async with working(await lab.worker({"wait": await waiting_for(lab, "paid")})):
        assert await lab.until([run_id]) == {"completed"}


async def test_the_same_key_is_one_signal(lab: Lab) -> None:
    (run_id,) = await lab.start(chain("wait"))
    assert await send(lab, run_id, "paid", 1, key="k")
    assert not await send(lab, run_id, "paid", 2, key="k")
    rows = await lab.rows("select data::text from tegu.run_signals where run_id = $1", run_id)
    assert [row["data"] for row in rows] == ["1"]


async def test_a_signal_for_those_who_wait_now_is_heard_by_no_other(lab: Lab, scope: Scope) -> None:
    def wait(name: str, **more: Any) -> StageDefinition:
        return StageDefinition(name, "wait", {"signal": "paid"}, **more)

    definition = PipelineDefinition(
        "waits", InputKind.CONTENT, (wait("wait"), wait("later", needs=("wait",)))
    )
    (run_id,) = await lab.start(definition)
    told = await ask(scope, "runs.signal", run_id=run_id, name="paid", keep=False)
    assert not told.received
    body = await waiting_for(lab, "paid")
    async with working(await lab.worker(body)):
        await lab.reached(run_id, "wait", "waiting")
        assert not (await ask(scope, "runs.signal", run_id=run_id, name="other", keep=False)).received
        assert (await ask(scope, "runs.signal", run_id=run_id, name="paid", data=1, keep=False)).received
        await lab.reached(run_id, "later", "waiting")
        assert (await ask(scope, "runs.signal", run_id=run_id, name="paid", data=2)).received
        assert await lab.until([run_id]) == {"completed"}
    assert ['"data": 1' in await output(lab, run_id), '"data": 2' in await output(lab, run_id, "later")] == [
        True,
        True,
    ]


async def test_who_cannot_be_told_is_said(lab: Lab, scope: Scope) -> None:
    (run_id,) = await lab.start(chain("wait"))
    with pytest.raises(UsageError, match="bytes") as large:
        await ask(scope, "runs.signal", run_id=run_id, name="paid", data="x" * DATA_BYTES_MAX)
    assert large.value.code == "too_large"
    with pytest.raises(NotFoundError):
        await ask(scope, "runs.signal", run_id=new_id(), name="paid")
    with pytest.raises(NotFoundError):
        await ask(keyed(scope, "another"), "runs.signal", run_id=run_id, name="paid")
    async with working(await lab.worker()):
        await lab.until([run_id])
    with pytest.raises(ConflictError, match="completed already"):
        await ask(scope, "runs.signal", run_id=run_id, name="paid")


async def test_a_run_is_not_sent_signals_without_end(
    lab: Lab, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tegu.actions.signals.SIGNALS_MAX", 2)
    (run_id,) = await lab.start(chain("wait"))
    for _ in range(2):
        await ask(scope, "runs.signal", run_id=run_id, name="paid")
    with pytest.raises(ConflictError, match="2 signals already"):
        await ask(scope, "runs.signal", run_id=run_id, name="paid")

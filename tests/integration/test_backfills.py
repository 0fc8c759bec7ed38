"""Backfills: only what changed is paid for, each target once, within the budget, and what was forecast is what came."""

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from action_lab import ask
from replies_by_text import DOCUMENT, answering, letters

from tegu.actions.backfilling import FLIGHT_MAX, advance
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.backfill import StageOutlook
from tegu.domain.errors import ConflictError, NotFoundError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import Tokens

Open = Callable[..., Any]
LABELS: JsonObject = {"refund": "wants money back", "other": "anything else at all"}


def changed(stage: str = "reply", **options: Any) -> JsonObject:
    """The pipeline with other options of one stage."""
    stages: Any = DOCUMENT["stages"]
    return {
        **DOCUMENT,
        "stages": {
            **stages,
            stage: {**stages[stage], "with": options or {"instructions": "Answer briefly."}},
        },
    }


async def ran(tegu: Tegu, count: int, *, seed: int = 1) -> tuple[UUID, ...]:
    run_ids = await tegu.start(DOCUMENT, *letters(Random(seed), count))
    await tegu._runtime.serve()
    await tegu.wait(run_ids, timeout_s=180)
    return run_ids


async def until_over(tegu: Tegu, backfill_id: UUID, *, timeout_s: float = 180) -> Any:
    async with asyncio.timeout(timeout_s):
        while True:
            found = await ask(await tegu.scope(), "backfills.get", backfill_id=backfill_id)
            if found.ended_at is not None:
                return found
            await asyncio.sleep(0.1)


async def query(address: DatabaseAddress, sql: str, *values: object) -> Any:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def test_a_sample_then_all_pay_for_the_changed_stage_only_and_meet_the_forecast(
    opened: Open, address: DatabaseAddress
) -> None:
    async with answering() as server, opened(server) as tegu:
        base_ids = await ran(tegu, 200)
        asked_before = len(server.ledger)
        await tegu.pipeline(changed())
        scope = await tegu.scope()
        plan = await ask(scope, "backfills.preview", pipeline="letters", sample=20, seed=7)
        assert (plan.targets, plan.runs, plan.results, plan.versions) == (200, 20, 300, {"1": 200})
        assert [(each.outlook, each.why, each.changed) for each in plan.stages] == [
            (StageOutlook.REUSED, (), 0.0),
            (StageOutlook.CHANGED, ("instructions",), 1.0),
        ]
        half = plan.forecast.calls  # of the earlier runs took the stage: which of them are drawn is chance
        assert (half.mean, half.low <= 10 <= half.high) == (pytest.approx(10, abs=0.5), True)
        assert not plan.is_from_sample
        assert len(server.ledger) == asked_before

        first = await ask(scope, "backfills.start", pipeline="letters", sample=20, seed=7)
        sample = await until_over(tegu, first.id)
        assert (sample.wanted, sample.targets, sample.progress.runs) == (20, 200, {"completed": 20})
        report = await ask(scope, "backfills.report", backfill_id=first.id)
        assert (report.runs, report.of) == (20, 20)
        kind, reply = report.stages
        assert (kind.reused, kind.recomputed) == (20, 0)
        assert (reply.reused, reply.recomputed + reply.skipped) == (0, 20)

        plan = await ask(scope, "backfills.preview", pipeline="letters", is_all=True)
        assert (plan.continues, plan.runs, plan.targets, plan.is_from_sample) == (first.id, 180, 200, True)
        whole = await ask(scope, "backfills.start", pipeline="letters", is_all=True, budget_usd="5")
        assert whole.id == first.id
        done = await until_over(tegu, whole.id)
        assert done.progress.runs == {"completed": 200}
        # The ledger, the provider and the report agree to the call.
        assert len(server.ledger) - asked_before == done.progress.calls == 100
        rows = "from tegu.llm_calls c join tegu.runs r on r.id = c.run_id where r.backfill_id = $1"
        assert await query(address, f"select count(*) {rows}", done.id) == 100
        assert await query(address, f"select sum(c.cost_usd) {rows}", done.id) == done.progress.cost_usd
        assert sum(step.calls for step in done.steps) == 100
        assert sum(step.cost_usd for step in done.steps) == done.progress.cost_usd
        said = done.steps[1]
        # How many took the stage was counted. What a call costs is from ten of them: an interval is missed one time out of ten.
        assert said.calls_forecast.mean == pytest.approx(said.calls)
        cost = said.cost_usd_forecast
        assert float(said.cost_usd) == pytest.approx(cost.mean, abs=4 * cost.margin)
        bases = await query(
            address, "select count(distinct reuse_from) from tegu.runs where backfill_id = $1", done.id
        )
        assert bases == len(base_ids)
        plan = await ask(scope, "backfills.preview", pipeline="letters", is_all=True)
        assert (plan.targets, plan.current, plan.continues) == (0, 200, None)
        assert [each.calls for each in plan.accuracy] == [said.calls, done.steps[0].calls]
        with pytest.raises(ConflictError, match="nothing to run"):
            await ask(scope, "backfills.start", pipeline="letters", is_all=True)
    checks = await check_invariants(address, rows_max=5)
    assert [check for check in checks if check.broken] == []


async def test_what_follows_a_changed_stage_is_done_anew_only_where_its_output_changed(
    opened: Open,
) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, 24)
        before = len(server.ledger)
        await tegu.pipeline(changed("kind", labels=LABELS))
        scope = await tegu.scope()
        plan = await ask(scope, "backfills.preview", pipeline="letters", is_all=True)
        assert [(each.outlook, each.why) for each in plan.stages] == [
            (StageOutlook.CHANGED, ("labels",)),
            (StageOutlook.MAY_CHANGE, ("kind",)),
        ]
        started = await ask(scope, "backfills.start", pipeline="letters", is_all=True)
        await until_over(tegu, started.id)
        report = await ask(scope, "backfills.report", backfill_id=started.id)
        assert [(each.reused, each.recomputed, each.skipped) for each in report.stages] == [
            (0, 24, 0),
            (12, 0, 12),
        ]
        assert len(server.ledger) - before == 24
        assert {each.path: (each.same, each.changed) for each in report.fields if each.stage == "kind"} == {
            "/category": (24, 0),
            "/confidence": (24, 0),
        }


async def test_fields_that_changed_are_counted_with_examples(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, 12)
        scope = await tegu.scope()
        await tegu.pipeline(changed(instructions="Answer in capitals."))
        started = await ask(scope, "backfills.start", pipeline="letters", is_all=True)
        await until_over(tegu, started.id)
        report = await ask(scope, "backfills.report", backfill_id=started.id)
        (reply,) = [each for each in report.fields if each.stage == "reply"]
        assert (reply.same, reply.changed, reply.filled, reply.lost) == (0, 6, 0, 0)
        assert len(reply.examples) == 3
        assert str(reply.examples[0].after) == str(reply.examples[0].before).upper()


async def test_a_budget_stops_it_and_raising_it_lets_it_go_on(opened: Open, address: DatabaseAddress) -> None:
    dear = Tokens(input_tokens=500, output_tokens=4096)  # nearly what a call may cost at worst
    async with answering(tokens=dear) as server, opened(server) as tegu:
        await ran(tegu, 60)
        await tegu.pipeline(changed())
        scope = await tegu.scope()
        one = await query(address, "select max(cost_usd) from tegu.llm_calls where stage = 'reply'")
        limit = one * Decimal("10.5")
        started = await ask(scope, "backfills.start", pipeline="letters", is_all=True, budget_usd=limit)
        async with asyncio.timeout(60):
            while True:
                found = await ask(scope, "backfills.get", backfill_id=started.id)
                if found.waits_for == "budget" and not found.progress.runs.get("running"):
                    break
                await asyncio.sleep(0.1)
        assert (found.progress.calls, found.progress.waits_for_budget) == (10, 20)
        assert found.progress.cost_usd <= limit
        assert found.progress.runs == {"completed": 40, "waiting": 20}
        await ask(scope, "backfills.update", backfill_id=started.id, budget_usd="5")
        done = await until_over(tegu, started.id)
        assert done.progress.runs == {"completed": 60}
        assert done.progress.calls == 30
    checks = await check_invariants(address, rows_max=5)
    assert [check for check in checks if check.broken] == []


async def test_runs_that_were_begun_with_another_budget_have_the_one_of_the_backfill(
    opened: Open, address: DatabaseAddress
) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, 10)
        await tegu.pipeline(changed())
        scope = await tegu.scope()
        await tegu.pause_everybody(reason="a moment")
        started = await ask(scope, "backfills.start", pipeline="letters", is_all=True, budget_usd="0.000001")
        async with asyncio.timeout(60):
            while not await query(
                address, "select count(*) from tegu.runs where backfill_id = $1", started.id
            ):
                await asyncio.sleep(0.05)
        await ask(scope, "backfills.update", backfill_id=started.id, budget_usd="5")
        # As a child has it that copied its parent's in that very moment.
        await query(
            address,
            "update tegu.runs set budget_usd = 0.000001 where backfill_id = $1 returning 1",
            started.id,
        )
        await tegu.resume_everybody()
        done = await until_over(tegu, started.id)
        assert done.progress.runs == {"completed": 10}


async def test_one_that_is_paused_starts_nothing_and_one_that_is_cancelled_ends(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, 10)
        await tegu.pipeline(changed())
        scope = await tegu.scope()
        started = await ask(scope, "backfills.start", pipeline="letters", sample=2)
        await until_over(tegu, started.id)
        with pytest.raises(ConflictError, match="completed already"):
            await ask(scope, "backfills.pause", backfill_id=started.id)
        gone_on = await ask(scope, "backfills.start", pipeline="letters", limit=3)
        assert gone_on.id == started.id
        assert (await until_over(tegu, started.id)).wanted == 5
        other = await ask(scope, "backfills.start", pipeline="letters", is_all=True, seed=99, model="rules")
        assert other.id != started.id
        with pytest.raises(NotFoundError):
            await ask(scope, "backfills.cancel", backfill_id=new_id())
        with pytest.raises(UsageError, match="of a sample, of so many more, or of all"):
            await ask(scope, "backfills.preview", pipeline="letters")


async def test_cancelling_ends_the_runs_that_are_under_way(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, 30)
        await tegu.pipeline(changed())
        scope = await tegu.scope()
        await tegu.operations.pause("letters")
        started = await ask(scope, "backfills.start", pipeline="letters", is_all=True)
        assert started.progress.runs == {"pending": 30}
        paused = await ask(scope, "backfills.pause", backfill_id=started.id)
        assert paused.status.value == "paused"
        ended = await ask(scope, "backfills.cancel", backfill_id=started.id)
        assert ended.status.value == "cancelled"
        await tegu.operations.resume("letters")
        async with asyncio.timeout(60):
            while (await ask(scope, "backfills.get", backfill_id=started.id)).progress.runs != {
                "cancelled": 30
            }:
                await asyncio.sleep(0.1)


async def test_however_many_look_each_target_is_run_once_and_few_are_under_way(
    opened: Open, address: DatabaseAddress
) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, 20)
        await tegu.pipeline(changed())
        scope = await tegu.scope()
        await tegu.operations.pause("letters")
        started = await ask(scope, "backfills.start", pipeline="letters", is_all=True)
        await asyncio.gather(*(advance(scope, started.id) for _ in range(10)))
        assert FLIGHT_MAX >= 20
        counts = await query(
            address,
            "select array[count(*), count(distinct reuse_from)] from tegu.runs where backfill_id = $1",
            started.id,
        )
        assert counts == [20, 20]


async def test_what_was_deleted_meanwhile_is_left_out(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        run_ids = await ran(tegu, 12)
        await tegu.pipeline(changed())
        scope = await tegu.scope()
        sample = await ask(scope, "backfills.start", pipeline="letters", sample=1)
        await until_over(tegu, sample.id)
        runs = [await tegu.get_run(run_id) for run_id in run_ids]
        done = {run.content_id for run in await tegu.list_runs(limit=1)}
        gone = next(run for run in runs if run.content_id not in done)
        await ask(scope, "contents.delete", content_id=gone.content_id)
        await ask(scope, "backfills.start", pipeline="letters", is_all=True)
        found = await until_over(tegu, sample.id)
        assert (found.gone, sum(found.progress.runs.values())) == (1, 11)
        assert Counter(found.progress.runs)["completed"] == 11


async def test_a_filter_says_which_runs_are_meant(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, 9)
        mine = [await tegu.ingest(text, metadata={"customer": "acme"}) for text in letters(Random(2), 3)]
        run_ids = await tegu.start(DOCUMENT, *mine)
        await tegu.wait(run_ids, timeout_s=60)
        scope = await tegu.scope()
        await ask(scope, "pipelines.create", document=changed())
        where = {"metadata": {"customer": "acme"}}
        plan = await ask(scope, "backfills.preview", pipeline="letters", is_all=True, where=where)
        assert (plan.runs, plan.targets) == (3, 3)
        started = await ask(scope, "backfills.start", pipeline="letters", is_all=True, where=where)
        done = await until_over(tegu, started.id)
        assert done.progress.runs == {"completed": 3}
        runs = await tegu.list_runs(limit=3)
        assert {run.content_id for run in runs} == {each.content.id for each in mine}


async def test_what_acts_again_is_said_and_begun_only_if_that_is_wanted(
    opened: Open, address: DatabaseAddress
) -> None:
    stages: Any = DOCUMENT["stages"]
    waits: JsonObject = {"uses": "wait", "inputs": [], "with": {"seconds": 0.01}}
    async with answering() as server, opened(server) as tegu:
        await tegu.pipeline({**DOCUMENT, "name": "waiting", "stages": {"later": waits}})
        nests: JsonObject = {"uses": "pipeline", "needs": ["kind"], "with": {"pipeline": "waiting"}}
        first: JsonObject = {**stages, "pause": waits, "nested": nests}
        document: JsonObject = {**DOCUMENT, "stages": first, "deadline_s": 3600}
        run_ids = await tegu.start(
            document, *letters(Random(3), 3), options=StartOptions(metadata={"of": "spring"})
        )
        await tegu._runtime.serve()
        await tegu.wait(run_ids, timeout_s=180)
        reply = {**stages["reply"], "with": {"instructions": "Answer briefly."}}
        await tegu.pipeline({**document, "stages": {**first, "reply": reply}})
        scope = await tegu.scope()
        plan = await ask(scope, "backfills.preview", pipeline="letters", is_all=True)
        assert {each.stage: (each.outlook, each.why) for each in plan.stages} == {
            "kind": (StageOutlook.REUSED, ()),
            "reply": (StageOutlook.CHANGED, ("instructions",)),
            "pause": (StageOutlook.ACTS, ()),
            "nested": (StageOutlook.ACTS, ("later",)),
        }
        with pytest.raises(
            ConflictError, match=r"send, ask or wait again: pause, nested \(later\)"
        ) as refused:
            await ask(scope, "backfills.start", pipeline="letters", is_all=True)
        assert refused.value.code == "acts_again"
        started = await ask(scope, "backfills.start", pipeline="letters", is_all=True, acts=True)
        done = await until_over(tegu, started.id)
        assert done.progress.runs == {"completed": 3}
        made = (await ask(scope, "runs.list", limit=3)).items
        bases = [await tegu.get_run(each) for each in run_ids]
        assert {each.id for each in made}.isdisjoint(run_ids)
        assert [each.metadata for each in made] == [each.metadata for each in bases] == [{"of": "spring"}] * 3
        rows = "from tegu.runs r join tegu.runs b on b.id = r.reuse_from where r.backfill_id = $1"
        of_its_time = "r.pinned_at = b.created_at and r.deadline_at is not null"
        assert await query(address, f"select count(*) {rows} and {of_its_time}", started.id) == 3

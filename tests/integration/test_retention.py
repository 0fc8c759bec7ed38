"""What was kept long enough goes; what is under way, and what was paid, stays."""

from decimal import Decimal
from uuid import UUID

import pytest
from engine_lab import Lab, chain, working

from tegu.domain.call import Usage
from tegu.domain.errors import ConfigurationError
from tegu.domain.json import JsonObject
from tegu.domain.outcome import Completed, ResultDraft, StageOutcome
from tegu.domain.retention import Pruned, Retention
from tegu.engine.prune import prune_once
from tegu.llm.protocol import ModelRef, ModelReply, ModelRequest
from tegu.pipeline.task import StageTask
from tegu.storage.invariants import check_invariants
from tegu.storage.ledger import CallPlace, StoredLedger
from tegu.storage.retention import pruning

ALL = Retention(events_days=1, replies_days=1, runs_days=1)
NONE = Retention(events_days=None, replies_days=None, runs_days=None)
OF_A_RUN = ("stage_runs", "stage_attempts", "results", "run_events", "llm_journal")


async def _ended(lab: Lab, count: int) -> list[UUID]:
    """Runs that asked a model and ended."""
    pool = await lab.database.engine()

    async def asking(task: StageTask) -> StageOutcome:
        request = ModelRequest(ModelRef("scripted", "one"), f"Say something of {task.run_id}.")
        ledger = StoredLedger(pool, CallPlace(lab.organization, task.run_id, task.stage.name))
        call = await ledger.begin(request, ordinal=1, attempt=1)
        reply = ModelReply("something", "stop", Usage(input_tokens=3, output_tokens=1), Decimal("0.01"))
        await ledger.replied(call, reply, latency_ms=5)
        output: JsonObject = {"said": "something"}
        return Completed(output, (ResultDraft("said", output),))

    run_ids = await lab.start(chain("ask"), count)
    async with working(await lab.worker({"ask": asking})):
        assert await lab.until(run_ids) == {"completed"}
    return run_ids


async def _age(lab: Lab, run_ids: list[UUID], days: int = 10) -> None:
    """As if all of it had happened so many days ago: ids tell the time of making, so they move too."""
    back = f"interval '{days} days'"
    older = (
        "(lpad(to_hex(('x' || left(replace({0}::text, '-', ''), 12))::bit(48)::bigint - "
        f"{days}::bigint * 86400000), 12, '0') || right(replace({{0}}::text, '-', ''), 20))::uuid"
    )
    for table in OF_A_RUN:
        await lab.rows(
            f"update tegu.{table} set run_id = {older.format('run_id')} where run_id = any($1)", run_ids
        )
    # The journal names its call; both move.
    await lab.rows(f"update tegu.llm_journal set call_id = {older.format('call_id')}")
    await lab.rows(
        f"update tegu.llm_calls set id = {older.format('id')}, run_id = {older.format('run_id')},"
        f" created_at = created_at - {back}, ended_at = ended_at - {back} where run_id = any($1)",
        run_ids,
    )
    await lab.rows(f"update tegu.llm_requests set created_at = created_at - {back}")
    await lab.rows(
        f"update tegu.runs set id = {older.format('id')}, ended_at = ended_at - {back} where id = any($1)",
        run_ids,
    )


async def _count(lab: Lab, table: str) -> int:
    return (await lab.rows(f"select count(*)::int as n from tegu.{table}"))[0]["n"]


async def _prune(lab: Lab, keep: Retention, *, dry_run: bool = False) -> Pruned:
    pruned = await prune_once(await lab.database.engine(), keep, dry_run=dry_run)
    assert pruned is not None
    return pruned


async def test_old_runs_go_whole_and_leave_their_cost_in_the_ledger(lab: Lab) -> None:
    old = await _ended(lab, 3)
    await _age(lab, old)
    pruned = await _prune(lab, Retention(events_days=None, runs_days=1))
    assert (pruned.runs, pruned.requests) == (3, 3)
    for table in (*OF_A_RUN, "runs", "llm_requests"):
        assert await _count(lab, table) == 0, table
    calls = await lab.rows("select cost_usd, input_tokens, reply from tegu.llm_calls")
    assert [tuple(call) for call in calls] == [(Decimal("0.01"), 3, None)] * 3


async def test_events_and_replies_go_while_results_stay(lab: Lab) -> None:
    await _age(lab, await _ended(lab, 2))
    pruned = await _prune(lab, Retention(events_days=1, replies_days=1))
    assert (pruned.runs, pruned.replies, pruned.requests) == (0, 2, 2)
    assert pruned.events == 8
    assert [await _count(lab, table) for table in ("runs", "stage_runs", "results", "llm_calls")] == [2] * 4
    assert await _count(lab, "run_events") == 0
    assert await _prune(lab, Retention(events_days=1, replies_days=1)) == Pruned()
    broken = {
        check.name
        for check in await check_invariants(lab.database.address, rows_max=5)
        if check.broken and check.name != "runs have their input"  # the lab's runs read none
    }
    assert broken == set()


async def test_what_ended_lately_or_is_under_way_stays_however_old_it_is(lab: Lab) -> None:
    recent = await _ended(lab, 2)
    waiting = await lab.start(chain("ask"), 2)
    await _age(lab, waiting)
    assert await _prune(lab, ALL) == Pruned()
    assert await _count(lab, "runs") == len(recent) + len(waiting)


async def test_a_dry_run_counts_and_takes_nothing(lab: Lab) -> None:
    await _age(lab, await _ended(lab, 2))
    assert (await _prune(lab, ALL, dry_run=True)).runs == 2
    assert await _count(lab, "runs") == 2
    assert (await _prune(lab, ALL)).runs == 2


async def test_without_limits_everything_is_kept(lab: Lab) -> None:
    await _age(lab, await _ended(lab, 1), days=3000)
    assert await _prune(lab, NONE) == Pruned()


async def test_only_one_process_prunes_at_a_time(lab: Lab) -> None:
    pool = await lab.database.engine()
    async with pruning(pool) as first:
        assert first is not None
        assert await prune_once(pool, ALL) is None
    assert await prune_once(pool, ALL) == Pruned()


@pytest.mark.parametrize("days", [0.0, 0.5, -1.0, float("nan"), float("inf")])
def test_an_age_that_makes_no_sense_is_refused(days: float) -> None:
    with pytest.raises(ConfigurationError, match="cannot be kept for"):
        Retention(runs_days=days)

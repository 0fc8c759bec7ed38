"""`tegu doctor` finds state that must not be: each invariant is broken by hand once, and named."""

from decimal import Decimal
from uuid import UUID

import asyncpg
from engine_lab import Lab, chain, working

from tegu.domain.call import Usage
from tegu.domain.errors import ErrorInfo
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.outcome import Completed, Failed, Postponed, ResultDraft, StageOutcome
from tegu.llm.protocol import ModelRef, ModelReply, ModelRequest
from tegu.pipeline.task import StageTask
from tegu.storage.invariants import INVARIANTS, check_invariants, checks_on
from tegu.storage.ledger import CallPlace, StoredLedger

REQUEST = ModelRequest(ModelRef("scripted", "one"), "Say something.")
REPLY = ModelReply("something", "stop", Usage(input_tokens=3, output_tokens=1), Decimal("0.01"))


async def _ask(lab: Lab, run_id: UUID, stage: str) -> None:
    ledger = StoredLedger(await lab.database.engine(), CallPlace(lab.organization, run_id, stage))
    call = await ledger.begin(REQUEST, ordinal=1, attempt=1)
    await ledger.replied(call, REPLY, latency_ms=5)


async def _healthy(lab: Lab) -> dict[str, UUID]:
    """A run of each ending, with inputs, calls, results and events, and one that waits."""

    async def asking(task: StageTask) -> StageOutcome:
        await _ask(lab, task.run_id, task.stage.name)
        output: JsonObject = {"said": "something"}
        return Completed(output, (ResultDraft("said", output),))

    async def failing(task: StageTask) -> StageOutcome:
        return Failed(ErrorInfo("no", "no"))

    async def passing(task: StageTask) -> StageOutcome:
        return Postponed(ErrorInfo("later", "later"), due_in_s=3600)

    found = {
        name: (await lab.start(chain(name)))[0] for name in ("completed", "failed", "cancelled", "waiting")
    }
    await lab.rows(
        "insert into tegu.contents (organization_id, id, source_type, media_type, sha256, size_bytes, external_id)"
        " select organization_id, content_id, 'api', 'text/plain', md5(id::text), 1, id::text from tegu.runs"
    )
    await lab.rows(
        "update tegu.runs set cancel_requested_at = clock_timestamp() where id = $1", found["cancelled"]
    )
    bodies = {"completed": asking, "failed": failing, "waiting": passing}
    async with working(await lab.worker(bodies)):
        await lab.until([found["completed"], found["failed"], found["cancelled"]])
        await lab.reached(found["waiting"], "waiting", "waiting")
    return found


BREAKAGES = {
    "owners_are_alive": (
        "update tegu.runs set owner = gen_random_uuid(), status = 'running' where id = $1",
        "waiting",
    ),
    "nothing_is_stuck": ("update tegu.runs set status = 'running', due_at = null where id = $1", "waiting"),
    "ended_runs_have_ended_stages": (
        "update tegu.stage_runs set status = 'running', output = null where run_id = $1",
        "completed",
    ),
    "runs_are_what_their_stages_are": ("update tegu.runs set error = null where id = $1", "failed"),
    "outputs_are_committed_once": (
        (
            "insert into tegu.stage_attempts (organization_id, run_id, stage, attempt, worker_id, outcome)"
            " select organization_id, run_id, stage, 7, worker_id, outcome from tegu.stage_attempts where run_id = $1"
        ),
        "completed",
    ),
    "results_come_from_completed_stages": (
        "update tegu.results set stage = 'another' where run_id = $1",
        "completed",
    ),
    "events_have_no_gap": ("delete from tegu.run_events where run_id = $1 and seq = 2", "completed"),
    "rows_have_their_run": ("delete from tegu.runs where id = $1", "completed"),
    "runs_have_their_input": ("update tegu.runs set content_id = gen_random_uuid() where id = $1", "failed"),
    "journal_has_its_call": ("delete from tegu.llm_calls where run_id = $1", "completed"),
    "no_reply_is_paid_twice": (
        (
            "insert into tegu.llm_calls (organization_id, id, run_id, stage, provider, model, status, ordinal, attempt,"
            " request_hash, ended_at) select organization_id, gen_random_uuid(), run_id, stage, provider, model, status,"
            " ordinal, 2, request_hash, clock_timestamp() from tegu.llm_calls where run_id = $1"
        ),
        "completed",
    ),
    "budgets_add_up": (
        (
            "insert into tegu.budget_windows (organization_id, budget_id, since, spent_usd)"
            " select organization_id, id, '-infinity', 7 from tegu.runs where id = $1"
        ),
        "completed",
    ),
    "deleted_contents_left_nothing": (
        "update tegu.runs set erased_at = clock_timestamp() where id = $1",
        "completed",
    ),
    "quotas_add_up": (
        (
            "insert into tegu.quotas (organization_id, runs_day, runs_count, stored_bytes)"
            " select organization_id, current_date, 0, 7 from tegu.runs where id = $1"
        ),
        "",  # of an organization, and of no run
    ),
    "open_reviews_are_waited_for": (
        (
            "with r as (update tegu.runs set ended_at = ended_at - interval '1 hour' where id = $1"
            " returning organization_id, id) insert into tegu.reviews (organization_id, id, run_id, stage)"
            " select organization_id, gen_random_uuid(), id, 'completed' from r"
        ),
        "completed",
    ),
    "children_end_with_their_parents": (
        (
            "with p as (update tegu.runs set ended_at = ended_at - interval '1 hour' where status = 'completed' returning id)"
            " update tegu.runs set parent_id = (select id from p limit 1) where id = $1"
        ),
        "waiting",
    ),
    "tallies_add_up": (
        (
            "insert into tegu.tally_marks (organization_id, upto, live_from, seen_at, seen_xact)"
            " select organization_id, clock_timestamp(), gen_random_uuid(), clock_timestamp(), 0 from tegu.runs where id = $1"
        ),
        "",  # of an organization, and of no run
    ),
    "calls_add_up": ("update tegu.llm_calls set cost_usd = -1 where run_id = $1", "completed"),
}


async def test_runs_of_every_ending_break_no_invariant(lab: Lab) -> None:
    await _healthy(lab)
    checks = await check_invariants(lab.database.address, rows_max=10)
    assert all(check.is_looked_at for check in checks)
    assert [check for check in checks if check.broken] == []


async def test_every_invariant_finds_the_run_that_breaks_it(lab: Lab) -> None:
    assert {f"invariant_{name}" for name in BREAKAGES} == set(INVARIANTS)
    found = await _healthy(lab)
    # Dead workers are found out by the living: one that has been there for long enough.
    await lab.rows(
        "insert into tegu.workers (id, host, pid, version, concurrency, started_at, lease_until) values"
        " ($1, 'here', 1, '1', 1, now() - interval '1 hour', now() + interval '1 hour')",
        new_id(),
    )
    connection = await asyncpg.connect(lab.database.address.owner)
    try:
        for name, (statement, run) in BREAKAGES.items():
            broken = await _broken_by(connection, statement, found.get(run) or found["completed"])
            assert found.get(run) in broken.get(name.replace("_", " "), set()), (name, broken)
    finally:
        await connection.close()


async def _broken_by(
    connection: "asyncpg.Connection[asyncpg.Record]", statement: str, run_id: UUID
) -> dict[str, set[UUID | None]]:
    """What is broken after the statement, which is then taken back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement, run_id)
        checks = await checks_on(connection, rows_max=10)
        return {check.name: {row.run_id for row in check.broken} for check in checks if check.broken}
    finally:
        await transaction.rollback()

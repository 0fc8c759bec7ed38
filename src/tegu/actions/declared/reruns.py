"""Runs that are made from other runs: fork them, and compare what came of them."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import comparison, forking
from tegu.actions.action import Effect, action
from tegu.actions.declared.inputs import Cursor, RunId, Stream
from tegu.actions.declared.runs import TRIGGERED_BY
from tegu.actions.forking import ForkedRun, ForkOptions
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.comparison import RunComparison
from tegu.domain.json import JsonObject
from tegu.domain.run import TriggeredBy

CHANGED_MAX = 100


class ForkRun(RunId):
    """Which run to go on from, from which stage, and what is to be different."""

    from_stage: Annotated[str, Field(max_length=100, description="The first stage that is performed anew.")]
    edits: Annotated[
        dict[str, JsonObject] | None,
        Field(
            max_length=CHANGED_MAX,
            description='By stage: {"classify": {"instructions": "...", "model": "...", "with": {"max_tokens": 500}}}.',
        ),
    ] = None
    outputs: Annotated[
        JsonObject | None,
        Field(max_length=CHANGED_MAX, description="By stage: what it is to have come to instead."),
    ] = None
    model: Annotated[str | None, Field(max_length=500, description="Instead of every stage's own.")] = None
    metadata: Annotated[JsonObject | None, Field(description="Instead of that of the run.")] = None
    budget_usd: Annotated[Decimal | None, Field(description="The most that its calls may cost.")] = None
    fresh: Annotated[
        bool, Field(description="Take nothing after the stage from the run, also where nothing has changed.")
    ] = False
    stream: Stream = False
    idempotency_key: Annotated[
        str | None,
        Field(
            max_length=255, description="The same key gives the same fork for 24 h. HTTP: `Idempotency-Key`."
        ),
    ] = None


class CompareRuns(RunId):
    """Which two runs, and which page of the places in which they differ."""

    other_id: Annotated[UUID, Field(description="The run that is compared with it: the later one.")]
    limit: Annotated[int, Field(ge=1, le=1000, description="How many places at most.")] = 200
    cursor: Cursor = None


@action(
    "runs.fork",
    effect=Effect.WRITE,
    permission=Permission.RUNS_WRITE,
    key="run_id",
    audited=("run_id", "from_stage"),
)
async def fork_run(scope: Scope, asked: ForkRun) -> ForkedRun:
    """Go on from a run at a stage, perhaps changed. What comes before the stage is taken over, and not paid again; the stage and
    what hangs on it is performed anew, with other instructions, models or upstream outputs where they are given.
    """
    options = ForkOptions(
        from_stage=asked.from_stage,
        edits=asked.edits or {},
        outputs=asked.outputs or {},
        model=asked.model,
        metadata=asked.metadata,
        budget_usd=asked.budget_usd,
        triggered_by=TRIGGERED_BY.get(scope.actor.kind, TriggeredBy.USER),
        idempotency_key=asked.idempotency_key,
        fresh=asked.fresh,
        stream=asked.stream,
    )
    return await forking.fork(scope, asked.run_id, options)


@action("runs.compare", effect=Effect.READ, permission=Permission.RUNS_READ, key="run_id")
async def compare_runs(scope: Scope, asked: CompareRuns) -> RunComparison:
    """Compare two runs: their versions, conditions, outputs field by field, results, evidence, models, instructions, cost and
    time; and why each stage differs.
    """
    return await comparison.compare(
        scope, asked.run_id, asked.other_id, limit=asked.limit, cursor=asked.cursor
    )

"""Runs: start, list, read, wait for and cancel them."""

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from tegu.actions import drive, pipelines, runs, signals
from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.declared.inputs import ModelName, Name, RunId, SortedPageInput, Stream
from tegu.actions.run_inputs import inputs_by_id
from tegu.actions.scope import Scope
from tegu.domain.actor import ActorKind, Permission
from tegu.domain.backlog import RunBacklog
from tegu.domain.errors import UsageError
from tegu.domain.ids import SHORT_ID
from tegu.domain.json import JsonObject
from tegu.domain.page import Page, id_of, page_of
from tegu.domain.run import Run, RunEvent, TriggeredBy
from tegu.domain.run_filter import RunFilter, StatusCount
from tegu.domain.signal import NAME_LENGTH_MAX
from tegu.domain.status import RunStatus

INPUTS_MAX = 1000
WAIT_MAX_S = 60.0
TRIGGERED_BY = {ActorKind.KEY: TriggeredBy.KEY, ActorKind.LIBRARY: TriggeredBy.LIBRARY}


class StartRuns(ActionInput):
    """What to run, over what, and how."""

    pipeline: Annotated[str, Field(max_length=200, description="`invoices`, or one version: `invoices@2`.")]
    content_ids: Annotated[tuple[UUID, ...], Field(max_length=INPUTS_MAX)] = ()
    thread_ids: Annotated[tuple[UUID, ...], Field(max_length=INPUTS_MAX)] = ()
    model: Annotated[str | None, Field(max_length=500, description="Instead of every stage's own.")] = None
    metadata: JsonObject | None = None
    budget_usd: Annotated[Decimal | None, Field(description="The most that the calls of each may cost.")] = (
        None
    )
    priority: Annotated[
        int | Literal["low", "normal", "high"] | None,
        Field(description="-9 to 9; by default the pipeline's own."),
    ] = None
    due_at: AwareDatetime | None = None
    delay_s: Annotated[float | None, Field(ge=0, description="Start that many seconds from now.")] = None
    stream: Stream = False
    idempotency_key: Annotated[
        str | None,
        Field(
            max_length=255, description="The same key gives the same run for 24 h. HTTP: `Idempotency-Key`."
        ),
    ] = None


Usd = Annotated[Decimal | None, Field(ge=0, max_digits=20, decimal_places=10)]


class CountRuns(ActionInput):
    """Which runs, whatever their status."""

    pipeline: str | None = None
    stage: Annotated[
        Name | None, Field(description="Only those that are at this stage, or failed in it.")
    ] = None
    model: Annotated[ModelName | None, Field(description="Only those that asked it.")] = None
    name: Annotated[Name | None, Field(description="Words of the name of what they read.")] = None
    cost_above_usd: Annotated[Usd, Field(description="Only those that cost more than this.")] = None
    cost_below_usd: Annotated[Usd, Field(description="Only those that cost less than this.")] = None
    since: Annotated[AwareDatetime | None, Field(description="Started then or later.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Started before.")] = None
    triggered_by: TriggeredBy | None = None
    content_id: Annotated[UUID | None, Field(description="Only those over this content.")] = None
    thread_id: Annotated[UUID | None, Field(description="Only those over this mail thread.")] = None
    parent_id: Annotated[UUID | None, Field(description="Only those that a stage of this run started.")] = (
        None
    )
    include_children: Annotated[bool, Field(description="Also those that other runs started.")] = False
    id_prefix: Annotated[
        str | None,
        Field(pattern=SHORT_ID, max_length=36, description="Only those whose id begins so."),
    ] = None

    def wanted(self, status: RunStatus | None = None) -> RunFilter:
        """The same for the database. Raises UsageError."""
        is_of_whole_runs = self.parent_id is None and not self.include_children
        if not is_of_whole_runs and (self.cost_above_usd, self.cost_below_usd) != (None, None):
            raise UsageError(
                "runs that other runs started are not found by what they cost",
                hint="cost is that of a whole run: leave out `parent_id` and `include_children`",
            )
        said = self.model_dump(include=set(CountRuns.model_fields) - {"include_children"})
        return RunFilter(status=status, includes_children=self.include_children, **said)


class ListRuns(SortedPageInput, CountRuns):
    """Which runs."""

    status: RunStatus | None = None


class ListEvents(RunId):
    """Which events of a run: those after a sequence number."""

    after_seq: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class WaitForRun(RunId):
    """How long to wait for a run."""

    timeout_s: Annotated[float, Field(ge=0, le=WAIT_MAX_S)] = 30.0


class SignalRun(RunId):
    """What to tell a run."""

    name: Annotated[
        str,
        Field(max_length=NAME_LENGTH_MAX, pattern=r"^\w[\w.:-]*$", description="As its `wait` stage says."),
    ]
    data: Annotated[JsonValue, Field(description="What the stage puts out beside the name.")] = None
    keep: Annotated[
        bool,
        Field(description="Keep it for a stage that waits for it later; else only who waits now hears it."),
    ] = True
    idempotency_key: Annotated[
        str | None, Field(max_length=255, description="The same key is one signal of a run.")
    ] = None


@dataclass(frozen=True, slots=True)
class StartedRuns:
    """The runs that were started, in the order of their inputs."""

    run_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How many runs there are of each status, each status once."""

    counts: tuple[StatusCount, ...]


@dataclass(frozen=True, slots=True)
class CancelledRun:
    """The run whose end was asked for, and where it stood then."""

    run_id: UUID
    status: RunStatus


@dataclass(frozen=True, slots=True)
class SignalledRun:
    """The run that was told; `received` is false where it was not to be kept and no stage waits for it."""

    run_id: UUID
    name: str
    received: bool


@dataclass(frozen=True, slots=True)
class RunEvents:
    """Events in order; `is_over` when the run has ended and these are the last."""

    events: tuple[RunEvent, ...]
    is_over: bool


@action(
    "runs.start",
    effect=Effect.WRITE,
    permission=Permission.RUNS_WRITE,
    audited=("pipeline", "content_ids", "thread_ids"),
)
async def start_runs(scope: Scope, asked: StartRuns) -> StartedRuns:
    """Start one run per content or mail thread. A mailbox makes one run per message, or per thread where the pipeline
    takes threads. Workers drive them.
    """
    options = runs.StartOptions(
        model=asked.model,
        triggered_by=TRIGGERED_BY.get(scope.actor.kind, TriggeredBy.USER),
        metadata=asked.metadata,
        idempotency_key=asked.idempotency_key,
        stream=asked.stream,
        budget_usd=asked.budget_usd,
        priority=asked.priority,
        due_at=asked.due_at,
        delay_s=asked.delay_s,
    )
    async with scope.in_one_transaction() as joined:  # each would cost a submission a begin and a commit
        version = await pipelines.resolve(joined, asked.pipeline)
        inputs = await inputs_by_id(joined, version, asked.content_ids, asked.thread_ids)
        run_ids = await runs.start(joined, version, inputs, options, is_known=True)
    scope.wake()
    return StartedRuns(run_ids)


@action("runs.list", effect=Effect.READ, permission=Permission.RUNS_READ)
async def list_runs(scope: Scope, asked: ListRuns) -> Page[Run]:
    """List runs with their totals, without stages and results; those that other runs started only where asked for."""
    found = await runs.list_runs(
        scope,
        asked.wanted(asked.status),
        limit=asked.limit + 1,
        after=id_of(asked.cursor),
        is_oldest_first=asked.is_oldest_first,
    )
    return page_of(found, asked.limit, lambda run: run.id)


@action("runs.count", effect=Effect.READ, permission=Permission.RUNS_READ)
async def count_runs(scope: Scope, asked: CountRuns) -> RunCounts:
    """Count runs by status. Of each status only the newest are looked at, so that counts may be cut off."""
    return RunCounts(tuple(await runs.count_runs(scope, asked.wanted())))


@action("runs.backlog", effect=Effect.READ, permission=Permission.RUNS_READ)
async def read_backlog(scope: Scope, asked: NoInput) -> RunBacklog:
    """Read how the organization's runs stand now: what is due, waits, runs and failed, and whether a worker lives to take them."""
    del asked
    return await runs.backlog(scope)


@action("runs.get", effect=Effect.READ, permission=Permission.RUNS_READ, key="run_id")
async def get_run(scope: Scope, asked: RunId) -> Run:
    """Read a run with its stages, results, evidence and cost."""
    return await runs.get_run(scope, asked.run_id)


@action("runs.wait", effect=Effect.READ, permission=Permission.RUNS_READ, key="run_id")
async def wait_for_run(scope: Scope, asked: WaitForRun) -> Run:
    """Wait until a run has ended, at most `timeout_s`, and read it as it stands then: its status says whether it ended."""
    run = await runs.get_run(scope, asked.run_id)
    if run.status.is_terminal or not asked.timeout_s:
        return run
    with suppress(TimeoutError):
        await drive.wait(scope, scope.machinery.own, (asked.run_id,), timeout_s=asked.timeout_s)
    return await runs.get_run(scope, asked.run_id)


@action("runs.events", effect=Effect.READ, permission=Permission.RUNS_READ, key="run_id")
async def list_events(scope: Scope, asked: ListEvents) -> RunEvents:
    """Read what happened in a run, in order, after a sequence number."""
    run = await runs.get_run(scope, asked.run_id)
    events = await runs.events_after(scope, {asked.run_id: asked.after_seq}, limit=asked.limit)
    return RunEvents(tuple(events), is_over=run.status.is_terminal and len(events) < asked.limit)


@action(
    "runs.cancel",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.RUNS_WRITE,
    key="run_id",
    audited=("run_id",),
)
async def cancel_run(scope: Scope, asked: RunId) -> CancelledRun:
    """Ask for the end of a run: a worker ends it within seconds. Stages that are finished keep their results."""
    return CancelledRun(asked.run_id, await runs.cancel(scope, asked.run_id))


@action(
    "runs.signal",
    effect=Effect.WRITE,
    permission=Permission.RUNS_WRITE,
    key="run_id",
    audited=("run_id", "name"),
)
async def signal_run(scope: Scope, asked: SignalRun) -> SignalledRun:
    """Tell a run something that a `wait` stage waits for, now or later, in it or in a run that it started. It goes on within seconds."""
    options = signals.SignalOptions(is_kept=asked.keep, key=asked.idempotency_key)
    received = await signals.send(scope, asked.run_id, asked.name, asked.data, options)
    return SignalledRun(asked.run_id, asked.name, received)

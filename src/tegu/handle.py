"""What one organization may ask of a Tegu: store, start, run, follow, cancel, read.

`app.Tegu` is the handle of its own organization, and gives out others (`for_organization`). Invariant: whatever a handle
is asked for, it acts for its one organization; ids of another's are not there for it.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from math import inf
from typing import overload
from uuid import UUID

from tegu.actions import budgets as budget_actions
from tegu.actions import calls as call_actions
from tegu.actions import contents as content_actions
from tegu.actions import deliveries as delivery_actions
from tegu.actions import drive as drive_actions
from tegu.actions import models as model_actions
from tegu.actions import pipelines as pipeline_actions
from tegu.actions import results as result_actions
from tegu.actions import runs as run_actions
from tegu.actions.contents import Ingested, Source
from tegu.actions.follow import Following
from tegu.actions.joined_start import PreparedStart, joined_scope, start_prepared
from tegu.actions.llm import Llm
from tegu.actions.model_list import ModelListing, listing_of
from tegu.actions.model_trials import Trial, TrialPlan, try_models
from tegu.actions.operations import Operations
from tegu.actions.pipelines import PipelineSource
from tegu.actions.run_inputs import RunInput, inputs_of
from tegu.actions.runs import StartOptions
from tegu.actions.schedules import Schedules
from tegu.actions.scope import Scope
from tegu.domain.budget import Budget, BudgetPlace
from tegu.domain.call import LlmCall
from tegu.domain.content import SourceType
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.hook import HookDelivery
from tegu.domain.json import JsonObject
from tegu.domain.run import Result, Run, RunEvent
from tegu.domain.run_filter import RunFilter
from tegu.domain.status import RunStatus
from tegu.llm.model_names import has_key
from tegu.llm.protocol import ModelRef
from tegu.runtime import Runtime
from tegu.storage.calls import CallFilter
from tegu.storage.outages import through_outages
from tegu.storage.pipelines import PipelineVersion

_FOLLOW_S = 0.15


class OrganizationHandle:
    """See the module. It is cheap: the organization is looked up, or made, when it is first needed, and remembered."""

    def __init__(self, runtime: Runtime, external_id: str) -> None:
        self._runtime = runtime
        self.external_id = external_id

    async def scope(self) -> Scope:
        """On whose behalf its methods act."""
        return self._runtime.scope_of(await self._runtime.organizations.id_of(self.external_id))

    # Storing and starting.

    async def ingest(
        self,
        source: Source,
        *,
        source_type: SourceType | None = None,
        name: str | None = None,
        metadata: JsonObject | None = None,
        external_id: str | None = None,
        connection: object = None,
    ) -> Ingested:
        """Store a file (by path), bytes or text. Raises IntakeError, and then nothing of it is stored.

        With `connection` it is stored in the caller's transaction, as with `start`.
        """
        read = await content_actions.read_input(
            source,
            source_type=source_type,
            name=name,
            metadata=metadata,
            external_id=external_id,
            with_texts=connection is not None,
        )
        async with self._acting(connection) as scope:
            return await content_actions.store_input(scope, read)

    async def pipeline(self, source: PipelineSource) -> PipelineVersion:
        """The version that is meant: a name, a document's path or object, a definition or a builder."""
        return await pipeline_actions.resolve(await self.scope(), source)

    async def start(
        self,
        pipeline: PipelineSource,
        *inputs: Ingested | Source,
        options: StartOptions | None = None,
        connection: object = None,
    ) -> tuple[UUID, ...]:
        """Start the runs that these inputs make, and return their ids at once. Any worker drives them.

        With `connection` (of SQLAlchemy, asyncpg or psycopg, to the same database) all that it stores joins the caller's
        transaction: a rollback leaves nothing of it, and the commit wakes the workers.
        """
        if connection is not None:
            prepared = await self.prepare_start(pipeline, *inputs, options=options)
            return await start_prepared(prepared, connection)
        version = await self.pipeline(pipeline)
        ingested = [i if isinstance(i, Ingested) else await self.ingest(i) for i in inputs]
        await self._check_own(ingested)
        return await self.start_inputs(version, inputs_of(version, ingested), options)

    async def prepare_start(
        self, pipeline: PipelineSource, *inputs: Ingested | Source, options: StartOptions | None = None
    ) -> PreparedStart:
        """Read the inputs, and store nothing: `start_prepared` does, in a caller's transaction."""
        read = [
            i if isinstance(i, Ingested) else await content_actions.read_input(i, with_texts=True)
            for i in inputs
        ]
        await self._check_own([i for i in read if isinstance(i, Ingested)])
        return PreparedStart(pipeline, tuple(read), options, await self.scope())

    async def start_inputs(
        self, version: PipelineVersion, inputs: Sequence[RunInput], options: StartOptions | None = None
    ) -> tuple[UUID, ...]:
        """Start one run per input."""
        return await run_actions.start(await self.scope(), version, inputs, options)

    async def run(
        self,
        pipeline: PipelineSource,
        source: Ingested | Source,
        *,
        model: str | None = None,
        timeout_s: float = 3600.0,
    ) -> Run:
        """Start the one run that this input makes, drive it in this process, and return it when it has ended.

        A run that failed is returned as well: look at its `status` and `error`. Raises UsageError when the input
        makes several runs, TimeoutError when it takes longer than `timeout_s` (the run goes on).
        """
        version = await self.pipeline(pipeline)
        ingested = source if isinstance(source, Ingested) else await self.ingest(source)
        await self._check_own([ingested])
        found = inputs_of(version, (ingested,))
        if len(found) != 1:
            raise UsageError(
                f"this input makes {len(found)} runs of {version.name!r}, and nothing was started",
                hint="start them with `run_ids = await tegu.start(...)` and end them with `await tegu.drive(run_ids)`",
            )
        run_ids = await self.start_inputs(version, found, StartOptions(model=model))
        await self.drive(run_ids, timeout_s=timeout_s)
        return await self.get_run(run_ids[0])

    # Waiting.

    @overload
    async def drive(
        self, run_ids: UUID, *, timeout_s: float = 3600.0, patience_s: float = inf
    ) -> RunStatus: ...

    @overload
    async def drive(
        self, run_ids: Sequence[UUID], *, timeout_s: float = 3600.0, patience_s: float = inf
    ) -> dict[UUID, RunStatus]: ...

    async def drive(
        self, run_ids: UUID | Sequence[UUID], *, timeout_s: float = 3600.0, patience_s: float = inf
    ) -> RunStatus | dict[UUID, RunStatus]:
        """Drive one run, or several, in this process until they have ended, and return where each stands then.

        Safe to call from anywhere, any number of times, also for a run that has ended: whoever comes first drives it, and
        the others wait for that. When a caller's process dies, another caller, or any worker, goes on after the lease
        (6 s). With `patience_s` it also returns, with a status that is not terminal, when what is left has nobody to drive
        it for longer than that: it waits (for a retry, a budget, a limit), or for a worker with its Python stages. Call
        again later. Raises NotFoundError, and TimeoutError after `timeout_s`; then, and when the caller is cancelled, this
        process goes on with the run.
        """
        wanted = (run_ids,) if isinstance(run_ids, UUID) else tuple(run_ids)
        found = await drive_actions.drive(
            await self.scope(), self._runtime.own, wanted, timeout_s=timeout_s, patience_s=patience_s
        )
        return found[run_ids] if isinstance(run_ids, UUID) else found

    async def wait(self, run_ids: Sequence[UUID], *, timeout_s: float = 3600.0) -> dict[UUID, RunStatus]:
        """Wait until runs have ended, whoever drives them. Raises TimeoutError, NotFoundError."""
        return await drive_actions.wait(await self.scope(), self._runtime.own, run_ids, timeout_s=timeout_s)

    async def follow(self, run_ids: Sequence[UUID], *, partials: bool = False) -> AsyncGenerator[RunEvent]:
        """The events of runs, as they happen, in order within each run, until all have ended.

        With `partials` also what models have said so far, as events of the kind `stage.partial` (`data`: `partial`,
        `text_length`, `call`, `attempt`, and `is_truncated` where only the beginning is shown). These are of the moment:
        coalesced, not stored, not replayed; their `seq` is that of the run's last event before them. A partial comes
        after the `stage.started` of its attempt and before what ends it. Models are streamed while somebody follows so;
        `StartOptions(stream=True)` begins with the first call.
        """
        following = Following(await self.scope(), run_ids, partials=partials)
        async with self._runtime.feed.hints(run_ids if partials else ()) as hint:
            while True:
                events = await through_outages(following.look)
                for event in events:
                    yield event
                if following.is_over:
                    return
                if not events:
                    self._runtime.own.check()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_FOLLOW_S):
                            await hint.wait()
                    hint.clear()

    async def waiting_reasons(self, run_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Why runs that are due are not taken: a pause, a limit, a Python stage that no worker has."""
        return await run_actions.waiting_reasons(await self.scope(), run_ids)

    async def unserved_functions(self, version: PipelineVersion) -> tuple[str, ...]:
        """The Python stages of a version that no living worker has: its runs would wait."""
        return await run_actions.unserved_functions(await self.scope(), version)

    async def cancel(self, run_id: UUID) -> RunStatus:
        """Ask for the end of a run. Raises ConflictError when it has ended already."""
        return await run_actions.cancel(await self.scope(), run_id)

    # Reading.

    async def get_run(self, run_id: UUID) -> Run:
        """A run with its stages, results and totals. Raises NotFoundError."""
        return await run_actions.get_run(await self.scope(), run_id)

    async def list_runs(
        self, *, status: RunStatus | None = None, pipeline: str | None = None, limit: int = 50
    ) -> list[Run]:
        """The newest runs, without stages and results."""
        return await run_actions.list_runs(
            await self.scope(), RunFilter(status=status, pipeline=pipeline), limit=limit
        )

    async def list_results(self, *, type: str | None = None, limit: int = 50) -> tuple[Result, ...]:  # noqa: A002 (the field)
        """Results of the newest runs, of one type if given."""
        return await result_actions.list_results(await self.scope(), type=type, limit=limit)

    async def list_calls(self, *, run_id: UUID | None = None, limit: int = 50) -> list[LlmCall]:
        """The ledger's newest calls, or those of one run in order."""
        wanted = CallFilter(run_id=run_id)
        is_oldest_first = run_id is not None
        return await call_actions.list_calls(
            await self.scope(), wanted, limit=limit, is_oldest_first=is_oldest_first
        )

    async def list_pipelines(self) -> list[PipelineVersion]:
        """The newest version of every pipeline."""
        return await pipeline_actions.list_pipelines(await self.scope())

    async def list_deliveries(self, *, failed: bool | None = None, limit: int = 50) -> list[HookDelivery]:
        """Deliveries to hooks that did not go well yet, of the newest runs first: with `failed`, those that were given up."""
        return await delivery_actions.list_deliveries(await self.scope(), failed=failed, limit=limit)

    # Operating.

    @property
    def operations(self) -> Operations:
        """Pausing and resuming: `await tegu.operations.pause("invoices")`."""
        return Operations(self.scope)

    @property
    def schedules(self) -> Schedules:
        """Runs that begin by themselves: `await tegu.schedules.create("monday", ScheduleSpec(...))`."""
        return Schedules(self.scope)

    # Models.

    @property
    def llm(self) -> Llm:
        """Models, without a run: `await tegu.llm.generate(...)`. The calls are in the ledger."""
        return Llm(self.scope)

    async def list_budgets(self) -> list[Budget]:
        """The budgets of the organization, its pipelines and its runs, and how much is left of each."""
        return await budget_actions.list_budgets(await self.scope())

    async def set_budget(
        self, place: BudgetPlace, limit_usd: Decimal, *, allows_unpriced: bool = False
    ) -> int:
        """Set or change the most that calls may cost there. Calls that would exceed it wait, and with them their runs;
        those that now have room go on at once, and it is returned how many are tried again. Raises UsageError,
        NotFoundError, ConflictError.
        """
        return await budget_actions.set_budget(
            await self.scope(), place, limit_usd, allows_unpriced=allows_unpriced
        )

    async def remove_budget(self, place: BudgetPlace) -> int:
        """Take a budget away; returns as `set_budget`. Raises NotFoundError."""
        return await budget_actions.remove_budget(await self.scope(), place)

    async def set_model(self, model: str | None) -> None:
        """Choose the model of the organization's stages that name none; None: no longer. Raises ConfigurationError."""
        await model_actions.set_model(await self.scope(), model)

    async def list_models(self, *, every: bool = False) -> ModelListing:
        """What the present keys allow, with prices, aliases and defaults; with `every` all models known by name."""
        return await listing_of(await self.scope(), every=every)

    async def resolve_model(self, model: str) -> tuple[ModelRef, ...]:
        """The models that a name, an alias or a chain stands for now. Raises ConfigurationError."""
        runtime = self._runtime
        return await runtime.names.resolve(model, has_key(runtime.credentials, await self._organization_id()))

    async def try_models(self, plan: TrialPlan) -> tuple[Trial, ...]:
        """One tiny call to each model of the plan (`actions.model_trials.plan_trials`)."""
        return await try_models(await self.scope(), plan)

    async def require_models(
        self, version: PipelineVersion, *, model: str | None, with_keys: bool = True
    ) -> None:
        """Raises ConfigurationError when a stage has no model, or (`with_keys`) one that has no key here."""
        runtime, organization_id = self._runtime, await self._organization_id()
        default = await runtime.default_model(organization_id)
        models = model_actions.models_of(
            runtime.registry, version.definition, runtime.names, override=model, default=default
        )
        if with_keys:
            await model_actions.require_keys(models, runtime.names, runtime.credentials, organization_id)

    async def _organization_id(self) -> UUID:
        return (await self.scope()).organization_id

    async def _check_own(self, ingested: Sequence[Ingested]) -> None:
        organization_id = await self._organization_id()
        for item in ingested:
            if item.content.organization_id != organization_id:
                raise NotFoundError(f"there is no content {item.content.id}", hint="ingest it first")

    @asynccontextmanager
    async def _acting(self, connection: object) -> AsyncGenerator[Scope]:
        """In transactions of our own, or in the caller's."""
        scope = await self.scope()
        if connection is None:
            yield scope
            return
        async with joined_scope(scope, connection) as joined:
            yield joined

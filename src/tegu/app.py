"""Tegu: where everything is wired together. Embed it in any asyncio program, or let the command line do it.

    async with Tegu(model="anthropic:claude-sonnet-4-5") as tegu:
        run = await tegu.run("email_analysis", Path("thread.mbox"))

Invariant: one Tegu belongs to one event loop; what it opened it closes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self
from uuid import UUID

from tegu.actions import contents as content_actions
from tegu.actions import models as model_actions
from tegu.actions import pipelines as pipeline_actions
from tegu.actions import runs as run_actions
from tegu.actions.contents import Ingested, Source
from tegu.actions.doctor import HealthCheck, examine
from tegu.actions.follow import Following
from tegu.actions.llm import Llm
from tegu.actions.model_list import ModelListing, list_models
from tegu.actions.model_trials import Trial, TrialDoors, TrialPlan, try_models
from tegu.actions.pipelines import PipelineSource
from tegu.actions.runs import RunInput, StartOptions
from tegu.actions.scope import Scope
from tegu.domain.call import LlmCall
from tegu.domain.content import SourceType
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.json import JsonObject
from tegu.domain.run import Result, Run, RunEvent
from tegu.domain.status import RunStatus
from tegu.domain.worker import LivingWorker
from tegu.engine.worker import Worker, WorkerOptions
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.model_names import has_key
from tegu.llm.protocol import CredentialSource, ModelRef
from tegu.runtime import OnReleased, Runtime, StageFunction
from tegu.settings import Settings
from tegu.stages.registry import StageRegistry
from tegu.storage.database import Database
from tegu.storage.ledger import CallPlace
from tegu.storage.migrate import migrate
from tegu.storage.organizations import ensure_organization
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.workers import Workers

_POLL_S = 0.1
_FOLLOW_S = 0.15


class Tegu:
    """One process's Tegu. What is not given comes from the environment (`settings`).

    `models` are aliases: `Tegu(models={"fast": "groq:openai/gpt-oss-20b, openai:gpt-6-luna"})`; `model` may be one of
    them. `stages` are the Python stages that this process has. The organization is found, or made, by `external_id`.
    """

    def __init__(
        self,
        *,
        database_url: str | None = None,
        model: str | None = None,
        models: Mapping[str, str] | None = None,
        organization: str | None = None,
        stages: Iterable[StageFunction] = (),
        settings: Settings | None = None,
        credentials: CredentialSource | None = None,
    ) -> None:
        base = settings or Settings.from_environment()
        self.settings = replace(
            base,
            database_url=database_url or base.database_url,
            model=model or base.model,
            models={**base.models, **(models or {})},
            organization=organization or base.organization,
        )
        self._runtime = Runtime(self.settings, tuple(stages), credentials or EnvironmentCredentials())
        self._organization_id: UUID | None = None

    # Opening and closing.

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Reach the database, migrate the embedded one, find the organization. Raises StorageUnavailableError."""
        address = await self._runtime.address()
        if address.is_embedded:
            await migrate(address)
        self._organization_id = await ensure_organization(address, self.settings.organization)
        await self._runtime.open()

    async def close(self) -> None:
        """Hand back what is under way, and close every connection."""
        await self._runtime.close()

    async def migrate(self) -> tuple[str | None, str]:
        """Bring the database to this version. Returns the revision before and after."""
        return await migrate(await self._runtime.address())

    @property
    def registry(self) -> StageRegistry:
        """The stage kinds and Python stages that this process has."""
        return self._runtime.registry

    @property
    def database(self) -> Database:
        """The open database. Raises UsageError before `open`."""
        return self._runtime.database

    @property
    def scope(self) -> Scope:
        """On whose behalf its methods act."""
        database = self.database
        assert self._organization_id is not None
        return Scope(self._organization_id, database, self.registry, self._runtime.wake)

    # What it does.

    async def ingest(
        self,
        source: Source,
        *,
        source_type: SourceType | None = None,
        name: str | None = None,
        metadata: JsonObject | None = None,
        external_id: str | None = None,
    ) -> Ingested:
        """Store a file (by path), bytes or text. Raises IntakeError, and then nothing of it is stored."""
        return await content_actions.ingest(
            self.scope,
            source,
            source_type=source_type,
            name=name,
            metadata=metadata,
            external_id=external_id,
        )

    async def pipeline(self, source: PipelineSource) -> PipelineVersion:
        """The version that is meant: a name, a document's path or object, a definition or a builder."""
        return await pipeline_actions.resolve(self.scope, source)

    async def start(
        self,
        pipeline: PipelineSource,
        *inputs: Ingested | Source,
        options: StartOptions | None = None,
    ) -> tuple[UUID, ...]:
        """Start the runs that these inputs make, and return their ids at once. Any worker drives them."""
        version = await self.pipeline(pipeline)
        ingested = [i if isinstance(i, Ingested) else await self.ingest(i) for i in inputs]
        return await self.start_inputs(version, run_actions.inputs_of(version, ingested), options)

    async def start_inputs(
        self, version: PipelineVersion, inputs: Sequence[RunInput], options: StartOptions | None = None
    ) -> tuple[UUID, ...]:
        """Start one run per input."""
        return await run_actions.start(self.scope, version, inputs, options)

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
        found = run_actions.inputs_of(version, (ingested,))
        if len(found) != 1:
            raise UsageError(
                f"this input makes {len(found)} runs of {version.name!r}, and nothing was started",
                hint="start them with `run_ids = await tegu.start(...)` and end them with `await tegu.drive(run_ids)`",
            )
        run_ids = await self.start_inputs(version, found, StartOptions(model=model))
        await self.drive(run_ids, timeout_s=timeout_s)
        return await self.get_run(run_ids[0])

    async def drive(self, run_ids: Sequence[UUID], *, timeout_s: float = 3600.0) -> dict[UUID, RunStatus]:
        """Drive runs in this process until they have ended; safe to call from anywhere, any number of times."""
        organization_id = self.scope.organization_id
        await self._runtime.drive((organization_id, run_id) for run_id in run_ids)
        return await self.wait(run_ids, timeout_s=timeout_s)

    async def wait(self, run_ids: Sequence[UUID], *, timeout_s: float = 3600.0) -> dict[UUID, RunStatus]:
        """Wait until runs have ended, whoever drives them. Raises TimeoutError, NotFoundError."""
        async with asyncio.timeout(timeout_s), self._runtime.released(run_ids) as released:
            while True:
                found = await run_actions.statuses(self.scope, run_ids)
                if missing := set(run_ids) - found.keys():
                    raise NotFoundError(
                        f"there is no run {missing.pop()}", hint="`tegu runs` lists the newest"
                    )
                if all(status.is_terminal for status in found.values()):
                    return found
                self._runtime.check_worker()
                with suppress(TimeoutError):
                    await asyncio.wait_for(released.wait(), _POLL_S)
                released.clear()

    async def waiting(self, run_ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
        """Runs that wait because no living worker has their Python stages, and those stages (`refund@1`)."""
        return await run_actions.waiting(self.scope, run_ids)

    async def unserved_functions(self, version: PipelineVersion) -> tuple[str, ...]:
        """The Python stages of a version that no living worker has: its runs would wait."""
        return await run_actions.unserved_functions(self.scope, version)

    async def list_workers(self) -> tuple[LivingWorker, ...]:
        """The workers that are alive, whatever organization their runs belong to. For operators."""
        return await Workers(await self.database.engine()).living()

    async def follow(self, run_ids: Sequence[UUID], *, partials: bool = False) -> AsyncIterator[RunEvent]:
        """The events of runs, as they happen, in order within each run, until all have ended.

        With `partials` also what models have said so far, as events of the kind `stage.partial` (`data`: `partial`,
        `text_length`, `call`, `attempt`, and `is_truncated` where only the beginning is shown). These are of the moment:
        coalesced, not stored, not replayed; their `seq` is that of the run's last event before them. A partial comes
        after the `stage.started` of its attempt and before what ends it. Models are streamed while somebody follows so;
        `StartOptions(stream=True)` begins with the first call.
        """
        following = Following(self.scope, run_ids, partials=partials)
        async with self._runtime.feed.hints(run_ids if partials else ()) as hint:
            while True:
                events = await following.look()
                for event in events:
                    yield event
                if following.is_over:
                    return
                if not events:
                    self._runtime.check_worker()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(hint.wait(), _FOLLOW_S)
                    hint.clear()

    async def cancel(self, run_id: UUID) -> RunStatus:
        """Ask for the end of a run. Raises ConflictError when it has ended already."""
        return await run_actions.cancel(self.scope, run_id)

    async def get_run(self, run_id: UUID) -> Run:
        """A run with its stages, results and totals. Raises NotFoundError."""
        return await run_actions.get_run(self.scope, run_id)

    async def list_runs(
        self, *, status: RunStatus | None = None, pipeline: str | None = None, limit: int = 50
    ) -> list[Run]:
        """The newest runs, without stages and results."""
        return await run_actions.list_runs(self.scope, status=status, pipeline=pipeline, limit=limit)

    async def list_results(self, *, type: str | None = None, limit: int = 50) -> tuple[Result, ...]:  # noqa: A002 (the field)
        """The newest results of all runs, of one type if given."""
        return await run_actions.list_results(self.scope, type=type, limit=limit)

    async def list_calls(self, *, run_id: UUID | None = None, limit: int = 50) -> list[LlmCall]:
        """The ledger's newest calls, or those of one run in order."""
        return await run_actions.list_calls(self.scope, run_id=run_id, limit=limit)

    async def list_pipelines(self) -> list[PipelineVersion]:
        """The newest version of every pipeline."""
        return await pipeline_actions.list_pipelines(self.scope)

    @property
    def llm(self) -> Llm:
        """Models, without a run: `await tegu.llm.generate(...)`. The calls are in the ledger."""
        runtime, organization_id = self._runtime, self.scope.organization_id
        return Llm(
            organization_id,
            partial(runtime.ledger, CallPlace(organization_id)),
            runtime.providers.ready,
            runtime.credentials,
            partial(runtime.default_model, organization_id),
            runtime.names,
        )

    async def set_model(self, model: str | None) -> None:
        """Choose the model of the organization's stages that name none; None: no longer. Raises ConfigurationError."""
        await model_actions.set_model(self.scope, self._runtime.names, model)
        self._runtime.forget_model(self.scope.organization_id)

    async def list_models(self, *, every: bool = False) -> ModelListing:
        """What the present keys allow, with prices, aliases and defaults; with `every` all models known by name."""
        return await list_models(
            self._runtime.names,
            self._runtime.credentials,
            self.scope.organization_id,
            own_model=await model_actions.own_model(self.scope),
            default_model=self.settings.model,
            every=every,
        )

    async def resolve_model(self, model: str) -> tuple[ModelRef, ...]:
        """The models that a name, an alias or a chain stands for now. Raises ConfigurationError."""
        runtime = self._runtime
        return await runtime.names.resolve(model, has_key(runtime.credentials, self.scope.organization_id))

    async def try_models(self, plan: TrialPlan) -> tuple[Trial, ...]:
        """One tiny call to each model of the plan (`actions.model_trials.plan_trials`)."""
        runtime, organization_id = self._runtime, self.scope.organization_id
        ledger = partial(runtime.ledger, CallPlace(organization_id))
        doors = TrialDoors(organization_id, ledger, runtime.providers.ready, runtime.credentials)
        return await try_models(plan, doors)

    async def require_models(
        self, version: PipelineVersion, *, model: str | None, with_keys: bool = True
    ) -> None:
        """Raises ConfigurationError when a stage has no model, or (`with_keys`) one that has no key here."""
        runtime, organization_id = self._runtime, self.scope.organization_id
        default = await runtime.default_model(organization_id)
        models = model_actions.models_of(
            self.registry, version.definition, runtime.names, override=model, default=default
        )
        if with_keys:
            await model_actions.require_keys(models, runtime.names, runtime.credentials, organization_id)

    async def doctor(self) -> tuple[HealthCheck, ...]:
        """Whether everything that is needed is there; it needs not be open."""
        return await examine(self.settings, self._runtime.address, EnvironmentCredentials())

    async def worker(
        self, *, options: WorkerOptions | None = None, on_released: OnReleased | None = None
    ) -> Worker:
        """A worker for everybody's runs, not running yet: `await worker.run()`. `on_released` is called with each run
        that it let go, and the status that it left it in.
        """
        return await self._runtime.worker(options=options, on_released=on_released)

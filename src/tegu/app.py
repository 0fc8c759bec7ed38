"""Tegu: where everything is wired together. Embed it in any asyncio program, or let the command line do it.

    async with Tegu(model="anthropic:claude-sonnet-4-5") as tegu:
        run = await tegu.run("email_analysis", Path("thread.mbox"))

Invariant: one Tegu belongs to one event loop; what it opened it closes.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version as installed_version
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from tegu.actions import contents as content_actions
from tegu.actions import models as model_actions
from tegu.actions import pipelines as pipeline_actions
from tegu.actions import runs as run_actions
from tegu.actions.contents import Ingested, Source
from tegu.actions.doctor import HealthCheck, examine
from tegu.actions.llm import Llm
from tegu.actions.pipelines import PipelineSource
from tegu.actions.runs import RunInput, StartOptions
from tegu.actions.scope import Scope
from tegu.domain.call import LlmCall
from tegu.domain.content import SourceType
from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject
from tegu.domain.run import Result, Run, RunEvent
from tegu.domain.status import RunStatus
from tegu.engine.alone import AlonePerformer
from tegu.engine.wake import Notifier
from tegu.engine.worker import Doors, Perform, Worker, WorkerOptions
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import CredentialSource, Ledger
from tegu.llm.providers.registry import Providers
from tegu.pipeline.task import StageTask
from tegu.settings import Settings
from tegu.stages.perform import Performer
from tegu.stages.registry import StageRegistry, functions_by_key
from tegu.stages.source import Sources
from tegu.storage.claims import RunKey
from tegu.storage.database import ENGINE_ROLE, Database, DatabaseAddress, connect, resolve
from tegu.storage.ledger import CallPlace, StoredLedger
from tegu.storage.migrate import migrate
from tegu.storage.organizations import ensure_organization
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.sources import SourceStore

StageFunction = Callable[..., Any]

_POLL_S = 0.1
_FOLLOW_S = 0.15


class Tegu:
    """One process's Tegu. What is not given comes from the environment (`settings`).

    `stages` are the Python stages that this process has. The organization is found, or made, by `external_id`.
    """

    def __init__(
        self,
        *,
        database_url: str | None = None,
        model: str | None = None,
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
            organization=organization or base.organization,
        )
        self._functions = tuple(stages)
        self.registry = StageRegistry(functions=functions_by_key(self._functions))
        self._credentials = credentials or EnvironmentCredentials()
        self._providers = Providers()
        self._address: DatabaseAddress | None = None
        self._database: Database | None = None
        self._notifier: Notifier | None = None
        self._organization_id: UUID | None = None
        self._own_worker: Worker | None = None
        self._own_worker_task: asyncio.Task[None] | None = None
        self._alone: AlonePerformer | None = None
        self._released: dict[UUID, asyncio.Event] = {}

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
        address = await self.address()
        if address.is_embedded:
            await migrate(address)
        self._organization_id = await ensure_organization(address, self.settings.organization)
        self._database = Database(address)
        self._notifier = Notifier(self._database.engine)

    async def close(self) -> None:
        """Hand back what is under way, and close every connection."""
        if self._own_worker is not None and self._own_worker_task is not None:
            self._own_worker.stop()
            with suppress(asyncio.CancelledError):
                await self._own_worker_task
            self._own_worker = self._own_worker_task = None
        if self._alone is not None:
            await self._alone.close()
        if self._notifier is not None:
            await self._notifier.close()
        await self._providers.close()
        if self._database is not None:
            await self._database.close()
            self._database = None

    async def address(self) -> DatabaseAddress:
        """Where the database is; the embedded server is started when it is asked for."""
        if self._address is None:
            self._address = await resolve(
                database_url=self.settings.database_url,
                home=self.settings.home,
                app_url=self.settings.app_database_url,
                engine_url=self.settings.engine_database_url,
            )
        return self._address

    async def migrate(self) -> tuple[str | None, str]:
        """Bring the database to this version. Returns the revision before and after."""
        return await migrate(await self.address())

    @property
    def database(self) -> Database:
        """The open database. Raises UsageError before `open`."""
        if self._database is None:
            raise UsageError("this Tegu is not open", hint="use `async with Tegu() as tegu:`")
        return self._database

    @property
    def scope(self) -> Scope:
        """On whose behalf its methods act."""
        database = self.database
        assert self._organization_id is not None
        return Scope(self._organization_id, database, self.registry, self._wake)

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
        run_ids = await self.start(pipeline, source, options=StartOptions(model=model))
        if len(run_ids) != 1:
            raise UsageError(f"this input makes {len(run_ids)} runs", hint="use `start` and `drive`")
        await self.drive(run_ids, timeout_s=timeout_s)
        return await self.get_run(run_ids[0])

    async def drive(self, run_ids: Sequence[UUID], *, timeout_s: float = 3600.0) -> dict[UUID, RunStatus]:
        """Drive runs in this process until they have ended; safe to call from anywhere, any number of times."""
        worker = await self._worker_of_mine()
        assert self._organization_id is not None
        for run_id in run_ids:
            worker.follow((self._organization_id, run_id))
        return await self.wait(run_ids, timeout_s=timeout_s)

    async def wait(self, run_ids: Sequence[UUID], *, timeout_s: float = 3600.0) -> dict[UUID, RunStatus]:
        """Wait until runs have ended, whoever drives them. Raises TimeoutError."""
        hint = asyncio.Event()
        for run_id in run_ids:
            self._released[run_id] = hint
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    found = await run_actions.statuses(self.scope, run_ids)
                    if all(status.is_terminal for status in found.values()):
                        return found
                    self._check_worker()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(hint.wait(), _POLL_S)
                    hint.clear()
        finally:
            for run_id in run_ids:
                self._released.pop(run_id, None)

    async def follow(self, run_ids: Sequence[UUID]) -> AsyncIterator[RunEvent]:
        """The events of runs, as they happen, in order within each run, until all have ended."""
        after = dict.fromkeys(run_ids, 0)
        while True:
            # Statuses first: what ended before the events were read has all its events among them.
            statuses = await run_actions.statuses(self.scope, run_ids)
            events = await run_actions.events_after(self.scope, after)
            for event in events:
                after[event.run_id] = event.seq
                yield event
            if not events and all(status.is_terminal for status in statuses.values()):
                return
            if not events:
                self._check_worker()
                await asyncio.sleep(_FOLLOW_S)

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
        organization_id = self.scope.organization_id

        async def ledger() -> Ledger:
            return StoredLedger(await self.database.engine(), CallPlace(organization_id))

        return Llm(organization_id, ledger, self._providers.ready, self._credentials, self.settings.model)

    async def require_models(
        self, version: PipelineVersion, *, model: str | None, with_keys: bool = True
    ) -> None:
        """Raises ConfigurationError when a stage has no model, or (`with_keys`) one that has no key here."""
        models = model_actions.models_of(
            self.registry, version.definition, override=model, default=self.settings.model
        )
        if with_keys:
            await model_actions.require_keys(models, self._credentials, self.scope.organization_id)

    async def doctor(self) -> tuple[HealthCheck, ...]:
        """Whether everything that is needed is there; it needs not be open."""
        return await examine(self.settings, self.address, EnvironmentCredentials())

    # Workers.

    async def worker(
        self,
        *,
        options: WorkerOptions | None = None,
        only: Iterable[RunKey] | None = None,
        on_released: Callable[[RunKey, RunStatus], None] | None = None,
    ) -> Worker:
        """A worker of this process, not running yet: `await worker.run()`."""
        pool = await self.database.engine()
        performer = await self.performer()
        return Worker(
            Doors(pool, partial(connect, await self.address(), ENGINE_ROLE)),
            performer,
            options=options,
            functions=self.registry.functions(),
            version=installed_version("tegu"),
            only=only,
            perform_alone=self._alone_performer().perform,
            on_released=on_released,
        )

    async def performer(self) -> Perform:
        """What performs one stage in this process."""
        pool = await self.database.engine()

        def ledger_for(task: StageTask) -> Ledger:
            place = CallPlace(task.organization_id, task.run_id, task.stage.name, generation=task.generation)
            return StoredLedger(pool, place)

        return Performer(
            self.registry,
            sources=Sources(SourceStore(pool)),
            provider_for=self._providers.ready,
            credentials=self._credentials,
            ledger_for=ledger_for,
            default_model=self._default_model,
        ).perform

    async def _default_model(self, _organization_id: UUID) -> str | None:
        return self.settings.model

    def _alone_performer(self) -> AlonePerformer:
        if self._alone is None:
            self._alone = AlonePerformer(
                partial(open_performer, self.settings, self._functions, self._credentials)
            )
        return self._alone

    async def _worker_of_mine(self) -> Worker:
        """The worker that drives this process's own runs, started when first needed."""
        if self._own_worker is None or self._own_worker_task is None or self._own_worker_task.done():
            self._own_worker = await self.worker(only=(), on_released=self._note_released)
            self._own_worker_task = asyncio.create_task(self._own_worker.run())
        return self._own_worker

    def _note_released(self, key: RunKey, _: RunStatus) -> None:
        if (hint := self._released.get(key[1])) is not None:
            hint.set()

    def _check_worker(self) -> None:
        """A worker of ours that broke must not leave its caller waiting."""
        if self._own_worker_task is not None and self._own_worker_task.done():
            self._own_worker_task.result()

    def _wake(self) -> None:
        if self._own_worker is not None:
            self._own_worker.wake()
        if self._notifier is not None:
            self._notifier.notify()


@asynccontextmanager
async def open_performer(
    settings: Settings, functions: Sequence[StageFunction], credentials: CredentialSource
) -> AsyncGenerator[Perform]:
    """A Tegu that only performs stages, for a child process (`engine.alone`)."""
    async with Tegu(settings=settings, stages=functions, credentials=credentials) as tegu:
        yield await tegu.performer()

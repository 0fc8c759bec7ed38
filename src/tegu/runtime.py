"""The machinery of one process: its database, its providers, and the workers that perform stages.

Made by `app.Tegu`, one for each. Invariant: it belongs to one event loop, and what it opened it closes.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version as installed_version
from typing import Any
from uuid import UUID

from tegu.actions.chores import chores_of
from tegu.actions.health import AGE_MAX_S, NOT_OPEN, HealthWatch
from tegu.actions.live import broadcast_of
from tegu.actions.organization_rules import OrganizationRules
from tegu.actions.scope import Scope
from tegu.actions.secrets import keyring_of
from tegu.crashpoints import crashing
from tegu.domain.actor import Actor, library_actor
from tegu.domain.errors import UsageError
from tegu.domain.ids import new_id
from tegu.domain.installation import Health
from tegu.domain.status import RunStatus
from tegu.egress.allowed import AllowList
from tegu.egress.guard import Guard
from tegu.egress.mail import Outbox
from tegu.engine.alone import AlonePerformer, can_be_sent
from tegu.engine.attempt import Perform
from tegu.engine.broadcast import Broadcast
from tegu.engine.deliver import Deliverer, DelivererOptions, Hook
from tegu.engine.feed import Feed
from tegu.engine.own_runs import OwnRuns
from tegu.engine.partials import Partials
from tegu.engine.wake import Notifier
from tegu.engine.webhooks import WebhookOptions
from tegu.engine.worker import Doors, Worker, WorkerOptions
from tegu.llm.admission import Admission
from tegu.llm.limits.grant import Grant, Report
from tegu.llm.limits.limiter import Limiter
from tegu.llm.limits.place import LimitPlace
from tegu.llm.limits.rules import LimitRules
from tegu.llm.model_names import ModelNames
from tegu.llm.protocol import CredentialSource, Ledger
from tegu.llm.providers.registry import Providers
from tegu.llm.regions import declared_regions
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.sealing import Keyring
from tegu.settings import Settings
from tegu.stages.perform import Performer
from tegu.stages.registry import StageRegistry, functions_by_key
from tegu.stages.source import Sources
from tegu.stages.stored_reach import stored_reach
from tegu.storage.claims import RunKey
from tegu.storage.database import (
    APP_ROLE,
    ENGINE_ROLE,
    Database,
    DatabaseAddress,
    connect,
    reaching,
    resolve,
)
from tegu.storage.ledger import CallPlace, StoredLedger
from tegu.storage.limits import LimitStore
from tegu.storage.organizations import OrganizationIds
from tegu.storage.partials import PartialStore
from tegu.storage.sources import SourceStore
from tegu.telemetry.spans import show_content

StageFunction = Callable[..., Any]
OnReleased = Callable[[RunKey, RunStatus], None]


class Runtime:
    """See the module. `functions` are the Python stages that this process has."""

    def __init__(
        self, settings: Settings, functions: Sequence[StageFunction], credentials: CredentialSource
    ) -> None:
        self.settings = settings
        self._operators = credentials
        self.rules = OrganizationRules(
            lambda: self.database, credentials, lambda: self.keyring, declared_regions(settings.regions)
        )
        self.credentials: CredentialSource = self.rules
        self.names = ModelNames(settings.models)
        self.registry = StageRegistry(functions=functions_by_key(functions), names=self.names)
        self.providers = Providers()
        self.deliverer_options = DelivererOptions()
        self.webhook_options = WebhookOptions()
        self.guard = Guard(AllowList.parse(settings.egress_allow))
        self.organizations = OrganizationIds(self.address)
        self._keyring: Keyring | None = None
        self.outbox = Outbox(settings.sign_in.smtp_url, settings.sign_in.sender)
        self.limiter = Limiter(self._visit_limit, LimitRules.parse(settings.limits))
        self.own = OwnRuns(partial(self.worker, only=(), on_released=self._note_released))
        self._process_id = new_id()
        self._functions = tuple(functions)
        self._address: DatabaseAddress | None = None
        self._database: Database | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notifier: Notifier | None = None
        self._alone: AlonePerformer | None = None
        self._partials: Partials | None = None
        self._feed: Feed | None = None
        self._broadcast: Broadcast | None = None
        self._serving: tuple[Worker, asyncio.Task[None]] | None = None
        self._hooks: dict[str, Hook] = {}
        self._delivering: tuple[Deliverer, asyncio.Task[None]] | None = None
        self._watch: HealthWatch | None = None
        self._everybodys: Worker | None = None

    async def address(self) -> DatabaseAddress:
        """Where the database is; the embedded server is started when it is asked for."""
        if self._address is None:
            self._address = await resolve(
                database_url=self.settings.database_url,
                home=self.settings.home,
                app_url=self.settings.app_database_url,
                engine_url=self.settings.engine_database_url,
            )
            if self.settings.crashpoint is not None:
                self._address = replace(self._address, connection_class=crashing(self.settings.crashpoint))
        return self._address

    async def open(self) -> None:
        """Open both doors of the database; connections are made when they are needed. Raises UsageError when it is open."""
        self.check_closed()
        address = await self.address()
        show_content(is_allowed=self.settings.is_content_traced)
        self._database = Database(address)
        self._watch = HealthWatch(self._database)
        self._loop = asyncio.get_running_loop()
        self._notifier = Notifier(self._database.engine)
        self._feed = Feed(partial(connect, address, APP_ROLE))
        self._broadcast = broadcast_of(self._database, self._feed)
        if self._hooks:
            try:
                await self._deliver()
            except BaseException:
                await self.close()
                raise

    def check_closed(self) -> None:
        """Raises UsageError when it is open: what was opened first would never be closed."""
        if self._database is not None:
            raise UsageError(
                "this Tegu is open already",
                hint="open it once, around everything that uses it, or make another one",
            )

    async def close(self) -> None:
        """Hand back what is under way, and close every connection."""
        if self._database is not None:
            self._check_loop()
        async with AsyncExitStack() as closing:  # from the last to the first, whatever one of them raises
            if self._database is not None:
                closing.push_async_callback(self._database.close)
            closing.push_async_callback(self.providers.close)
            closing.push_async_callback(self.outbox.close)
            closing.push_async_callback(self.limiter.close)
            if self._partials is not None:
                closing.push_async_callback(self._partials.close)
            if self._broadcast is not None:
                closing.push_async_callback(self._broadcast.close)
            if self._feed is not None:
                closing.push_async_callback(self._feed.close)
            if self._notifier is not None:
                closing.push_async_callback(self._notifier.close)
            if self._alone is not None:
                closing.push_async_callback(self._alone.close)
            closing.push_async_callback(self.own.close)
            for under_way in (self._delivering, self._serving):
                if under_way is not None:
                    closing.push_async_callback(_stopped, *under_way)
            self._serving = self._delivering = self._database = self._partials = self._watch = None

    @property
    def keyring(self) -> Keyring:
        """What stored secrets are sealed with; made at first use for the embedded database. Raises ConfigurationError."""
        self._keyring = self._keyring or keyring_of(self.settings)
        return self._keyring

    @property
    def database(self) -> Database:
        """The open database. Raises UsageError before `open`."""
        if self._database is None:
            raise UsageError("this Tegu is not open", hint="use `async with Tegu() as tegu:`")
        self._check_loop()
        return self._database

    def _check_loop(self) -> None:
        """Connections that another loop uses are lost, and say so in no words that people know."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:  # only looked at, from code that is not async
            return
        if running is not self._loop:
            raise UsageError(
                "this Tegu was opened in another event loop",
                hint="open, use and close it within one `asyncio.run`; SyncTegu is for code that is not async",
            )

    @property
    def feed(self) -> Feed:
        """Hints that there is something new of a run. Raises UsageError before `open`."""
        if self._feed is None:
            raise UsageError("this Tegu is not open", hint="use `async with Tegu() as tegu:`")
        return self._feed

    @property
    def broadcast(self) -> Broadcast:
        """What tells everybody in this process who follows events. Raises UsageError before `open`."""
        if self._broadcast is None:
            raise UsageError("this Tegu is not open", hint="use `async with Tegu() as tegu:`")
        return self._broadcast

    async def ledger(self, place: CallPlace) -> Ledger:
        """Journal and ledger of the calls that belong there."""
        return StoredLedger(await self.database.engine(), place, self.rules.bodies)

    def admissions(self, organization_id: UUID, task: StageTask | None = None) -> Sequence[Admission]:
        """Whose leave a call needs, in order; without a task it is one that has no run."""
        del task
        return (self.rules.admission(organization_id), self.limiter.for_organization(organization_id))

    async def _visit_limit(self, place: LimitPlace, report: Report) -> Grant:
        return await LimitStore(await self.database.engine(), self._process_id).visit(place, report)

    async def performer(self) -> Perform:
        """What performs one stage in this process."""
        pool = await self.database.engine()
        self._partials = self._partials or Partials(PartialStore(pool))

        def ledger_for(task: StageTask) -> Ledger:
            place = CallPlace(
                task.organization_id, task.run_id, *split_name(task.stage.name), task.generation
            )
            return StoredLedger(pool, place, self.rules.bodies)

        return Performer(
            self.registry,
            sources=Sources(SourceStore(pool)),
            provider_for=self.providers.ready,
            credentials=self.credentials,
            ledger_for=ledger_for,
            default_model=self.default_model,
            names=self.names,
            open_live=self._partials.open,
            admissions_for=lambda task: self.admissions(task.organization_id, task),
            reach=await stored_reach(
                self.database, self.guard, lambda: self.keyring, self.settings.family_runs_max
            ),
        ).perform

    async def worker(
        self,
        *,
        options: WorkerOptions | None = None,
        only: Iterable[RunKey] | None = None,
        on_released: OnReleased | None = None,
    ) -> Worker:
        """A worker of this process, not running yet."""
        pool = await self.database.engine()
        if self._alone is None:
            opened = partial(open_performer, self.settings, self._functions, self._operators)
            self._alone = AlonePerformer(opened) if can_be_sent(opened) else None
        made = Worker(
            Doors(pool, partial(connect, await self.address(), ENGINE_ROLE)),
            await self.performer(),
            options=options,
            functions=self.registry.functions(),
            version=installed_version("tegu"),
            only=only,
            perform_alone=self._alone.perform if self._alone else None,
            on_released=on_released,
            chores=() if only is not None else await chores_of(self, self.scope_of, self.webhook_options),
        )
        if only is None:
            self._everybodys = made
        return made

    def scope_of(self, organization_id: UUID, actor: Actor | None = None) -> Scope:
        """On whose behalf actions run for an organization: by default that of the code that embeds this."""
        transaction = partial(self.database.transaction, organization_id)
        actor = actor or library_actor(organization_id)
        return Scope(organization_id, transaction, self.registry, self.wake, actor, self)

    def add_hook(self, hook: Hook) -> None:
        """Deliver to this hook once opened. Raises UsageError when it is open already, or has one of that name."""
        if self._database is not None:
            raise UsageError(
                f"hook {hook.name!r} comes too late: this Tegu is open",
                hint="register hooks before `async with tegu:`, at the top of the module",
            )
        if hook.name in self._hooks:
            raise UsageError(f"there is a hook {hook.name!r} already", hint="give one of them a `name=`")
        self._hooks[hook.name] = hook

    async def _deliver(self) -> None:
        pool = await self.database.engine()
        deliverer = Deliverer(pool, self._hooks.values(), options=self.deliverer_options)
        with reaching(await self.address()):
            await deliverer.subscribe()
        self._delivering = deliverer, asyncio.create_task(deliverer.run())

    async def serve(self, options: WorkerOptions | None = None) -> None:
        """Let this process drive everybody's runs, until it is closed."""
        if self._serving is None:
            worker = await self.worker(options=options, on_released=self._note_released)
            if self._serving is None:  # another caller may have been faster
                self._serving = worker, asyncio.create_task(worker.run())

    @property
    def serving(self) -> Worker | None:
        """The worker for everybody's runs, while it works. Raises what broke it."""
        if self._serving is not None and self._serving[1].done():
            self._serving[1].result()
        return self._serving[0] if self._serving is not None else None

    async def health(self, *, age_max_s: float = AGE_MAX_S) -> Health:
        """Whether this process can do its work, and how the installation is, within seconds."""
        if self._watch is None:
            return NOT_OPEN
        found = await self._watch.health(age_max_s=age_max_s)
        try:
            worker = self.serving or self._everybodys
        except Exception as error:  # noqa: BLE001 (whatever broke it)
            return replace(found, problem=f"the worker has ended: {type(error).__name__}")
        return replace(found, runs=worker.owned, slots=worker.slots) if worker is not None else found

    def wake(self) -> None:
        """Something is due: tell our own worker, and everybody else's."""
        self.own.wake()
        if self._notifier is not None:
            self._notifier.notify()

    def _note_released(self, key: RunKey, status: RunStatus) -> None:
        if status.is_terminal and self._delivering is not None:
            self._delivering[0].wake()
        self.own.note_released(key, status)

    async def default_model(self, organization_id: UUID) -> str | None:
        """The organization's own model, else TEGU_MODEL. A change is seen within REMEMBERED_S."""
        return (await self.rules.settings(organization_id)).model or self.settings.model

    def forget_model(self, organization_id: UUID) -> None:
        """The organization's own model, settings or keys were changed in this process."""
        self.rules.forget(organization_id)


async def _stopped(worker: Worker | Deliverer, task: asyncio.Task[None]) -> None:
    worker.stop()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def open_performer(
    settings: Settings, functions: Sequence[StageFunction], credentials: CredentialSource
) -> AsyncGenerator[Perform]:
    """Machinery that only performs stages, for a child process (`engine.alone`)."""
    runtime = Runtime(settings, functions, credentials)
    await runtime.open()
    try:
        yield await runtime.performer()
    finally:
        await runtime.close()

"""Tegu: where everything is wired together. Embed it in any asyncio program, or let the command line do it.

    async with Tegu(model="anthropic:claude-sonnet-4-5") as tegu:
        run = await tegu.run("email_analysis", Path("thread.mbox"))

Invariant: one Tegu belongs to one event loop; what it opened it closes.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from math import inf
from types import TracebackType
from typing import Any, Self, TypeVar, get_args

from tegu.actions import installation
from tegu.actions.contents import check_external_id
from tegu.actions.doctor import ROWS_DEFAULT, HealthCheck, examine
from tegu.actions.health import AGE_MAX_S
from tegu.domain.errors import UsageError
from tegu.domain.hook import HookEvent
from tegu.domain.identity import HostUser
from tegu.domain.installation import Health
from tegu.domain.retention import Pruned, Retention
from tegu.domain.worker import LivingWorker
from tegu.engine.deliver import Hook, HookFunction
from tegu.engine.stop_signals import told_to_stop
from tegu.engine.worker import Worker, WorkerOptions
from tegu.handle import OrganizationHandle
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import CredentialSource
from tegu.pipeline.features import FEATURES
from tegu.runtime import OnReleased, Runtime, StageFunction
from tegu.settings import Settings
from tegu.stages.registry import StageRegistry
from tegu.storage.database import Database
from tegu.storage.limits import LimitLevel
from tegu.storage.migrate import migrate
from tegu.storage.workers import Workers

_Hooked = TypeVar("_Hooked", bound=HookFunction)
_HOOK_LENGTH_MAX = 200


class Tegu(OrganizationHandle):
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
        runtime = Runtime(self.settings, tuple(stages), credentials or EnvironmentCredentials())
        super().__init__(runtime, self.settings.organization)

    # Opening and closing.

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Reach the database, migrate the embedded one, find the organization. Raises StorageUnavailableError, and
        UsageError when it is open already.
        """
        self._runtime.check_closed()
        address = await self._runtime.address()
        if address.is_embedded:
            await migrate(address)
        await self._runtime.organizations.id_of(self.external_id)
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

    # What it does is what the handle of its own organization does: see `handle`.

    def for_organization(self, external_id: str) -> OrganizationHandle:
        """The same methods for another organization, by the host application's id for it; made if it is not there."""
        check_external_id(external_id)
        return OrganizationHandle(self._runtime, external_id)

    def on(
        self,
        event: HookEvent,
        *,
        pipeline: str | None = None,
        name: str | None = None,
        attempts: int = 12,
        timeout_s: float = 60.0,
    ) -> Callable[[_Hooked], _Hooked]:
        """Call the decorated function, async or not, with a RunEnded for every run that ends so, of any organization.

        At least once, in one of the processes that registered it; when it raises, again with a growing delay, until it
        was tried `attempts` times. `name`, by default its module and qualified name, is what the database knows it
        by: keep it when you move the function.
        """
        if event not in get_args(HookEvent):
            raise UsageError(f"there is no event {event!r}", hint=f"one of {', '.join(get_args(HookEvent))}")
        if attempts < 1 or not 0 < timeout_s < inf:
            raise UsageError(f"attempts={attempts}, timeout_s={timeout_s}: both must be positive numbers")

        def register(function: _Hooked) -> _Hooked:
            qualified = getattr(function, "__qualname__", None)  # a partial and an object have none
            known = name or (f"{function.__module__}.{qualified}" if qualified else "")
            if not known or len(known) > _HOOK_LENGTH_MAX or not known.isprintable():
                raise UsageError(
                    f"a hook cannot be known as {known[:80]!r}",
                    hint=f"give it a `name=` of 1 to {_HOOK_LENGTH_MAX} printable characters",
                )
            self._runtime.add_hook(Hook(known, event, function, pipeline, attempts, timeout_s))
            return function

        return register

    @asynccontextmanager
    async def lifespan(
        self, app: object = None, *, worker: bool = False, options: WorkerOptions | None = None
    ) -> AsyncGenerator[None]:
        """Open while an ASGI application lives: `FastAPI(lifespan=tegu.lifespan)`, or `async with tegu.lifespan(app):`
        within a lifespan of your own. With `worker` this process drives everybody's runs. When the process is told to stop,
        open streams end at once, for which the server would wait.
        """
        del app
        async with self:
            if worker:
                await self._runtime.serve(options)
            with told_to_stop(self._runtime.broadcast.end):
                yield

    def asgi(
        self,
        *,
        resolve_user: Callable[[Any], Awaitable[HostUser | None]] | None = None,
        installation: bool = True,
    ) -> Callable[..., Awaitable[None]]:
        """What a host application mounts: `app.mount("/tegu", tegu.asgi())`. It needs the host's lifespan to open Tegu.

        `resolve_user` gets each request (Starlette's) and says which of the host's users asks, or None. With `installation`
        it tells how the whole installation is: in /health, and in /metrics for Prometheus. Guard them where others reach
        them, or leave it out.
        """
        # Interfaces stand above the app and import it: the name is loaded when it is asked for, as in the public face.
        service = import_module("tegu.interfaces.http.service").service
        return service(self, resolve_user=resolve_user, installation=installation)

    @property
    def runtime(self) -> Runtime:
        """What interfaces serve: on whose behalf actions run, and what of the process they need."""
        return self._runtime

    async def list_workers(self) -> tuple[LivingWorker, ...]:
        """The workers that are alive, whatever organization their runs belong to. For operators."""
        return await installation.list_workers(await self.scope())

    async def count_due(self, *, most: int = 10_000) -> int:
        """Due runs that nobody owns, of any organization, that a worker of this process could take; counted up to `most`.
        For operators: what a fleet of workers is scaled by.
        """
        return await Workers(await self.database.engine()).due(
            {*self.registry.functions(), *FEATURES}, most=most
        )

    async def health(self, *, age_max_s: float = AGE_MAX_S) -> Health:
        """Whether this process can do its work, and how the whole installation is: workers and their slots, backlog, leases,
        of all organizations. The latter may be `age_max_s` old, or older where looking takes long; with 0 it is new. For
        operators.
        """
        return await self._runtime.health(age_max_s=age_max_s)

    async def doctor(self, *, rows_max: int = ROWS_DEFAULT) -> tuple[HealthCheck, ...]:
        """Whether everything that is needed is there, and whether the stored state is what it must be; it needs not be
        open. Of each broken invariant at most `rows_max` rows are returned.
        """
        return await examine(
            self.settings, self._runtime.address, EnvironmentCredentials(), rows_max=rows_max
        )

    async def list_limits(self) -> list[LimitLevel]:
        """What providers may be asked, over all processes that use this database: window, levels, pauses."""
        return await installation.list_limits(await self.scope())

    async def prune(self, keep: Retention | None = None, *, dry_run: bool = False) -> Pruned:
        """Drop what was kept long enough, of every organization: by default what the settings say. Workers do it by
        themselves once an hour. A dry run only counts. Raises ConflictError when another process is at it.
        """
        return await installation.prune(await self.scope(), keep, dry_run=dry_run)

    async def pause_everybody(self, *, reason: str | None = None) -> None:
        """Hold back the runs of all organizations, on all workers. For operators; see `operations.pause`."""
        await installation.pause_everybody(await self.scope(), reason)

    async def resume_everybody(self) -> None:
        """Let them go on, but for those that their organizations paused. Raises NotFoundError."""
        await installation.resume_everybody(await self.scope())

    async def set_runs_max(self, runs_max: int | None, *, organization: str | None = None) -> None:
        """How many runs of an organization (its own, if none is named) may be under way at once, over all workers; None: as
        many as there are slots. Those under way go on. For operators. Raises UsageError.
        """
        organization_id = await self._runtime.organizations.id_of(organization or self.external_id)
        await installation.set_runs_max(await self.scope(), organization_id, runs_max)

    async def worker(
        self, *, options: WorkerOptions | None = None, on_released: OnReleased | None = None
    ) -> Worker:
        """A worker for everybody's runs, not running yet: `await worker.run()`. `on_released` is called with each run
        that it let go, and the status that it left it in.
        """
        return await self._runtime.worker(options=options, on_released=on_released)

"""Tegu for code that is not async: Django's views, threads, scripts that call it many times.

    tegu = SyncTegu(model="rules")
    (run_id,) = tegu.start("email_analysis", mail, connection=connection)

One event loop in a thread of its own serves every thread of the process. Invariants: each method is made from the
async one of the same name; with `connection`, everything that touches the caller's connection happens in the caller's thread.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import wraps
from math import inf
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, overload
from uuid import UUID

from tegu.actions import contents as content_actions
from tegu.actions.contents import Ingested, Source
from tegu.actions.joined_start import joined_scope, start_prepared
from tegu.actions.pipelines import PipelineSource
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.content import SourceType
from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject
from tegu.domain.run import RunEvent
from tegu.domain.status import RunStatus
from tegu.handle import OrganizationHandle
from tegu.storage.borrowed import check_synchronous, run_now

P = ParamSpec("P")
R = TypeVar("R")
_JOIN_S = 5.0


class _Loop:
    """An event loop in a thread, started when it is first needed, in the process that needs it."""

    def __init__(self, tegu: Callable[[], Tegu]) -> None:
        self._make = tegu
        self._lock = threading.Lock()
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tegu: Tegu | None = None
        self._thread = threading.Thread()

    def tegu(self) -> Tegu:
        with self._lock:
            if self._tegu is None or self._pid != os.getpid():  # a server that forks takes no threads along
                made = self._make()
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(loop,), name="tegu", daemon=True)
                self._thread.start()
                try:
                    _wait(made.open(), loop)
                except BaseException:
                    with suppress(Exception):  # what it had opened already
                        _wait(made.close(), loop)
                    loop.call_soon_threadsafe(loop.stop)
                    raise
                self._loop, self._tegu, self._pid = loop, made, os.getpid()
                atexit.register(self.close)
            return self._tegu

    def call(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Run what `work` makes in the loop, and wait for it. Raises UsageError in the loop's own thread, and when this is
        closed meanwhile.
        """
        loop = self._loop
        if loop is None:
            raise _closed()
        if threading.current_thread() is self._thread:
            raise UsageError(
                "SyncTegu was called in its own event loop, which would wait for itself for ever",
                hint="an async stage or hook uses what it is given, or `await asyncio.to_thread(...)`",
            )
        return _wait(work(), loop)

    def close(self) -> None:
        with self._lock:
            loop, tegu, self._loop, self._tegu = self._loop, self._tegu, None, None
        if loop is None or tegu is None or self._pid != os.getpid():
            return
        atexit.unregister(self.close)
        try:
            _wait(tegu.close(), loop)
            _wait(_cancel_others(), loop)
            _wait(loop.shutdown_asyncgens(), loop)
            _wait(loop.shutdown_default_executor(), loop)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(_JOIN_S)


def _wait(work: Coroutine[Any, Any, R], loop: asyncio.AbstractEventLoop) -> R:
    try:
        future = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:  # the loop ended between two of our statements
        work.close()
        raise _closed() from None
    try:
        return future.result()
    except CancelledError:
        raise _closed() from None
    except BaseException:  # also Ctrl-C in the thread that waits: what it waited for must not go on alone
        future.cancel()
        raise


async def _cancel_others() -> None:
    """End what other threads still wait for: they would wait for ever for a loop that has stopped."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=_JOIN_S)


def _closed() -> UsageError:
    return UsageError(
        "this SyncTegu was closed while it was used",
        hint="close it when its threads have ended; the next use opens it again",
    )


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _blocking(
    method: Callable[Concatenate[OrganizationHandle, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate["SyncHandle", P], R]:
    """The async method, called from a thread that waits for it."""

    @wraps(method)
    def call(self: "SyncHandle", /, *args: P.args, **kwargs: P.kwargs) -> R:
        handle = self._handle()
        return self._loop.call(lambda: method(handle, *args, **kwargs))

    return call


class SyncHandle:
    """An OrganizationHandle whose methods wait. Use it from any thread."""

    def __init__(self, loop: _Loop, handle: Callable[[Tegu], OrganizationHandle]) -> None:
        self._loop = loop
        self._of = handle

    def _handle(self) -> OrganizationHandle:
        return self._of(self._loop.tegu())

    pipeline = _blocking(OrganizationHandle.pipeline)
    run = _blocking(OrganizationHandle.run)
    wait = _blocking(OrganizationHandle.wait)
    cancel = _blocking(OrganizationHandle.cancel)
    get_run = _blocking(OrganizationHandle.get_run)
    list_runs = _blocking(OrganizationHandle.list_runs)
    list_results = _blocking(OrganizationHandle.list_results)
    list_calls = _blocking(OrganizationHandle.list_calls)
    list_pipelines = _blocking(OrganizationHandle.list_pipelines)
    list_deliveries = _blocking(OrganizationHandle.list_deliveries)
    waiting_reasons = _blocking(OrganizationHandle.waiting_reasons)
    list_budgets = _blocking(OrganizationHandle.list_budgets)
    set_budget = _blocking(OrganizationHandle.set_budget)
    remove_budget = _blocking(OrganizationHandle.remove_budget)
    set_model = _blocking(OrganizationHandle.set_model)
    list_models = _blocking(OrganizationHandle.list_models)
    _ingest = _blocking(OrganizationHandle.ingest)
    _start = _blocking(OrganizationHandle.start)
    _prepare = _blocking(OrganizationHandle.prepare_start)
    _scope = _blocking(OrganizationHandle.scope)

    @overload
    def drive(self, run_ids: UUID, *, timeout_s: float = 3600.0, patience_s: float = inf) -> RunStatus: ...

    @overload
    def drive(
        self, run_ids: Sequence[UUID], *, timeout_s: float = 3600.0, patience_s: float = inf
    ) -> dict[UUID, RunStatus]: ...

    @wraps(OrganizationHandle.drive)
    def drive(
        self, run_ids: UUID | Sequence[UUID], *, timeout_s: float = 3600.0, patience_s: float = inf
    ) -> RunStatus | dict[UUID, RunStatus]:
        handle = self._handle()
        return self._loop.call(lambda: handle.drive(run_ids, timeout_s=timeout_s, patience_s=patience_s))

    def start(
        self,
        pipeline: PipelineSource,
        *inputs: Ingested | Source,
        options: StartOptions | None = None,
        connection: object = None,
    ) -> tuple[UUID, ...]:
        """Start runs. With `connection` (`django.db.connection`, psycopg's, or SQLAlchemy's) in the caller's transaction."""
        if connection is None:
            return self._start(pipeline, *inputs, options=options)
        check_synchronous(connection)
        prepared = self._prepare(pipeline, *inputs, options=options)
        return run_now(start_prepared(prepared, connection))

    def ingest(
        self,
        source: Source,
        *,
        source_type: SourceType | None = None,
        name: str | None = None,
        metadata: JsonObject | None = None,
        external_id: str | None = None,
        connection: object = None,
    ) -> Ingested:
        """Store an input. With `connection` in the caller's transaction."""
        if connection is None:
            return self._ingest(
                source, source_type=source_type, name=name, metadata=metadata, external_id=external_id
            )
        check_synchronous(connection)
        scope = self._scope()
        read = self._loop.call(
            lambda: content_actions.read_input(
                source,
                source_type=source_type,
                name=name,
                metadata=metadata,
                external_id=external_id,
                with_texts=True,
            )
        )

        async def store() -> Ingested:
            async with joined_scope(scope, connection) as joined:
                return await content_actions.store_input(joined, read)

        return run_now(store())

    def follow(self, run_ids: Sequence[UUID]) -> Iterator[RunEvent]:
        """The events of runs, as they happen, until all have ended."""
        events = self._handle().follow(run_ids)

        async def following() -> RunEvent | None:
            return await anext(events, None)

        try:
            while (event := self._loop.call(following)) is not None:
                yield event
        finally:  # also when whoever reads them has seen enough
            with suppress(UsageError):
                self._loop.call(events.aclose)


class SyncTegu(SyncHandle):
    """A Tegu for code that is not async. What it is given is what `Tegu` is given. It opens when it is first used, in
    whichever process that is (a server may fork after importing it), and closes at exit.
    """

    def __init__(self, tegu: Callable[[], Tegu] = Tegu, **arguments: Any) -> None:
        super().__init__(_Loop(lambda: tegu(**arguments)), lambda tegu: tegu)

    def for_organization(self, external_id: str) -> SyncHandle:
        """The same methods for another organization."""
        return SyncHandle(self._loop, lambda tegu: tegu.for_organization(external_id))

    def close(self) -> None:
        """Close what was opened; the next use opens it again."""
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

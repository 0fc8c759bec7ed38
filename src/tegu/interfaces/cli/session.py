"""How a command runs async code on an open Tegu or on the service, and what Ctrl-C does to it.

Called by every command that needs the database or the service. Invariant: the first signal ends the work in order (runs are handed
back), a second one at once.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import click

from tegu.app import Tegu
from tegu.client.service import Service, TeguClient
from tegu.domain.errors import UsageError
from tegu.domain.page import PAGE_MAX
from tegu.interfaces.cli.failure import write_notice
from tegu.interfaces.cli.local_service import LocalService
from tegu.interfaces.cli.place import URL_VARIABLE, place_of_command
from tegu.interfaces.cli.tracing import tracing
from tegu.llm.credentials import secrets_of
from tegu.runtime import StageFunction
from tegu.settings import Settings
from tegu.telemetry.logs import set_up

Value = TypeVar("Value")


def with_tegu(
    work: Callable[[Tegu], Awaitable[Value]],
    *,
    stages: Iterable[StageFunction] = (),
    settings: Settings | None = None,
) -> Value:
    """Open a Tegu, do the work, close it. Raises KeyboardInterrupt after SIGINT or SIGTERM, and UsageError where this command
    was sent to a service: it works on the database.
    """
    only_here()

    async def opened() -> Value:
        async with Tegu(settings=settings or Settings.from_environment(), stages=stages) as tegu:
            return await work(tegu)

    return run_async(opened())


def only_here() -> None:
    """For commands of this machine's database. Raises UsageError where they were sent to a service."""
    place = place_of_command()
    if place is not None and place.is_said:
        raise UsageError(
            f"this command works on this machine's database, and not by asking {place.url}",
            hint=f"leave out --url and {URL_VARIABLE}, or say `tegu --local` before it",
        )
    if place is not None:
        write_notice(f"This is about this machine's database, and not about {place.url} (`tegu logout`).")


def with_service(
    work: Callable[[Service], Awaitable[Value]], *, stages: Sequence[StageFunction] = ()
) -> Value:
    """Do the work on the service that is meant: at an address, or in this process, which then has these Python stages. Raises
    as `with_tegu`.
    """
    place = place_of_command()
    if place is None:
        return with_tegu(lambda tegu: work(LocalService(tegu)), stages=stages)

    async def asked() -> Value:
        async with TeguClient(place.url, place.key) as client:
            return await work(client)

    return run_async(asked())


async def taken(items: AsyncGenerator[Value], limit: int) -> list[Value]:
    """The first of them."""
    found: list[Value] = []
    async with aclosing(items):
        async for item in items:
            found.append(item)
            if len(found) == limit:
                break
    return found


def page_size(limit: int) -> int:
    """How many to ask for at once, where so many are wanted."""
    return min(limit, PAGE_MAX)


def run_async(work: Coroutine[Any, Any, Value]) -> Value:
    """Run a coroutine on uvloop, where there is one."""
    configure_logging()
    with tracing(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_ending_on_sigterm(work))


def configure_logging() -> None:
    """To stderr, as TEGU_LOG_FORMAT and TEGU_LOG_LEVEL say; everything of Tegu with --debug. Raises ConfigurationError."""
    context = click.get_current_context(silent=True)
    debug = context is not None and bool(context.find_root().params.get("debug"))
    settings = Settings.from_environment()
    level = "debug" if debug else settings.log_level or ("info" if settings.is_log_json else "warning")
    set_up(is_json=settings.is_log_json, level=level.upper(), secrets=secrets_of(os.environ))


def on_signals(stop: Callable[[], None], task: "asyncio.Task[Any] | None") -> Callable[[], bool]:
    """Take SIGTERM and SIGINT over: the first calls `stop`, the second cancels. Returns whether that one has come."""
    seen: list[int] = []

    def told() -> None:
        seen.append(1)
        if len(seen) == 1:
            stop()
        elif task is not None:
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    return lambda: len(seen) > 1


async def _ending_on_sigterm(work: Coroutine[Any, Any, Value]) -> Value:
    # The runner has put its own handler on SIGINT: the first cancels this task, the second interrupts. SIGTERM, which
    # containers and service managers send, means the same.
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        signal.signal(signal.SIGTERM, handler)
    return await work


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return None
    return uvloop.new_event_loop

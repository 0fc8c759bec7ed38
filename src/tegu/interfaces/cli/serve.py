"""`tegu serve`: everything over HTTP, and a worker beside it, until told to stop.

The first SIGTERM or SIGINT ends open streams, answers what is under way and hands every run back; a second one ends the
process as it is.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import click

from tegu.actions.first_run import first_link
from tegu.app import Tegu
from tegu.engine.worker import Worker, WorkerOptions
from tegu.interfaces.cli.failure import ExitCode
from tegu.interfaces.cli.serve_demo import demo_settings, opened, prepare
from tegu.interfaces.cli.session import on_signals, with_tegu
from tegu.interfaces.cli.stage_modules import import_option, stages_of
from tegu.interfaces.cli.telling import metrics_option, say, say_released, telling
from tegu.interfaces.http.listening import (
    ConnectionLimits,
    address_of,
    allow_many_connections,
    listener_at,
    served,
    url_of,
)
from tegu.interfaces.http.service import service
from tegu.interfaces.web.pages import how_to_build, is_built
from tegu.settings import Settings

_OWN_FILES = 256
"""Open files that are no connections of clients: those to the database, and of what is parsed."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 is reached from everywhere.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one."
)
@click.option("--worker/--no-worker", "has_worker", default=True, show_default=True, help="Drive runs too.")
@click.option(
    "--concurrency",
    default=WorkerOptions().concurrency,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Runs that the worker owns, and stages that it performs, at once.",
)
@click.option(
    "--demo",
    "is_demo",
    is_flag=True,
    help="In an organization of its own: samples, and a model of canned answers. No key, no cost.",
)
@click.option("--no-browser", is_flag=True, help="With --demo: open no browser, print the link alone.")
@metrics_option
@import_option
def serve(
    *,
    host: str,
    port: int,
    has_worker: bool,
    concurrency: int,
    is_demo: bool,
    no_browser: bool,
    metrics: str | None,
    modules: tuple[str, ...],
) -> int:
    """Serve REST and the live feed, and drive runs, until told to stop.

    By default on the embedded database, in this one process. On several machines: DATABASE_URL, any number of
    `tegu serve --no-worker` behind a proxy, any number of `tegu worker`. See docs/serve.md.
    To see it first: `tegu serve --demo` opens a browser that is signed in, beside samples to try it on.
    """
    metrics_address = address_of(metrics) if metrics is not None else None
    listener = listener_at(host, port)
    settings = Settings.from_environment()
    if settings.sign_in.base_url is None:  # links lead to where it is
        settings = replace(settings, sign_in=replace(settings.sign_in, base_url=url_of(listener)))
    if is_demo:
        settings = demo_settings(settings)

    async def work(tegu: Tegu) -> ExitCode:
        stop = asyncio.Event()

        def told() -> None:
            say(tegu, "Stopping; again to stop at once.")
            tegu.runtime.broadcast.end()
            stop.set()

        is_killed = on_signals(told, asyncio.current_task())
        options = WorkerOptions(concurrency=concurrency) if has_worker else None
        limits = ConnectionLimits(connections_max=max(64, min(20_000, allow_many_connections() - _OWN_FILES)))
        opening, link = await prepare(tegu) if is_demo else (None, await first_link(await tegu.scope()))
        application = service(tegu, installation=False, is_mounted=False, opening=opening)
        trusted = tegu.settings.trusted_proxies
        try:
            async with _working(tegu, options, stop), telling(tegu, metrics_address):  # noqa: SIM117 (the server ends first)
                async with served(application, listener, limits=limits, trusted_proxies=trusted) as url:
                    drives = f", driving {concurrency} runs at once" if has_worker else ""
                    say(tegu, f"Tegu at {url}{drives}.")
                    if not is_built():
                        say(tegu, how_to_build())
                    if opening is not None:
                        say(tegu, await opened(opening, str(link), opens=not no_browser))
                    elif link is not None:
                        say(tegu, f"Nobody is a member yet. Sign in, once, as its owner: {link}")
                    await stop.wait()
        except asyncio.CancelledError:
            if is_killed():
                return ExitCode.INTERRUPTED
            raise
        return ExitCode.OK

    return with_tegu(work, stages=stages_of(modules), settings=settings)


@asynccontextmanager
async def _working(tegu: Tegu, options: WorkerOptions | None, stop: asyncio.Event) -> AsyncGenerator[None]:
    """A worker beside the server: told to stop when that is, and stopping it when it breaks."""
    if options is None:
        yield
        return
    worker = await tegu.worker(
        options=options, on_released=partial(say_released, is_log=tegu.settings.is_log_json)
    )

    async def handing_back() -> None:
        await stop.wait()
        worker.stop()

    async def run(worker: Worker) -> None:
        try:
            await worker.run()
        finally:
            stop.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(worker))
        tasks.create_task(handing_back())
        try:
            yield
        finally:
            stop.set()

"""`tegu worker`: drives runs until told to stop.

The first SIGTERM or SIGINT hands every run back, so that another worker goes on at once; a second one ends the process
as it is, and the runs go on when its lease has ended.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from tegu.app import Tegu
from tegu.engine.worker import Worker, WorkerOptions
from tegu.interfaces.cli.failure import ExitCode
from tegu.interfaces.cli.ray_workers import RayOptions, drive_on_ray, ray_options
from tegu.interfaces.cli.session import on_signals, with_tegu
from tegu.interfaces.cli.stage_modules import import_option, stages_of
from tegu.interfaces.cli.telling import metrics_option, say, say_released, telling


@click.command()
@click.option(
    "--concurrency",
    default=WorkerOptions().concurrency,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Runs that it owns, and stages that it performs, at once.",
)
@metrics_option
@import_option
@ray_options
def worker(
    *, concurrency: int, metrics: str | None, modules: tuple[str, ...], ray: str | None, **fleet: Any
) -> int:
    """Drive runs until told to stop.

    Any number of workers may run, on any number of machines. The first SIGTERM or Ctrl-C hands the runs back, a second
    one ends it at once. Runs with Python stages wait for a worker that has these stages (--import).

    With --ray it starts workers on the nodes of a Ray cluster instead (`auto`, host:port, ray://host:10001), more of them
    while runs are due, fewer when they are idle; see docs/scaling.md.
    """
    if ray is not None:
        return drive_on_ray(ray, RayOptions(**fleet), concurrency=concurrency, modules=modules)

    address = _address(metrics) if metrics is not None else None  # refused before anything is opened

    async def work(tegu: Tegu) -> ExitCode:
        made = await tegu.worker(
            options=WorkerOptions(concurrency=concurrency),
            on_released=partial(say_released, is_log=tegu.settings.is_log_json),
        )
        is_killed = on_signals(_stopping(tegu, made), asyncio.current_task())
        functions = ", ".join(sorted(tegu.registry.functions()))
        say(
            tegu,
            f"Worker ready for {concurrency} runs at once"
            + (f", with {functions}" if functions else "")
            + ".",
        )
        try:
            async with telling(tegu, address):
                await made.run()
        except asyncio.CancelledError:
            if is_killed():
                return ExitCode.INTERRUPTED
            raise
        say(tegu, "Every run is handed back.")
        return ExitCode.OK

    return with_tegu(work, stages=stages_of(modules))


def _address(text: str) -> tuple[str, int]:
    from tegu.interfaces.http.listening import address_of  # a web server, which most workers do without

    return address_of(text)


def _stopping(tegu: Tegu, made: Worker) -> Callable[[], None]:
    def stop() -> None:
        say(tegu, f"Handing back {made.owned} runs; again to stop at once.")
        made.stop()

    return stop

"""`tegu worker`: drives runs until told to stop.

The first SIGTERM or SIGINT hands every run back, so that another worker goes on at once; a second one ends the process
as it is, and the runs go on when its lease has ended.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

import click

from tegu.app import Tegu
from tegu.domain.status import RunStatus
from tegu.engine.worker import Worker, WorkerOptions
from tegu.interfaces.cli.failure import ExitCode, write_notice
from tegu.interfaces.cli.ray_workers import RayOptions, drive_on_ray, ray_options
from tegu.interfaces.cli.session import on_signals, with_tegu
from tegu.interfaces.cli.stage_modules import import_option, stages_of
from tegu.interfaces.serve import address_of, served
from tegu.storage.claims import RunKey

log = logging.getLogger("tegu.worker")


@click.command()
@click.option(
    "--concurrency",
    default=WorkerOptions().concurrency,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Runs that it owns, and stages that it performs, at once.",
)
@click.option(
    "--metrics",
    "metrics",
    metavar="[HOST:]PORT",
    help="Serve /metrics and /health there. A port alone is only reached from this machine.",
)
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

    address = address_of(metrics) if metrics is not None else None  # refused before anything is opened

    async def work(tegu: Tegu) -> ExitCode:
        made = await tegu.worker(
            options=WorkerOptions(concurrency=concurrency),
            on_released=partial(_say_released, is_log=tegu.settings.is_log_json),
        )
        is_killed = on_signals(_stopping(tegu, made), asyncio.current_task())
        functions = ", ".join(sorted(tegu.registry.functions()))
        _say(
            tegu,
            f"Worker ready for {concurrency} runs at once"
            + (f", with {functions}" if functions else "")
            + ".",
        )
        try:
            async with _telling(tegu, address):
                await made.run()
        except asyncio.CancelledError:
            if is_killed():
                return ExitCode.INTERRUPTED
            raise
        _say(tegu, "Every run is handed back.")
        return ExitCode.OK

    return with_tegu(work, stages=stages_of(modules))


def _stopping(tegu: Tegu, made: Worker) -> Callable[[], None]:
    def stop() -> None:
        _say(tegu, f"Handing back {made.owned} runs; again to stop at once.")
        made.stop()

    return stop


@asynccontextmanager
async def _telling(tegu: Tegu, address: tuple[str, int] | None) -> AsyncGenerator[None]:
    if address is None:
        yield
        return
    async with served(tegu.asgi(), *address) as url:
        _say(tegu, f"Metrics at {url}/metrics, health at {url}/health.")
        yield


def _say_released(key: RunKey, status: RunStatus, *, is_log: bool) -> None:
    if not status.is_terminal:
        return
    if is_log:
        about = {"organization_id": key[0], "run_id": key[1], "status": status.value}
        log.info("run %s", status.value, extra=about)
    else:
        write_notice(f"{datetime.now().astimezone():%H:%M:%S}  run {key[1]}  {status.value}")


def _say(tegu: Tegu, text: str) -> None:
    """To people a notice; where lines are JSON, one of them."""
    if tegu.settings.is_log_json:
        log.info(text)
    else:
        write_notice(text)

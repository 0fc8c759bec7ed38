"""What a process that works until it is told to stop says of itself: notices, ended runs, and figures at an address.

Called by `tegu worker` and `tegu serve`. Invariant: where lines are JSON, whatever is said is one of them.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

import click

from tegu.app import Tegu
from tegu.domain.status import RunStatus
from tegu.interfaces.cli.failure import write_notice
from tegu.storage.claims import RunKey

log = logging.getLogger("tegu.worker")

_METRICS_CONNECTIONS_MAX = 16

metrics_option = click.option(
    "--metrics",
    "metrics",
    metavar="[HOST:]PORT",
    help="Serve /metrics and /health there. A port alone is only reached from this machine.",
)


@asynccontextmanager
async def telling(tegu: Tegu, address: tuple[str, int] | None) -> AsyncGenerator[None]:
    """Serve figures and health at an address of their own, if there is one."""
    if address is None:
        yield
        return
    # Here, since most workers have none, and would import a web server for nothing.
    from tegu.interfaces.http.listening import ConnectionLimits, listener_at, served
    from tegu.interfaces.http.mount import MountedTegu

    limits = ConnectionLimits(connections_max=_METRICS_CONNECTIONS_MAX)
    async with served(MountedTegu(tegu), listener_at(*address), limits=limits) as url:
        say(tegu, f"Metrics at {url}/metrics, health at {url}/health.")
        yield


def say_released(key: RunKey, status: RunStatus, *, is_log: bool) -> None:
    """A run has ended."""
    if not status.is_terminal:
        return
    if is_log:
        about = {"organization_id": key[0], "run_id": key[1], "status": status.value}
        log.info("run %s", status.value, extra=about)
    else:
        write_notice(f"{datetime.now().astimezone():%H:%M:%S}  run {key[1]}  {status.value}")


def say(tegu: Tegu, text: str) -> None:
    """To people a notice; where lines are JSON, one of them."""
    if tegu.settings.is_log_json:
        log.info(text)
    else:
        write_notice(text)

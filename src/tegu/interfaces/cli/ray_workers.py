"""`tegu worker --ray ADDRESS`: the fleet of workers of a Ray cluster, as a command.

Called by `worker`. Invariant: workers are what the command's environment says, unless its operator leaves that to the nodes.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from tegu.app import Tegu
from tegu.domain.errors import ConfigurationError
from tegu.engine.fleet import MEMBERS_MAX, FleetBounds, FleetSize
from tegu.engine.worker import WorkerOptions
from tegu.interfaces.cli.failure import ExitCode, write_notice
from tegu.interfaces.cli.session import on_signals, with_tegu
from tegu.interfaces.cli.stage_modules import stages_of
from tegu.interfaces.ray.actor import WorkerOrder
from tegu.interfaces.ray.cluster import RayCluster
from tegu.interfaces.ray.fleet import Fleet
from tegu.llm.variables import VARIABLES

_OF_THE_MACHINE = frozenset({"TEGU_HOME", "TEGU_DEBUG", "TEGU_CRASHPOINT"})


@dataclass(frozen=True, slots=True)
class RayOptions:
    """What the command was told about the fleet."""

    least: int
    most: int
    idle_s: float
    cpus: float
    node_environment: bool


_BOUNDS = FleetBounds()
_COUNT = click.IntRange(0, MEMBERS_MAX)
_OPTIONS = (
    click.option("--ray", metavar="ADDRESS", help="Workers as actors of this Ray cluster instead of here."),
    click.option(
        "--min",
        "least",
        default=_BOUNDS.least,
        show_default=True,
        type=_COUNT,
        help="With --ray: at least so many.",
    ),
    click.option(
        "--max",
        "most",
        default=_BOUNDS.most,
        show_default=True,
        type=_COUNT,
        help="With --ray: at most so many.",
    ),
    click.option(
        "--idle",
        "idle_s",
        default=_BOUNDS.settle_s,
        show_default=True,
        type=click.FloatRange(0),
        help="With --ray: seconds that fewer must do before some are let go.",
    ),
    click.option(
        "--ray-cpus",
        "cpus",
        default=1.0,
        show_default=True,
        type=click.FloatRange(0),
        help="With --ray: CPUs that each asks the cluster for.",
    ),
    click.option(
        "--node-environment",
        is_flag=True,
        help="With --ray: DATABASE_URL, settings and keys are those of the nodes, not of this command.",
    ),
)


def ray_options(function: Any) -> Any:
    """The options of `worker` for a Ray cluster: `ray`, the address, and the fields of `RayOptions`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def drive_on_ray(address: str, ray: RayOptions, *, concurrency: int, modules: tuple[str, ...]) -> int:
    """Keep workers on the cluster until told to stop."""
    if not ray.node_environment and not os.environ.get("DATABASE_URL"):
        raise ConfigurationError(
            "workers on other machines need a database that they can reach",
            hint="set DATABASE_URL, or give --node-environment where the nodes have it",
        )
    size = FleetSize(FleetBounds(ray.least, ray.most, ray.idle_s), concurrency)
    order = WorkerOrder(
        WorkerOptions(concurrency=concurrency),
        partial(stages_of, modules),
        {} if ray.node_environment else handed_over(os.environ),
    )
    cluster = RayCluster(address, cpus=ray.cpus)

    async def work(tegu: Tegu) -> ExitCode:
        fleet = Fleet(
            partial(cluster.hire, order), partial(tegu.count_due, most=size.due_max), size, write_notice
        )
        is_killed = on_signals(_stopping(fleet), asyncio.current_task())
        write_notice(
            f"Between {ray.least} and {ray.most} workers on Ray, each for {concurrency} runs at once."
        )
        try:
            await fleet.run()
        except asyncio.CancelledError:
            if is_killed():
                return ExitCode.INTERRUPTED
            raise
        write_notice("Every run is handed back.")
        return ExitCode.OK

    cluster.connect()
    try:
        return with_tegu(work, stages=stages_of(modules))
    finally:
        cluster.close()


def handed_over(environment: Mapping[str, str]) -> dict[str, str]:
    """What workers on other machines are told of this environment: the database, Tegu's settings, the providers' keys."""
    names = {"DATABASE_URL", *(name for known in VARIABLES.values() for name in known.all_names())}
    return {
        name: value
        for name, value in environment.items()
        if name in names or (name.startswith("TEGU_") and name not in _OF_THE_MACHINE)
    }


def _stopping(fleet: Fleet) -> Callable[[], None]:
    def stop() -> None:
        write_notice("Every worker hands its runs back; again to stop at once.")
        fleet.stop()

    return stop

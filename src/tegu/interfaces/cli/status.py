"""`tegu status`: how the installation is now."""

from datetime import datetime

import click
from rich.markup import escape

from tegu.client.service import Service
from tegu.domain.installation import Health, Installation
from tegu.domain.worker import LivingWorker, waiting_reason
from tegu.interfaces.cli.failure import ExitCode
from tegu.interfaces.cli.local_service import LocalService
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import with_service


@click.command()
@json_option
def status(*, as_json: bool) -> int:
    """Show how the installation is: workers, backlog, leases, what waits and why.

    Of all organizations, for whoever operates it. Exit code 0 if the database answers and has its tables.
    """

    async def work(service: Service) -> Health:
        if isinstance(service, LocalService):
            return await service.tegu.health(age_max_s=0)
        return await service.installation.get()

    health = with_service(work)
    if as_json:
        write_json(health)
    else:
        made = table("what", "now", whole=("what",))
        for name, now in _lines(health):
            made.add_row(name, escape(now))
        console().print(made)
    return ExitCode.OK if health.is_ready else ExitCode.UNAVAILABLE


def _lines(health: Health) -> list[tuple[str, str]]:
    latency = f"answers in {health.latency_ms:.1f} ms" if health.latency_ms is not None else "no answer"
    lines = [("database", health.problem or f"{latency}, schema {health.schema}")]
    if health.installation is None:
        return [*lines, ("installation", "not looked at: it took too long, or `tegu migrate` is needed")]
    return [*lines, *_installation(health.installation)]


def _installation(found: Installation) -> list[tuple[str, str]]:
    backlog, leases = found.backlog, found.leases
    oldest = f", the oldest for {backlog.oldest_due_s:.1f} s" if backlog.oldest_due_s is not None else ""
    cancelling = f", {backlog.cancelling} of them to be cancelled" if backlog.cancelling else ""
    lines = [
        ("workers", f"{len(found.workers)} alive, {found.slots_used} of {found.slots} slots in use"),
        *((f"  {worker.host}:{worker.pid}", _worker_now(worker, found.at)) for worker in found.workers),
        ("runs due", f"{backlog.due}{oldest}{cancelling}"),
        ("runs waiting", str(backlog.waiting)),
        *((f"  {reason.code}", str(reason.runs)) for reason in found.reasons),
        *((f"  {waiting_reason(each.missing)}", f"{each.runs} of those due") for each in found.unserved),
        ("runs scheduled", str(backlog.scheduled)),
        ("runs owned", f"{leases.owned}" + (f", {leases.stranded} stranded" if leases.stranded else "")),
        ("in flight", f"{found.stages} stages, {found.calls} calls to models"),
    ]
    if found.is_capped:
        lines.append(("note", f"counts are cut off at {found.counted_max}"))
    return lines


def _worker_now(worker: LivingWorker, now: datetime) -> str:
    beat_s = max(0.0, (now - worker.beat_at).total_seconds())
    only = "" if worker.drives_all else ", only runs that it started"
    return f"{worker.owned_runs} of {worker.concurrency} slots, renewed {beat_s:.1f} s ago{only}"

"""`tegu prune`: drop what was kept long enough, now, of every organization of the database."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from tegu.app import Tegu
from tegu.domain.retention import DAYS_MAX, DAYS_MIN, Pruned
from tegu.interfaces.cli.screen import json_option, write_json
from tegu.interfaces.cli.session import with_tegu
from tegu.interfaces.cli.wording import counted


def _days_option(name: str, what: str) -> Callable[[Any], Any]:
    return click.option(
        f"--{name}-days",
        type=click.FloatRange(DAYS_MIN, DAYS_MAX),
        help=f"Drop {what} that ended so many days ago. [default: TEGU_KEEP_{name.upper()}_DAYS]",
    )


@click.command()
@_days_option("events", "the events of runs")
@_days_option("replies", "the bodies of model calls")
@_days_option("runs", "runs, with their results,")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@json_option
def prune(
    *,
    events_days: float | None,
    replies_days: float | None,
    runs_days: float | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Drop what was kept long enough: events, replies, ended runs.

    Of every organization. Workers do the same by themselves once an hour, as the settings say. What a call used and cost
    stays in the ledger for ever.
    """
    given = {"events_days": events_days, "replies_days": replies_days, "runs_days": runs_days}

    async def work(tegu: Tegu) -> Pruned:
        asked = {name: days for name, days in given.items() if days is not None}
        return await tegu.prune(replace(tegu.settings.keep, **asked), dry_run=dry_run)

    pruned = with_tegu(work)
    if as_json:
        write_json({"dry_run": dry_run, "pruned": pruned})
        return
    words = ", ".join(
        (
            counted(pruned.runs, "run"),
            counted(pruned.events, "event"),
            f"{counted(pruned.replies, 'reply text')} and {counted(pruned.requests, 'request text')} of model calls",
            counted(pruned.keys, "idempotency key"),
            counted(pruned.uploads, "expired upload"),
        )
    )
    click.echo(f"Would drop {words}." if dry_run else f"Dropped {words}.")

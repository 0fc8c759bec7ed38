"""`tegu limits`: how the limits of providers stand, over all processes."""

import click
from rich.markup import escape

from tegu.client.service import Service
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import taken, with_service
from tegu.storage.limits import LimitLevel

LISTED_MAX = 10_000


@click.command()
@json_option
def limits(*, as_json: bool) -> None:
    """Show what providers may be asked, and what is under way.

    For each key (by a piece of its hash) and model: how many calls may be under way at once, which Tegu finds out, and
    how many are; requests and tokens a minute and what is left now, as far as they are known from TEGU_LIMITS or the
    provider's headers; and until when the provider asked for a pause. All processes that use this database share them.
    """

    async def work(service: Service) -> list[LimitLevel]:
        return await taken(service.limits.all(), LISTED_MAX)

    found = with_service(work)
    if as_json:
        write_json({"limits": [_shown(level) for level in found]})
        return
    if not found:
        click.echo("No provider was asked yet.")
        return
    right = ("at once", "under way", "waiting", "requests", "tokens", "paused")
    made = table(
        "model", "key", "at once", "under way", "waiting", "requests", "tokens", "paused", right=right
    )
    for level in found:
        limit = level.limit
        made.add_row(
            escape(str(level.place)),
            escape(level.place.label),
            str(int(limit.window)),
            str(level.in_flight),
            str(level.waiting),
            _level(limit.requests_left, limit.requests_per_minute),
            _level(limit.tokens_left, limit.tokens_per_minute),
            wording.seconds(level.paused_s) if level.paused_s else "",
        )
    console().print(made)


def _level(left: float | None, per_minute: float | None) -> str:
    return "" if left is None or per_minute is None else f"{max(0, int(left))} of {int(per_minute)} a minute"


def _shown(level: LimitLevel) -> dict[str, object]:
    limit = level.limit
    return {
        "provider": level.place.provider,
        "model": level.place.model,
        "key": level.place.label,
        "concurrency": int(limit.window),
        "in_flight": level.in_flight,
        "waiting": level.waiting,
        "processes": level.processes,
        "requests_per_minute": limit.requests_per_minute,
        "requests_left": limit.requests_left,
        "tokens_per_minute": limit.tokens_per_minute,
        "tokens_left": limit.tokens_left,
        "paused_s": level.paused_s,
        "paused_why": limit.paused_why if level.paused_s else None,
        "used_at": level.visited_at,
    }

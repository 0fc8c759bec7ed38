"""The board on a terminal, drawn again several times a second, and as plain lines elsewhere.

Called by `following`. Invariant: what it draws fits on a screen, whatever the number of runs.
"""

from datetime import UTC, datetime
from typing import Self

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from tegu.domain.run import RunEvent
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.board import NOTE_MAX, Board, RunLine, StageLine, cost_of, reason_of
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.screen import table

EXPANDED_RUNS_MAX = 4
_LINES_MAX = 15
_NAME_MAX = 44
_REFRESHES_PER_S = 8


class LiveView:
    """The board as a table that changes; beside a running stage stands the end of what its model has said so far."""

    def __init__(self, board: Board, out: Console) -> None:
        self._board = board
        self._live = Live(
            console=out, get_renderable=self.render, refresh_per_second=_REFRESHES_PER_S, transient=False
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *details: object) -> None:
        self._live.refresh()
        self._live.stop()

    def saw(self, event: RunEvent) -> None:
        """Nothing to do: the table is drawn from the board."""

    def waits(self, run: RunLine) -> None:
        """Nothing to do either."""

    def render(self) -> RenderableType:
        """All stages of a few runs; of many, those under way and how many have ended."""
        now = datetime.now(tz=UTC)
        runs = list(self._board.runs.values())
        if len(runs) <= EXPANDED_RUNS_MAX:
            made = _lines()
            for run in runs:
                _add_run(made, run, now)
                for name, stage in run.stages.items():
                    _add_stage(made, name, stage, now)
            return made
        under_way = [run for run in runs if not run.status.is_terminal and run.time.began_at is not None]
        made = _lines()
        for run in under_way[:_LINES_MAX]:
            _add_run(made, run, now)
        hidden = len(under_way) - _LINES_MAX
        rest = f"  [dim]and {hidden} more under way[/]" if hidden > 0 else ""
        head = f"[bold]{self._board.counts()}[/]{rest}"
        return Group(made, head) if under_way else head


class PlainView:
    """A line per event, for logs and pipes; to stderr, so that stdout is the results."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def saw(self, event: RunEvent) -> None:
        """Say it."""
        run = self._board.runs[event.run_id]
        stage = run.stages.get(event.stage) if event.stage else None
        took_s = (stage.time if stage else run.time).elapsed_s(event.at)
        ended = (stage.status if stage else run.status).is_terminal
        words = [
            event.at.astimezone().strftime("%H:%M:%S"),
            wording.shortened(run.name, _NAME_MAX),
            f"{event.stage or 'run'} {event.kind.partition('.')[2]}",
            wording.seconds(took_s) if ended else "",
            wording.shortened(reason_of(event), 200),
        ]
        click.echo(printable("  ".join(word for word in words if word)), err=True)

    def waits(self, run: RunLine) -> None:
        """Say why nobody takes it."""
        click.echo(printable(f"{wording.shortened(run.name, _NAME_MAX)}  waits: {run.note}"), err=True)


def _lines() -> Table:
    made = table("run", "status", "took", "calls", "cost", "", right=("took", "calls"))
    # So that the columns stand still while the numbers change.
    for column, width in zip(made.columns, (24, 9, 8, 5, len(wording.RULE_BASED)), strict=False):
        column.min_width = width
    return made


def _add_run(made: Table, run: RunLine, now: datetime) -> None:
    made.add_row(
        f"[bold]{escape(wording.shortened(run.name, _NAME_MAX))}[/]",
        wording.status(run.status.value),
        wording.seconds(run.time.elapsed_s(now)),
        str(len(run.calls) or ""),
        cost_of(run.calls),
        f"[yellow]{escape(wording.shortened(run.note, NOTE_MAX))}[/]" if run.note else "",
    )


def _add_stage(made: Table, name: str, stage: StageLine, now: datetime) -> None:
    made.add_row(
        f"  {escape(name)}",
        wording.status(stage.status.value),
        wording.seconds(stage.time.elapsed_s(now)),
        str(len(stage.calls) or ""),
        cost_of(stage.calls),
        f"[dim]{escape(wording.shortened(stage.note, NOTE_MAX))}[/]",
    )

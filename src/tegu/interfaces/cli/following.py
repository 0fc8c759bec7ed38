"""Runs on their way to their end, while people watch.

Called by `tegu run` and the demo. Invariant: what is shown never decides what happens: with nothing to show the runs
are carried to their end all the same.
"""

import asyncio
from collections.abc import Mapping
from typing import Self
from uuid import UUID

from rich.console import Console

from tegu.domain.run import RunEvent
from tegu.interfaces.cli.board import Board, RunLine
from tegu.interfaces.cli.failure import write_notice
from tegu.interfaces.cli.live import EXPANDED_RUNS_MAX, LiveView, PlainView
from tegu.interfaces.cli.runners import Runner
from tegu.interfaces.cli.screen import write_json_line

FOLLOWED_MAX = 200
"""Runs whose events are read; more are driven without showing each step."""
_CALLS_OF_RUNS_MAX = 20
_WAITING_LOOK_S = 1.0
_SETTLING = frozenset({"stage.completed", "stage.failed", "stage.retrying"})


class JsonLines:
    """Events as JSON lines on stdout."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def saw(self, event: RunEvent) -> None:
        """Write it."""
        write_json_line(event)

    def waits(self, run: RunLine) -> None:
        """No event: said beside them."""
        write_notice(f"{run.name} waits: {run.note}")


View = LiveView | PlainView | JsonLines


def view_for(board: Board, out: Console, *, as_json: bool) -> View:
    """What suits the output: JSON lines, a live table, or plain lines."""
    if as_json:
        return JsonLines()
    return LiveView(board, out) if out.is_terminal else PlainView(board)


def shows_partials(count: int, out: Console, *, as_json: bool, asked: bool) -> bool:
    """Whether what models say is to be streamed: where somebody sees it, or a program asked for it."""
    return asked if as_json else out.is_terminal and count <= EXPANDED_RUNS_MAX


async def finish_shown(
    runner: Runner,
    lines: Mapping[UUID, RunLine],
    out: Console,
    *,
    as_json: bool = False,
    partials: bool = False,
) -> None:
    """Have the runs carried to their end and show what happens; with `partials` also what models have said so far."""
    if len(lines) > FOLLOWED_MAX:
        await runner.finish(list(lines))
        return
    board = Board(lines)
    with view_for(board, out, as_json=as_json) as view:
        async with asyncio.TaskGroup() as group:
            group.create_task(runner.finish(list(lines)))
            watching = group.create_task(_watch_waiting(runner, board, view))
            async for event in runner.follow(list(lines), partials=partials):
                board.saw(event)
                view.saw(event)
                if event.kind in _SETTLING and len(lines) <= _CALLS_OF_RUNS_MAX and not as_json:
                    board.called(event.run_id, await runner.calls_of(event.run_id))
            watching.cancel()


async def _watch_waiting(runner: Runner, board: Board, view: View) -> None:
    """Note which runs nobody can take, and say it once."""
    while True:
        await asyncio.sleep(_WAITING_LOOK_S)
        left = {run_id: run for run_id, run in board.runs.items() if not run.status.is_terminal}
        found = await runner.waiting_reasons(list(left)) if left else {}
        for run_id, run in left.items():
            reason = found.get(run_id, "")
            if reason and reason != run.note:
                run.note = reason
                view.waits(run)
            run.note = reason

"""Driving runs here while people watch.

Called by `tegu run` and the demo. Invariant: what is shown never decides what happens: with nothing to show the runs
are driven all the same.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol, Self
from uuid import UUID

from rich.console import Console

from tegu.app import Tegu
from tegu.domain.run import RunEvent
from tegu.interfaces.cli.board import Board
from tegu.interfaces.cli.live import LiveView, PlainView
from tegu.interfaces.cli.screen import write_json_line
from tegu.storage.pipelines import PipelineVersion

WAIT_S = 7 * 24 * 3600.0
"""How long a command waits for its runs; they go on without it."""
FOLLOWED_MAX = 200
"""Runs whose events are read; more are driven without showing each step."""
_CALLS_OF_RUNS_MAX = 20
_SETTLING = frozenset({"stage.completed", "stage.failed", "stage.retrying"})


class View(Protocol):
    """Shows a board."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *details: object) -> None: ...
    def saw(self, event: RunEvent) -> None:
        """An event that the board has taken in."""
        ...


class JsonLines:
    """Events as JSON lines on stdout."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def saw(self, event: RunEvent) -> None:
        """Write it."""
        write_json_line(event)


def view_for(board: Board, out: Console, *, as_json: bool) -> View:
    """What suits the output: JSON lines, a live table, or plain lines."""
    if as_json:
        return JsonLines()
    return LiveView(board, out) if out.is_terminal else PlainView(board)


async def drive(tegu: Tegu, run_ids: list[UUID]) -> None:
    """Drive the runs and show nothing."""
    await tegu.drive(run_ids, timeout_s=WAIT_S)


async def drive_shown(
    tegu: Tegu, version: PipelineVersion, names: Mapping[UUID, str], out: Console, *, as_json: bool = False
) -> None:
    """Drive the runs (given with their names) and show what happens."""
    if len(names) > FOLLOWED_MAX:
        await drive(tegu, list(names))
        return
    board = Board(dict(names), [stage.name for stage in version.definition.stages])
    with view_for(board, out, as_json=as_json) as view:
        async with asyncio.TaskGroup() as group:
            group.create_task(drive(tegu, list(names)))
            async for event in tegu.follow(list(names)):
                board.saw(event)
                view.saw(event)
                if event.kind in _SETTLING and len(names) <= _CALLS_OF_RUNS_MAX and not as_json:
                    board.called(event.run_id, await tegu.list_calls(run_id=event.run_id, limit=1000))

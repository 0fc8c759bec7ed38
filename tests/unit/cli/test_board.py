"""Progress: what the events say, on a screen of any number of runs."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from pydantic import JsonValue
from rich.console import Console

from tegu.domain.run import RunEvent
from tegu.domain.status import RunStatus, StageStatus
from tegu.interfaces.cli.board import Board, RunLine
from tegu.interfaces.cli.live import LiveView, PlainView
from tegu.interfaces.cli.screen import PrintableConsole

NOW = datetime.now(tz=UTC)


def _board(count: int = 1) -> Board:
    return Board({UUID(int=n): RunLine.of(f"mail {n}", ["extract", "classify"]) for n in range(count)})


def _event(
    kind: str, stage: str | None = None, *, run: int = 0, after_s: float = 0.0, data: JsonValue = None
) -> RunEvent:
    return RunEvent(UUID(int=run), 1, kind, stage, data, NOW + timedelta(seconds=after_s))


def _drawn(board: Board) -> str:
    # Wide enough for what a stage says however long ago it began: the clock of a suite runs on.
    out = Console(file=StringIO(), width=140, height=40, force_terminal=False)
    out.print(LiveView(board, out).render())
    file = out.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_a_stage_is_what_its_last_event_said() -> None:
    board = _board()
    board.saw(_event("run.started"))
    board.saw(_event("stage.started", "extract", data={"attempt": 1}))
    board.saw(_event("stage.completed", "extract", after_s=2.5))
    line = board.runs[UUID(int=0)]
    assert line.status is RunStatus.RUNNING
    assert line.stages["extract"].status is StageStatus.COMPLETED
    assert line.stages["extract"].time.elapsed_s(NOW) == pytest.approx(2.5)
    assert line.stages["classify"].status is StageStatus.PENDING


def test_a_retry_says_why_and_a_new_attempt_which_one_it_is() -> None:
    board = _board()
    board.saw(_event("stage.started", "extract", data={"attempt": 1}))
    board.saw(_event("stage.retrying", "extract", data={"attempt": 1, "error": {"message": "no answer"}}))
    assert board.runs[UUID(int=0)].stages["extract"].note == "no answer"
    assert "no answer" in _drawn(board)
    board.saw(_event("stage.started", "extract", data={"attempt": 2}))
    assert "attempt 2" in _drawn(board)


def test_a_running_stage_shows_the_end_of_what_its_model_has_said() -> None:
    board = _board()
    board.saw(_event("stage.started", "extract", data={"attempt": 1}))
    board.saw(_event("stage.partial", "extract", data={"partial": {"people": ["Anna", "Bo"]}}))
    assert '{"people":["Anna","Bo"]}' in _drawn(board)
    board.saw(_event("stage.partial", "extract", data={"partial": "word " * 500 + "the\x1b[2J\nend"}))
    note = board.runs[UUID(int=0)].stages["extract"].note
    assert note.startswith("…")
    assert note.endswith("end")
    assert len(note) == 60
    board.saw(_event("stage.partial", "extract", data={"partial": None, "text_length": 12}))
    assert "12 characters" in _drawn(board)
    board.saw(_event("stage.completed", "extract"))
    assert board.runs[UUID(int=0)].stages["extract"].note == ""


def test_a_partial_cannot_steer_the_terminal() -> None:
    board = _board()
    board.saw(_event("stage.started", "extract", data={"attempt": 1}))
    board.saw(_event("stage.partial", "extract", data={"partial": "clear \x1b[2J [red]all[/]"}))
    out = PrintableConsole(file=StringIO(), width=120)
    out.print(LiveView(board, out).render())
    file = out.file
    assert isinstance(file, StringIO)
    assert "\x1b" not in file.getvalue()
    assert "[red]all[/]" in file.getvalue()


def test_a_few_runs_show_their_stages() -> None:
    drawn = _drawn(_board(2))
    assert drawn.count("extract") == 2
    assert "mail 1" in drawn


def test_hundreds_of_runs_fit_on_a_screen() -> None:
    board = _board(300)
    for number in range(300):
        board.saw(_event("run.started", run=number))
    for number in range(40):
        board.saw(_event("run.failed" if number < 3 else "run.completed", run=number))
    drawn = _drawn(board)
    assert len(drawn.splitlines()) <= 24
    assert "40 of 300 runs ended: 3 failed, 37 completed" in drawn
    assert "more under way" in drawn


def test_an_event_of_a_later_version_changes_nothing() -> None:
    board = _board()
    board.saw(_event("run.blessed"))
    board.saw(_event("stage.blessed", "extract"))
    assert board.runs[UUID(int=0)].status is RunStatus.PENDING
    assert board.runs[UUID(int=0)].stages["extract"].status is StageStatus.PENDING


def test_without_a_terminal_an_event_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    board = _board()
    view = PlainView(board)
    for event in (
        _event("stage.started", "extract"),
        _event("stage.failed", "extract", after_s=1.5, data={"message": "no\nanswer"}),
    ):
        board.saw(event)
        view.saw(event)
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("mail 0  extract started")
    assert second.endswith("mail 0  extract failed  1.5 s  no answer")

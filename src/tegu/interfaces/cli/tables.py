"""Runs, stages and calls as tables.

Called by the commands that show them. Invariant: text of users never becomes markup.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from textwrap import wrap

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tegu.domain.call import LlmCall
from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import WAITS_FOR_RUNS
from tegu.domain.run import ChildGroup, Run, StageRun
from tegu.domain.versions import pipeline_label
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.screen import table
from tegu.interfaces.cli.when import said

_WHY_WIDTH = 28
_WHY_LINES = 3
"""`tegu runs show` has the whole reason."""


def runs_table(runs: Iterable[Run]) -> Table:
    """One row per run."""
    made = table(
        "run", "input", "pipeline", "status", "age", "took", "cost", whole=("run", "status", "age", "took")
    )
    now = datetime.now(tz=UTC)
    for run in runs:
        made.add_row(
            str(run.id),
            escape(run.input_name or "-"),
            escape(pipeline_label(run.pipeline, run.version, run.version_label)),
            _run_status(run),
            wording.age(run.created_at, now),
            wording.run_elapsed(run, now),
            wording.run_cost(run, rule_based="rule-based"),
        )
    return made


def _run_status(run: Run) -> str:
    if run.scheduled_at:
        return f"scheduled\n[dim]{said(run.scheduled_at)}[/]"
    status = wording.status(run.status.value)
    if not run.waiting_reason:
        return status
    why = wrap(run.waiting_reason, _WHY_WIDTH, max_lines=_WHY_LINES, placeholder=" ...")
    return f"{status}\n[yellow]{escape(chr(10).join(why))}[/]"


def stages_table(stages: Sequence[StageRun], children: Sequence[ChildGroup] = ()) -> Table:
    """One row per stage of a run; of a stage that started runs, how far they are."""
    progress = {group.stage: group.progress for group in children}
    made = table("stage", "status", "took", "attempts", "model", "", right=("took", "attempts"))
    for stage in stages:
        made.add_row(
            escape(stage.stage),
            wording.status(stage.status.value),
            wording.stage_elapsed(stage),
            str(stage.attempt) if stage.attempt else "",
            escape(stage.model or ""),
            escape(_about(stage, progress.get(stage.stage))),
        )
    return made


def calls_table(calls: Iterable[LlmCall]) -> Table:
    """One row per attempt to call a model."""
    made = table(
        "stage",
        "model",
        "status",
        "attempt",
        "in",
        "out",
        "took",
        "cost",
        "",
        right=("attempt", "in", "out", "took"),
    )
    for call in calls:
        made.add_row(
            escape(call.stage or "-"),
            escape(_model(call)),
            wording.status(call.status.value),
            str(call.attempt),
            "-" if call.provider == wording.RULES else wording.tokens(call.usage.input_tokens),
            "-" if call.provider == wording.RULES else wording.tokens(call.usage.output_tokens),
            "" if call.latency_ms is None else f"{call.latency_ms} ms",
            wording.call_cost(call),
            escape(_why(call)),
        )
    return made


def write_error_info(out: Console, error: ErrorInfo | None) -> None:
    """Why a run or stage failed, and what to do."""
    if error is None:
        return
    where = f"stage [bold]{escape(error.stage)}[/] failed: " if error.stage else ""
    out.print(f"[red]error:[/] {where}{escape(error.message)}")
    if error.hint:
        out.print(f"[cyan]hint:[/] {escape(error.hint)}")


def _about(stage: StageRun, progress: str | None) -> str:
    """How far what it started is, and what else there is to say: not that it waits for it."""
    if progress is None:
        return _note(stage)
    waits = stage.error is not None and stage.error.code == WAITS_FOR_RUNS
    return progress if waits else "\n".join(filter(None, (progress, _note(stage))))


def _note(stage: StageRun) -> str:
    """Why it failed, that it is another run's, or why another model than the first answered."""
    if stage.error:
        return stage.error.message
    if stage.reused_from is not None:
        return "reused"
    return "; ".join(wording.fallback(each) for each in stage.fallbacks)


def _why(call: LlmCall) -> str:
    """How it failed, and why this model was asked where another was to answer."""
    code = str(call.error.get("code", "")) if call.error else ""
    after = call.fallback
    return "; ".join(
        part for part in (code, f"after {after.from_model}: {after.code}" if after else "") if part
    )


def _model(call: LlmCall) -> str:
    return call.provider if call.provider == call.model else f"{call.provider}:{call.model}"

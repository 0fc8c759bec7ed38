"""Backfills for people: what one would do, how far it is, and what it changed.

Called by `backfill`. Invariant: what was forecast stands beside what came, also where it was wrong.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import JsonValue
from pydantic_core import to_json
from rich.console import Console
from rich.markup import escape

from tegu.domain.backfill import (
    Accuracy,
    Backfill,
    BackfillPlan,
    BackfillReport,
    FieldReport,
    PlannedStage,
    StageOutlook,
    Step,
)
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.forecast_table import UNKNOWN, forecast_line, usd, write_forecast
from tegu.interfaces.cli.screen import table

_FIELDS_SHOWN_MAX = 20
_EXAMPLE_LENGTH = 60
_SAID = {
    StageOutlook.REUSED: "reused",
    StageOutlook.CHANGED: "[yellow]done anew[/]",
    StageOutlook.MAY_CHANGE: "[yellow]where it changes[/]",
    StageOutlook.ACTS: "[red]acts again[/]",
    StageOutlook.NEW: "[yellow]new[/]",
}


def write_plan(out: Console, plan: BackfillPlan) -> None:
    """What would be done, and what it takes."""
    versions = ", ".join(f"{count:,} of version {number}" for number, count in plan.versions.items())
    out.print(
        f"[bold]{escape(plan.pipeline)}@{plan.version}[/] over {plan.targets:,} earlier runs"
        f"{f' ({versions})' if versions else ''} with {plan.results:,} results; {plan.runs:,} to run now."
    )
    if plan.current:
        out.print(f"{wording.counted(plan.current, 'run')} of this version and model already: left out.")
    if plan.continues is not None:
        out.print(f"It goes on with backfill {plan.continues}.")
    made = table("stage", "becomes", "runs", "why", right=("runs",))
    for stage in plan.stages:
        made.add_row(escape(stage.stage), _SAID[stage.outlook], _share(stage), escape(", ".join(stage.why)))
    out.print(made)
    source = "from the runs of this backfill so far" if plan.is_from_sample else "from the ledger"
    if not plan.is_from_sample and any(each.outlook is StageOutlook.MAY_CHANGE for each in plan.stages):
        source += (
            "; what follows a stage that is done anew counts as done anew: a sample tells how often it is"
        )
    out.print(f"Forecast {source}:")
    write_forecast(out, plan.forecast)
    for each in plan.accuracy[:3]:
        out.print(f"[dim]An earlier backfill: {_accuracy(each)}[/]")


def plan_line(plan: BackfillPlan) -> str:
    """`12000 results, 9,100 calls +- 120, $41.20 +- 6.00`: for the question whether to go on."""
    return forecast_line(plan.forecast)


def progress_line(found: Backfill, now: datetime, begun_at: datetime, begun_with: int) -> str:
    """`letters@2: 120 of 200 runs, 60 calls, $0.01; 12.0 runs a second, 7 s left`."""
    progress = found.progress
    assert progress is not None
    ended = progress.ended
    elapsed_s = max(1e-9, (now - begun_at).total_seconds())
    rate = (ended - begun_with) / elapsed_s
    left = found.wanted - found.gone - ended
    pace = f"; {rate:.1f} runs a second, {wording.seconds(left / rate)} left" if rate and left else ""
    waits = f"; waits for {found.waits_for}" if found.waits_for else ""
    failed = progress.runs.get("failed", 0)
    return (
        f"{found.pipeline}@{found.version}: {ended:,} of {found.wanted - found.gone:,} runs"
        f"{f' ({failed:,} failed)' if failed else ''}, {progress.calls:,} calls, "
        f"{wording.usd(progress.cost_usd)}{f' + {progress.unknown_costs} unknown' if progress.unknown_costs else ''}"
        f"{pace}{waits}"
    )


def write_report(out: Console, report: BackfillReport) -> None:
    """What changed, and how right the forecast was."""
    found = report.backfill
    made = table(
        "stage",
        "reused",
        "done anew",
        "skipped",
        "failed",
        right=("reused", "done anew", "skipped", "failed"),
    )
    for stage in report.stages:
        counts = (stage.reused, stage.recomputed, stage.skipped, stage.failed)
        made.add_row(escape(stage.stage), *(f"{count:,}" for count in counts))
    out.print(made)
    _write_fields(out, report.fields)
    if report.runs < report.of:
        out.print(f"[dim]Fields of {report.runs:,} of {report.of:,} runs, drawn at random.[/]")
    for step in found.steps:
        out.print(f"Step of {step.upto - step.after:,} runs: {_step(step)}")
    left = found.targets - found.wanted
    if left:
        out.print(f"{left:,} of {found.targets:,} are left: `tegu backfill {found.pipeline} --all`")


def _write_fields(out: Console, fields: Sequence[FieldReport]) -> None:
    moved = [each for each in fields if each.changed or each.filled or each.lost]
    if not moved:
        out.print("No field of any result changed." if fields else "No results to compare.")
        return
    made = table(
        "field",
        "same",
        "changed",
        "filled",
        "lost",
        "for example",
        right=("same", "changed", "filled", "lost"),
    )
    for each in moved[:_FIELDS_SHOWN_MAX]:
        example = each.examples[0]
        made.add_row(
            escape(f"{each.stage}{each.path}"),
            f"{each.same:,}",
            f"{each.changed:,}",
            f"{each.filled:,}",
            f"{each.lost:,}",
            escape(f"{_short(example.before)} -> {_short(example.after)}"),
        )
    out.print(made)
    if len(moved) > _FIELDS_SHOWN_MAX:
        out.print(f"... and {len(moved) - _FIELDS_SHOWN_MAX} more fields (--json has them all).")


def _step(step: Step) -> str:
    """`forecast 9,100 calls +- 120, $41.20 +- 6.00; was 9,066 calls, $39.80`."""
    calls, cost = step.calls_forecast, step.cost_usd_forecast
    said = f"{calls.mean:,.0f} calls +- {calls.margin:,.0f}" if calls else f"{UNKNOWN} calls"
    if cost is not None:
        said += f", {usd(cost.mean)} +- {usd(cost.margin).removeprefix('$')}"
    if step.calls is None or step.cost_usd is None:
        return f"forecast {said}"
    missing = f" + {step.unknown_costs} unknown" if step.unknown_costs else ""
    return f"forecast {said}; was {step.calls:,} calls, {wording.usd(step.cost_usd)}{missing}"


def _accuracy(each: Accuracy) -> str:
    said = UNKNOWN if each.cost_usd_forecast is None else usd(each.cost_usd_forecast)
    was = UNKNOWN if each.cost_usd is None else wording.usd(each.cost_usd)
    calls = UNKNOWN if each.calls_forecast is None else f"{each.calls_forecast:,.0f}"
    return f"{each.runs:,} runs, forecast {calls} calls, {said}; was {each.calls:,} calls, {was}"


def _share(stage: PlannedStage) -> str:
    return "" if stage.outlook is StageOutlook.REUSED else f"{stage.changed:.0%}" if stage.changed else ""


def _short(value: JsonValue) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else to_json(value).decode()
    return wording.shortened(text, _EXAMPLE_LENGTH)

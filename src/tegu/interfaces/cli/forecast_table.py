"""Forecasts for people: a line that says what it comes to, and a table of the stages.

Called by `forecast`, `run` and `backfill`. Invariant: what is not known is called unknown, and never shown as a number.
"""

from decimal import Decimal

from rich.console import Console
from rich.markup import escape

from tegu.domain.forecast import Basis, Estimate, Forecast, StageForecast, Total
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.screen import table

UNKNOWN = "unknown"
_FROM = {
    Basis.SAME: "this stage",
    Basis.NEAREST: "what it was",
    Basis.FREE: "asks no model",
    Basis.REUSED: "reused",
    Basis.UNKNOWN: UNKNOWN,
}


def usd(amount: float) -> str:
    """Dollars as `wording` has them."""
    return wording.usd(Decimal(str(round(amount, 6))))


def forecast_line(found: Forecast) -> str:
    """`12000 runs: 9,100 calls +- 120, $41.20 +- 6.00, with 90 % certainty at most $46.10.`"""
    runs = wording.counted(found.runs, "run")
    cost = found.cost_usd
    if found.calls is None:
        return f"{runs}: {UNKNOWN} how many calls and what they cost."
    calls = f"{found.calls.mean:,.0f} calls +- {found.calls.margin:,.0f}"
    if cost is None:
        return f"{runs}: {calls}, cost {UNKNOWN}."
    return f"{runs}: {calls}, {cost_text(cost)}."


def cost_text(cost: Total) -> str:
    """`$41.20 +- 6.00, in nine of ten cases at most $46.10`."""
    margin = usd(cost.margin).removeprefix("$")
    return f"{usd(cost.mean)} +- {margin}, in nine of ten cases at most {usd(cost.p90)}"


def write_forecast(out: Console, found: Forecast) -> None:
    """The line, the stages, and what is not known."""
    out.print(f"[bold]{escape(found.pipeline)}@{found.version}[/]  {forecast_line(found)}")
    made = table(
        "stage",
        "from",
        "runs",
        "taken",
        "calls",
        "tokens in",
        "out",
        "cost p50",
        "p90",
        "took p50",
        right=("runs", "taken", "calls", "tokens in", "out", "cost p50", "p90", "took p50"),
    )
    for stage in found.stages:
        made.add_row(*_row(stage))
    out.print(made)
    for said in found.unknown:
        out.print(f"[yellow]unknown[/] {escape(said)}")
    if found.no_model:
        said = f"no model is configured for {', '.join(found.no_model)}: set TEGU_MODEL, or give --model"
        out.print(f"[yellow]note[/] {escape(said)}")
    for stage in found.stages:
        if stage.differs and stage.basis is not Basis.UNKNOWN:
            out.print(f"[yellow]note[/] {escape(_differs(stage))}")


def _row(stage: StageForecast) -> tuple[str, ...]:
    said = _FROM[stage.basis]
    if stage.samples == 0:
        return (escape(stage.stage), said, *[""] * 8)
    return (
        escape(stage.stage),
        said,
        str(stage.samples),
        "" if stage.share is None else f"{stage.share:.0%}",
        _number(stage.calls, 2),
        _number(stage.input_tokens),
        _number(stage.output_tokens),
        *_costs(stage),
        "" if stage.latency_s is None else wording.seconds(stage.latency_s.p50),
    )


def _costs(stage: StageForecast) -> tuple[str, str]:
    if stage.cost_usd is None:
        return UNKNOWN, UNKNOWN
    return usd(stage.cost_usd.p50), usd(stage.cost_usd.p90)


def _number(found: Estimate | None, places: int = 0) -> str:
    return UNKNOWN if found is None else f"{found.mean:,.{places}f}"


def _differs(stage: StageForecast) -> str:
    versions = ", ".join(map(str, stage.versions))
    return f"{stage.stage}: from runs of version {versions}, in which its {', '.join(stage.differs)} differed"

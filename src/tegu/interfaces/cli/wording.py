"""Words for values: money, times, tokens, statuses, texts that are too long.

Called by the tables and the board. Invariant: a cost that is not known is never shown as a number.
"""

from datetime import UTC, datetime
from decimal import Decimal

from tegu.domain.call import RULES, Fallback, LlmCall
from tegu.domain.run import Run, StageRun

RULE_BASED = "no cost: rule-based"

_STYLES = {
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "waiting": "yellow",
    "pending": "dim",
    "skipped": "dim",
    "rejected": "yellow",
    "sent": "yellow",
    "ok": "green",
    "warning": "yellow",
}


def status(value: str) -> str:
    """A status in its color, as rich markup."""
    style = _STYLES.get(value)
    return f"[{style}]{value}[/]" if style else value


def usd(cost: Decimal) -> str:
    """Dollars with as many places as a small call needs."""
    places = 2 if cost >= 1 or cost == 0 else 6
    return f"${cost:.{places}f}"


def run_cost(run: Run, *, rule_based: str = RULE_BASED) -> str:
    """What a run's calls cost, as far as it is known; `rule_based` where only rules answered."""
    totals = run.totals
    if not totals.calls:
        return "-"
    if is_rule_based(run):
        return rule_based
    if not totals.unknown_costs:
        return usd(totals.cost_usd)
    if totals.unknown_costs == totals.calls:
        return "unknown"
    return f"{usd(totals.cost_usd)} + {totals.unknown_costs} unknown"


def is_rule_based(run: Run) -> bool:
    """Whether only rules answered in this run."""
    models = {stage.model for stage in run.stages if stage.model} or ({run.model} if run.model else set())
    return models == {RULES}


def call_cost(call: LlmCall) -> str:
    """What one call cost."""
    if call.provider == RULES:
        return RULE_BASED
    if call.answered_by.value == "journal":
        return "paid before"
    return "unknown" if call.cost_usd is None else usd(call.cost_usd)


def fallback(why: Fallback) -> str:
    """Why another model was asked."""
    return f"{why.from_model} {why.code}, then {why.to_model}"


def tokens(count: int | None) -> str:
    """A number of tokens; unknown is not zero."""
    return "unknown" if count is None else f"{count:,}"


def seconds(elapsed_s: float | None) -> str:
    """A duration."""
    if elapsed_s is None:
        return ""
    if elapsed_s < 60:
        return f"{elapsed_s:.1f} s"
    minutes, rest = divmod(round(elapsed_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def run_elapsed(run: Run, now: datetime | None = None) -> str:
    """How long a run has taken, so far."""
    if run.started_at is None:
        return ""
    return seconds(((run.ended_at or now or datetime.now(tz=UTC)) - run.started_at).total_seconds())


def stage_elapsed(stage: StageRun) -> str:
    """How long the last attempt of a stage took."""
    return seconds(stage.elapsed_s)


def age(at: datetime, now: datetime) -> str:
    """How long ago something was, in one unit."""
    passed_s = max(0, round((now - at).total_seconds()))
    for unit, length_s in (("d", 86_400), ("h", 3600), ("min", 60)):
        if passed_s >= length_s:
            return f"{passed_s // length_s} {unit}"
    return f"{passed_s} s"


def shortened(text: str, limit: int) -> str:
    """The text on one line, at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def tail(text: str, limit: int) -> str:
    """The end of a text that grows, on one line, at most `limit` characters."""
    line = " ".join(text[-4 * limit :].split())
    return line if len(line) <= limit and len(text) <= 4 * limit else "…" + line[-(limit - 1) :]


def counted(number: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

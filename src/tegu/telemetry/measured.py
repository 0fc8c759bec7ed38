"""Everything that is counted in this process, declared once: what it is called, what it means, its labels.

Called by the engine and the model calls, and read at a scrape (`/metrics`). Invariant: no label has values without a
limit: kinds, outcomes and codes are ours, models are cut off by their tally, organizations are no label at all.
"""

from tegu.telemetry.tallies import Tally

_SHORT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_MODELS_MAX = 100
"""Pairs of provider and model that are told apart; people write model names, so there is no end of them."""
_CALL = ("provider", "model")

STAGES = Tally(
    "tegu_stage_duration_seconds",
    "How long attempts at stages took in this process, waiting for a slot not counted.",
    ("kind", "outcome"),
    bounds=_LONG_S,
)
EVENTS = Tally(
    "tegu_events_total",
    "Events of runs that this process committed: runs that ended, stages that were retried, put off, crashed, skipped.",
    ("event",),
)
CLAIMED = Tally("tegu_runs_claimed_total", "Runs that this process took over.")
CLAIMS = Tally("tegu_claims_total", "Looks for due runs, by whether they brought any.", ("outcome",))
CHECKPOINTS = Tally(
    "tegu_checkpoints_total",
    "Checkpoints of runs: stored, refused by the database, or lost to another worker.",
    ("outcome",),
)
COMMITS = Tally(
    "tegu_commit_duration_seconds",
    "How long the database took for one batch of checkpoints.",
    bounds=_SHORT_S,
)
LEASES_LOST = Tally("tegu_leases_lost_total", "Leases that workers of this process lost.")
CALLS = Tally(
    "tegu_llm_attempts_total",
    "Attempts to call a model, by how they ended: replied, journal (answered without a call), abandoned, or an error code.",
    (*_CALL, "outcome"),
    series_max=_MODELS_MAX * 10,
)
CALL_DURATIONS = Tally(
    "tegu_llm_duration_seconds",
    "How long attempts to call a model took, without the wait for leave.",
    _CALL,
    bounds=_LONG_S,
    series_max=_MODELS_MAX,
)
CALL_RETRIES = Tally(
    "tegu_llm_retries_total", "Attempts that followed one without a reply.", _CALL, series_max=_MODELS_MAX
)
REJECTED = Tally(
    "tegu_llm_rejected_replies_total", "Replies that were no valid output.", _CALL, series_max=_MODELS_MAX
)
TOKENS = Tally(
    "tegu_llm_tokens_total",
    "Tokens that providers reported: input (cached ones among them), cached, output (reasoning among them), reasoning.",
    (*_CALL, "type"),
    series_max=_MODELS_MAX * 4,
)
COST_USD = Tally(
    "tegu_llm_cost_usd_total", "US dollars of replies whose price is known.", _CALL, series_max=_MODELS_MAX
)
UNKNOWN = Tally(
    "tegu_llm_unknown_total",
    "Replies of which something is not known, and therefore counted nowhere: tokens, cost.",
    (*_CALL, "what"),
    series_max=_MODELS_MAX * 2,
)
ADMISSION_WAITS = Tally(
    "tegu_llm_admission_wait_seconds",
    "How long attempts waited for leave (budgets, limits) where it was not there at once, and whether it was granted.",
    ("outcome",),
    bounds=_SHORT_S,
)

TALLIES = (
    STAGES,
    EVENTS,
    CLAIMED,
    CLAIMS,
    CHECKPOINTS,
    COMMITS,
    LEASES_LOST,
    CALLS,
    CALL_DURATIONS,
    CALL_RETRIES,
    REJECTED,
    TOKENS,
    COST_USD,
    UNKNOWN,
    ADMISSION_WAITS,
)

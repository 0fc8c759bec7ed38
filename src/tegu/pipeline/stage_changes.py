"""What of a stage is another in another version, as far as its output depends on it.

Called by forecasts and backfills. Invariant: what only says when, how often or how long a stage is tried is no change of it.
"""

from tegu.pipeline.definition import StageDefinition

_NO_MATTER_OF_OUTPUT = frozenset(
    {"retries", "timeout_s", "deadline_s", "result", "needs", "on_failure", "cancels"}
)
CONDITIONS = frozenset({"when", "join", "else_of"})
"""What decides whether a stage runs, and not what comes of it."""


def stage_changes(before: StageDefinition, after: StageDefinition) -> tuple[str, ...]:
    """The names of what differs, in order: `instructions`, `labels`, `inputs`, `model`, `when`, `uses`."""
    old, new = before.to_json(), after.to_json()
    names = [name for name in dict.fromkeys((*new, *old)) if name not in _NO_MATTER_OF_OUTPUT | {"with"}]
    found = [name for name in names if old.get(name) != new.get(name)]
    options = (*dict.fromkeys((*after.config, *before.config)),)
    return (
        *found,
        *(name for name in options if before.config.get(name) != after.config.get(name)),
    )

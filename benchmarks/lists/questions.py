"""What is asked of the lists: the first page, the oldest first, one far in, and every filter with what is common and what is rare."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tegu.actions.declared.inputs import SortedPageInput
from tegu.actions.registry import ACTIONS

Query = Mapping[str, str]

# Of the lists that are long. What a filter is asked for: something common, something rare and old, nothing at all.
FILTERS: Mapping[str, tuple[Query, ...]] = {
    "runs": (
        *({"status": each} for each in ("pending", "running", "waiting", "completed", "failed", "cancelled")),
        {"pipeline": "bench"},
        {"pipeline": "rare"},
        {"pipeline": "none"},
        {"pipeline": "rare", "status": "cancelled"},
        {"pipeline": "bench", "status": "failed"},
        {"pipeline": "bench", "status": "cancelled"},
        {"include_children": "true"},
        {"stage": "two"},
        {"stage": "one"},
        {"stage": "none"},
        {"model": "openai:gpt-5"},
        {"model": "rare:gpt-5"},
        {"model": "gpt-5"},
        {"model": "none"},
        {"model": "rare:gpt-5", "status": "completed"},
        {"model": "openai:gpt-5", "status": "cancelled"},
        {"name": "invoice 7"},
        {"name": "invoice 17."},
        {"name": "nothing like that"},
        {"cost_above_usd": "0.001"},
        {"cost_above_usd": "1"},
        {"cost_below_usd": "0.0001"},
        {"cost_below_usd": "0"},
        {"triggered_by": "mail"},
        {"triggered_by": "library"},
    ),
    "contents": ({"source_type": "email"}, {"external_id": "ours-5"}),
    "threads": ({"subject": "invoice 10"}, {"subject": "nothing like that"}),
    "stage_runs": (
        {"status": "completed"},
        {"status": "failed"},
        {"status": "waiting"},
        {"stage": "two"},
        {"pipeline": "rare"},
    ),
    "results": ({"type": "two"}, {"type": "none"}, {"pipeline": "rare"}, {"confidence_max": "0.01"}),
    "calls": (
        {"status": "completed"},
        {"status": "sent"},
        {"provider": "rare"},
        {"model": "gpt-5"},
        {"stage": "two"},
        {"is_priced": "false"},
        {"answered_by": "journal"},
    ),
    "runs/count": ({"pipeline": "bench"}, {"name": "invoice 7"}, {"cost_above_usd": "0.001"}),
    "reviews": (
        *({"status": "open", "sort": order} for order in ("confidence", "due_at", "created_at")),
        {"sort": "confidence"},
    ),
    "audit": ({"action": "runs.start"}, {"action": "runs.cancel"}),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One list, asked in one way. `pages_before` are read first, 500 rows each, and not measured."""

    noun: str
    says: str
    query: Query
    pages_before: int = 0


def questions() -> Iterator[Question]:
    """All of them. Of lists that are short in any organization the first page alone."""
    yield Question("runs/count", "all", {})
    yield from _filtered("runs/count")
    for action in ACTIONS.values():
        if action.verb != "list":
            continue
        yield Question(action.noun, "first page", {})
        if action.noun not in FILTERS:
            continue
        yield Question(action.noun, "10,000 rows in", {}, pages_before=20)
        if issubclass(action.input, SortedPageInput):
            yield Question(action.noun, "oldest first", {"sort": "created_at"})
        yield from _filtered(action.noun)


def _filtered(noun: str) -> Iterator[Question]:
    for query in FILTERS[noun]:
        yield Question(noun, ", ".join(f"{name} {value}" for name, value in query.items()), query)

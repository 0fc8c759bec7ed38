"""Results with the evidence for each value beside it.

Called by every command that shows results. Invariant: a quote is shown as evidence only if it was verified; how many
were not found is said.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence

from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tegu.domain.evidence import EvidenceSpan, EvidenceStatus
from tegu.domain.run import Result
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.screen import table

ROWS_MAX = 60
_VALUE_MAX = 2000
_QUOTE_MAX = 90


def write_results(out: Console, results: Sequence[Result]) -> None:
    """Each result under its name."""
    for result in results:
        out.print(_heading(result))
        out.print(result_table(result))


def result_table(result: Result) -> Table:
    """One row per value: where it is in the result, the value, the quote that shows it, and where that stands."""
    spans = _spans_by_path(result.evidence)
    made = table("field", "value", "evidence (verified quote)", "at", right=("at",))
    rows = list(_leaves(result.data, ""))
    for path, value in rows[:ROWS_MAX]:
        found = spans.pop(path, [])
        made.add_row(
            escape(_field(path)),
            escape(_shown(value)),
            "\n".join(escape(f"“{wording.shortened(span.quote, _QUOTE_MAX)}”") for span in found),
            "\n".join(f"{span.start}-{span.end}" for span in found),
        )
    if len(rows) > ROWS_MAX:
        made.add_row(f"[dim]and {len(rows) - ROWS_MAX} more: --json shows all[/]")
    # Quotes for a whole object or list, not for one value in it.
    for path, found in spans.items():
        for span in found:
            quote = escape(f"“{wording.shortened(span.quote, _QUOTE_MAX)}”")
            made.add_row(escape(_field(path)), "", quote, f"{span.start}-{span.end}")
    return made


def _heading(result: Result) -> str:
    name = (
        escape(result.type)
        if result.type == result.stage
        else f"{escape(result.type)} ({escape(result.stage)})"
    )
    parts = [f"[bold]{name}[/]"]
    if result.key:
        parts.append(escape(result.key))
    if result.confidence is not None:
        method = result.confidence.method.value.replace("_", "-")
        parts.append(f"confidence {result.confidence.value:.2f} ({method})")
    missing = sum(span.status is EvidenceStatus.NOT_FOUND for span in result.evidence)
    if missing:
        verb = "is" if missing == 1 else "are"
        parts.append(f"[yellow]{wording.counted(missing, 'quote')} {verb} not in the text and left out[/]")
    return "  ".join(parts)


def _spans_by_path(evidence: Sequence[EvidenceSpan]) -> dict[str, list[EvidenceSpan]]:
    found: dict[str, list[EvidenceSpan]] = defaultdict(list)
    for span in evidence:
        if span.status is EvidenceStatus.VERIFIED:
            found[span.path].append(span)
    return found


def _leaves(value: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    """The values at the ends of a JSON value, by JSON pointer; what is absent is left out."""
    match value:
        case dict() if value:
            for key, item in value.items():
                yield from _leaves(item, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")
        case list() if value:
            for index, item in enumerate(value):
                yield from _leaves(item, f"{path}/{index}")
        case None:
            return
        case _:
            yield path, value


def _field(path: str) -> str:
    """A JSON pointer as people write it: `amounts[0].currency`."""
    field = ""
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        field += f"[{name}]" if name.isdigit() and field else f".{name}" if field else name
    return field


def _shown(value: JsonValue) -> str:
    if isinstance(value, str):
        return value if len(value) <= _VALUE_MAX else value[:_VALUE_MAX] + "…"
    if value in ({}, []):
        return "none"
    return json.dumps(value, ensure_ascii=False)

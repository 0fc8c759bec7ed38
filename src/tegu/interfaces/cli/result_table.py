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
_VALUE_MAX = 600
_EXCERPT_MAX = 120
_QUOTE_MAX = 90


def write_results(out: Console, results: Sequence[Result]) -> None:
    """Each result under its name."""
    for result in results:
        if (summary := _document_summary(result.data)) is not None:
            out.print(f"{_heading(result)}  {escape(summary)}")
        elif not any(True for _ in _leaves(result.data, "")):
            out.print(f"{_heading(result)}  nothing was found")
        else:
            out.print(_heading(result))
            out.print(result_table(result))


def _document_summary(data: JsonValue) -> str | None:
    """The text of a document is no finding: one line says that it is there. None for any other result."""
    if not isinstance(data, dict) or not data.keys() >= {"text", "media_type", "text_chars"}:
        return None
    pages = data.get("pages")
    count = f", {wording.counted(pages, 'page')}" if isinstance(pages, int) else ""
    return f"{data['media_type']}, {data['text_chars']} characters{count}"


def result_table(result: Result) -> Table:
    """One row per value: where it is in the result, the value, and the quotes that show it, with their place."""
    spans = _spans_by_path(result.evidence)
    made = table("field", "value", "verified quote, characters")
    rows = list(_leaves(_in_order_of_text(result.data, result.evidence), ""))
    for path, value in rows[:ROWS_MAX]:
        quotes = "\n".join(_quoted(span) for span in spans.pop(path, []))
        made.add_row(escape(_field(path)), escape(_shown(value)), quotes)
    if len(rows) > ROWS_MAX:
        made.add_row(f"[dim]and {len(rows) - ROWS_MAX} more: --json shows all[/]")
    # Quotes for a whole object or list, not for one value in it.
    for path, found in spans.items():
        made.add_row(escape(_field(path)), "", "\n".join(_quoted(span) for span in found))
    return made


def _quoted(span: EvidenceSpan) -> str:
    return f"{escape(f'“{wording.shortened(span.quote, _QUOTE_MAX)}”')} [dim]{span.start}-{span.end}[/]"


def _in_order_of_text(data: JsonValue, evidence: Sequence[EvidenceSpan]) -> JsonValue:
    """The fields in the order in which the text shows them: the database keeps no order of its own."""
    if not isinstance(data, dict):
        return data
    first: dict[str, int] = {}
    for span in evidence:
        if span.start is not None:
            name = span.path.split("/")[1].replace("~1", "/").replace("~0", "~") if "/" in span.path else ""
            first[name] = min(span.start, first.get(name, span.start))
    last = max(first.values(), default=0) + 1
    return dict(sorted(data.items(), key=lambda item: (first.get(item[0], last), item[0])))


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
        if len(value) <= _VALUE_MAX:
            return value
        return f"{wording.shortened(value, _EXCERPT_MAX)} ({len(value):,} characters)"
    if value in ({}, []):
        return "none"
    return json.dumps(value, ensure_ascii=False)

"""`tegu llm-replay`: recorded model calls, read as Tegu reads them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import ExitCode, write_notice
from tegu.interfaces.cli.screen import console, table, write_json_line

if TYPE_CHECKING:
    from tegu.testing.recorded.replay import ReplayedCall, ReplayedFile

_NOTICE_EVERY = 100
_SHOWN_LENGTH_MAX = 60


@click.command("llm-replay")
@click.argument("place", metavar="DIR", type=click.Path(path_type=Path, exists=True))
@click.option("--glob", "pattern", default="*", show_default=True, help="Only files whose name matches.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many files.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document per file, a line each.")
def llm_replay(*, place: Path, pattern: str, limit: int | None, as_json: bool) -> int:
    """Replay recorded model calls, and show how Tegu reads them: object, tokens, cost, ending, error.

    DIR is a file or a folder, nested as it may be, of HTTP exchanges as VCR and pytest-recording store them. Each reply is
    served on this machine to the real client of its provider; no other host is reached, no key is needed, nothing is
    stored. Exits with 1 when a file could not be read, whatever the replies say.
    """
    from tegu.domain.errors import NotFoundError
    from tegu.testing.recorded.replay import recordings_in

    found = recordings_in(place, pattern)[:limit]
    if not found:
        raise NotFoundError(
            f"there is no recording in {str(place)!r}",
            hint="files that end in .yaml, .yml, .json, or these with .gz",
        )
    reports = asyncio.run(_replayed(place, found, as_json=as_json))
    if not as_json:
        _write_table(reports)
    unread = sum(not report.is_readable for report in reports)
    if unread:
        write_notice(f"{wording.counted(unread, 'file')} of {len(reports)} could not be read")
    return ExitCode.FAILED if unread else ExitCode.OK


async def _replayed(place: Path, found: Sequence[Path], *, as_json: bool) -> "list[ReplayedFile]":
    from tegu.testing.recorded.replay import Replayer

    reports: list[ReplayedFile] = []
    async with Replayer() as replayer:
        for path in found:
            name = path.name if path == place else path.relative_to(place).as_posix()
            report = await replayer.replay(path, name)
            if as_json:
                write_json_line(_line(report))
            reports.append(report)
            if len(reports) % _NOTICE_EVERY == 0:
                write_notice(f"{len(reports)} of {len(found)} files")
    return reports


def _line(report: "ReplayedFile") -> dict[str, object]:
    return {"file": report.file, **_fields(report.last), "calls": [_fields(call) for call in report.calls]}


def _fields(call: "ReplayedCall") -> dict[str, object]:
    usage, error = call.usage, call.error
    return {
        "provider": call.provider,
        "model": call.model,
        "status": call.status,
        "object": call.object,
        "usage": {
            "input_tokens": usage.input_tokens,
            "cached_tokens": usage.cached_tokens,
            "output_tokens": usage.output_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
        },
        "cost_usd": call.cost_usd,
        "finish": call.finish,
        "error": error
        and {
            "code": error.code,
            "class": error.kind,
            "message": error.message,
            "transient": error.transient,
        },
    }


def _write_table(reports: "Sequence[ReplayedFile]") -> None:
    made = table(
        "file", "model", "in", "out", "cost", "finish", "object or error", right=("in", "out", "cost")
    )
    for report in reports:
        call = report.last
        made.add_row(
            escape(report.file),
            escape(":".join(filter(None, (call.provider, call.model)))),
            wording.tokens(call.usage.input_tokens),
            wording.tokens(call.usage.output_tokens),
            "unknown" if call.cost_usd is None else wording.usd(call.cost_usd),
            escape(call.finish or ""),
            escape(_said(call)),
        )
    console().print(made)


def _said(call: "ReplayedCall") -> str:
    from pydantic_core import to_json

    if call.error is not None:
        again = ", transient" if call.error.transient else ""
        return f"{call.error.code}{again}: {call.error.message}"[:_SHOWN_LENGTH_MAX]
    text = call.object if isinstance(call.object, str) else to_json(call.object).decode("utf-8", "replace")
    return text if len(text) <= _SHOWN_LENGTH_MAX else text[: _SHOWN_LENGTH_MAX - 1] + "…"

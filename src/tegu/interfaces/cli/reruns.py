"""`tegu runs fork` and `tegu runs compare`: go on from a run, and see what that changed.

Called by `runs`. Invariant: what is given with `@FILE` is read here, and sent as it stands.
"""

import json
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import click
from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape

from tegu.actions.forking import ForkedRun
from tegu.client.service import Service
from tegu.domain.comparison import Change, RunComparison, RunSide, StageComparison, StageSide
from tegu.domain.difference import ChangeKind
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.json import JsonObject, canonical_json
from tegu.domain.versions import pipeline_label
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.action_options import FILE_MARK
from tegu.interfaces.cli.failure import write_notice
from tegu.interfaces.cli.run_reference import RunReference
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import with_service
from tegu.interfaces.cli.usd import Usd

_TEXTS = frozenset({"instructions", "model", "when"})
_VALUE_MAX = 36
_SHARED_MAX = 8
_SIGNS = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-", ChangeKind.CHANGED: ""}


@click.command()
@click.argument("run_id", metavar="RUN", type=RunReference())
@click.option("--from", "from_stage", metavar="STAGE", required=True, help="The first stage to perform anew.")
@click.option(
    "--edit",
    "edits",
    metavar="STAGE.OPTION=VALUE",
    multiple=True,
    help="Another option of a stage: answer.instructions=TEXT, answer.with.max_tokens=500, answer.model=M; @FILE reads it.",
)
@click.option(
    "--output",
    "outputs",
    metavar="STAGE=JSON",
    multiple=True,
    help="What a stage is to have come to instead, as JSON; @FILE reads it.",
)
@click.option("--model", metavar="MODEL", help="The model of every stage that is performed.")
@click.option("--budget", metavar="USD", type=Usd(), help="The most that its calls may cost.")
@click.option("--fresh", is_flag=True, help="Take nothing after the stage, also where nothing has changed.")
@json_option
def fork(
    *,
    run_id: UUID,
    from_stage: str,
    edits: tuple[str, ...],
    outputs: tuple[str, ...],
    model: str | None,
    budget: Decimal | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Go on from a run at a stage, perhaps changed. What comes before it is taken over, and not paid again."""

    async def work(service: Service) -> ForkedRun:
        return await service.runs.fork(
            run_id,
            from_stage=from_stage,
            edits=edits_of(edits) or None,
            outputs=outputs_of(outputs) or None,
            model=model,
            budget_usd=budget,
            fresh=fresh,
        )

    made = with_service(work)
    if as_json:
        write_json(made)
        return
    out = console()
    out.print(f"run {made.run_id} of {made.version_label}")
    for said, names in (("taken over", made.kept), ("given", made.edited), ("anew", made.anew)):
        if names:
            out.print(f"{said}: {escape(', '.join(names))}")
    write_notice(
        f"`tegu worker` or `tegu drive {made.run_id}` drives it; `tegu runs compare` shows what changed."
    )


@click.command()
@click.argument("run_id", metavar="A", type=RunReference())
@click.argument("other_id", metavar="B", type=RunReference())
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="Places at most.")
@click.option("--cursor", help="The places after those: what the page before said.")
@json_option
def compare(*, run_id: UUID, other_id: UUID, limit: int, cursor: str | None, as_json: bool) -> None:
    """Show what differs from run A to run B, stage by stage and place by place, and why."""

    async def work(service: Service) -> RunComparison:
        return await service.runs.compare(run_id, other_id=other_id, limit=limit, cursor=cursor)

    found = with_service(work)
    if as_json:
        write_json(found)
        return
    out = console()
    _write_sides(out, found)
    _write_stages(out, found.stages)
    _write_changes(out, found.changes)
    if found.is_same:
        out.print("Every stage came to the same.")
    if found.next_cursor is not None:
        write_notice(f"There are more: --cursor {found.next_cursor}")


def edits_of(written: tuple[str, ...]) -> dict[str, JsonObject]:
    """`stage.with.option=value` as changes by stage. Raises UsageError, NotFoundError."""
    found: dict[str, JsonObject] = {}
    for text in written:
        place, is_said, value = text.partition("=")
        stage, *path = place.split(".")
        if not is_said or not path or not all((stage, *path)):
            raise UsageError(f"--edit {text[:80]!r} names no option", hint="--edit STAGE.instructions=TEXT")
        entry = found.setdefault(stage, {})
        for step in path[:-1]:
            below = entry.setdefault(step, {})
            if not isinstance(below, dict):
                raise UsageError(f"--edit {place!r} contradicts another --edit", hint="say each once")
            entry = below
        entry[path[-1]] = _option(path[-1], _read(value))
    return found


def outputs_of(written: tuple[str, ...]) -> dict[str, JsonValue]:
    """`stage=JSON` as outputs by stage. Raises UsageError, NotFoundError."""
    found: dict[str, JsonValue] = {}
    for text in written:
        stage, is_said, value = text.partition("=")
        if not is_said or not stage:
            raise UsageError(f"--output {text[:80]!r} names no stage", hint="--output STAGE=@FILE")
        try:
            found[stage] = json.loads(_read(value))
        except ValueError as error:
            raise UsageError(
                f"the output of {stage!r} is no JSON: {error}", hint="""'{"category": "other"}'"""
            ) from error
    return found


def _read(value: str) -> str:
    if not value.startswith(FILE_MARK) or value.startswith(2 * FILE_MARK):
        return value.removeprefix(FILE_MARK)
    try:
        return Path(value.removeprefix(FILE_MARK)).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            f"{value[1:]!r} cannot be read: {error}", hint="@FILE names a text file"
        ) from error


def _option(name: str, text: str) -> JsonValue:
    """Texts as they stand; of other options JSON, where it is some."""
    if name in _TEXTS:
        return text
    try:
        found: JsonValue = json.loads(text)
    except ValueError:
        return text
    return found


def _write_sides(out: Console, found: RunComparison) -> None:
    made = table(
        "",
        "run",
        "pipeline",
        "status",
        "took",
        "calls",
        "tokens",
        "cost",
        right=("calls", "tokens"),
        whole=("run",),
    )
    for name, side in (("A", found.a), ("B", found.b)):
        made.add_row(name, *_side(side))
    out.print(made)
    if not found.is_same_input:
        out.print("[yellow]They are over different inputs.[/]")


def _side(side: RunSide) -> tuple[str, ...]:
    totals = side.totals
    return (
        str(side.run_id),
        escape(pipeline_label(side.pipeline, side.version, side.version_label)),
        wording.status(side.status.value),
        wording.seconds(side.elapsed_s),
        str(totals.calls),
        f"{totals.input_tokens + totals.output_tokens:,}",
        wording.usd(totals.cost_usd) + (" + unknown" if totals.unknown_costs else ""),
    )


def _write_stages(out: Console, stages: tuple[StageComparison, ...]) -> None:
    made = table("stage", "A", "B", "differs", "why", right=("differs",))
    for stage in stages:
        made.add_row(
            escape(stage.stage),
            _stage(stage.a),
            _stage(stage.b),
            str(stage.differs or ""),
            escape(", ".join(stage.why)),
        )
    out.print(made)
    for stage in stages:
        if stage.instructions is not None:
            out.print(f"[bold]instructions of {escape(stage.stage)}[/]")
            out.print(escape(stage.instructions))


def _stage(side: StageSide | None) -> str:
    if side is None:
        return "-"
    marks = [mark for mark, is_so in (("given", side.is_edited), ("reused", _is_reused(side))) if is_so]
    model = f" {escape(side.model)}" if side.model and not marks else ""
    return wording.status(side.status.value) + model + "".join(f", {mark}" for mark in marks)


def _is_reused(side: StageSide) -> bool:
    return side.reused_from is not None and not side.is_edited


def _write_changes(out: Console, changes: tuple[Change, ...]) -> None:
    if not changes:
        return
    made = table("what", "where", "A", "B")
    for change in changes:
        where = f"{change.stage or ''}{change.pointer}"
        if change.result is not None:
            where = f"{where} ({change.result})"
        sign = _SIGNS[change.kind]
        before, after = _apart(_text(change.before), _text(change.after))
        made.add_row(
            f"{sign} {change.part.value}".strip(),
            escape(where),
            "" if change.kind is ChangeKind.ADDED else escape(before),
            "" if change.kind is ChangeKind.REMOVED else escape(after),
        )
    out.print(made)


def _text(value: JsonValue) -> str:
    text = value if isinstance(value, str) else canonical_json(value)
    return " ".join(text.split())


def _apart(before: str, after: str) -> tuple[str, str]:
    """Both as a cell holds them: of long ones from shortly before they part."""
    pairs = enumerate(zip(before, after, strict=False))
    same = next((n for n, (x, y) in pairs if x != y), min(len(before), len(after)))
    begin = before.rfind(" ", 0, max(0, same - _SHARED_MAX)) + 1
    if max(len(before), len(after)) <= _VALUE_MAX or not begin:
        begin, mark = 0, ""
    else:
        mark = "…"
    return (
        wording.shortened(mark + before[begin:], _VALUE_MAX),
        wording.shortened(mark + after[begin:], _VALUE_MAX),
    )

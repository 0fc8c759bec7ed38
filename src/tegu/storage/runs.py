"""Runs as people and programs read them; `run_starts` starts and cancels them, the engine's side is in `claims` and
`checkpoints`.

Called by the actions, inside one organization's transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, case, func, literal, select

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.call import EMBEDDED, Fallback
from tegu.domain.errors import ErrorInfo
from tegu.domain.json import JsonObject
from tegu.domain.run import CallTotals, Run, RunEvent, StageRun, TriggeredBy
from tegu.domain.run_filter import ALL_RUNS, RunFilter
from tegu.domain.schema_order import in_order
from tegu.domain.status import RunStatus, StageStatus
from tegu.domain.worker import missing_functions
from tegu.pipeline.slices import item_name
from tegu.storage import families, forks, holds
from tegu.storage.results import results_of
from tegu.storage.rows import cost_of, paged, stage_run_of
from tegu.storage.run_filters import conditions, look
from tegu.storage.tables import (
    contents,
    llm_calls,
    mail_threads,
    pipeline_versions,
    pipelines,
    run_events,
    runs,
    stage_runs,
    workers,
)
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen
from tegu.storage.written_order import in_written_order, schema_in

# A due run that nobody owns: it waits to be taken. One that waits for its time, or is cancelled, waits for nobody.
_IS_FREE = (
    (runs.c.owner.is_(None))
    & (runs.c.due_at <= func.clock_timestamp())
    & (runs.c.cancel_requested_at.is_(None))
).label("is_free")
_SCHEDULED_AT = case(
    (
        (runs.c.owner.is_(None)) & (runs.c.started_at.is_(None)) & (runs.c.due_at > func.clock_timestamp()),
        runs.c.due_at,
    )
).label("scheduled_at")


async def get_run(
    connection: Transaction, organization_id: UUID, run_id: UUID, rows: Rows = ALL_ROWS
) -> Run | None:
    """A run with its stages, results (in the order of the stages) and totals."""
    query = _runs(organization_id, rows).where(runs.c.id == run_id)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    order = {name: place for place, name in enumerate(row["document"]["stages"])}
    results = [
        in_written_order(result, row["document"])
        for result in await results_of(connection, organization_id, run_id)
    ]
    return replace(
        (await _runs_of(connection, organization_id, [row]))[0],
        forks=await forks.forks_of(connection, organization_id, run_id, rows),
        stages=await _stages(connection, organization_id, run_id, row["document"]),
        results=tuple(sorted(results, key=lambda result: order.get(result.stage, len(order)))),
        totals=(await totals_of(connection, organization_id, [run_id])).get(run_id, CallTotals()),
        children=await families.children_of(connection, organization_id, run_id)
        if row["has_children"]
        else (),
    )


async def list_runs(
    connection: Transaction,
    organization_id: UUID,
    wanted: RunFilter = ALL_RUNS,
    *,
    limit: int = 50,
    after: UUID | None = None,
    is_oldest_first: bool = False,
    rows: Rows = ALL_ROWS,
) -> list[Run]:
    """The newest runs, or the oldest, without stages and results, with totals and what they wait for."""
    looked = await look(connection, organization_id, wanted)
    # Which ones first: only what is shown is joined with what belongs to it.
    meant = select(runs.c.id).where(
        runs.c.organization_id == organization_id,
        pipelines_seen(organization_id, rows, runs.c.pipeline_id),
        *conditions(organization_id, wanted, looked),
    )
    meant = paged(meant, runs.c.id, after=after, is_oldest_first=is_oldest_first, limit=limit).cte("meant")
    query = _runs(organization_id, rows).where(runs.c.id.in_(select(meant.c.id)))
    query = query.order_by(runs.c.id if is_oldest_first else runs.c.id.desc())
    read = (await connection.execute(query)).mappings().all()
    found = await _runs_of(connection, organization_id, read)
    totals = await totals_of(connection, organization_id, [run.id for run in found])
    return [replace(run, totals=totals.get(run.id, CallTotals())) for run in found]


async def statuses_of(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[UUID, RunStatus]:
    """Where runs stand; unknown ones are missing."""
    query = select(runs.c.id, runs.c.status).where(
        runs.c.organization_id == organization_id, runs.c.id.in_(run_ids)
    )
    return {row.id: RunStatus(row.status) for row in await connection.execute(query)}


async def seen_of(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID], rows: Rows
) -> set[UUID]:
    """Those of these runs that are there to be seen."""
    if not run_ids:
        return set()
    query = select(runs.c.id).where(
        runs.c.organization_id == organization_id,
        runs.c.id.in_(run_ids),
        pipelines_seen(organization_id, rows, runs.c.pipeline_id),
    )
    return set((await connection.scalars(query)).all())


async def waiting_of(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[UUID, tuple[str, ...]]:
    """The Python stages for which runs wait because no living worker has them; runs that do not wait are missing."""
    query = select(runs.c.id, runs.c.functions, _IS_FREE).where(
        runs.c.organization_id == organization_id, runs.c.id.in_(run_ids), _IS_FREE
    )
    rows = (await connection.execute(query)).mappings().all()
    there = await _there_for(connection, rows)
    found = {row["id"]: missing_functions(row["functions"], there) for row in rows}
    return {run_id: missing for run_id, missing in found.items() if missing}


async def held_of(connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Which of these runs a pause or a limit holds back, and why."""
    query = select(runs.c.id, runs.c.pipeline_id).where(
        runs.c.organization_id == organization_id, runs.c.id.in_(run_ids), _IS_FREE
    )
    rows = (await connection.execute(query)).mappings().all()
    return await holds.reasons_of(connection, organization_id, rows)


async def unserved_functions(connection: Transaction, needed: Collection[str]) -> tuple[str, ...]:
    """Which of these Python stages keep every living worker from a run that needs them all."""
    return missing_functions(needed, await _functions_there(connection)) if needed else ()


async def events_after(
    connection: Transaction, organization_id: UUID, run_ids: Mapping[UUID, int], *, limit: int = 1000
) -> list[RunEvent]:
    """Events of these runs after the given sequence numbers, in order within each run."""
    by_run = [(run_events.c.run_id == run_id) & (run_events.c.seq > seq) for run_id, seq in run_ids.items()]
    if not by_run:
        return []
    condition = by_run[0]
    for other in by_run[1:]:
        condition |= other
    query = (
        select(run_events)
        .where(run_events.c.organization_id == organization_id, condition)
        .order_by(run_events.c.run_id, run_events.c.seq)
        .limit(limit)
    )
    return [
        RunEvent(row["run_id"], row["seq"], row["kind"], row["stage"], row["data"], row["at"])
        for row in (await connection.execute(query)).mappings()
    ]


async def totals_of(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[UUID, CallTotals]:
    """Calls to providers per run and all that stems from it, added up; replies from the journal are no calls."""
    if not run_ids:
        return {}
    calls, family = llm_calls.c, families.families(organization_id, run_ids)
    query = (
        select(
            family.c.top.label("run_id"),
            func.count().label("calls"),
            func.coalesce(func.sum(calls.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(calls.output_tokens), 0).label("output_tokens"),
            func.coalesce(func.sum(calls.cost_usd), 0).label("cost_usd"),
            # Also where they failed, the rules cost nothing.
            func.count()
            .filter(calls.cost_usd.is_(None), calls.provider.not_in(EMBEDDED))
            .label("unknown_costs"),
        )
        .join_from(family, llm_calls, calls.run_id == family.c.id)
        .where(calls.organization_id == organization_id, calls.answered_by == "provider")
        .group_by(family.c.top)
    )
    return {
        row["run_id"]: CallTotals(
            row["calls"],
            row["input_tokens"],
            row["output_tokens"],
            cost_of(row["cost_usd"]) or Decimal(0),
            row["unknown_costs"],
        )
        for row in (await connection.execute(query)).mappings()
    }


async def _runs_of(
    connection: Transaction, organization_id: UUID, rows: Sequence[Mapping[Any, Any]]
) -> list[Run]:
    """Runs, with what they wait for."""
    free = [row for row in rows if row["is_free"]]
    there, held = (
        await _there_for(connection, free),
        await holds.reasons_of(connection, organization_id, free),
    )
    missing = {row["id"]: missing_functions(row["functions"], there) for row in free}
    return [
        replace(_run(row), waits_for=missing.get(row["id"], ()), held_by=held.get(row["id"])) for row in rows
    ]


async def _there_for(connection: Transaction, rows: Iterable[Mapping[Any, Any]]) -> Sequence[Collection[str]]:
    """What living workers have; asked once for all rows, and only where a row depends on it."""
    return await _functions_there(connection) if any(row["functions"] for row in rows) else ()


async def _functions_there(connection: Transaction) -> Sequence[Collection[str]]:
    """The Python stages of every living worker that drives everybody's runs."""
    query = select(workers.c.functions).distinct()
    query = query.where(workers.c.drives_all, workers.c.lease_until > func.clock_timestamp())
    return (await connection.scalars(query)).all()


async def _stages(
    connection: Transaction, organization_id: UUID, run_id: UUID, document: JsonObject
) -> tuple[StageRun, ...]:
    query = select(stage_runs).where(
        stage_runs.c.organization_id == organization_id, stage_runs.c.run_id == run_id
    )
    fallbacks = await _fallbacks(connection, organization_id, run_id)
    items: list[tuple[int, StageRun]] = []
    found: dict[str, StageRun] = {}
    for row in (await connection.execute(query)).mappings():
        stage = stage_run_of(row)
        output = in_order(stage.output, schema_in(document, row["stage"]))
        stage = replace(stage, output=output, fallbacks=fallbacks.get(row["stage"], ()))
        if row["item"]:
            items.append((int(row["item"]), replace(stage, stage=item_name(stage.stage, row["item"]))))
        else:
            found[row["stage"]] = stage
    if items:  # a slice: it has no other stages
        return tuple(stage for _, stage in sorted(items, key=itemgetter(0)))
    stages = document["stages"]
    assert isinstance(stages, dict)
    return tuple(
        found.get(name, StageRun(name, StageStatus.PENDING, 0, None, None, None, None, None))
        for name in stages
    )


async def _fallbacks(
    connection: Transaction, organization_id: UUID, run_id: UUID
) -> dict[str, tuple[Fallback, ...]]:
    """Why other models than the first were asked, by stage, as the events of its completion say."""
    query = select(run_events.c.stage, run_events.c.data).where(
        run_events.c.organization_id == organization_id,
        run_events.c.run_id == run_id,
        run_events.c.kind == "stage.completed",
        run_events.c.data.op("?", is_comparison=True)(literal("fallbacks", Text)),
    )
    return {
        row.stage: tuple(
            found for each in row.data["fallbacks"] if (found := Fallback.from_json(each)) is not None
        )
        for row in await connection.execute(query)
    }


def _runs(organization_id: UUID, rows: Rows) -> Select[Any]:
    return (
        select(
            runs,
            pipelines.c.name,
            pipeline_versions.c.number,
            pipeline_versions.c.is_draft,
            pipeline_versions.c.edit_of,
            pipeline_versions.c.document,
            func.coalesce(contents.c.name, mail_threads.c.subject).label("input_name"),
            _IS_FREE,
            _SCHEDULED_AT,
        )
        .join_from(
            runs,
            pipeline_versions,
            (pipeline_versions.c.organization_id == runs.c.organization_id)
            & (pipeline_versions.c.id == runs.c.version_id),
        )
        .join(
            pipelines,
            (pipelines.c.organization_id == runs.c.organization_id) & (pipelines.c.id == runs.c.pipeline_id),
        )
        .outerjoin(
            contents,
            (contents.c.organization_id == runs.c.organization_id) & (contents.c.id == runs.c.content_id),
        )
        .outerjoin(
            mail_threads,
            (mail_threads.c.organization_id == runs.c.organization_id)
            & (mail_threads.c.id == runs.c.thread_id),
        )
        .where(
            runs.c.organization_id == organization_id,
            pipelines_seen(organization_id, rows, runs.c.pipeline_id),
        )
    )


def _run(row: Mapping[Any, Any]) -> Run:
    return Run(
        id=row["id"],
        organization_id=row["organization_id"],
        pipeline=row["name"],
        version=row["number"],
        version_is_draft=row["is_draft"],
        version_edit_of=row["edit_of"],
        status=RunStatus(row["status"]),
        content_id=row["content_id"],
        thread_id=row["thread_id"],
        input_name=row["input_name"] or None,
        model=row["model"],
        triggered_by=TriggeredBy(row["triggered_by"]),
        metadata=row["metadata"],
        error=_error(row["error"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        cancel_requested_at=row["cancel_requested_at"],
        priority=row["priority"],
        scheduled_at=row["scheduled_at"],
        erased_at=row["erased_at"],
        parent_id=row["parent_id"],
        parent_stage=row["parent_stage"],
        forked_from=row["forked_from"],
        fork_stage=row["fork_stage"],
        reuse_from=row["reuse_from"],
        edits=row["edits"],
    )


def _error(value: JsonObject | None) -> ErrorInfo | None:
    return ErrorInfo.from_json(value) if value else None

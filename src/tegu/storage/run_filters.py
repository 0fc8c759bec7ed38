"""Which runs are meant, as conditions for queries; and how many there are of each status.

Called by `runs` and by the actions, inside one organization's transaction. Invariant: counting looks at no more than so many rows
of each status, however many there are.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, case, func, literal, or_, select, union_all

from tegu.domain.actor import Rows
from tegu.domain.ids import ids_from
from tegu.domain.run_filter import RunFilter, StatusCount
from tegu.domain.status import RunStatus, StageStatus
from tegu.storage.tables import contents, llm_calls, mail_threads, pipelines, runs, stage_runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

COUNTED_MAX = 10_000
COUNTED_WITH_COSTS_MAX = 2_000
"""Of each run costs have to be added up."""
_AT_IT = (StageStatus.RUNNING.value, StageStatus.WAITING.value, StageStatus.FAILED.value)


def conditions(organization_id: UUID, wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    """What holds of the runs that are meant."""
    yield from _of_the_row(wanted)
    if wanted.pipeline is not None:
        yield runs.c.pipeline_id == _pipeline(organization_id, wanted.pipeline)
    if wanted.stage is not None:
        yield _is_at(organization_id, wanted.stage)
    if wanted.model is not None:
        yield _asked(organization_id, wanted.model)
    if wanted.name is not None:
        yield _is_named(organization_id, wanted.name)
    if wanted.cost_above_usd is not None:
        yield _cost(organization_id) > wanted.cost_above_usd
    if wanted.cost_below_usd is not None:
        yield _cost(organization_id) < wanted.cost_below_usd


def _of_the_row(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    """What the run's own row says."""
    c = runs.c
    yield from _of_the_family(wanted)
    if wanted.status is not None:
        yield c.status == wanted.status.value
    if wanted.id_prefix is not None:
        yield c.id.between(*ids_from(wanted.id_prefix))
    if wanted.since is not None:
        yield c.created_at >= wanted.since
    if wanted.until is not None:
        yield c.created_at < wanted.until
    if wanted.content_id is not None:
        yield c.content_id == wanted.content_id
    if wanted.thread_id is not None:
        yield c.thread_id == wanted.thread_id
    if wanted.triggered_by is not None:
        yield c.triggered_by == wanted.triggered_by.value


def _of_the_family(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.parent_id is not None:
        yield runs.c.parent_id == wanted.parent_id
    elif not wanted.includes_children:
        yield runs.c.parent_id.is_(None)


async def count_runs(
    connection: Transaction, organization_id: UUID, wanted: RunFilter, rows: Rows
) -> list[StatusCount]:
    """How many runs there are of each status. The status that is wanted is left out of it: each is counted."""
    has_costs = wanted.cost_above_usd is not None or wanted.cost_below_usd is not None
    limit = COUNTED_WITH_COSTS_MAX if has_costs else COUNTED_MAX
    counts = [_count(organization_id, wanted, rows, status, limit) for status in RunStatus]
    return [
        StatusCount(RunStatus(row.status), min(row.runs, limit), row.looked_at > limit)
        for row in await connection.execute(union_all(*counts))
    ]


def _count(organization_id: UUID, wanted: RunFilter, rows: Rows, status: RunStatus, limit: int) -> Any:
    c = runs.c
    newest = (
        select(c.id)
        .where(
            c.organization_id == organization_id,
            c.status == status.value,
            *_of_the_family(wanted),
        )
        .order_by(c.id.desc())
        .limit(limit + 1)
        .cte(f"newest_{status.value}")
    )
    holds = and_(
        pipelines_seen(organization_id, rows, c.pipeline_id),
        *conditions(organization_id, wanted),
    )
    found = (
        select(func.count())
        .select_from(newest.join(runs, (c.organization_id == organization_id) & (c.id == newest.c.id)))
        .where(holds)
    )
    looked_at = select(func.count()).select_from(newest)
    return select(
        literal(status.value, String).label("status"),
        found.scalar_subquery().label("runs"),
        looked_at.scalar_subquery().label("looked_at"),
    )


def _pipeline(organization_id: UUID, name: str) -> Any:
    query = select(pipelines.c.id).where(
        pipelines.c.organization_id == organization_id, pipelines.c.name == name
    )
    return query.scalar_subquery()


def _is_at(organization_id: UUID, stage: str) -> ColumnElement[bool]:
    c = stage_runs.c
    return _there_is(
        c.organization_id == organization_id, c.run_id == runs.c.id, c.stage == stage, c.status.in_(_AT_IT)
    )


def _asked(organization_id: UUID, model: str) -> ColumnElement[bool]:
    c = llm_calls.c
    provider, _, name = model.partition(":")
    named = (c.provider == provider) & (c.model == name) if name else (c.model == model)
    return _there_is(c.organization_id == organization_id, c.run_id == runs.c.id, named)


def _is_named(organization_id: UUID, words: str) -> ColumnElement[bool]:
    content, thread = contents.alias().c, mail_threads.alias().c
    of_content = _there_is(
        content.organization_id == organization_id,
        content.id == runs.c.content_id,
        content.name.icontains(words, autoescape=True),
    )
    of_thread = _there_is(
        thread.organization_id == organization_id,
        thread.id == runs.c.thread_id,
        thread.subject.icontains(words, autoescape=True),
    )
    return or_(of_content, of_thread)


def _there_is(*holds: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(literal(1)).where(*holds).correlate(runs).exists()


def _cost(organization_id: UUID) -> ColumnElement[Any]:
    """Of a run, and of all that it started where it did."""
    calls, member = llm_calls.c, runs.alias("member")
    own = select(func.coalesce(func.sum(calls.cost_usd), 0)).where(
        calls.organization_id == organization_id,
        calls.run_id == runs.c.id,
        calls.answered_by == "provider",
    )
    below = (
        select(func.coalesce(func.sum(calls.cost_usd), 0))
        .join_from(member, llm_calls, calls.run_id == member.c.id)
        .where(
            member.c.organization_id == organization_id,
            member.c.root_id == runs.c.id,
            member.c.id != runs.c.id,
            calls.answered_by == "provider",
        )
    )
    whole = own.correlate(runs).scalar_subquery() + below.correlate(runs).scalar_subquery()
    return case((runs.c.has_children, whole), else_=own.correlate(runs).scalar_subquery())

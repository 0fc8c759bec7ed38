"""Which runs are meant, as conditions for queries; and how many there are of each status.

Called by `runs` and by the actions, inside one organization's transaction. Invariant: counting looks at no more than so many rows
of each status, however many there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, func, literal, or_, select, union_all

from tegu.domain.actor import Rows
from tegu.domain.ids import ids_from
from tegu.domain.run_filter import RunFilter, StatusCount
from tegu.domain.status import RunStatus
from tegu.storage.run_costs import CostsKnown, cost_conditions, look_at_costs
from tegu.storage.run_models import ModelKnown, has_asked, look_at_model
from tegu.storage.run_stages import are_few_at, is_at
from tegu.storage.tables import contents, mail_threads, pipelines, runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

COUNTED_MAX = 10_000
COUNTED_WITH_COSTS_MAX = 2_000
"""Of each run costs have to be added up."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at before a query is written, so that what is rare is found from where it is; None: it is not asked for."""

    model: ModelKnown | None = None
    costs: CostsKnown | None = None
    are_few_at_stage: bool = False


async def look(connection: Transaction, organization_id: UUID, wanted: RunFilter) -> Looked:
    """See `Looked`."""
    has_costs = wanted.cost_above_usd is not None or wanted.cost_below_usd is not None
    has_children = wanted.includes_children or wanted.parent_id is not None
    return Looked(
        are_few_at_stage=wanted.stage is not None
        and not has_children
        and await are_few_at(connection, organization_id, wanted.stage),
        model=await look_at_model(connection, organization_id, wanted.model)
        if wanted.model is not None
        else None,
        costs=await look_at_costs(connection, organization_id, wanted) if has_costs else None,
    )


def conditions(organization_id: UUID, wanted: RunFilter, looked: Looked) -> Iterator[ColumnElement[bool]]:
    """What holds of the runs that are meant."""
    yield from _of_the_family(wanted)
    yield from _of_the_run(organization_id, wanted, looked, is_bounded=False)


def _of_the_run(
    organization_id: UUID, wanted: RunFilter, looked: Looked, *, is_bounded: bool
) -> Iterator[ColumnElement[bool]]:
    """The same but for the family. `is_bounded`: so many runs are looked at and no more."""
    yield from _of_the_row(wanted)
    if wanted.pipeline is not None:
        yield runs.c.pipeline_id == _pipeline(organization_id, wanted.pipeline)
    if wanted.stage is not None:
        yield is_at(organization_id, wanted.stage, are_few=looked.are_few_at_stage)
    if looked.model is not None:
        yield has_asked(organization_id, looked.model)
    if wanted.name is not None:
        yield _is_named(organization_id, wanted.name, is_bounded=is_bounded)
    if looked.costs is not None:
        yield from cost_conditions(organization_id, wanted, looked.costs)


def _of_the_row(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    """What the run's own row says."""
    c = runs.c
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
    looked = await look(connection, organization_id, wanted)
    meant = list(_of_the_run(organization_id, wanted, looked, is_bounded=True))
    if rows.pipelines is not None:
        meant.append(pipelines_seen(organization_id, rows, runs.c.pipeline_id))
    ends = await _ends(connection, organization_id, wanted, limit)
    counts = [
        select(literal(status.value, String).label("status"), func.count().label("runs"))
        .select_from(runs)
        .where(
            *_of_status(organization_id, wanted, status),
            *([runs.c.id > ends[status]] if status in ends else []),
            *meant,
        )
        for status in RunStatus
    ]
    return [
        StatusCount(RunStatus(row.status), row.runs, RunStatus(row.status) in ends)
        for row in await connection.execute(union_all(*counts))
    ]


async def _ends(
    connection: Transaction, organization_id: UUID, wanted: RunFilter, limit: int
) -> dict[RunStatus, UUID]:
    """After which run, by status, there are so many. Asked for before, so that the planner knows how little is looked at."""
    ends = [
        select(
            literal(status.value, String).label("status"),
            select(runs.c.id)
            .where(*_of_status(organization_id, wanted, status))
            .order_by(runs.c.id.desc())
            .offset(limit)
            .limit(1)
            .scalar_subquery()
            .label("run_id"),
        )
        for status in RunStatus
    ]
    found = await connection.execute(union_all(*ends))
    return {RunStatus(row.status): row.run_id for row in found if row.run_id is not None}


def _of_status(organization_id: UUID, wanted: RunFilter, status: RunStatus) -> Iterator[ColumnElement[bool]]:
    yield runs.c.organization_id == organization_id
    yield runs.c.status == status.value
    yield from _of_the_family(wanted)


def _pipeline(organization_id: UUID, name: str) -> Any:
    query = select(pipelines.c.id).where(
        pipelines.c.organization_id == organization_id, pipelines.c.name == name
    )
    return query.scalar_subquery()


def _is_named(organization_id: UUID, words: str, *, is_bounded: bool) -> ColumnElement[bool]:
    content, thread = contents.alias("content"), mail_threads.alias("thread")
    of_content = and_(content.c.organization_id == organization_id, content.c.id == runs.c.content_id)
    of_thread = and_(thread.c.organization_id == organization_id, thread.c.id == runs.c.thread_id)
    if is_bounded:  # the name of each is asked for; the planner would rather look through all names
        name = select(content.c.name).where(of_content).correlate(runs).scalar_subquery()
        subject = select(thread.c.subject).where(of_thread).correlate(runs).scalar_subquery()
        return or_(name.icontains(words, autoescape=True), subject.icontains(words, autoescape=True))
    return or_(
        _there_is(of_content, content.c.name.icontains(words, autoescape=True)),
        _there_is(of_thread, thread.c.subject.icontains(words, autoescape=True)),
    )


def _there_is(*holds: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(literal(1)).where(*holds).correlate(runs).exists()

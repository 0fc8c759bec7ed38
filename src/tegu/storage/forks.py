"""Forks: a run that begins with what another one has come to.

Called by the actions, inside one organization's transaction, which makes a fork whole or not at all. Invariant: only what has
ended is copied, as it stands, and says of which run it is; the run that is copied from is never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Uuid, func, insert, literal, select

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.json import JsonObject
from tegu.domain.outcome import ResultDraft
from tegu.domain.status import RunStatus, StageStatus
from tegu.storage.tables import results, runs, stage_runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

_COPIED = ("stage", "item", "status", "model", "fingerprint", "output", "started_at", "ended_at")
_RESULT = (
    "stage",
    "item",
    "type",
    "key",
    "data",
    "confidence",
    "confidence_method",
    "evidence",
    "llm_call_id",
)
_SAME = (
    "id",
    "version_id",
    "content_id",
    "thread_id",
    "input",
    "model",
    "priority",
    "budget_usd",
    "metadata",
    "erased_at",
)
FORKS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ForkBase:
    """The run that is forked, and where its stages stand. It does not move on before the transaction ends."""

    id: UUID
    version_id: UUID
    content_id: UUID | None
    thread_id: UUID | None
    input: JsonObject | None
    model: str | None
    priority: int
    budget_usd: Decimal | None
    metadata: JsonObject
    pinned_at: datetime
    is_slice: bool
    was_cancelled: bool
    erased_at: datetime | None
    statuses: dict[str, StageStatus]


@dataclass(frozen=True, slots=True)
class GivenOutput:
    """An output that somebody gave in place of what a stage came to, and the results of it."""

    stage: str
    output: JsonValue
    results: tuple[ResultDraft, ...]


async def lock_base(
    connection: Transaction, organization_id: UUID, run_id: UUID, rows: Rows = ALL_ROWS
) -> ForkBase | None:
    """The run, which no checkpoint and no erasure touches until this transaction ends. None: there is no such run."""
    query = select(runs).where(
        runs.c.organization_id == organization_id,
        runs.c.id == run_id,
        pipelines_seen(organization_id, rows, runs.c.pipeline_id),
    )
    row = (await connection.execute(query.with_for_update(read=True))).mappings().first()
    if row is None:
        return None
    statuses = select(stage_runs.c.stage, stage_runs.c.status).where(
        stage_runs.c.organization_id == organization_id,
        stage_runs.c.run_id == run_id,
        stage_runs.c.item == "",
    )
    return ForkBase(
        **{name: row[name] for name in _SAME},
        pinned_at=row["pinned_at"] or row["created_at"],
        is_slice=row["slice_stage"] is not None,
        was_cancelled=row["cancel_requested_at"] is not None or row["status"] == RunStatus.CANCELLED,
        statuses={each.stage: StageStatus(each.status) for each in await connection.execute(statuses)},
    )


async def copy_stages(
    connection: Transaction, organization_id: UUID, run_id: UUID, base_id: UUID, stages: Sequence[str]
) -> None:
    """Stages of the base as stages of a run that was just inserted, with their results: they have no attempt there."""
    mine = (stage_runs.c.organization_id == organization_id, stage_runs.c.run_id == base_id)
    made_in = func.coalesce(stage_runs.c.reused_from, stage_runs.c.run_id)
    copied = select(
        literal(organization_id, Uuid),
        literal(run_id, Uuid),
        literal(0),
        literal(0),
        made_in,
        *(stage_runs.c[name] for name in _COPIED),
    ).where(*mine, stage_runs.c.stage.in_(stages), stage_runs.c.item == "")
    columns = ["organization_id", "run_id", "attempt", "epoch", "reused_from", *_COPIED]
    await connection.execute(insert(stage_runs).from_select(columns, copied))
    found = select(
        literal(organization_id, Uuid), literal(run_id, Uuid), *(results.c[name] for name in _RESULT)
    ).where(
        results.c.organization_id == organization_id,
        results.c.run_id == base_id,
        results.c.stage.in_(stages),
        results.c.item == "",
    )
    await connection.execute(insert(results).from_select(["organization_id", "run_id", *_RESULT], found))


async def store_given(
    connection: Transaction, organization_id: UUID, run_id: UUID, base_id: UUID, given: GivenOutput
) -> None:
    """A stage that is completed with what somebody gave. It has no fingerprint: nobody takes it for what the stage makes."""
    await connection.execute(
        insert(stage_runs).values(
            organization_id=organization_id,
            run_id=run_id,
            stage=given.stage,
            item="",
            status=StageStatus.COMPLETED.value,
            attempt=0,
            epoch=0,
            reused_from=base_id,
            output=given.output,
            ended_at=func.clock_timestamp(),
        )
    )
    for draft in given.results:
        await connection.execute(
            insert(results).values(
                organization_id=organization_id,
                run_id=run_id,
                stage=given.stage,
                item="",
                type=draft.type,
                key=draft.key,
                data=draft.data,
                evidence=[],
            )
        )


async def forks_of(
    connection: Transaction, organization_id: UUID, run_id: UUID, rows: Rows = ALL_ROWS
) -> tuple[UUID, ...]:
    """The runs that go on from a run, the newest first; no more than are shown."""
    query = select(runs.c.id).where(
        runs.c.organization_id == organization_id,
        runs.c.forked_from == run_id,
        pipelines_seen(organization_id, rows, runs.c.pipeline_id),
    )
    return tuple((await connection.scalars(query.order_by(runs.c.id.desc()).limit(FORKS_SHOWN))).all())

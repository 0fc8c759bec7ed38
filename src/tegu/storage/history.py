"""What earlier runs of a pipeline took, stage by stage, and how long the texts are that runs read.

Called by the actions that forecast, inside one organization's transaction. Invariant: a call whose cost is not known is counted
as such, and never added as zero.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, any_, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tegu.domain.call import EMBEDDED
from tegu.domain.content import InputKind, SourceType
from tegu.domain.json import JsonObject
from tegu.domain.status import StageStatus
from tegu.intake.sniff import MBOX
from tegu.storage.tables import (
    contents,
    llm_calls,
    mail_threads,
    pipeline_versions,
    runs,
    stage_runs,
    texts,
)
from tegu.storage.transaction import Transaction

LENGTHS_MAX = 5000
"""Texts that are measured; of more, those that were stored first."""
_AS_LONG_AS_ITS_BYTES = ("text/plain", "text/markdown")


@dataclass(frozen=True, slots=True)
class CallsTaken:
    """Calls to one model. `cost_usd` is of those whose cost is known; `unpriced` and `uncounted` are how many have no known cost,
    and no known tokens.
    """

    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int
    uncounted: int


@dataclass(frozen=True, slots=True)
class StageTaken:
    """One stage of one earlier run. `elapsed_s` is of its last attempt; `is_reused` where its output was taken from another run."""

    stage: str
    status: StageStatus
    elapsed_s: float | None
    calls: tuple[CallsTaken, ...]
    is_reused: bool = False


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run that has ended; `length` is that of its text in characters, where it was read. `before` says how each stage ended in the
    run whose outputs it reuses, where there is one.
    """

    id: UUID
    version: int
    document: JsonObject
    length: float | None
    stages: Mapping[str, StageTaken]
    before: Mapping[str, StageStatus] | None = None


@dataclass(frozen=True, slots=True)
class ContentFilter:
    """Which contents or mail threads: by when they came in, what they are, and what their metadata contain."""

    since: datetime | None = None
    until: datetime | None = None
    source_type: SourceType | None = None
    metadata: JsonObject | None = None


async def earlier_runs(
    connection: Transaction,
    organization_id: UUID,
    pipeline_id: UUID,
    limit: int,
    *,
    backfill_id: UUID | None = None,
) -> list[EarlierRun]:
    """The newest that ended by themselves, or those of a backfill, the newest first."""
    query = _ended(organization_id, pipeline_id)
    if backfill_id is not None:
        query = query.where(runs.c.backfill_id == backfill_id)
    query = query.order_by(runs.c.id.desc()).limit(limit)
    rows = (await connection.execute(query)).mappings().all()
    ids = [row["id"] for row in rows]
    stages = await _stages_of(connection, organization_id, ids)
    reused = [row["reuse_from"] for row in rows if row["reuse_from"]]
    before = await _statuses_of(connection, organization_id, reused)
    lengths = await lengths_of(
        connection,
        organization_id,
        content_ids=[row["content_id"] for row in rows if row["content_id"]],
        thread_ids=[row["thread_id"] for row in rows if row["thread_id"]],
    )
    return [
        EarlierRun(
            row["id"],
            row["number"],
            row["document"],
            lengths.get(row["content_id"] or row["thread_id"]),
            stages.get(row["id"], {}),
            before.get(row["reuse_from"]),
        )
        for row in rows
    ]


async def lengths_of(
    connection: Transaction,
    organization_id: UUID,
    *,
    content_ids: Collection[UUID] = (),
    thread_ids: Collection[UUID] = (),
) -> dict[UUID, float]:
    """How many characters the texts of contents, and of all e-mails of threads, have; those that were never read are missing."""
    found: dict[UUID, float] = {}
    for column, ids in ((contents.c.id, content_ids), (contents.c.thread_id, thread_ids)):
        if not ids:
            continue
        query = (
            select(column, func.sum(_length()), func.bool_and(_length().is_not(None)))
            .where(
                contents.c.organization_id == organization_id,
                _among(column, ids),
                contents.c.deleted_at.is_(None),
            )
            .group_by(column)
        )
        found |= {row[0]: float(row[1]) for row in await connection.execute(query) if row[2]}
    return found


async def count_inputs(
    connection: Transaction, organization_id: UUID, kind: InputKind, wanted: ContentFilter
) -> tuple[int, list[UUID]]:
    """How many contents or mail threads there are to run over, and the first of them."""
    query = inputs(organization_id, kind, wanted).subquery()
    count: int = await connection.scalar(select(func.count()).select_from(query))
    ids = await connection.scalars(select(query.c.id).order_by(query.c.id).limit(LENGTHS_MAX))
    return count, list(ids)


def inputs(organization_id: UUID, kind: InputKind, wanted: ContentFilter) -> Select[Any]:
    """The ids of what runs of a pipeline would be over: threads, or contents but attachments and mailboxes themselves."""
    if kind is InputKind.MAIL_THREAD:
        has_mail = select(literal(1)).where(
            contents.c.organization_id == organization_id,
            contents.c.thread_id == mail_threads.c.id,
            contents.c.deleted_at.is_(None),
            *_wanted(wanted, contents.c.created_at),
        )
        return select(mail_threads.c.id).where(
            mail_threads.c.organization_id == organization_id, has_mail.exists()
        )
    return select(contents.c.id).where(
        contents.c.organization_id == organization_id,
        contents.c.deleted_at.is_(None),
        contents.c.media_type != MBOX,
        or_(contents.c.parent_id.is_(None), contents.c.mail_key.is_not(None)),
        *_wanted(wanted, contents.c.created_at),
    )


def _among(column: ColumnElement[Any], ids: Collection[UUID]) -> ColumnElement[bool]:
    """Of any number of ids, in one parameter."""
    return column == any_(cast(list(ids), ARRAY(Uuid)))


def _wanted(wanted: ContentFilter, at: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        conditions.append(at >= wanted.since)
    if wanted.until is not None:
        conditions.append(at < wanted.until)
    if wanted.source_type is not None:
        conditions.append(contents.c.source_type == wanted.source_type.value)
    if wanted.metadata:
        conditions.append(contents.c.metadata.op("@>")(cast(wanted.metadata, JSONB)))
    return conditions


def _length() -> ColumnElement[Any]:
    """Of a content's text: as it was read, or as its bytes say where these are the text."""
    read = (
        select(func.max(func.length(func.jsonb_extract_path_text(texts.c.document, "document", "text"))))
        .where(
            texts.c.organization_id == contents.c.organization_id,
            texts.c.sha256 == contents.c.sha256,
            texts.c.media_type == contents.c.media_type,
        )
        .scalar_subquery()
    )
    plain = case((contents.c.media_type.in_(_AS_LONG_AS_ITS_BYTES), contents.c.size_bytes))
    return func.coalesce(read, plain)


def _ended(organization_id: UUID, pipeline_id: UUID) -> Any:
    return (
        select(
            runs.c.id,
            runs.c.content_id,
            runs.c.thread_id,
            runs.c.reuse_from,
            pipeline_versions.c.number,
            pipeline_versions.c.document,
        )
        .join_from(
            runs,
            pipeline_versions,
            and_(
                pipeline_versions.c.organization_id == runs.c.organization_id,
                pipeline_versions.c.id == runs.c.version_id,
            ),
        )
        .where(
            runs.c.organization_id == organization_id,
            runs.c.pipeline_id == pipeline_id,
            runs.c.status.in_(("completed", "failed")),
            runs.c.parent_id.is_(None),
        )
    )


async def _stages_of(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[UUID, dict[str, StageTaken]]:
    calls = await _calls_of(connection, organization_id, run_ids)
    query = select(
        stage_runs.c.run_id,
        stage_runs.c.stage,
        stage_runs.c.status,
        stage_runs.c.reused_from.is_not(None).label("is_reused"),
        func.extract("epoch", stage_runs.c.ended_at - stage_runs.c.started_at).label("elapsed_s"),
    ).where(
        stage_runs.c.organization_id == organization_id,
        _among(stage_runs.c.run_id, run_ids),
        stage_runs.c.item == "",
    )
    found: dict[UUID, dict[str, StageTaken]] = defaultdict(dict)
    for row in (await connection.execute(query)).mappings():
        elapsed_s = row["elapsed_s"]
        found[row["run_id"]][row["stage"]] = StageTaken(
            row["stage"],
            StageStatus(row["status"]),
            float(elapsed_s) if elapsed_s is not None else None,
            tuple(calls.get((row["run_id"], row["stage"]), ())),
            row["is_reused"],
        )
    return found


async def _statuses_of(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[UUID, dict[str, StageStatus]]:
    query = select(stage_runs.c.run_id, stage_runs.c.stage, stage_runs.c.status).where(
        stage_runs.c.organization_id == organization_id,
        _among(stage_runs.c.run_id, run_ids),
        stage_runs.c.item == "",
    )
    found: dict[UUID, dict[str, StageStatus]] = defaultdict(dict)
    for row in await connection.execute(query):
        found[row.run_id][row.stage] = StageStatus(row.status)
    return found


async def _calls_of(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], list[CallsTaken]]:
    """By run and stage; those of runs that a stage started are its own."""
    begun_by = await _begun_by(connection, organization_id, run_ids)
    c = llm_calls.c
    # What failed without a token of usage was refused, or never got there: nobody bills for it.
    is_billed = or_(c.status != "failed", c.input_tokens.is_not(None))
    query = (
        select(
            c.run_id,
            c.stage,
            c.provider,
            c.model,
            func.count().label("calls"),
            func.coalesce(func.sum(c.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(c.output_tokens), 0).label("output_tokens"),
            func.coalesce(func.sum(c.cost_usd), 0).label("cost_usd"),
            func.count()
            .filter(c.cost_usd.is_(None), c.provider.not_in(EMBEDDED), is_billed)
            .label("unpriced"),
            func.count().filter(c.input_tokens.is_(None), is_billed).label("uncounted"),
        )
        .where(
            c.organization_id == organization_id,
            _among(c.run_id, [*run_ids, *begun_by]),
            c.answered_by == "provider",
        )
        .group_by(c.run_id, c.stage, c.provider, c.model)
    )
    found: dict[tuple[UUID, str], list[CallsTaken]] = defaultdict(list)
    for row in (await connection.execute(query)).mappings():
        name = row["provider"] if row["provider"] == row["model"] else f"{row['provider']}:{row['model']}"
        amounts = {key: row[key] for key in CallsTaken.__slots__ if key != "model"}
        place = begun_by.get(row["run_id"], (row["run_id"], row["stage"]))
        found[place].append(CallsTaken(name, **amounts))
    return found


async def _begun_by(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[UUID, tuple[UUID, str]]:
    """Of every run that these started, themselves or through others: which of them, and by which stage."""
    query = select(runs.c.id, runs.c.parent_id, runs.c.parent_stage).where(
        runs.c.organization_id == organization_id, _among(runs.c.root_id, run_ids)
    )
    roots = set(run_ids)
    parents: dict[UUID, tuple[UUID, str]] = {
        row.id: (row.parent_id, row.parent_stage) for row in await connection.execute(query)
    }
    found: dict[UUID, tuple[UUID, str]] = {}
    for run_id, place in parents.items():
        at = place
        while at[0] not in roots and at[0] in parents:
            at = parents[at[0]]
        found[run_id] = at
    return found

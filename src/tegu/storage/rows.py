"""Rows as nouns, for what is read both through SQLAlchemy and by the engine's statements."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import ColumnElement, Select, literal, tuple_

from tegu.domain.content import Content, SourceType
from tegu.domain.errors import ErrorInfo, UsageError
from tegu.domain.run import StageRun
from tegu.domain.status import StageStatus


def cost_of(value: Decimal | None) -> Decimal | None:
    """A stored cost without the zeros that its column adds: 0, 0.0021."""
    return None if value is None else Decimal(f"{value.normalize():f}")


def content_of(row: Mapping[Any, Any]) -> Content:
    """A row of `contents`. asyncpg gives jsonb as text, SQLAlchemy as a value."""
    metadata = row["metadata"]
    return Content(
        id=row["id"],
        organization_id=row["organization_id"],
        source_type=SourceType(row["source_type"]),
        media_type=row["media_type"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        name=row["name"],
        metadata=from_json(metadata) if isinstance(metadata, str) else metadata,
        created_at=row["created_at"],
        parent_id=row["parent_id"],
        thread_id=row["thread_id"],
        message_id=row["message_id"],
        external_id=row["external_id"],
    )


def stage_run_of(row: Mapping[Any, Any]) -> StageRun:
    """A row of `stage_runs`, read through SQLAlchemy."""
    return StageRun(
        stage=row["stage"],
        status=StageStatus(row["status"]),
        attempt=row["attempt"],
        model=row["model"],
        output=row["output"],
        error=ErrorInfo.from_json(row["error"]) if row["error"] else None,
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        reused_from=row["reused_from"],
        fingerprint=row["fingerprint"],
    )


def paged(
    query: Select[Any],
    row_id: ColumnElement[Any],
    *,
    after: UUID | None,
    limit: int,
    is_oldest_first: bool = False,
) -> Select[Any]:
    """At most `limit` rows after the given one, by an id that rises with time."""
    if after is not None:
        query = query.where(row_id > after if is_oldest_first else row_id < after)
    return query.order_by(row_id if is_oldest_first else row_id.desc()).limit(_rows_of(limit))


def paged_by(
    query: Select[Any],
    key: Sequence[ColumnElement[Any]],
    *,
    after: tuple[Any, ...] | None,
    limit: int,
    is_oldest_first: bool = False,
) -> Select[Any]:
    """The same by a key of several columns, all of them in one direction, so that the key's own index gives the order."""
    if after is not None:
        place = tuple_(*(literal(part, column.type) for part, column in zip(after, key, strict=True)))
        query = query.where(tuple_(*key) > place if is_oldest_first else tuple_(*key) < place)
    return query.order_by(*(column if is_oldest_first else column.desc() for column in key)).limit(
        _rows_of(limit)
    )


def _rows_of(limit: int) -> int:
    """How many rows a page has. A database that can foresee that there are none would not look at it. Raises UsageError."""
    if limit < 0:
        raise UsageError(f"`limit` is {limit}: no page has less than no rows")
    return limit

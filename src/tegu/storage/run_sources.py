"""What a run is about, for whoever shows it: the names of what it reads, and the time that it reads it as of.

Called by the actions, inside one organization's transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import func, select

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.content import InputKind
from tegu.storage.tables import pipeline_versions, runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen


@dataclass(frozen=True, slots=True)
class RunAbout:
    """One of content and thread is there; `given` is what a child was given beside it; nothing of an erased run is left."""

    kind: InputKind
    content_id: UUID | None
    thread_id: UUID | None
    given: JsonValue
    pinned_at: datetime
    erased_at: datetime | None


async def about_run(
    connection: Transaction, organization_id: UUID, run_id: UUID, rows: Rows = ALL_ROWS
) -> RunAbout | None:
    """None: there is no such run, or it is not to be seen."""
    c = runs.c
    query = (
        select(
            func.json_extract_path_text(pipeline_versions.c.document, "input").label("kind"),
            c.content_id,
            c.thread_id,
            c.input,
            func.coalesce(c.pinned_at, c.created_at).label("pinned_at"),
            c.erased_at,
        )
        .join_from(
            runs,
            pipeline_versions,
            (pipeline_versions.c.organization_id == c.organization_id)
            & (pipeline_versions.c.id == c.version_id),
        )
        .where(
            c.organization_id == organization_id,
            c.id == run_id,
            pipelines_seen(organization_id, rows, c.pipeline_id),
        )
    )
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    kind = InputKind(row["kind"] or InputKind.CONTENT)
    return RunAbout(
        kind, row["content_id"], row["thread_id"], row["input"], row["pinned_at"], row["erased_at"]
    )

"""All that an organization has, as one archive: rows as lines of JSON, and the bytes of contents by their sha256.

    runs/000001.jsonl    some rows of a table, in the order of its key
    blobs/SHA256         bytes as they came in
    manifest.json        the last: how many of each there are; an archive without it is not whole

Called by the download and the command line. Invariants: at most a page is in memory; no transaction lasts while a client reads
slowly; whoever does not see every row of the organization exports nothing.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic_core import to_json

from tegu.actions.scope import Scope
from tegu.actions.tar_pieces import TarPieces
from tegu.domain.actor import ActorKind
from tegu.domain.errors import ConflictError
from tegu.storage import audit, organization_export
from tegu.storage.contents import bytes_of
from tegu.storage.organization_export import ExportedTable

ACTION = "organizations.export"
_PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class TableCount:
    """A table, and how many rows it has of the organization."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class ExportManifest:
    """What an export holds. `path` is where it is downloaded, below the address of the service."""

    tables: tuple[TableCount, ...]
    blobs: int
    blob_bytes: int
    path: str


@dataclass(slots=True)
class _Counted:
    tables: dict[str, int] = field(default_factory=dict[str, int])
    blobs: int = 0
    blob_bytes: int = 0


async def describe_export(scope: Scope) -> ExportManifest:
    """What an export would hold now. Raises ForbiddenError."""
    async with scope.transaction() as connection:
        tables = await organization_export.exported_tables(connection)
        blobs, blob_bytes = await organization_export.measure_blobs(connection, scope.organization_id)
    counts: list[TableCount] = []
    for table in tables:
        async with scope.transaction() as connection:
            rows = await organization_export.count_rows(connection, scope.organization_id, table)
        counts.append(TableCount(table.name, rows))
    path = f"/api/organizations/{scope.organization_id}/export/data"
    return ExportManifest(tuple(counts), blobs, blob_bytes, path)


async def begin_export(scope: Scope) -> AsyncGenerator[bytes]:
    """Note who exports, and return the archive, to be read piece by piece. Raises ForbiddenError."""
    async with scope.transaction() as connection:
        if scope.actor.kind is not ActorKind.LIBRARY:
            asked = {"organization_id": str(scope.organization_id)}
            await audit.note(connection, scope.actor, ACTION, dict(asked))
        tables = await organization_export.exported_tables(connection)
    return _archive(scope, tables)


async def _archive(scope: Scope, tables: list[ExportedTable]) -> AsyncGenerator[bytes]:
    now = datetime.now(UTC)
    tar, counted = TarPieces(now), _Counted()
    for table in tables:
        async for piece in _rows(scope, tar, table, counted):
            yield piece
    async for piece in _blobs(scope, tar, counted):
        yield piece
    manifest = to_json(
        {"organization_id": scope.organization_id, "exported_at": now, **_told(counted)}, indent=1
    )
    yield await tar.head("manifest.json", len(manifest))
    yield await tar.body(manifest)
    yield await tar.end()


async def _rows(
    scope: Scope, tar: TarPieces, table: ExportedTable, counted: _Counted
) -> AsyncGenerator[bytes]:
    after: tuple[str, ...] | None = None
    number = total = 0
    rows_max = organization_export.FIRST_ROWS
    while number == 0 or after is not None:
        number += 1
        async with scope.transaction() as connection:
            page = await organization_export.read_page(
                connection, scope.organization_id, table, after, rows_max
            )
        after = page.after
        # The server reads so many, however few fit into a page: of large rows fewer are asked for.
        rows_max = min(organization_export.PAGE_ROWS, 2 * page.rows)
        total += page.rows
        if page.rows:
            yield await tar.head(f"{table.name}/{number:06}.jsonl", len(page.lines))
            yield await tar.body(page.lines)
    counted.tables[table.name] = total


async def _blobs(scope: Scope, tar: TarPieces, counted: _Counted) -> AsyncGenerator[bytes]:
    after: str | None = None
    while True:
        async with scope.transaction() as connection:
            found = await organization_export.list_blobs(connection, scope.organization_id, after)
        if not found:
            return
        for sha256, size_bytes in found:
            async for piece in _blob(scope, tar, sha256, size_bytes, counted):
                yield piece
        after = found[-1][0]


async def _blob(
    scope: Scope, tar: TarPieces, sha256: str, size_bytes: int, counted: _Counted
) -> AsyncGenerator[bytes]:
    """Nothing of one that was deleted since it was listed."""
    start = 0
    while start < size_bytes or start == 0:
        async with scope.transaction() as connection:
            piece = await bytes_of(connection, scope.organization_id, sha256, start, _PIECE_BYTES)
        if piece is None and start == 0:
            return
        if not piece and size_bytes:
            raise ConflictError("a content was deleted while it was exported", hint="export again")
        if start == 0:
            yield await tar.head(f"blobs/{sha256}", size_bytes)
        if not piece:
            break
        yield await tar.body(piece)
        start += len(piece)
    counted.blobs += 1
    counted.blob_bytes += size_bytes


def _told(counted: _Counted) -> dict[str, object]:
    return {"tables": counted.tables, "blobs": counted.blobs, "blob_bytes": counted.blob_bytes}

"""Reading all that an organization has, page by page: rows as lines of JSON, and which blobs there are.

Called by `actions.organization_export`. Invariants: tables and columns are those of the catalog, so that a new one is not
forgotten; what is not handed out is named here; a page is one transaction's, and of bounded size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from tegu.storage.statements import statement
from tegu.storage.tables import blobs
from tegu.storage.transaction import Transaction

PAGE_BYTES = 4 * 2**20
PAGE_ROWS = 200
FIRST_ROWS = 10
_BLOBS = 500

ALL = frozenset({"*"})
LEFT_OUT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # Secrets, and hashes of secrets.
        "api_keys": frozenset({"key_hash"}),
        "embed_tokens": frozenset({"token_hash"}),
        "http_credentials": frozenset({"sealed"}),
        "invitations": frozenset({"token_hash"}),
        "organizations": frozenset({"cursor_key"}),
        "provider_keys": frozenset({"sealed"}),
        "sessions": frozenset({"token_hash"}),
        "webhooks": frozenset({"secret", "old_secret"}),
        "sign_in_links": ALL,
        "sign_in_tries": ALL,
        "llm_limits": ALL,  # whose key is a hash of a provider's
        "llm_limit_shares": ALL,
        # Bytes that are handed out as they are, or belong to nothing yet.
        "blobs": frozenset({"data"}),
        "upload_parts": ALL,
    }
)
"""What of which table is not handed out. A column that the app's role may not read has to stand here: a test compares."""


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """A table as it is handed out: the columns that are, and the type of each column of its key by name, in order."""

    name: str
    columns: tuple[str, ...]
    key: Mapping[str, str]

    @property
    def owner(self) -> str:
        """The column that says whose a row is."""
        return "id" if self.name == "organizations" else "organization_id"


@dataclass(frozen=True, slots=True)
class ExportedPage:
    """Some rows, one a line; and after which key the next page begins: None, this was the last."""

    lines: bytes
    rows: int
    after: tuple[str, ...] | None


async def exported_tables(connection: Transaction) -> list[ExportedTable]:
    """Every table of which something is handed out."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in (await connection.execute(text(statement("bound_columns")))).mappings():
        found.setdefault(row["table_name"], []).append(dict(row))
    tables: list[ExportedTable] = []
    for name, columns in found.items():
        left_out = LEFT_OUT.get(name, frozenset())
        if left_out != ALL:
            keys = sorted(
                (each for each in columns if each["key_place"] is not None), key=lambda c: c["key_place"]
            )
            kept = tuple(each["name"] for each in columns if each["name"] not in left_out)
            tables.append(ExportedTable(name, kept, {each["name"]: each["type"] for each in keys}))
    return tables


async def read_page(
    connection: Transaction,
    organization_id: UUID,
    table: ExportedTable,
    after: tuple[str, ...] | None,
    rows_max: int,
) -> ExportedPage:
    """The rows after that key: no more than so many, and no more than PAGE_BYTES of them, or one."""
    values: dict[str, Any] = {"organization_id": organization_id, "rows": rows_max, "bytes": PAGE_BYTES}
    values |= {f"key_{place}": value for place, value in enumerate(after or ())}
    rows = (await connection.execute(text(_page_of(table, is_first=after is None)), values)).all()
    if not rows:
        return ExportedPage(b"", 0, None)
    lines = "".join(f"{row.line}\n" for row in rows).encode()
    last = rows[-1]
    return ExportedPage(lines, len(rows), None if last.is_last else tuple(last.key))


async def count_rows(connection: Transaction, organization_id: UUID, table: ExportedTable) -> int:
    """How many there are now."""
    counted = text(_COUNT.format(table=_quoted(table.name), owner=table.owner))
    return int((await connection.execute(counted, {"organization_id": organization_id})).scalar_one())


async def measure_blobs(connection: Transaction, organization_id: UUID) -> tuple[int, int]:
    """How many, and how many bytes they have together."""
    size = func.coalesce(func.sum(func.octet_length(blobs.c.data)), 0)
    query = select(func.count(), size).where(blobs.c.organization_id == organization_id)
    count, size_bytes = (await connection.execute(query)).one()
    return int(count), int(size_bytes)


async def list_blobs(
    connection: Transaction, organization_id: UUID, after: str | None
) -> Sequence[tuple[str, int]]:
    """The next of them, by sha256, with their sizes; none where there is no more."""
    query = select(blobs.c.sha256, func.octet_length(blobs.c.data)).where(
        blobs.c.organization_id == organization_id
    )
    if after is not None:
        query = query.where(blobs.c.sha256 > after)
    rows = await connection.execute(query.order_by(blobs.c.sha256).limit(_BLOBS))
    return [(str(row[0]), int(row[1])) for row in rows]


def _page_of(table: ExportedTable, *, is_first: bool) -> str:
    """Line breaks can stand in a `json` column between values, and nowhere else."""
    columns = ", ".join(map(_quoted, table.columns))
    keys = ", ".join(map(_quoted, table.key))
    texts = ", ".join(f"cast({_quoted(name)} as text)" for name in table.key)
    after = ", ".join(
        f"cast(cast(:key_{n} as text) as {type_})" for n, type_ in enumerate(table.key.values())
    )
    return _PAGE.format(
        table=_quoted(table.name),
        columns=columns,
        owner=table.owner,
        keys=keys,
        texts=texts,
        after="" if is_first else f"and ({keys}) > ({after})",
    )


def _quoted(name: str) -> str:
    """A name of the catalog as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


# Names come from the catalog; nothing that a user wrote is put in here. One row more is read, to know whether this is the last page.
_PAGE = """with found as (
    select array[{texts}] as key, row_number() over (order by {keys}) as nth,
        translate(cast(row_to_json(page) as text), chr(10) || chr(13), '  ') as line
    from (
        select {columns} from tegu.{table} where {owner} = :organization_id {after} order by {keys} limit :rows + 1
    ) page
), measured as (
    select key, line, nth, sum(octet_length(line)) over (order by nth) as bytes, max(nth) over () as found_rows from found
)
select key, line, nth = found_rows as is_last from measured
where nth = 1 or (bytes <= :bytes and nth <= :rows) order by nth"""
_COUNT = "select count(*) from tegu.{table} where {owner} = :organization_id"

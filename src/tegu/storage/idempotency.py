"""Idempotency keys: the same key within 24 hours gives the same run.

Called by the start action, in the transaction that inserts the run, so that both exist or neither.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tegu.storage.tables import idempotency_keys
from tegu.storage.transaction import Transaction

_NO_RUN = UUID(int=0)


@dataclass(frozen=True, slots=True)
class UsedKey:
    """What a key was used for."""

    request_hash: str
    run_id: UUID


async def claim_key(
    connection: Transaction, organization_id: UUID, key: str, request_hash: str
) -> UsedKey | None:
    """None: the key is ours now, and `settle_key` must follow in this transaction. A concurrent user of it waits."""
    columns = idempotency_keys.c
    claim = insert(idempotency_keys).values(
        organization_id=organization_id,
        key=key,
        request_hash=request_hash,
        run_id=_NO_RUN,
        created_at=func.clock_timestamp(),
    )
    renewed = claim.on_conflict_do_update(
        index_elements=["organization_id", "key"],
        set_={"request_hash": request_hash, "run_id": _NO_RUN, "created_at": func.clock_timestamp()},
        where=columns.created_at < func.clock_timestamp() - text("interval '24 hours'"),
    )
    if await connection.scalar(renewed.returning(columns.key)) is not None:
        return None
    query = select(columns.request_hash, columns.run_id).where(
        columns.organization_id == organization_id, columns.key == key
    )
    row = (await connection.execute(query)).one()
    return UsedKey(row.request_hash, row.run_id)


async def settle_key(connection: Transaction, organization_id: UUID, key: str, run_id: UUID) -> None:
    """Say which run the key stands for."""
    columns = idempotency_keys.c
    await connection.execute(
        update(idempotency_keys)
        .where(columns.organization_id == organization_id, columns.key == key)
        .values(run_id=run_id)
    )

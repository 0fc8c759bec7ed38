"""A transaction of one organization, whoever began it: what the reads and writes of this room are given.

`Database.transaction` begins one of ours; `joined.join` enters one of the caller's. Invariant: whatever runs in it is bound
to one organization, under tegu_app.
"""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Executable, Result, ScalarResult, text


class Transaction(Protocol):
    """What SQLAlchemy's AsyncConnection does, and every connection of a caller's once it is wrapped."""

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None, /
    ) -> Result[*tuple[Any, ...]]:
        """Run a statement; all its rows are there."""
        ...

    async def scalar(self, statement: Executable, /) -> Any:
        """The first column of the first row; None where there is none."""
        ...

    async def scalars(self, statement: Executable, /) -> ScalarResult[Any]:
        """The first column of every row."""
        ...


async def bind(transaction: Transaction, organization_id: UUID) -> None:
    """Bind the transaction to an organization: row security shows that one only."""
    await transaction.execute(
        text("select set_config('tegu.organization_id', :organization_id, true)"),
        {"organization_id": str(organization_id)},
    )

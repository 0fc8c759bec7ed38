"""A transaction of one organization, whoever began it: what the reads and writes of this room are given.

`Database.transaction` begins one of ours; `joined.join` enters one of the caller's. Invariant: whatever runs in it is bound
to one organization, under tegu_app.
"""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Executable, Result, ScalarResult, text

from tegu.domain.errors import NotFoundError

# In this order: what is selected second is asked when the first is set.
_BIND = text("""select set_config('tegu.organization_id', :organization_id, true) as organization_id,
    (select deleted_at is not null from tegu.organizations where id = cast(:organization_id as uuid)) as is_deleted""")


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
    """Bind the transaction to an organization: row security shows that one only. Raises NotFoundError for one that is deleted,
    which whoever still has its id must not fill anew.
    """
    bound = await transaction.execute(_BIND, {"organization_id": str(organization_id)})
    if bound.one().is_deleted:
        raise NotFoundError(f"organization {organization_id} was deleted")

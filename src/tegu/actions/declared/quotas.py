"""Quotas: read them, and, for operators, set them."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.errors import NotFoundError
from tegu.domain.quota import Quota, QuotaLimits
from tegu.storage import quotas

_USD_MAX = Decimal(10) ** 9


class SetQuota(ActionInput):
    """What an organization may use; null is not bounded."""

    organization: Annotated[
        str | None, Field(max_length=1000, description="By its external id; your own where it is left out.")
    ] = None
    runs_per_day: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    stored_bytes_max: Annotated[int | None, Field(ge=0, le=2**62)] = None
    spend_usd_per_month: Annotated[Decimal | None, Field(ge=0, le=_USD_MAX, decimal_places=10)] = None


@action("quotas.get", effect=Effect.READ, permission=Permission.BUDGETS_READ)
async def get_quota(scope: Scope, asked: NoInput) -> Quota:
    """Read what the organization may use, and what it has used."""
    del asked
    async with scope.transaction() as connection:
        return await quotas.get_quota(connection, scope.organization_id)


@action(
    "quotas.set",
    effect=Effect.WRITE,
    permission=Permission.OPERATE,
    audited=("organization", "runs_per_day", "stored_bytes_max", "spend_usd_per_month"),
    is_idempotent=True,
)
async def set_quota(scope: Scope, asked: SetQuota) -> QuotaLimits:
    """Bound what an organization may use. Runs and contents beyond it are refused until there is room again; runs under way go
    on.
    """
    limits = QuotaLimits(asked.runs_per_day, asked.stored_bytes_max, asked.spend_usd_per_month)
    pool = await scope.machinery.database.engine()
    organization_id = scope.organization_id
    if asked.organization is not None:
        found = await quotas.find_organization(pool, asked.organization)
        if found is None:
            raise NotFoundError(f"there is no organization {asked.organization!r}")
        organization_id = found
    async with scope.transaction():
        await quotas.set_quota(pool, organization_id, limits)
    return limits

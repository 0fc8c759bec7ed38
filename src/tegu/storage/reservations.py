"""What a call may cost at most, and why the budgets have no room for it.

Called by the ledger, whose statements reserve and settle. Invariant: an estimate is never below what will be billed.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from tegu.domain.budget import BudgetPeriod, window_end
from tegu.domain.errors import ConfigurationError, NoCapacityError
from tegu.domain.outcome import BUDGET_EXHAUSTED
from tegu.llm.catalog import worst_cost_usd
from tegu.llm.protocol import ModelRequest
from tegu.storage.statements import statement

_OVERHEAD_TOKENS = 1000
"""What providers add to a request: the words around tools and schemas."""
_LOOK_AGAIN_S = 3600.0
_SETTLED_S = 5.0
"""When calls under way may have left more room than they took at worst."""
_LOCK = "lock table tegu.budget_windows in exclusive mode"


def worst_usd(request: ModelRequest, body: str) -> Decimal | None:
    """The most that a request may cost: a token is a byte of it at least, and the reply as long as it may be."""
    tokens = len(body.encode()) + _OVERHEAD_TOKENS
    return worst_cost_usd(request.model, input_tokens=tokens, output_tokens=request.settings.max_tokens)


async def open_windows(
    pool: "asyncpg.Pool[asyncpg.Record]", organization_id: UUID, run_id: UUID | None
) -> None:
    """Let the budgets of a call begin. Nothing is settled meanwhile, so that the ledger's sum is the whole of it."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK)
        await connection.execute(statement("open_windows"), organization_id, run_id)


def refusal(request: ModelRequest, row: "asyncpg.Record", worst: Decimal | None) -> Exception:
    """Why a call was not begun: a budget is full, or the model has no price."""
    if worst is None:
        return ConfigurationError(
            f"there is a budget, and no price is known of {request.model}",
            code="unpriced",
            hint="name a model with a price (`tegu models --all`), or allow it: `tegu budgets set ... --allow-unpriced`",
        )
    full: dict[str, Any] = from_json(row["full"]) if row["full"] else {}
    period = BudgetPeriod(full.get("period", "run"))
    limit, spent, reserved = (
        Decimal(str(full.get(name, 0))) for name in ("limit_usd", "spent_usd", "reserved_usd")
    )
    now = datetime.now(tz=UTC)
    end = window_end(period, now)
    due_in_s = min(_LOOK_AGAIN_S, (end - now).total_seconds() + 1 if end else _LOOK_AGAIN_S)
    if spent + worst <= limit:
        due_in_s = min(due_in_s, _SETTLED_S)
    own = "the budget that the run shares" if full.get("is_shared") else "the run's budget"
    whose = own if period is BudgetPeriod.RUN else f"the budget per {period.value}"
    return NoCapacityError(
        f"{whose} has no room: a call to {request.model} may cost ${worst:.4f}, and of ${limit.normalize():f} "
        f"${spent:.4f} is spent and ${reserved:.4f} reserved for calls under way",
        code=BUDGET_EXHAUSTED,
        due_in_s=due_in_s,
        hint="`tegu budgets` shows it; `tegu budgets set` raises it, and what waits goes on at once",
    )

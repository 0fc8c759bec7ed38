"""Calls a second of the ledger alone: a row before the call and its reply after it, without a budget, with one, with two.

No model is asked. Every call of one organization locks the same budget's row twice, which is what is looked for.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from time import monotonic

from benchmarks.scale.ground import Ground, Json
from tegu.domain.budget import BudgetPeriod, BudgetPlace
from tegu.domain.call import Usage
from tegu.llm.protocol import DataPart, ModelRef, ModelReply, ModelRequest
from tegu.storage import budgets
from tegu.storage.ledger import CallPlace, StoredLedger

IN_FLIGHT = 200
PERIODS = (BudgetPeriod.MONTH, BudgetPeriod.DAY)
_REPLY = ModelReply("{}", "stop", Usage(100, 10), Decimal("0.0001"), "gpt-5-mini", "today")


async def measure(ground: Ground) -> Json:
    """One budget more for each row."""
    seconds = 3.0 if ground.quick else 20.0
    bench, found = ground.bench, list[Json]()
    ledger = StoredLedger(await bench.database.engine(), CallPlace(bench.organization))
    for count in range(len(PERIODS) + 1):
        if count:
            async with bench.database.transaction(bench.organization) as connection:
                place = BudgetPlace(PERIODS[count - 1])
                await budgets.set_budget(connection, bench.organization, place, Decimal(1_000_000))
        await _calls(ledger, seconds=1.0)  # plans, windows and prices are there then
        postgres, begun = ground.postgres_cpu_ms(), monotonic()
        calls = await _calls(ledger, seconds=seconds)
        took = monotonic() - begun
        cost_ms = (ground.postgres_cpu_ms() - postgres) / calls
        found.append(
            {"budgets": count, "calls_per_s": round(calls / took, 1), "postgres_ms": round(cost_ms, 3)}
        )
        print(f"{count} budgets: {calls / took:.0f} calls/s, PostgreSQL {cost_ms:.2f} ms a call", flush=True)
    return {"in_flight": IN_FLIGHT, "rows": found}


async def _calls(ledger: StoredLedger, *, seconds: float) -> int:
    until = monotonic() + seconds
    return sum(
        await asyncio.gather(*(_asker(ledger, n, lambda: monotonic() < until) for n in range(IN_FLIGHT)))
    )


async def _asker(ledger: StoredLedger, number: int, goes_on: Callable[[], bool]) -> int:
    made = 0
    while goes_on():
        question = ModelRequest(
            ModelRef("openai", "gpt-5-mini"),
            "Say it.",
            (DataPart("text", f"{number} {made}"),),
        )
        call = await ledger.begin(question, ordinal=0, attempt=1)
        await ledger.replied(call, _REPLY, latency_ms=1)
        made += 1
    return made

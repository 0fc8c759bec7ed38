"""The ledger against the provider's own: over hundreds of calls of which many fail, it has a row for each request, and what
it says was paid is what the provider says, to the last digit. 10,000 calls in `make chaos`.
"""

import asyncio
import hashlib
import os
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random, SystemRandom

import asyncpg
import pytest

from tegu.app import Tegu
from tegu.domain.budget import BudgetPeriod, BudgetPlace
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.engine.retry import RetryPolicy
from tegu.engine.worker import WorkerOptions
from tegu.llm.catalog import KnownModel, known_models
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import (
    Failed,
    LedgerEntry,
    ProviderRequest,
    Raw,
    Reply,
    ScriptedProvider,
    Text,
    Tokens,
)

GIVEN = os.environ.get("TEGU_CHAOS_SEED")
RUNS = 10_000 if os.environ.get("TEGU_CHAOS") == "large" else 500
MODEL = "openai:gpt-5-mini"
TIMEOUT_S = 8.0
FAULTS = ("server", "reset before", "reset during", "half a body", "refused", "token limit", "late")
WEIGHTS = (40, 25, 25, 20, 10, 10, 3)
"""In a thousand requests."""
NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "stages": {
        "say": {"uses": "prompt", "with": {"instructions": "Say it."}, "retries": 8, "timeout_s": TIMEOUT_S}
    },
}


class Provider:
    """Fails by chance, which hangs on the seed, the question and how often it was asked. No two replies cost the same."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def __call__(self, request: ProviderRequest) -> Reply:
        self._asked[request.prompt_hash] += 1
        name = f"{self._seed} {request.prompt_hash} {self._asked[request.prompt_hash]}"
        draw = Random(hashlib.sha256(name.encode()).digest())
        fault = draw.choices((*FAULTS, ""), (*WEIGHTS, 1000 - sum(WEIGHTS)))[0]
        tokens = Tokens(
            input_tokens=1000 + request.number,
            output_tokens=draw.randint(1, 4000),
        )
        body = Text("said")
        match fault:
            case "server":
                return Reply(Failed(500))
            case "reset before":
                return Reply(body, reset="before", tokens=tokens)
            case "reset during":
                return Reply(body, reset="during", tokens=tokens)
            case "half a body":
                return Reply(Raw('{"id": "x", "choices": [{'))
            case "refused":
                return Reply(Failed(400))
            case "token limit":
                return Reply(Text("said " * 9), truncated=True, tokens=tokens)
            case "late":
                return Reply(body, delay_s=600, tokens=tokens)
            case _:
                return Reply(body, tokens=tokens)


@cache
def _price() -> KnownModel:
    return next(model for model in known_models() if str(model.ref) == MODEL)


def _cost_of(entry: LedgerEntry) -> Decimal:
    """By the list of prices, from what the provider counted."""
    assert entry.input_tokens is not None
    assert entry.output_tokens is not None
    cost_usd = _price().cost_usd(input_tokens=entry.input_tokens, output_tokens=entry.output_tokens)
    assert cost_usd is not None
    return cost_usd


async def _rows(address: DatabaseAddress) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetch(
            "select status, coalesce(error->>'code', '') as code, input_tokens, output_tokens, cost_usd"
            " from tegu.llm_calls where answered_by = 'provider'"
        )
    finally:
        await connection.close()


def _reconcile(rows: list[asyncpg.Record], entries: list[LedgerEntry]) -> dict[str, object]:
    """Raises AssertionError where the two disagree; the figures otherwise."""
    paid = {row["input_tokens"]: row for row in rows if row["input_tokens"] is not None}
    billed = {
        entry.input_tokens: entry for entry in entries if entry.is_complete and entry.input_tokens is not None
    }
    without_reply = Counter(row["code"] for row in rows if row["input_tokens"] is None)
    # A reply that arrives while its caller gives up is the one thing that nobody can know of: that is unknown, not zero.
    lost = billed.keys() - paid.keys()
    assert paid.keys() <= billed.keys(), "the ledger has a reply that the provider did not send"
    assert len(lost) <= without_reply["timeout"], "a reply is missing that nobody gave up on"
    assert 0 <= len(rows) - len(entries) <= without_reply["timeout"], "a request has no row, or two"
    for tokens, row in paid.items():
        assert row["status"] in {"completed", "rejected"}
        assert row["output_tokens"] == billed[tokens].output_tokens
        assert row["cost_usd"] == _cost_of(billed[tokens])
    unknown = [row for row in rows if row["cost_usd"] is None]
    assert len(paid) + len(unknown) == len(rows), "an unknown cost is told as a known one"
    ours = sum((row["cost_usd"] for row in paid.values()), Decimal(0))
    theirs = sum((_cost_of(entry) for tokens, entry in billed.items() if tokens not in lost), Decimal(0))
    assert ours == theirs
    return {
        "calls": len(rows),
        "requests": len(entries),
        "cost_usd": str(ours.normalize()),
        "without_reply": dict(without_reply),
        "lost": len(lost),
    }


@pytest.mark.timeout(1800)
async def test_the_ledger_is_the_providers_own_to_the_last_digit(
    address: DatabaseAddress, tmp_path: Path
) -> None:
    seed = int(GIVEN) if GIVEN else SystemRandom().randrange(10**6)
    print(f"\nhave it again: TEGU_CHAOS_SEED={seed} pytest {__file__}")  # noqa: T201
    provider = ScriptedProvider(Provider(seed), keeps_bodies=False)
    async with provider as server:
        keys = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.base_url("openai")}
        settings = Settings(home=tmp_path, database_url=address.owner, model=MODEL)
        options = WorkerOptions(concurrency=50, retry=RetryPolicy(base_s=0.05, max_s=0.5))
        async with Tegu(settings=settings, credentials=EnvironmentCredentials(keys)) as tegu:
            budget = BudgetPlace(BudgetPeriod.MONTH)
            await tegu.set_budget(budget, Decimal(100_000))
            worker = await tegu.worker(options=options)
            working = asyncio.create_task(worker.run())
            run_ids = await tegu.start(NOTE, *(f"Note {n}." for n in range(RUNS)))
            statuses = Counter((await tegu.wait(run_ids, timeout_s=1500)).values())
            worker.stop()
            await working
            (held,) = await tegu.list_budgets()
        figures = _reconcile(await _rows(address), server.ledger)
    print(figures, dict(statuses))  # noqa: T201
    # What is refused, or broken off at the limit of tokens, fails for good; everything else is tried again.
    assert set(statuses) <= {RunStatus.COMPLETED, RunStatus.FAILED}
    assert statuses[RunStatus.COMPLETED] >= 0.9 * RUNS
    assert (held.reserved_usd, held.spent_usd >= Decimal(str(figures["cost_usd"]))) == (0, True)
    checks = await check_invariants(address, rows_max=3)
    assert [check.name for check in checks if check.broken] == []

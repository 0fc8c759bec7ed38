"""What the ledger is asked twice, because a connection was cut before the answer came, is done once."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from engine_lab import Lab, chain

from tegu.domain.call import Usage
from tegu.domain.ids import new_id
from tegu.llm.protocol import BegunCall, CallFailure, ModelRef, ModelReply, ModelRequest
from tegu.storage.database import ENGINE_ROLE, connect
from tegu.storage.invariants import check_invariants
from tegu.storage.ledger import CallPlace, StoredLedger

REQUEST = ModelRequest(ModelRef("openai", "gpt-5-mini"), "Say something.")
REPLY = ModelReply("something", "stop", Usage(input_tokens=3, output_tokens=1), Decimal("0.01"))


async def _run(lab: Lab) -> UUID:
    """A run with a budget."""
    (run_id,) = await lab.start(chain("one"))
    await lab.rows("update tegu.runs set budget_usd = 1 where id = $1", run_id)
    return run_id


async def _check(lab: Lab, spent_usd: Decimal) -> None:
    (window,) = await lab.rows("select spent_usd, reserved_usd from tegu.budget_windows")
    assert tuple(window) == (spent_usd, 0)
    broken = [check for check in await check_invariants(lab.database.address, rows_max=5) if check.broken]
    assert not [check for check in broken if "budget" in check.name or "call" in check.name], broken


async def test_a_call_whose_beginning_was_not_answered_is_begun_once(lab: Lab) -> None:
    ledger = StoredLedger(await lab.database.engine(), CallPlace(lab.organization, await _run(lab), "one"))
    begin = partial(ledger.begin, REQUEST, ordinal=1, attempt=1, call_id=new_id())
    first, again = await begin(), await begin()
    assert first == again
    assert first.reply is None
    await ledger.replied(again, REPLY, latency_ms=5)
    assert len(await lab.rows("select 1 from tegu.llm_calls")) == 1
    await _check(lab, Decimal("0.01"))


async def test_a_replay_whose_beginning_was_not_answered_brings_the_same_reply(lab: Lab) -> None:
    pool, run_id = await lab.database.engine(), await _run(lab)
    first = StoredLedger(pool, CallPlace(lab.organization, run_id, "one"))
    await first.replied(await first.begin(REQUEST, ordinal=1, attempt=1), REPLY, latency_ms=5)
    ledger = StoredLedger(pool, CallPlace(lab.organization, run_id, "one"))
    begin = partial(ledger.begin, REQUEST, ordinal=1, attempt=1, call_id=new_id())
    assert [(await begin()).reply, (await begin()).reply] == [REPLY, REPLY]


async def test_a_call_whose_beginning_was_not_answered_is_not_refused_for_its_own_reservation(
    lab: Lab,
) -> None:
    run_id = await _run(lab)
    ledger = StoredLedger(await lab.database.engine(), CallPlace(lab.organization, run_id, "one"))
    begin = partial(ledger.begin, REQUEST, ordinal=1, attempt=1, call_id=new_id())
    first = await begin()
    (held,) = await lab.rows("select reserved_usd from tegu.budget_windows")
    await lab.rows("update tegu.runs set budget_usd = $2 where id = $1", run_id, held["reserved_usd"])
    assert await begin() == first
    await ledger.replied(first, REPLY, latency_ms=5)
    await _check(lab, Decimal("0.01"))


async def test_calls_that_begin_at_once_find_the_first_budget_together(lab: Lab) -> None:
    ledger = StoredLedger(await lab.database.engine(), CallPlace(lab.organization, await _run(lab), "one"))
    calls = await asyncio.gather(
        *(ledger.begin(replace(REQUEST, instructions=f"Say {n}."), ordinal=n, attempt=1) for n in range(20))
    )
    assert len({call.id for call in calls}) == 20
    for call in calls:
        await ledger.replied(call, REPLY, latency_ms=5)
    await _check(lab, 20 * Decimal("0.01"))


@pytest.mark.parametrize("ending", ["replied", "failed"])
async def test_what_still_runs_on_a_connection_that_was_cut_is_settled_once(lab: Lab, ending: str) -> None:
    place = CallPlace(lab.organization, await _run(lab), "one")
    ledger = StoredLedger(await lab.database.engine(), place)
    call = await ledger.begin(REQUEST, ordinal=1, attempt=1)
    cut = await connect(lab.database.address, ENGINE_ROLE)
    try:
        async with cut.transaction():
            await _end(StoredLedger(_as_pool(cut), place), call, ending)
            again = asyncio.create_task(_end(ledger, call, ending))
            await _blocked(lab)
        await again
    finally:
        await cut.close()
    (worst,) = await lab.rows("select reserved_usd from tegu.llm_calls")
    await _check(lab, Decimal("0.01") if ending == "replied" else worst["reserved_usd"])


async def _end(ledger: StoredLedger, call: BegunCall, ending: str) -> None:
    if ending == "replied":
        assert await ledger.replied(call, REPLY, latency_ms=5) == REPLY
    else:
        await ledger.failed(call, CallFailure("timeout", "no answer"), latency_ms=5)


def _as_pool(connection: "asyncpg.Connection[asyncpg.Record]") -> Any:
    """It has the methods that the ledger uses."""
    return connection


async def _blocked(lab: Lab) -> None:
    """Until one waits for the lock of another."""
    async with asyncio.timeout(60):
        while not await lab.rows(
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.02)

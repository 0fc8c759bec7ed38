"""Quotas: what is beyond one is refused, exactly, whoever asks and however many at once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tegu.actions.action import NoInput
from tegu.actions.declared import quotas
from tegu.actions.declared.quotas import SetQuota
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.domain.call import Usage
from tegu.domain.errors import ForbiddenError, NotFoundError, QuotaError
from tegu.domain.json import JsonObject
from tegu.domain.quota import Quota
from tegu.domain.schedule import ScheduledInput, ScheduleSpec
from tegu.interfaces.http.problems import error_response
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import ModelRef, ModelReply, ModelRequest
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.storage.ledger import CallPlace, StoredLedger

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


@pytest.fixture
async def execute(address: DatabaseAddress) -> AsyncGenerator[Callable[..., Any]]:
    connection = await asyncpg.connect(address.owner)
    yield connection.fetch
    await connection.close()


async def bound(tegu: Tegu, **limits: Any) -> None:
    await quotas.set_quota(await tegu.scope(), SetQuota(**limits))


async def used(tegu: Tegu) -> Quota:
    return await quotas.get_quota(await tegu.scope(), NoInput())


async def spend(tegu: Tegu, cost_usd: str) -> UUID:
    scope = await tegu.scope()
    ledger = StoredLedger(await tegu.database.engine(), CallPlace(scope.organization_id, None, None))
    call = await ledger.begin(ModelRequest(ModelRef("scripted", "one"), "Say."), ordinal=1, attempt=1)
    reply = ModelReply("said", "stop", Usage(input_tokens=1, output_tokens=1), Decimal(cost_usd))
    await ledger.replied(call, reply, latency_ms=1)
    return scope.organization_id


async def test_of_a_hundred_that_start_at_once_as_many_begin_as_there_is_room_for(tegu: Tegu) -> None:
    content, version = await tegu.ingest("A note."), await tegu.pipeline(NOTE)
    await tegu.start(version, content)
    await bound(tegu, runs_per_day=41)
    done = await asyncio.gather(*(tegu.start(version, content) for _ in range(100)), return_exceptions=True)
    refused = [each for each in done if isinstance(each, QuotaError)]
    assert (len(done) - len(refused), len(refused)) == (40, 60)
    assert len(await tegu.list_runs(limit=200)) == 41
    assert (await used(tegu)).runs_today == 41


async def test_several_inputs_start_all_or_none_and_a_repeated_key_takes_no_room(tegu: Tegu) -> None:
    content, version = await tegu.ingest("A note."), await tegu.pipeline(NOTE)
    await bound(tegu, runs_per_day=2)
    once = StartOptions(idempotency_key="once")
    first = await tegu.start(version, content, options=once)
    assert await tegu.start(version, content, options=once) == first
    with pytest.raises(QuotaError, match="2 more runs: 1 of 2"):
        await tegu.start(version, content, await tegu.ingest("Another."))
    await tegu.start(version, content)
    assert await tegu.start(version, content, options=once) == first


async def test_what_is_refused_says_when_there_is_room_again_over_http_too(tegu: Tegu) -> None:
    content, version = await tegu.ingest("A note."), await tegu.pipeline(NOTE)
    await bound(tegu, runs_per_day=0)
    with pytest.raises(QuotaError) as caught:
        await tegu.start(version, content)
    ends = (await used(tegu)).day_ends_at
    assert f"room again at {ends:%Y-%m-%dT%H:%M:%SZ}" in caught.value.message
    answer = error_response(caught.value)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 86_400


async def test_the_next_day_there_is_room_again(tegu: Tegu, execute: Callable[..., Any]) -> None:
    content, version = await tegu.ingest("A note."), await tegu.pipeline(NOTE)
    await bound(tegu, runs_per_day=1)
    await tegu.start(version, content)
    await execute("update tegu.quotas set runs_day = runs_day - 1")
    assert (await used(tegu)).runs_today == 0
    await tegu.start(version, content)
    assert (await used(tegu)).runs_today == 1


async def test_a_schedule_is_bound_too_and_says_why_it_began_nothing(
    tegu: Tegu, execute: Callable[..., Any]
) -> None:
    content = await tegu.ingest("A note.")
    await tegu.pipeline(NOTE)
    spec = ScheduleSpec("note", "* * * * *", inputs=(ScheduledInput(content_id=content.content.id),))
    await tegu.schedules.create("often", spec)
    await bound(tegu, runs_per_day=0)
    await execute(
        "update tegu.schedules set next_at = clock_timestamp() - $1::interval", timedelta(minutes=1)
    )
    await tegu._runtime.serve()
    async with asyncio.timeout(20):
        while not (found := (await tegu.schedules.list())[0]).last_error:
            await asyncio.sleep(0.05)
    assert "0 of 0 were started today" in found.last_error


async def test_of_many_that_store_at_once_no_more_is_stored_than_there_is_room_for(tegu: Tegu) -> None:
    await bound(tegu, stored_bytes_max=1000)
    texts = [f"{number:03} {'x' * 96}" for number in range(30)]
    done = await asyncio.gather(*(tegu.ingest(text) for text in texts), return_exceptions=True)
    assert sum(isinstance(each, QuotaError) for each in done) == 20
    assert (await used(tegu)).stored_bytes == 1000
    stored = next(text for text, each in zip(texts, done, strict=True) if not isinstance(each, BaseException))
    assert not (await tegu.ingest(stored)).is_new, "what is there takes no room"
    with pytest.raises(QuotaError, match="1,000 of 1,000 are stored"):
        await tegu.ingest("one more")


async def test_bytes_that_are_erased_make_room(tegu: Tegu, execute: Callable[..., Any]) -> None:
    await tegu.ingest("x" * 600)
    await bound(tegu, stored_bytes_max=1000)
    with pytest.raises(QuotaError):
        await tegu.ingest("y" * 600)
    await execute("delete from tegu.blobs")
    assert (await used(tegu)).stored_bytes == 0
    await tegu.ingest("y" * 600)


async def test_what_was_spent_before_and_since_counts_and_a_spent_month_refuses_new_runs(
    tegu: Tegu, execute: Callable[..., Any]
) -> None:
    content, version = await tegu.ingest("A note."), await tegu.pipeline(NOTE)
    await spend(tegu, "0.25")
    await bound(tegu, spend_usd_per_month="1")
    await spend(tegu, "0.5")
    assert (await used(tegu)).spent_usd == Decimal("0.75")
    await tegu.start(version, content)
    await asyncio.gather(*(spend(tegu, "0.05") for _ in range(5)))
    with pytest.raises(QuotaError, match=r"\$1\.0000 of \$1"):
        await tegu.start(version, content)
    await bound(tegu, spend_usd_per_month="2")
    await tegu.start(version, content)
    await execute("update tegu.spend_months set since = since - interval '1 month'")
    assert (await used(tegu)).spent_usd == 0


async def test_only_an_operator_sets_a_quota_also_that_of_another_organization(tegu: Tegu) -> None:
    scope = await tegu.scope()
    owner = Actor(scope.organization_id, ActorKind.USER, Role.OWNER)
    asked = tegu._runtime.scope_of(scope.organization_id, owner)
    with pytest.raises(ForbiddenError):
        await quotas.set_quota(asked, SetQuota(runs_per_day=10**6))
    assert (await quotas.get_quota(asked, NoInput())).runs_per_day is None
    other = tegu.for_organization("other")
    await other.scope()
    await bound(tegu, organization="other", runs_per_day=0)
    content, version = await other.ingest("A note."), await other.pipeline(NOTE)
    with pytest.raises(QuotaError):
        await other.start(version, content)
    await tegu.start(NOTE, "A note.")
    await bound(tegu, organization="other")
    await other.start(version, content)
    with pytest.raises(NotFoundError):
        await bound(tegu, organization="nobody", runs_per_day=0)


async def test_the_apps_role_cannot_raise_its_own_quota(tegu: Tegu) -> None:
    await bound(tegu, runs_per_day=1)
    async with tegu.database.transaction((await tegu.scope()).organization_id) as connection:
        with pytest.raises(Exception, match="permission denied"):
            await connection.exec_driver_sql("update tegu.quotas set runs_per_day = 1000")


async def test_what_quotas_count_adds_up_whatever_was_stored_erased_and_spent(
    tegu: Tegu, execute: Callable[..., Any]
) -> None:
    await tegu.ingest("x" * 600)
    await spend(tegu, "0.25")
    await bound(tegu, stored_bytes_max=10_000, spend_usd_per_month="1", runs_per_day=5)
    await asyncio.gather(
        *(spend(tegu, "0.05") for _ in range(3)), tegu.ingest("y" * 500), tegu.ingest("z" * 400)
    )
    await execute("delete from tegu.blobs where sha256 = (select min(sha256) from tegu.blobs)")
    checks = await check_invariants(tegu.database.address, rows_max=5)
    assert [check for check in checks if check.name == "quotas add up" and check.broken] == []
    assert sum(check.name == "quotas add up" for check in checks) == 1

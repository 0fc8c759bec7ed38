"""Reviews in the order in which people decide them: what is least sure comes first, and no page misses one or shows it twice."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from action_lab import LABELS, ask, everything

from tegu.actions.scope import Scope
from tegu.app import Tegu
from tegu.domain.errors import UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.review import Review
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

ASKED: JsonObject = {
    "tegu": 1,
    "name": "asked",
    "input": "content",
    "model": "rules",
    "stages": {
        "kind": {"uses": "classify", "with": {"labels": LABELS}},
        "check": {"uses": "review", "inputs": ["kind"]},
    },
}
_COPY = """insert into tegu.reviews (organization_id, id, run_id, stage, item, retry, about, confidence, due_at, status, decided_at)
select organization_id, $2, run_id, stage, item, retry + $3, about, $4, due_at - make_interval(hours => $3), $5,
    case when $5 <> 'open' then clock_timestamp() end
from tegu.reviews where id = $1"""


@pytest.fixture
async def scope(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Scope]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    tegu = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
    async with tegu.lifespan(worker=True):
        await tegu.start(ASKED, await tegu.ingest("Please refund 20 EUR."))
        yield await tegu.scope()


async def opened(scope: Scope) -> Review:
    async with asyncio.timeout(30):
        while not (found := (await ask(scope, "reviews.list")).items):
            await asyncio.sleep(0.02)
    return found[0]


async def several(
    scope: Scope, address: DatabaseAddress, *confidences: float | None, status: str = "open"
) -> list[UUID]:
    """Reviews like the one there is, as sure as this, each due an hour before the one before."""
    like, ids = await opened(scope), [new_id() for _ in confidences]
    connection = await asyncpg.connect(address.owner)
    for number, (review_id, confidence) in enumerate(zip(ids, confidences, strict=True), 1):
        await connection.execute(_COPY, like.id, review_id, number, confidence, status)
    await connection.close()
    return ids


async def test_a_review_says_how_sure_the_stage_was_that_it_is_about(scope: Scope) -> None:
    review = await opened(scope)
    (result,) = (await ask(scope, "results.list", run_id=review.run_id, stage="kind")).items
    assert result.confidence is not None
    assert review.confidence == result.confidence.value
    assert (await ask(scope, "reviews.get", review_id=review.id)).confidence == review.confidence


async def test_the_least_sure_come_first_through_ties_and_the_unknown_last(
    scope: Scope, address: DatabaseAddress
) -> None:
    first = (await opened(scope)).id
    confidences = (0.5, None, 0.25, 0.5, 0.0, 0.5, None, 0.5, 0.3333333333333333, None, None)
    ids = [first, *await several(scope, address, *confidences)]
    found = await everything(scope, "reviews.list", sort="confidence", status="open")
    sure = {each.id: each.confidence for each in found}
    known = sorted((sure[each], each) for each in ids if sure[each] is not None)
    unknown = sorted(each for each in ids if sure[each] is None)
    assert [each.id for each in found] == [*(each for _, each in known), *unknown]
    assert found[0].confidence == 0.0
    assert len(unknown) == 4
    # What is decided is in the same order, where all are asked for.
    (decided,) = await several(scope, address, 0.1, status="approved")
    everyone = [each.id for each in await everything(scope, "reviews.list", sort="confidence")]
    assert everyone == [found[0].id, decided, *(each.id for each in found[1:])]


async def test_what_is_due_first_comes_first(scope: Scope, address: DatabaseAddress) -> None:
    first = (await opened(scope)).id
    ids = await several(scope, address, None, None, None, None)
    found = await everything(scope, "reviews.list", sort="due_at", status="open")
    assert [each.id for each in found] == [*reversed(ids), first]


async def test_a_cursor_of_another_order_is_refused(scope: Scope, address: DatabaseAddress) -> None:
    await several(scope, address, 0.5, 0.5)
    orders = ("confidence", "due_at", "-created_at")
    cursors = {sort: (await ask(scope, "reviews.list", sort=sort, limit=1)).next_cursor for sort in orders}
    for sort, other in (("confidence", "-created_at"), ("due_at", "confidence"), ("created_at", "due_at")):
        with pytest.raises(UsageError, match="is no cursor of ours"):
            await ask(scope, "reviews.list", sort=sort, cursor=cursors[other])

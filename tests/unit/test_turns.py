"""Places that are shared: nobody takes those of others."""

import asyncio
from uuid import UUID

import pytest

from tegu.domain.errors import QuotaError
from tegu.turns import Asker, FairTurns, Shares, asker, on_behalf

A, B = UUID(int=1), UUID(int=2)


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def _held(turns: FairTurns, whom: Asker, began: list[Asker], end: asyncio.Event) -> None:
    async with turns.turn(whom, refusal="busy"):
        began.append(whom)
        await end.wait()


async def test_one_organization_never_takes_all_places() -> None:
    turns, began, end = FairTurns(Shares(3, 2, 2)), list[Asker](), asyncio.Event()
    greedy, other = Asker(A, "x"), Asker(B, "y")
    held = [asyncio.create_task(_held(turns, greedy, began, end)) for _ in range(20)]
    await _settle()
    assert began == [greedy] * 2
    held.append(asyncio.create_task(_held(turns, other, began, end)))
    await _settle()
    assert began[2:] == [other]
    end.set()
    await asyncio.gather(*held)
    assert len(began) == 21


async def test_one_actor_leaves_a_place_to_colleagues() -> None:
    turns, began, end = FairTurns(Shares(4, 3, 2)), list[Asker](), asyncio.Event()
    held = [asyncio.create_task(_held(turns, Asker(A, who), began, end)) for who in "xxxxxy"]
    await _settle()
    assert [each.actor for each in began] == ["x", "x", "y"]
    end.set()
    await asyncio.gather(*held)


async def test_those_who_wait_go_in_turn() -> None:
    turns, order = FairTurns(Shares(1, 1, 1)), list[object]()

    async def work(whom: Asker) -> None:
        async with turns.turn(whom, refusal="busy"):
            order.append((whom.organization_id, whom.actor))
            await asyncio.sleep(0)

    asked = [Asker(A, "x")] * 4 + [Asker(A, "y")] * 2 + [Asker(B, "z")] * 2
    await asyncio.gather(*(work(whom) for whom in asked))
    assert order == [(A, "x"), (A, "x"), (B, "z"), (A, "y"), (B, "z"), (A, "x"), (A, "y"), (A, "x")]


async def test_who_waits_too_long_or_with_too_many_is_told_so_and_leaves_nothing() -> None:
    turns, whom = FairTurns(Shares(1, 1, 1, wait_s=0.05, waiting=1)), Asker(A, "x")
    await turns.take(whom, refusal="busy")
    waiting = asyncio.create_task(turns.take(whom, refusal="busy"))
    await _settle()
    with pytest.raises(QuotaError, match="busy"):
        await turns.take(whom, refusal="busy")
    with pytest.raises(QuotaError, match="busy") as refused:
        await waiting
    assert refused.value.code == "rate_limited"
    turns.give_back(whom)
    await turns.take(whom, refusal="busy")


async def test_who_leaves_while_waiting_takes_no_place_along() -> None:
    turns, whom = FairTurns(Shares(1, 1, 1)), Asker(A, "x")
    await turns.take(whom, refusal="busy")
    before, at_once = [asyncio.create_task(turns.take(whom, refusal="busy")) for _ in range(2)]
    await _settle()
    before.cancel()
    await _settle()
    turns.give_back(whom)
    at_once.cancel()  # in the moment in which its turn came
    await asyncio.wait([before, at_once])
    assert (before.cancelled(), at_once.cancelled()) == (True, True)
    next_one = asyncio.create_task(turns.take(whom, refusal="busy"))
    await _settle()
    assert next_one.done()


def test_on_whose_behalf_is_known_within() -> None:
    whom = Asker(A, "x")
    assert asker() == Asker()
    with on_behalf(whom):
        assert asker() == whom
    assert asker() == Asker()

"""People who decide, cancel and fork runs while their workers are killed: each run ends as its own fate says.

A seed that fails is printed, and had again with TEGU_CHAOS_SEED=<seed>.
"""

import asyncio
import os
from collections.abc import Sequence
from enum import StrEnum
from random import SystemRandom
from typing import Any
from uuid import UUID

import pytest
from storm import Scale, Storm
from workers import Crew

from tegu.actions import reviews
from tegu.actions.forking import ForkOptions, fork
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.errors import ConflictError
from tegu.domain.json import JsonObject
from tegu.domain.review import Review, ReviewOrder, ReviewStatus
from tegu.domain.run import Run
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import ProviderRequest, Reply, ScriptedProvider, Text

GIVEN = os.environ.get("TEGU_CHAOS_SEED")
SCALE = Scale(runs=24, workers=3, concurrency=10, kills=8, stops=1, crashes=0, lasts_s=8.0)
ENDS_WITHIN_S = 120.0

DOCUMENT: JsonObject = {
    "tegu": 1,
    "name": "decided",
    "input": "content",
    "stages": {
        "draft": {"uses": "prompt", "with": {"instructions": "Draft."}},
        "look": {"uses": "review", "inputs": ["draft"], "with": {"instructions": "Is it polite?"}},
        "send": {"uses": "prompt", "inputs": ["look"], "with": {"instructions": "Send."}},
        "file": {"uses": "prompt", "inputs": ["send"], "with": {"instructions": "File."}},
    },
}


class Fate(StrEnum):
    """What people do to a run."""

    APPROVED = "approved"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    CANCELLED_BEFORE = "cancelled while it waits for them"
    CANCELLED_AFTER = "cancelled once they have approved"
    FORKED = "approved, and forked while it goes on"


FATES = tuple(Fate)


class People:
    """They look for open reviews as long as it takes, and do to each run what its fate is; twice, for good measure."""

    def __init__(self, tegu: Tegu, fates: dict[UUID, Fate]) -> None:
        self._tegu = tegu
        self._fates = fates
        self._decided: set[UUID] = set()
        self.forks: dict[UUID, UUID] = {}

    async def decide_all(self, are_done: asyncio.Event) -> None:
        """Until every run had its turn."""
        async with asyncio.TaskGroup() as acting:
            while len(self._decided) < len(self._fates):
                for review in await self._open():
                    # One whose run is being cancelled is open a little longer.
                    if review.run_id not in self._decided:
                        self._decided.add(review.run_id)
                        acting.create_task(self._act(review))
                await asyncio.sleep(0.05)
        are_done.set()

    async def _open(self) -> Sequence[Review]:
        return await reviews.list_reviews(
            await self._tegu.scope(),
            status=ReviewStatus.OPEN,
            assignee=None,
            is_mine=False,
            pipeline=None,
            run_id=None,
            after=None,
            limit=100,
            order=ReviewOrder.OLDEST,
        )

    async def _act(self, review: Review) -> None:
        fate = self._fates[review.run_id]
        if fate is Fate.CANCELLED_BEFORE:
            await self._tegu.cancel(review.run_id)
        else:
            both = await asyncio.gather(*(self._decide(review, fate) for _ in range(2)))
            assert both.count(True) == 1, "a review was decided twice, or not at all"
        if fate is Fate.CANCELLED_AFTER:
            await self._tegu.cancel(review.run_id)
        if fate is Fate.FORKED:
            await self._fork(review.run_id)

    async def _fork(self, run_id: UUID) -> None:
        """As soon as what the stage waits for has ended: whoever owns the run goes on with it."""
        options = ForkOptions("send", fresh=True)
        while run_id not in self.forks:
            try:
                self.forks[run_id] = (await fork(await self._tegu.scope(), run_id, options)).run_id
            except ConflictError:
                await asyncio.sleep(0.05)

    async def _decide(self, review: Review, fate: Fate) -> bool:
        status = {Fate.CORRECTED: ReviewStatus.CORRECTED, Fate.REJECTED: ReviewStatus.REJECTED}.get(
            fate, ReviewStatus.APPROVED
        )
        corrected: Any = {"text": "politely"} if status is ReviewStatus.CORRECTED else None
        try:
            await reviews.decide(
                await self._tegu.scope(), review.id, status, comment=None, corrected=corrected
            )
        except ConflictError:
            return False
        return True


@pytest.mark.timeout(300)
async def test_what_people_decide_holds_whichever_workers_are_killed(
    process_environment: dict[str, str], address: DatabaseAddress, tmp_path: Any
) -> None:
    seed = int(GIVEN) if GIVEN else SystemRandom().randrange(2**32)
    storm, are_done = Storm.of(SCALE, seed), asyncio.Event()

    async def model(request: ProviderRequest) -> Reply:
        if (
            "File." in request.prompt
        ):  # the last stage: no run ends before people have done all that they want
            await are_done.wait()
        return Reply(Text("words"), delay_s=0.3)

    async with ScriptedProvider(model, keeps_bodies=False) as server:
        told = {
            **process_environment,
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": server.base_url("openai"),
        }
        hiring = Crew.of(SCALE.workers, told, concurrency=SCALE.concurrency, lease_s=SCALE.lease_s)
        async with hiring as crew, Tegu(database_url=address.owner) as tegu:
            notes = [f"Note number {number}." for number in range(SCALE.runs)]
            options = StartOptions(model="openai:gpt-5-mini")
            run_ids = await tegu.start(DOCUMENT, *notes, options=options)
            fates = {run_id: FATES[number % len(FATES)] for number, run_id in enumerate(run_ids)}
            people = People(tegu, fates)
            async with asyncio.timeout(ENDS_WITHIN_S), asyncio.TaskGroup() as both:
                both.create_task(storm.rage(crew, address.owner, tmp_path))
                both.create_task(people.decide_all(are_done))
            forks = list(people.forks.values())
            await tegu.wait([*run_ids, *forks], timeout_s=ENDS_WITHIN_S)
            wrong = _wrong([await tegu.get_run(run_id) for run_id in run_ids], fates)
            wrong += _wrong(
                [await tegu.get_run(run_id) for run_id in forks], dict.fromkeys(forks, Fate.APPROVED)
            )
            paid = {call.stage for run_id in forks for call in await tegu.list_calls(run_id=run_id)}
            assert paid == {"send", "file"}, "a fork pays for what it has from its base"
    assert not wrong, f"TEGU_CHAOS_SEED={seed} has it again"
    assert not [check.name for check in await check_invariants(address, rows_max=5) if check.broken]


def _wrong(runs: Sequence[Run], fates: dict[UUID, Fate]) -> list[str]:
    return [f"{fates[run.id]}: {_told(run)}" for run in runs if not _is_as_it_must(run, fates[run.id])]


def _is_as_it_must(run: Run, fate: Fate) -> bool:
    stages = {each.stage: each for each in run.stages}
    output: Any = stages["look"].output
    match fate:
        case Fate.APPROVED | Fate.FORKED:
            return run.status == "completed" and output["decision"] == "approved"
        case Fate.CORRECTED:
            is_corrected = output["decision"] == "corrected" and output["value"] == {"text": "politely"}
            return run.status == "completed" and is_corrected
        case Fate.REJECTED:
            return run.status == "failed" and run.error is not None and run.error.code == "rejected"
        case Fate.CANCELLED_BEFORE:
            return run.status == "cancelled" and output is None and stages["send"].attempt == 0
        case Fate.CANCELLED_AFTER:
            return run.status == "cancelled" and stages["file"].output is None


def _told(run: Run) -> str:
    return f"{run.status} {run.error} { {each.stage: each.status.value for each in run.stages} }"

"""Taking runs over: claim them, load what must be known of them, and make their drivers.

Called by the worker's claim loop. Plans are kept per pipeline version, which never changes. Invariant: a run that cannot
be taken over keeps no other from it; the worker gives it back.
"""

import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import DefinitionError
from tegu.engine.drive import RunDriver
from tegu.engine.retry import RetryPolicy
from tegu.pipeline.child import RunInput, Slice
from tegu.pipeline.plan import Plan
from tegu.pipeline.slice_plan import SlicePlan, slice_plan
from tegu.storage.claims import (
    Claimed,
    ClaimedRun,
    Claims,
    Lane,
    RunKey,
    SliceBounds,
    after_organization,
    before_all,
)
from tegu.telemetry import measured

log = logging.getLogger("tegu.engine")

LoadedT = TypeVar("LoadedT")

_PLANS_MAX = 1000
# More often than needed is harmless: a stage's field may be called `run`.
_NAMES_A_FACT = re.compile(r"\b(content|thread|run)\b")
_LOOKS_MAX = 16  # of 64 organizations each; the next claim goes on from there
_WANTED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Adopted:
    """Drivers of the runs that were taken. `more`: it is worth claiming again at once."""

    drivers: Sequence[RunDriver]
    more: bool


class Adoption:
    """Claims for one worker. `only` (shared with the worker) restricts it to given runs."""

    def __init__(
        self,
        claims: Claims,
        *,
        functions: tuple[str, ...],
        only: set[RunKey] | None,
        retry: RetryPolicy,
        random: Random,
    ) -> None:
        self._claims = claims
        self._functions = functions
        self._only = only
        self._retry = retry
        self._random = random
        self._plans: dict[tuple[UUID, UUID], Plan] = {}
        self._after = before_all()  # whose turn it was last
        self._cut: Lane | None = (
            None  # where an organization was left that has more lanes than one claim looks at
        )
        self.is_limited = False
        """Whether the last claim left something because an organization has all that it may have under way."""

    async def take(
        self, worker_id: UUID, limit: int, driven: Mapping[RunKey, RunDriver], *, owned_max: int
    ) -> Adopted:
        """Claim up to `limit` runs, none of an organization of which `owned_max` are driven, and make their drivers."""
        if self._only is None:
            owned = Counter(organization_id for organization_id, _ in driven)
            claimed = await self._claim_in_turn(worker_id, limit, owned, owned_max)
            runs = claimed.runs
            more = len(runs) >= limit or _met_its_share(claimed) or claimed.was_beaten
        else:
            runs = await self._claim_wanted(worker_id, limit, driven)
            more = len(runs) >= limit
        measured.CLAIMS.add(1, "runs" if runs else "nothing")
        measured.CLAIMED.add(len(runs))
        return Adopted(await self._drivers(worker_id, runs) if runs else (), more)

    async def forget_ended(self, driven: Mapping[RunKey, RunDriver]) -> None:
        """Drop wanted runs that others have ended."""
        if wanted := self._wanted(driven):
            assert self._only is not None
            self._only -= await self._claims.ended(wanted)

    def _wanted(self, driven: Mapping[RunKey, RunDriver]) -> list[RunKey]:
        """A handful by chance, so that those which others drive keep nobody from the rest."""
        wanted = [key for key in self._only or () if key not in driven]
        return wanted if len(wanted) <= _WANTED_MAX else self._random.sample(wanted, _WANTED_MAX)

    async def _claim_wanted(
        self, worker_id: UUID, limit: int, driven: Mapping[RunKey, RunDriver]
    ) -> Sequence[ClaimedRun]:
        wanted = self._wanted(driven)
        if self._only:
            family = await self._claims.due_in_families(self._only, limit=limit)
            wanted += [key for key in family if key not in driven]
        if not wanted:
            return ()
        return await self._claims.claim_runs(worker_id, wanted, limit=limit, functions=self._functions)

    async def _claim_in_turn(
        self, worker_id: UUID, limit: int, owned: Mapping[UUID, int], owned_max: int
    ) -> Claimed:
        """Go around the organizations: each claim starts after the one that was served last."""
        claimed, wrapped, self.is_limited = Claimed(), False, False
        for _ in range(_LOOKS_MAX):
            start = self._start()
            claimed = await self._claims.claim(
                worker_id,
                limit=limit,
                after=start,
                functions=self._functions,
                owned=owned,
                owned_max=owned_max,
            )
            self.is_limited = self.is_limited or claimed.is_limited
            self._cut = claimed.cut or self._cut
            if len(claimed.runs) >= limit:
                self._after = after_organization(max(run.organization_id for run in claimed.runs))
            else:
                self._after = before_all() if claimed.is_end else claimed.last or before_all()
            if claimed.runs or (claimed.is_end and (wrapped or start == before_all())):
                break
            wrapped = wrapped or claimed.is_end
        return claimed

    def _start(self) -> Lane:
        """Half the time the lanes of an organization that the last claim did not reach."""
        if self._cut is None or self._random.random() < 0.5:
            return self._after
        cut, self._cut = self._cut, None
        return cut

    async def _drivers(self, worker_id: UUID, runs: Sequence[ClaimedRun]) -> list[RunDriver]:
        unreadable: set[RunKey] = set()
        driven = [run.key for run in runs if not run.is_fresh]
        stored = await _loaded(self._claims.load_stages, driven, unreadable)
        plans = await self._plans_of(runs)
        given = [run.key for run in runs if run.has_input]
        inputs = await _loaded(self._claims.load_inputs, given, unreadable)
        drivers: list[RunDriver] = []
        for run in runs:
            plan = plans.get((run.organization_id, run.version_id))
            if plan is None or run.key in unreadable:
                log.warning("run %s is given back: what is stored of it cannot be read here", run.id)
                continue
            run = replace(run, input=inputs.get(run.key))  # noqa: PLW2901 (the same run, and what it was given)
            try:
                own_plan = plan if run.slice is None else _slice_plan(plan, run, run.slice)
            except (LookupError, ValueError, DefinitionError) as error:
                log.warning("run %s is given back: its slice has no plan: %s", run.id, error)
                continue
            driver = RunDriver(
                run,
                worker_id=worker_id,
                plan=own_plan,
                stored=stored.get(run.key, {}),
                facts=await self._facts(run, plan),
                retry=self._retry,
                random=self._random,
            )
            drivers.append(driver)
        return drivers

    async def _plans_of(self, runs: Sequence[ClaimedRun]) -> Mapping[tuple[UUID, UUID], Plan]:
        wanted = {(run.organization_id, run.version_id) for run in runs}
        plans = {key: self._plans[key] for key in wanted & self._plans.keys()}
        if missing := wanted - plans.keys():
            for key, definition in (await self._claims.load_definitions(missing)).items():
                try:
                    plans[key] = Plan(definition)
                except DefinitionError as error:
                    log.warning("pipeline version %s has no plan: %s", key[1], error)
            for key in missing & plans.keys():
                while len(self._plans) >= _PLANS_MAX:
                    del self._plans[next(iter(self._plans))]
                self._plans[key] = plans[key]
        return plans

    async def _facts(self, run: ClaimedRun, plan: Plan) -> Mapping[str, JsonValue]:
        """What conditions may name besides stages; read only for pipelines whose conditions do."""
        if any(stage.when and _NAMES_A_FACT.search(stage.when) for stage in plan.definition.stages):
            return await self._claims.load_facts(run)
        return {}


def _slice_plan(plan: Plan, run: ClaimedRun, bounds: SliceBounds) -> SlicePlan:
    given = run.input or RunInput()
    piece = Slice(bounds.stage, bounds.start, bounds.of, given.items, given.inputs)
    return slice_plan(plan.definition, piece)


def _met_its_share(claimed: Claimed) -> bool:
    """Whether some organization got all that it was allowed, and so may have more."""
    counts = Counter(run.organization_id for run in claimed.runs)
    return max(counts.values(), default=0) >= claimed.share


async def _loaded(
    load: Callable[[Sequence[RunKey]], Awaitable[Mapping[RunKey, LoadedT]]],
    keys: Sequence[RunKey],
    unreadable: set[RunKey],
) -> Mapping[RunKey, LoadedT]:
    """What is stored of these runs: of all at once, or, where one cannot be read, of each by itself."""
    if not keys:
        return {}
    try:
        return await load(keys)
    except (ValueError, LookupError):
        found: dict[RunKey, LoadedT] = {}
        for key in keys:
            try:
                found.update(await load([key]))
            except (ValueError, LookupError) as error:
                log.warning("run %s cannot be read: %s", key[1], error)
                unreadable.add(key)
        return found

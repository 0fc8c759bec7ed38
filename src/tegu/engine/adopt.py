"""Taking runs over: claim them, load what must be known of them, and make their drivers.

Called by the worker's claim loop. Plans are kept per pipeline version, which never changes.
"""

import re
from collections.abc import Mapping
from random import Random
from uuid import UUID

from pydantic import JsonValue

from tegu.engine.drive import RunDriver
from tegu.engine.retry import RetryPolicy
from tegu.pipeline.plan import Plan
from tegu.storage.claims import ClaimedRun, Claims, RunKey

_PLANS_MAX = 1000
# More often than needed is harmless: a stage's field may be called `run`.
_NAMES_A_FACT = re.compile(r"\b(content|thread|run)\b")
_FIRST = UUID(int=0)


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

    async def take(self, worker_id: UUID, limit: int, driven: Mapping[RunKey, RunDriver]) -> list[RunDriver]:
        """Claim up to `limit` runs and make their drivers; none means that nothing is due."""
        if self._only is not None:
            wanted = [key for key in self._only if key not in driven][:limit]
            runs = (
                await self._claims.claim_runs(worker_id, wanted, functions=self._functions) if wanted else []
            )
        else:
            runs = await self._claim_fairly(worker_id, limit)
        return await self._drivers(worker_id, runs) if runs else []

    async def _claim_fairly(self, worker_id: UUID, limit: int) -> list[ClaimedRun]:
        """Half of the time from a random organization on, so that no organization is always the last."""
        start = UUID(int=self._random.getrandbits(128)) if self._random.random() < 0.5 else _FIRST
        runs = await self._claims.claim(worker_id, limit=limit, start_from=start, functions=self._functions)
        if runs or start == _FIRST:
            return runs
        return await self._claims.claim(worker_id, limit=limit, start_from=_FIRST, functions=self._functions)

    async def _drivers(self, worker_id: UUID, runs: list[ClaimedRun]) -> list[RunDriver]:
        driven = [run.key for run in runs if not run.is_fresh]
        stored = await self._claims.load_stages(driven) if driven else {}
        await self._load_plans(runs)
        drivers: list[RunDriver] = []
        for run in runs:
            plan = self._plans[run.organization_id, run.version_id]
            driver = RunDriver(
                run,
                worker_id=worker_id,
                plan=plan,
                stored=stored.get(run.key, {}),
                facts=await self._facts(run, plan),
                retry=self._retry,
                random=self._random,
            )
            drivers.append(driver)
        return drivers

    async def _load_plans(self, runs: list[ClaimedRun]) -> None:
        missing = {(run.organization_id, run.version_id) for run in runs} - self._plans.keys()
        if not missing:
            return
        for key, definition in (await self._claims.load_definitions(missing)).items():
            while len(self._plans) >= _PLANS_MAX:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = Plan(definition)

    async def _facts(self, run: ClaimedRun, plan: Plan) -> Mapping[str, JsonValue]:
        """What conditions may name besides stages; read only for pipelines whose conditions do."""
        if any(stage.when and _NAMES_A_FACT.search(stage.when) for stage in plan.definition.stages):
            return await self._claims.load_facts(run)
        return {}

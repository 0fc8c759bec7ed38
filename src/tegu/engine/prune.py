"""The chore of dropping what was kept long enough: once an hour, by one worker at a time.

Made by the runtime for workers that drive everybody's runs.
"""

import asyncio
import logging
from random import Random

import asyncpg

from tegu.domain.retention import Pruned, Retention
from tegu.storage.organization_settings import settings_of
from tegu.storage.retention import pruning

log = logging.getLogger("tegu.engine")

EVERY_S = 3600.0


async def prune_for_ever(
    pool: "asyncpg.Pool[asyncpg.Record]", keep: Retention, *, random: Random, every_s: float = EVERY_S
) -> None:
    """Never returns; the first time comes soon, at a random moment, so that workers started together do not meet."""
    await asyncio.sleep(every_s * random.uniform(0, 0.1))
    while True:
        try:
            await prune_once(pool, keep)
        except Exception as error:  # noqa: BLE001 (the next hour may do better)
            log.warning("not pruned: %s", error or type(error).__name__)
        await asyncio.sleep(every_s * random.uniform(0.8, 1.2))


async def prune_once(
    pool: "asyncpg.Pool[asyncpg.Record]", keep: Retention, *, dry_run: bool = False
) -> Pruned | None:
    """All organizations; None when another process is at it. A dry run takes everything back."""
    async with pruning(pool, dry_run=dry_run) as pruner:
        if pruner is None:
            return None
        total = Pruned()
        await pruner.prune_limits()
        for organization_id in await pruner.organizations():
            own = await settings_of(pool, organization_id)
            total += await pruner.prune(organization_id, own.retention(keep))
    if total != Pruned() and not dry_run:
        log.info("pruned: %s", total)
    return total

"""What a worker for everybody's runs does beside them: each chore goes on for ever, and any number of workers may do it at once.

Called by the runtime. Invariant: no chore is needed for what a living worker owns.
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from tegu.actions.backfilling import backfill_for_ever
from tegu.actions.erasures import erase_for_ever
from tegu.actions.firing import fire_for_ever
from tegu.actions.machinery import Machinery
from tegu.actions.scope import Scope
from tegu.engine.prune import prune_for_ever
from tegu.engine.reviews import withdraw_for_ever
from tegu.engine.tallies import tally_for_ever
from tegu.engine.upkeep import Chore
from tegu.engine.usage import record_for_ever
from tegu.engine.webhooks import WebhookOptions, Webhooks
from tegu.storage.backfills import running_backfills
from tegu.storage.review_store import ReviewStore
from tegu.storage.schedules import due_schedules


async def chores_of(
    machinery: Machinery, scope_of: Callable[..., Scope], webhooks: WebhookOptions
) -> Sequence[Chore]:
    """All of them. They meet others at random moments."""
    from tegu.egress.client import EgressClient  # not at the top: its libraries take time to load

    database, jitter = machinery.database, Random()  # noqa: S311 (no secret)
    pool = await database.engine()
    told = Webhooks(pool, EgressClient(machinery.guard), lambda: machinery.keyring, webhooks)
    return (
        partial(prune_for_ever, pool, machinery.settings.keep, random=jitter),
        partial(erase_for_ever, database),
        partial(fire_for_ever, partial(due_schedules, pool), scope_of),
        partial(backfill_for_ever, partial(running_backfills, pool), scope_of),
        told.deliver_for_ever,
        partial(record_for_ever, database.engine, random=jitter),
        partial(tally_for_ever, database.engine, random=jitter),
        partial(withdraw_for_ever, ReviewStore(pool), random=jitter),
    )

"""The chore of taking back reviews that nobody needs any more: their run has ended, or their stage.

Made by the runtime for workers that drive everybody's runs. It may be done by several at once.
"""

import asyncio
import logging
from random import Random

from tegu.storage.review_store import WITHDRAWN_MAX, ReviewStore

log = logging.getLogger("tegu.engine")

EVERY_S = 3.0


async def withdraw_for_ever(store: ReviewStore, *, random: Random, every_s: float = EVERY_S) -> None:
    """Never returns."""
    while True:
        await asyncio.sleep(every_s * random.uniform(0.8, 1.2))
        try:
            while await store.withdraw() == WITHDRAWN_MAX:
                pass
        except Exception as error:  # noqa: BLE001 (the next look may do better)
            log.warning("no reviews withdrawn: %s", error or type(error).__name__)

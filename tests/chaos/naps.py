"""A stage that needs no network: it ends also where its host is cut off."""

import asyncio

from tegu import Document, StageContext, stage


@stage(version=1)
async def nap(document: Document, ctx: StageContext) -> int:
    """Sleep a little."""
    del ctx
    await asyncio.sleep(0.7)
    return len(document.text)

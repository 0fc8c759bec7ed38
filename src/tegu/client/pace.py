"""Waiting, in a program that is async. `blocking.pace` is the same for one that is not."""

import asyncio


async def sleep(seconds: float) -> None:
    """Let others go on for so long."""
    await asyncio.sleep(seconds)

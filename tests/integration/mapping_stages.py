"""Python stages of pipelines that map, nest and loop; a child process can import them."""

import asyncio
import json

from pydantic import JsonValue

from tegu import StageContext, stage
from tegu.domain.content import Document
from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject


@stage(version=1, retries=0)
async def numbers(source: Document, ctx: StageContext) -> list[int]:
    """The numbers below the one that the text says."""
    del ctx
    return list(range(int(source.text.split()[0])))


@stage(version=1, retries=0)
async def double(item: int, ctx: StageContext) -> int:
    """Twice the number."""
    del ctx
    return 2 * item


@stage(version=1, retries=0)
async def picky(item: int, ctx: StageContext) -> int:
    """Twice the number, of those that seven does not divide."""
    del ctx
    if item % 7 == 0:
        raise StageError(f"{item} is not to my taste", code="bad_taste")
    return 2 * item


@stage(version=1, retries=0)
async def slow(item: int, ctx: StageContext) -> int:
    """Never ends."""
    del ctx
    await asyncio.sleep(3600)
    return item


@stage(version=1, retries=2)
async def moody(item: int, ctx: StageContext) -> int:
    """Fails at first, and goes well the second time."""
    if ctx.attempt == 1:
        raise StageError("not in the mood", code="mood", transient=True)
    return item


@stage(version=1, retries=0)
async def length(source: Document, ctx: StageContext) -> JsonObject:
    """How long the text is."""
    del ctx
    return {"length": len(source.text), "text": source.text[:100]}


@stage(version=1, retries=0)
async def total(found: JsonValue, ctx: StageContext) -> int:
    """The sum of the numbers in a list."""
    del ctx
    assert isinstance(found, list)
    return sum(each for each in found if isinstance(each, int))


@stage(version=1, retries=0)
async def halve(source: Document, ctx: StageContext) -> JsonObject:
    """Half of what the iteration before left, or of the input."""
    del ctx
    given = json.loads(source.text)
    value = given["previous"]["half"]["value"] if given["previous"] is not None else int(given["input"])
    return {"value": value / 2}


@stage(version=1, retries=0)
async def fails(source: Document, ctx: StageContext) -> str:
    """Never goes well."""
    del ctx
    raise StageError(f"no good: {source.text[:20]}", code="no_good")


@stage(version=1, retries=0)
async def named(source: Document, ctx: StageContext) -> list[dict[str, str]]:
    """The contents that the text names, as a model could that believes it."""
    del ctx
    return [{"content_id": name} for name in source.text.split() if len(name) == 36]


ALL = (named, numbers, double, picky, slow, moody, length, total, halve, fails)

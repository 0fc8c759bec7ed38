"""Python stages that a child process can import."""

from tegu import StageContext, stage
from tegu.domain.content import Document


@stage(version=1, retries=0, timeout_s=120)
async def twice(source: Document, ctx: StageContext) -> str:
    """Ask two questions."""
    first = await ctx.llm.generate("First.", [source])
    return first + " " + await ctx.llm.generate("Second.", [source])

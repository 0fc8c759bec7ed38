"""A pipeline with one Python stage, as its author writes it into two files."""

STAGE = """\
from tegu import Document, StageContext, stage

@stage(version=1)
async def count_words(document: Document, ctx: StageContext) -> int:
    return len(document.text.split())
"""
PIPELINE = """\
tegu: 1
name: words
stages:
  count: {uses: python, with: {function: count_words@1}}
"""

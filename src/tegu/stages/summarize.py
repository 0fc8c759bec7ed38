"""`summarize`: a text in a few sentences.

options     instructions   what matters, for whom
            sentences_max  how long it may be; default 3
            max_tokens, temperature, output_mode
returns     {summary}; evidence only from the rules provider, whose summaries are sentences of the text
"""

from typing import Annotated

from pydantic import Field

from tegu.domain.json import JsonObject
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Summary
from tegu.stages.context import Question
from tegu.stages.evidence import checked
from tegu.stages.kind import (
    ModelOptions,
    StageOutput,
    StageWork,
    confidence_of,
    joined,
    options_schema,
    read_options,
)


class SummarizeOptions(ModelOptions):
    """See the module."""

    sentences_max: Annotated[int, Field(ge=1, le=50)] = 3


class SummarizeKind:
    """Implements StageKind."""

    name = "summarize"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(SummarizeOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """`{summary}`."""
        del config  # the same for all
        return schema_of(Summary)

    async def perform(self, work: StageWork) -> StageOutput:
        """Ask once."""
        options = read_options(SummarizeOptions, work.config)
        question = Question(
            joined(_task(options.sentences_max), options.instructions),
            work.parts(),
            options.spec("summary", schema_of(Summary)),
            {"task": "summarize"},
            options.max_tokens,
            options.temperature,
        )
        answer = await work.ctx.llm.ask(question)
        evidence = checked(answer.completion.reply.quotes, work.texts(), answer.value)
        return StageOutput(answer.value, evidence, confidence_of(answer), answer.completion.call_id)


def _task(sentences_max: int) -> str:
    sentences = "1 sentence" if sentences_max == 1 else f"{sentences_max} sentences"
    return f"Summarize the data in at most {sentences}. Say only what it says, in its language."

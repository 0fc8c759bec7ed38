"""`prompt`: instructions of one's own over any inputs.

options     instructions  what to do; required
            schema        JSON Schema or shorthand of the answer; without one the answer is text
            max_tokens, temperature, output_mode
returns     the schema's shape, with evidence for the values that are quoted; or {text}
"""

from pydantic import Field

from tegu.domain.json import JsonObject
from tegu.pipeline.limits import INSTRUCTIONS_LENGTH_MAX
from tegu.stages.context import Question
from tegu.stages.evidence import Form, ask_for_evidence
from tegu.stages.kind import (
    ModelOptions,
    StageOutput,
    StageWork,
    author_schema,
    confidence_of,
    options_schema,
    read_options,
)

_TEXT: JsonObject = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
_HINTS: JsonObject = {"task": "prompt"}


class PromptOptions(ModelOptions):
    """See the module."""

    instructions: str = Field(min_length=1, max_length=INSTRUCTIONS_LENGTH_MAX, description="What to do.")
    output: JsonObject | None = Field(None, alias="schema", description="The shape of the answer.")


class PromptKind:
    """Implements StageKind."""

    name = "prompt"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(PromptOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """The author's schema, or `{text}`."""
        schema = config.get("schema")
        return author_schema(schema) if schema is not None else _TEXT

    async def perform(self, work: StageWork) -> StageOutput:
        """Ask once."""
        options = read_options(PromptOptions, work.config)
        if options.output is None:
            return await _written(work, options)
        form = Form("answer", author_schema(options.output), options.instructions.strip(), _HINTS)
        found = await ask_for_evidence(work, form, options)
        call_id = found.answer.completion.call_id
        return StageOutput(found.value, found.evidence, confidence_of(found.answer), call_id)


async def _written(work: StageWork, options: PromptOptions) -> StageOutput:
    question = Question(
        options.instructions.strip(),
        work.parts(),
        hints=_HINTS,
        max_tokens=options.max_tokens,
        temperature=options.temperature,
    )
    answer = await work.ctx.llm.ask(question)
    return StageOutput(
        {"text": answer.value}, confidence=confidence_of(answer), llm_call_id=answer.completion.call_id
    )

"""`extract`: values out of a text, in the shape of a schema, each with the passage it comes from.

options     schema        JSON Schema or shorthand; default {entities: [{type, name}], category}
            instructions  what to look for
            max_tokens, temperature, output_mode
returns     the schema's shape; evidence for each value that is quoted; confidence where the provider gives one
"""

from pydantic import Field, JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Extraction
from tegu.stages.evidence import Form, ask_for_evidence
from tegu.stages.kind import (
    ModelOptions,
    StageOutput,
    StageWork,
    author_schema,
    confidence_of,
    joined,
    options_schema,
    read_options,
)

_TASK = """\
Extract what is asked for from the data. Take values from the data only; leave out, or set to null, what it does not \
say. Copy names, numbers and identifiers as they are written."""


class ExtractOptions(ModelOptions):
    """See the module."""

    output: JsonObject | None = Field(None, alias="schema", description="What to extract.")


class ExtractKind:
    """Implements StageKind."""

    name = "extract"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(ExtractOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """The author's schema, or the default one."""
        return _schema(config.get("schema"))

    async def perform(self, work: StageWork) -> StageOutput:
        """Ask once, check the quotes."""
        options = read_options(ExtractOptions, work.config)
        form = Form(
            "extraction", _schema(options.output), joined(_TASK, options.instructions), {"task": "extract"}
        )
        found = await ask_for_evidence(work, form, options)
        call_id = found.answer.completion.call_id
        return StageOutput(found.value, found.evidence, confidence_of(found.answer), call_id)


def _schema(schema: JsonValue) -> JsonObject:
    return author_schema(schema) if schema is not None else schema_of(Extraction)

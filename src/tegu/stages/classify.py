"""`classify`: the one label that fits best.

options     labels        {label: description}, or a list of labels; at least one
            instructions  how to choose
            max_tokens, temperature, output_mode
returns     {category, confidence}; a category outside the labels is refused, and asked for again.
            The confidence is the model's own word (`self_reported`), or the rules' score (`rule`): where they
            abstain they name the label for everything else, or else a guess with a confidence that is clearly low
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from tegu.domain.json import JsonObject
from tegu.stages.context import Question
from tegu.stages.evidence import checked
from tegu.stages.kind import (
    ModelOptions,
    StageOutput,
    StageWork,
    confidence_of,
    options_schema,
    read_options,
)
from tegu.stages.labels import classification_schema, labels_note

LABELS_MAX = 200
Label = Annotated[str, Field(min_length=1, max_length=100)]


class ClassifyOptions(ModelOptions):
    """See the module."""

    labels: (
        Annotated[dict[Label, str], Field(min_length=1, max_length=LABELS_MAX)]
        | Annotated[list[Label], Field(min_length=1, max_length=LABELS_MAX)]
    ) = Field(description="labels: {support: asks for help, sales: wants to buy}")


class ClassifyKind:
    """Implements StageKind."""

    name = "classify"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(ClassifyOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """`{category, confidence}` with the labels as an enum."""
        return classification_schema(_described(read_options(ClassifyOptions, config)))

    async def perform(self, work: StageWork) -> StageOutput:
        """Ask once; the enum keeps the answer within the labels."""
        options = read_options(ClassifyOptions, work.config)
        labels = _described(options)
        question = Question(
            labels_note(labels, options.instructions),
            work.parts(),
            options.spec("classification", classification_schema(labels)),
            {"task": "classify", "labels": dict(labels)},
            options.max_tokens,
            options.temperature,
        )
        answer = await work.ctx.llm.ask(question)
        sure = answer.value.get("confidence") if isinstance(answer.value, dict) else None
        return StageOutput(
            answer.value,
            checked(answer.completion.reply.quotes, work.texts(), answer.value),
            confidence_of(answer, sure),
            answer.completion.call_id,
        )


def _described(options: ClassifyOptions) -> Mapping[str, str]:
    return options.labels if isinstance(options.labels, dict) else dict.fromkeys(options.labels, "")

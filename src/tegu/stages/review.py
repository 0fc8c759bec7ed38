"""`review`: a person looks at what a stage put out, and approves, rejects or corrects it. The run waits, at no cost.

options     instructions  what to look at
            assignee      who is asked: the e-mail of a member, or a role (owner, admin, editor), which then is the least that
                          whoever decides must have
            due_s         until when; then `on_timeout`: fail (default), approve, reject
            on_reject     fail (default), or continue, for stages that look at `decision`
            schema        of a corrected value; by default that of the stage whose output is looked at
inputs      the first is what is looked at: the output of a stage, or `source`
returns     {decision: approved | rejected | corrected, value, comment, decided_by}; `value` is the corrected one where there is
            one, `decided_by` null where nobody decided in time
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject
from tegu.domain.outcome import WAITS_FOR_REVIEW, Postponed
from tegu.domain.review import ROLE_PREFIX, UNDECIDED_S_MAX, ReviewAnswer, ReviewQuestion, ReviewStatus
from tegu.pipeline.definition import SOURCE, PipelineDefinition
from tegu.pipeline.limits import INSTRUCTIONS_LENGTH_MAX
from tegu.stages.inputs import StageInput, TextInput, output_of
from tegu.stages.kind import (
    Options,
    StageOutput,
    StageWork,
    author_schema,
    options_schema,
    read_options,
    waiting,
)
from tegu.stages.reach import reachable
from tegu.stages.shapes import either

SchemaOf = Callable[[PipelineDefinition, str], JsonObject]
"""Of the output of a stage of this name."""

_NULLABLE_TEXT: JsonObject = {"anyOf": [{"type": "string"}, {"type": "null"}]}


class ReviewOptions(Options):
    """See the module."""

    instructions: str = Field("", max_length=INSTRUCTIONS_LENGTH_MAX, description="What to look at.")
    assignee: Annotated[
        str | None,
        Field(
            max_length=320,
            pattern=r"^(owner|admin|editor|[^@\s]+@[^@\s]+)$",
            description="the e-mail of a member, or one of owner, admin, editor",
        ),
    ] = None
    due_s: Annotated[
        float | None, Field(gt=0, le=UNDECIDED_S_MAX, description="seconds until it must be decided")
    ] = None
    on_timeout: Literal["fail", "approve", "reject"] = "fail"
    on_reject: Literal["fail", "continue"] = "fail"
    schema_: Annotated[
        JsonObject | None, Field(alias="schema", description="of a corrected value: JSON Schema or shorthand")
    ] = None


class ReviewKind:
    """Implements StageKind and DerivingKind. A corrected value obeys what the stage before puts out, which `schema_of` knows."""

    name = "review"
    version = 1

    def __init__(self, schema_of: SchemaOf) -> None:
        self._schema_of = schema_of

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(ReviewOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """`value` is anything where no schema is written: it is that of another stage."""
        return self.derived_schema(config, {})

    def derived_schema(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> JsonObject:
        """`value` is as the first input is, or where another schema is written, as a corrected value."""
        written = config.get("schema")
        first: JsonObject = next(iter(inputs.values())) if inputs else {}
        value = first if written is None else either((first, author_schema(written)))
        return {
            "type": "object",
            "properties": {
                "decision": {"enum": ["approved", "rejected", "corrected"]},
                "value": value,
                "comment": _NULLABLE_TEXT,
                "decided_by": _NULLABLE_TEXT,
            },
            "required": ["decision", "value", "comment", "decided_by"],
        }

    async def perform(self, work: StageWork) -> StageOutput | Postponed:
        """Open the review, or look how it stands."""
        options = read_options(ReviewOptions, work.config)
        reviews = reachable(work.reach.reviews, "people who review")
        question = self._question(work, options)
        answer = await reviews.ask(work.task, question)
        if answer.status is ReviewStatus.OPEN and answer.due_in_s <= 0:
            answer = await reviews.expire(work.task, answer.id)
        match answer.status:
            case ReviewStatus.OPEN:
                return waiting(
                    WAITS_FOR_REVIEW,
                    f"review {answer.id} waits for {options.assignee or 'somebody'}",
                    due_in_s=max(0.0, answer.due_in_s),
                    hint=f"tegu reviews approve {answer.id}",
                )
            case ReviewStatus.EXPIRED:
                return _timed_out(options, answer, question.value)
            case ReviewStatus.WITHDRAWN:
                raise StageError(f"review {answer.id} was withdrawn", code="withdrawn")
            case ReviewStatus.REJECTED:
                return _rejected(options, answer, question.value)
            case ReviewStatus.APPROVED:
                return _output("approved", answer, question.value)
            case ReviewStatus.CORRECTED:
                return _output("corrected", answer, answer.corrected)

    def _question(self, work: StageWork, options: ReviewOptions) -> ReviewQuestion:
        first = work.inputs[0] if work.inputs else None
        about = first.name if first is not None and first.name != SOURCE else None
        assignee = options.assignee
        return ReviewQuestion(
            instructions=options.instructions,
            assignee=assignee if assignee is None or "@" in assignee else ROLE_PREFIX + assignee,
            about=about,
            value=_looked_at(work, first) if first is not None else None,
            schema=self._schema(work, options, about),
            due_s=options.due_s or UNDECIDED_S_MAX,
        )

    def _schema(self, work: StageWork, options: ReviewOptions, about: str | None) -> JsonObject:
        if options.schema_ is not None:
            return author_schema(options.schema_)
        if about is None or about not in work.task.definition:
            return {}
        return self._schema_of(work.task.definition, about)


def _looked_at(work: StageWork, first: StageInput) -> JsonValue:
    """The output of a stage, or an item. A text that the run is about is beside the question anyhow; of a stretch of it this is."""
    value = output_of(first)
    if (
        value is None
        and isinstance(first, TextInput)
        and first.name != SOURCE
        and not work.task.is_about_item
    ):
        return first.text
    return value


def _output(decision: str, answer: ReviewAnswer, value: JsonValue) -> StageOutput:
    return StageOutput(
        {"decision": decision, "value": value, "comment": answer.comment, "decided_by": answer.decided_by}
    )


def _rejected(options: ReviewOptions, answer: ReviewAnswer, value: JsonValue) -> StageOutput:
    if options.on_reject == "continue":
        return _output("rejected", answer, value)
    why = f": {answer.comment}" if answer.comment else ""
    raise StageError(
        f"{answer.decided_by or 'nobody in time'} rejected it{why}",
        code="rejected",
        hint="`on_reject: continue` lets the pipeline go on from here",
    )


def _timed_out(options: ReviewOptions, answer: ReviewAnswer, value: JsonValue) -> StageOutput:
    match options.on_timeout:
        case "approve":
            return _output("approved", answer, value)
        case "reject":
            return _rejected(options, answer, value)
        case "fail":
            raise StageError(
                f"review {answer.id} was not decided in time",
                code="timed_out",
                hint="raise due_s, or say what happens then: `on_timeout`",
            )

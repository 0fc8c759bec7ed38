"""pipeline: another pipeline, in a version that was pinned when this one was published, as one stage.

Options: `pipeline` (`name@2`), `output` (the stage whose output is this one's; by default what the pipeline says, or an object of
all), `schema` (of that output, which then is checked). It is about what its parent is about; with other `inputs`, about their data: of one its output, of several an object by name.
Mapped, it is about the item. It puts out what the nested run put out; a run that failed fails the stage with its error, and
a retry starts another.
"""

from typing import Any, Protocol
from uuid import UUID

from pydantic import Field, JsonValue

from tegu.domain.errors import ErrorInfo, StageError
from tegu.domain.json import JsonObject
from tegu.domain.outcome import WAITS_FOR_RUNS, Postponed
from tegu.domain.status import RunStatus
from tegu.llm.schema import validator
from tegu.pipeline.child import ChildSpec, ChildState, DataSource, RunInput
from tegu.pipeline.definition import SOURCE
from tegu.pipeline.flow import ITEM
from tegu.pipeline.limits import NAME_PATTERN
from tegu.pipeline.slices import split_name
from tegu.stages.inputs import StageInput, TextInput
from tegu.stages.kind import (
    Options,
    StageOutput,
    StageWork,
    author_schema,
    options_schema,
    read_options,
    waiting,
)
from tegu.stages.mapped import LOOK_AGAIN_S
from tegu.stages.reach import Children, reachable

PIPELINE_HELP = (
    "The pipeline, `name@2`; without a version the current one, pinned when this pipeline is published."
)
PIPELINE_PATTERN = NAME_PATTERN.removesuffix("$") + "(@[0-9]{1,9})?$"

OUTPUT_SCHEMA: Any = Field(
    None, alias="schema", description="Of what it puts out, which is then checked: JSON Schema or shorthand."
)


class ReadsOutput(Protocol):
    """The options of a kind that takes up the output of a nested run."""

    @property
    def pipeline(self) -> str:
        """The pipeline, `name@2`."""
        ...

    @property
    def output(self) -> str | None:
        """The stage of it whose output counts."""
        ...

    @property
    def schema_(self) -> JsonObject | None:
        """What that obeys."""
        ...


class NestingOptions(Options):
    """Options of the pipeline kind."""

    pipeline: str = Field(max_length=100, pattern=PIPELINE_PATTERN, description=PIPELINE_HELP)
    output: str | None = Field(None, description="The stage of it whose output is this stage's.")
    schema_: JsonObject | None = OUTPUT_SCHEMA


class NestingKind:
    """See the module."""

    name = "pipeline"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(NestingOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """As it is declared; otherwise not known before the nested version is read."""
        return declared_schema(config)

    async def perform(self, work: StageWork) -> StageOutput | Postponed:
        """Start the run, or look at it."""
        options = read_options(NestingOptions, work.config)
        children = reachable(work.reach.children, "runs of other pipelines")
        states = await children.states(work.task)
        if not states:
            await children.ensure(work.task, [spec_of(work, options.pipeline)])
        elif states[0].status.is_terminal:
            return StageOutput(await output_of(work, children, states[0], options))
        return waits_for(options.pipeline)


def spec_of(work: StageWork, pipeline: str) -> ChildSpec:
    """The run that this stage, or this item of it, nests."""
    _, item = split_name(work.task.stage.name)
    content_id, given = about(work)
    return ChildSpec(item, pipeline, given, content_id)


def about(work: StageWork) -> tuple[UUID | None, RunInput | None]:
    """What a nested run is about, by the inputs of the stage: a content of its own, or data; neither where it is what this run
    is about.
    """
    task = work.task
    _, item = split_name(task.stage.name)
    # The item of a map is what a nested run is about; the source of the whole is not, unless nothing else is named.
    read = [each for each in work.inputs if each.name != SOURCE or not item]
    if item and task.is_about_item and [each.name for each in read] == [ITEM]:
        return task.content_id, None
    if [each.name for each in read] in ([SOURCE], []):
        return None, RunInput(task.data) if task.data is not None else None
    value: JsonValue = _value(read[0]) if len(read) == 1 else {each.name: _value(each) for each in read}
    return None, RunInput(DataSource(value))


def waits_for(pipeline: str, what: str = "run") -> Postponed:
    """The nested run has not ended."""
    return waiting(WAITS_FOR_RUNS, f"the {what} of {pipeline}", due_in_s=LOOK_AGAIN_S)


def declared_schema(config: JsonObject) -> JsonObject:
    """Of what a nested run puts out; `{}` where nothing is declared."""
    written = config.get("schema")
    return {} if written is None else author_schema(written)


async def output_of(
    work: StageWork, children: Children, state: ChildState, options: ReadsOutput
) -> JsonValue:
    """What a nested run put out. Raises its error, which another try may not meet; and `wrong_output` for another output than
    was declared.
    """
    pipeline = options.pipeline
    if state.status is not RunStatus.COMPLETED:
        raise _ended(state, pipeline)
    wanted = options.output or (await children.definition(work.task, pipeline)).output
    outputs = await children.outputs(work.task, state.id, wanted)
    if wanted is None:
        found: JsonValue = {each.stage: each.output for each in outputs if each.is_completed}
    else:
        found = next((each.output for each in outputs if each.is_completed), None)
    if options.schema_ is not None and (
        problems := validator(author_schema(options.schema_)).problems(found)
    ):
        raise StageError(
            f"{pipeline} put out something else than `schema` says: {problems[0]}",
            code="wrong_output",
            hint="say `type?` where the stage may have been skipped" if found is None else None,
        )
    return found


def _ended(state: ChildState, pipeline: str) -> StageError:
    if state.status is RunStatus.CANCELLED:
        message = f"run {state.id} of {pipeline} was cancelled"
        return StageError(message, code="child_cancelled", hint="start the whole again")
    error = state.error or ErrorInfo("stage_failed", "it failed")
    return StageError(f"{pipeline}: {error.message}", code=error.code, hint=error.hint, transient=True)


def _value(given: StageInput) -> JsonValue:
    if isinstance(given, TextInput):
        return given.output if given.output is not None else given.text
    return given.value

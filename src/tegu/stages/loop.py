"""loop: another pipeline again and again, until a condition is met or it has run often enough.

Options: `pipeline` (`name@2`), `until` (a condition over `output`, what the iteration put out, and `iteration`, its number),
`times_max` (1 to 100), `on_max` (`continue` or `fail`: what it means that the condition was never met), `output` (the stage of it
whose output counts), `schema` (of that output, which then is checked). Each iteration is a run about `{input, previous, iteration}`: what the loop reads, what the iteration before
put out (null at first), and its number. It puts out `{output, iterations, is_reached}`.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, JsonValue

from tegu.domain.errors import ErrorInfo, Problem, StageError
from tegu.domain.json import JsonObject
from tegu.domain.outcome import Postponed
from tegu.pipeline.child import ChildSpec, ChildState, DataSource, RunInput
from tegu.pipeline.condition import compile_condition
from tegu.pipeline.slices import split_name
from tegu.pipeline.until import until_problems
from tegu.stages.inputs import TextInput
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options
from tegu.stages.nested import (
    OUTPUT_SCHEMA,
    PIPELINE_HELP,
    PIPELINE_PATTERN,
    about,
    declared_schema,
    output_of,
    waits_for,
)
from tegu.stages.reach import reachable

TIMES_MAX = 100


class LoopOptions(Options):
    """Options of the loop kind."""

    pipeline: str = Field(max_length=100, pattern=PIPELINE_PATTERN, description=PIPELINE_HELP)
    until: str = Field(
        min_length=1, max_length=2000, description="CEL over `output` and `iteration`: enough when true."
    )
    times_max: int = Field(ge=1, le=TIMES_MAX, description="How many iterations there are at most.")
    on_max: Literal["continue", "fail"] = Field(
        "continue", description="What it means that `until` was false each time."
    )
    output: str | None = Field(None, description="The stage of the pipeline whose output counts.")
    schema_: JsonObject | None = OUTPUT_SCHEMA


class LoopKind:
    """Implements StageKind and CheckingKind: see the module."""

    name = "loop"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(LoopOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """The last output, how many iterations there were, and whether the condition was met."""
        return {
            "type": "object",
            "properties": {
                "output": declared_schema(config),
                "iterations": {"type": "integer"},
                "is_reached": {"type": "boolean"},
            },
            "required": ["output", "iterations", "is_reached"],
            "additionalProperties": False,
        }

    def config_problems(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> Sequence[Problem]:
        """Of the condition."""
        del inputs
        return until_problems(str(config["until"]), declared_schema(config))

    async def perform(self, work: StageWork) -> StageOutput | Postponed:
        """Start the first iteration, look at the last, or start the next."""
        options = read_options(LoopOptions, work.config)
        children = reachable(work.reach.children, "runs of other pipelines")
        states = sorted(await children.states(work.task), key=_number)
        if not states:
            await children.ensure(work.task, [_spec(work, options, 1, None)])
            return waits_for(options.pipeline, "first iteration")
        iteration = _number(states[-1])
        if not states[-1].status.is_terminal:
            return waits_for(options.pipeline, f"iteration {iteration}")
        output = await output_of(work, children, states[-1], options)
        is_reached = _is_met(options.until, output, iteration)
        if is_reached or iteration >= options.times_max:
            return _ended(options, output, iteration, is_reached=is_reached)
        await children.ensure(work.task, [_spec(work, options, iteration + 1, output)])
        return waits_for(options.pipeline, f"iteration {iteration + 1}")


def _spec(work: StageWork, options: LoopOptions, iteration: int, previous: JsonValue) -> ChildSpec:
    _, item = split_name(work.task.stage.name)
    source: JsonObject = {"input": _input(work), "previous": previous, "iteration": iteration}
    return ChildSpec(f"{item}:{iteration}", options.pipeline, RunInput(DataSource(source)))


def _input(work: StageWork) -> JsonValue:
    """What a nested pipeline would be about, as data."""
    _, given = about(work)
    if given is not None and given.data is not None:
        return given.data.value
    return next((each.text for each in work.inputs if isinstance(each, TextInput)), None)


def _number(state: ChildState) -> int:
    return int(state.item.rpartition(":")[2])


def _is_met(until: str, output: JsonValue, iteration: int) -> bool:
    answer = compile_condition(until).decide({"output": output, "iteration": iteration})
    if isinstance(answer, ErrorInfo):
        raise StageError(f"until: {answer.message}", code=answer.code, hint=answer.hint)
    return answer


def _ended(options: LoopOptions, output: JsonValue, iteration: int, *, is_reached: bool) -> StageOutput:
    if not is_reached and options.on_max == "fail":
        raise StageError(
            f"`until` was false after each of {iteration} iterations of {options.pipeline}",
            code="loop_not_ended",
            hint="raise times_max, ask for less, or let it go on with `on_max: continue`",
        )
    return StageOutput({"output": output, "iterations": iteration, "is_reached": is_reached})

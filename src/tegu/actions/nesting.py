"""Pipelines that nest others: which version each of their stages means, and whether it is there.

Called when a pipeline is published or looked for. Invariant: what is stored names its nested pipelines by version, so that a
run never changes under its feet, and no pipeline can nest itself without an end: a version nests older ones only.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from tegu.domain.errors import DefinitionError, Problem
from tegu.pipeline.condition import compile_condition
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.storage.pipelines import PipelineVersion

NESTING_KINDS = frozenset({"pipeline", "loop"})
LOOP_KIND = "loop"
_READ_BY_UNTIL = frozenset({"output", "iteration"})

FindVersion = Callable[[str, int | None], Awaitable[PipelineVersion | None]]
"""By name and number; the current one without a number."""


async def pinned(definition: PipelineDefinition, find: FindVersion) -> PipelineDefinition:
    """The definition with each nested pipeline in the version that its name means now. Raises DefinitionError with all that is
    wrong with them.
    """
    if not any(stage.uses in NESTING_KINDS for stage in definition.stages):
        return definition
    problems: list[Problem] = []
    stages = [
        await _pinned_stage(stage, find, problems) if stage.uses in NESTING_KINDS else stage
        for stage in definition.stages
    ]
    if problems:
        raise DefinitionError(tuple(problems), source=f"pipeline {definition.name!r}")
    return replace(definition, stages=tuple(stages))


async def _pinned_stage(
    stage: StageDefinition, find: FindVersion, problems: list[Problem]
) -> StageDefinition:
    place = f"stages.{stage.name}.with"
    if stage.uses == LOOP_KIND:
        problems += _until_problems(str(stage.config.get("until", "")), f"{place}.until")
    text = str(stage.config.get("pipeline", ""))
    name, mark, number = text.partition("@")
    found = await find(name, int(number) if mark else None) if number.isdecimal() or not mark else None
    if found is None:
        hint = "publish it first; `tegu pipelines` lists those that there are"
        problems.append(Problem(f"{place}.pipeline", f"there is no pipeline {text!r}", hint))
        return stage
    output = stage.config.get("output")
    if isinstance(output, str) and output not in found.definition:
        there = ", ".join(each.name for each in found.definition.stages)
        message = f"{found.name}@{found.number} has no stage {output!r}"
        problems.append(Problem(f"{place}.output", message, f"its stages are {there}"))
    return replace(stage, config={**stage.config, "pipeline": f"{found.name}@{found.number}"})


def _until_problems(until: str, place: str) -> list[Problem]:
    try:
        condition = compile_condition(until)
    except ValueError as error:
        return [Problem(place, str(error))]
    unknown = sorted(condition.names - _READ_BY_UNTIL)
    hint = "it reads `output`, what the iteration put out, and `iteration`, its number"
    return [Problem(place, f"there is no {name!r} here", hint) for name in unknown]

"""The part of a pipeline that leads to one stage: what is run where somebody tries a stage and nothing after it.

Called by whoever tries a document. Invariant: what is kept is a whole pipeline: every stage that a kept one names is there, or is
no longer named. A failure whose handler is left out fails the run.
"""

from dataclasses import replace

from tegu.domain.errors import NotFoundError
from tegu.pipeline.condition import compile_condition
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.flow import CONTINUE, EVERY_OTHER, FAIL


def leading_to(definition: PipelineDefinition, name: str) -> PipelineDefinition:
    """The definition without the stages that this one does not depend on. Raises NotFoundError for a stage that is not there."""
    if name not in definition:
        stages = ", ".join(stage.name for stage in definition.stages)
        raise NotFoundError(
            f"there is no stage {name!r} in pipeline {definition.name!r}", hint=f"stages: {stages}"
        )
    waits = definition.waits()
    kept = {name}
    left = [name]
    for each in left:  # which grows while it is walked
        new = {*waits[each], *_named_by(definition.stage(each))}.intersection(waits) - kept
        kept |= new
        left.extend(new)
    stages = tuple(_without_others(stage, kept) for stage in definition.stages if stage.name in kept)
    output = definition.output if definition.output in kept else None
    return replace(definition, stages=stages, output=output)


def _named_by(stage: StageDefinition) -> set[str]:
    """What it names and does not wait for: the conditions that it is the else of, and what its own reads."""
    read = compile_condition(stage.when).names if stage.when is not None else frozenset[str]()
    return {*stage.else_of, *read}


def _without_others(stage: StageDefinition, kept: set[str]) -> StageDefinition:
    on_failure = stage.on_failure if stage.on_failure in {FAIL, CONTINUE, *kept} else FAIL
    cancels = tuple(each for each in stage.cancels if each in kept or each == EVERY_OTHER)
    return replace(stage, on_failure=on_failure, cancels=cancels)

"""Whether the stages that a stage names are there: in `inputs`, `needs`, `each`, `else_of`, `on_failure`, `cancels`.

Called by `check_wiring`. Invariant: whatever names a stage is looked at here, and nowhere else.
"""

from collections.abc import Iterator, Mapping

from tegu.pipeline.flow import CONTINUE, EVERY_OTHER, FAIL, ITEM
from tegu.pipeline.report import Report, did_you_mean, one_of
from tegu.pipeline.stage_definition import RESERVED_NAMES, SOURCE, StageDefinition

_MAPPED = frozenset({SOURCE, "content"})
"""What may be mapped over beside outputs of stages."""


def check_references(stages: Mapping[str, StageDefinition], report: Report) -> None:
    """Report every name that stands for nothing."""
    checker = _ReferenceChecker(stages, report)
    for stage in stages.values():
        for key, names in (("inputs", stage.inputs), ("needs", stage.needs)):
            for i, name in enumerate(names):
                if report.is_full:
                    return
                checker.check_wire(stage, f"stages.{stage.name}.{key}[{i}]", name)
        for key, name in _named(stage):
            checker.check_name(stage, f"stages.{stage.name}.{key}", name)


def _named(stage: StageDefinition) -> Iterator[tuple[str, str]]:
    """The names that are no wires, and where they stand."""
    yield from (("else_of", name) for name in stage.else_of)
    yield from (("cancels", name) for name in stage.cancels if name != EVERY_OTHER)
    if stage.handler is not None:
        yield "on_failure", stage.handler
    if stage.each is not None and stage.each.root not in _MAPPED:
        yield "each", stage.each.root


class _ReferenceChecker:
    def __init__(self, stages: Mapping[str, StageDefinition], report: Report) -> None:
        self._stages = stages
        self._report = report

    def check_wire(self, stage: StageDefinition, place: str, name: str) -> None:
        """One of `inputs` or `needs`."""
        is_input = ".inputs[" in place
        if name == SOURCE and is_input:
            if name in stage.optional_inputs:
                self._report.add(place, "'source' is always there", "write `source`")
        elif name == ITEM and is_input:
            if stage.each is None:
                hint = "say with `each` what the stage runs over"
                self._report.add(place, "there is no 'item' where a stage runs once", hint)
        elif name in RESERVED_NAMES:
            self._report.add(place, f"{name!r} is no stage", "the run's own text is `source`")
        elif name == stage.name:
            self._report.add(place, f"stage {name!r} waits for itself", "remove it")
        elif name not in self._stages:
            hint = did_you_mean(name, [*self._stages, SOURCE])
            self._report.add(place, f"there is no stage {name!r}", hint)

    def check_name(self, stage: StageDefinition, place: str, name: str) -> None:
        """A stage that is named for another reason."""
        if name == stage.name:
            self._report.add(place, f"stage {name!r} names itself", "name another stage")
        elif name not in self._stages:
            words = (FAIL, CONTINUE) if place.endswith("on_failure") else ()
            near = did_you_mean(name, [*self._stages, *words])
            hint = near or one_of([*words, "a stage of this pipeline"])
            self._report.add(place, f"there is no stage {name!r}", hint)

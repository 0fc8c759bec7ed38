"""What is another in one definition than in another: stages, and of each what exactly.

Called by actions. Invariants: definitions of one hash have no difference; a stage that only has another name is renamed, and
those that read it are not changed by that; texts are compared by lines, within bounds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff
from enum import StrEnum

from pydantic import JsonValue

from tegu.domain.json import JsonObject, canonical_json
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.flow import EachSpec
from tegu.pipeline.stage_definition import StageDefinition

LINES_MAX = 2_000
"""Of a text; longer ones are only said to differ."""
_DEPTH_MAX = 50


class WhatChanged(StrEnum):
    """What became of a stage, or of a field."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a stage or of the pipeline; `path` as documents write it (`with.labels.refund`). `lines` is what is another
    in a text of several lines: each begins with `+`, `-`, a space or `@@`.
    """

    path: str
    change: WhatChanged
    before: JsonValue = None
    after: JsonValue = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageChange:
    """A stage. `uses` is its kind; `was` its name before, where it was renamed."""

    stage: str
    change: WhatChanged
    uses: str
    was: str | None = None
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it; both are empty where nothing differs."""

    fields: tuple[FieldChange, ...]
    stages: tuple[StageChange, ...]


def difference(before: PipelineDefinition, after: PipelineDefinition) -> Difference:
    """From the one to the other, in the order of the stages of the other."""
    renamed = _renamed(before, after)
    names = {old: new for new, old in renamed.items()}
    stages: list[StageChange] = []
    for stage in after.stages:
        was = renamed.get(stage.name, stage.name)
        if was not in before:
            stages.append(StageChange(stage.name, WhatChanged.ADDED, stage.uses))
            continue
        fields = tuple(_changes(_with_names(before.stage(was), names).to_json(), stage.to_json()))
        if was != stage.name:
            stages.append(StageChange(stage.name, WhatChanged.RENAMED, stage.uses, was, fields))
        elif fields:
            stages.append(StageChange(stage.name, WhatChanged.CHANGED, stage.uses, None, fields))
    gone = [each for each in before.stages if each.name not in after and each.name not in names]
    stages += [StageChange(each.name, WhatChanged.REMOVED, each.uses) for each in gone]
    return Difference(tuple(_changes(_head(before), _head(after))), tuple(stages))


def _head(definition: PipelineDefinition) -> JsonObject:
    return {key: value for key, value in definition.to_json().items() if key != "stages"}


def _renamed(before: PipelineDefinition, after: PipelineDefinition) -> dict[str, str]:
    """New names by old ones: of stages that do the same, where there is one such of each side."""
    gone = _by_work(each for each in before.stages if each.name not in after)
    made = _by_work(each for each in after.stages if each.name not in before)
    return {
        new[0]: gone[work][0] for work, new in made.items() if len(new) == 1 and len(gone.get(work, ())) == 1
    }


def _by_work(stages: Iterator[StageDefinition]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stage in stages:
        found.setdefault(canonical_json({"uses": stage.uses, "with": stage.config}), []).append(stage.name)
    return found


def _with_names(stage: StageDefinition, names: Mapping[str, str]) -> StageDefinition:
    """The stage as it would be if others had been called so before. Conditions are texts, and stay as they are."""

    def called(found: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(each, each) for each in found)

    each = stage.each
    if each is not None:
        each = EachSpec(
            ".".join((names.get(each.root, each.root), *each.path[1:])),
            each.max_parallel,
            each.failed_share_max,
        )
    return replace(
        stage,
        inputs=called(stage.inputs),
        needs=called(stage.needs),
        optional_inputs=frozenset(called(tuple(stage.optional_inputs))),
        else_of=called(stage.else_of),
        cancels=called(stage.cancels),
        on_failure=names.get(stage.on_failure, stage.on_failure),
        each=each,
    )


def _changes(before: JsonObject, after: JsonObject, path: str = "", depth: int = 0) -> Iterator[FieldChange]:
    for key in dict.fromkeys((*before, *after)):
        place = f"{path}.{key}" if path else key
        if key not in before:
            yield FieldChange(place, WhatChanged.ADDED, after=after[key])
        elif key not in after:
            yield FieldChange(place, WhatChanged.REMOVED, before=before[key])
        elif canonical_json({"": before[key]}) != canonical_json({"": after[key]}):
            yield from _changed(before[key], after[key], place, depth)


def _changed(before: JsonValue, after: JsonValue, place: str, depth: int) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict) and depth < _DEPTH_MAX:
        yield from _changes(before, after, place, depth + 1)
    else:
        yield FieldChange(place, WhatChanged.CHANGED, before, after, _lines(before, after))


def _lines(before: JsonValue, after: JsonValue) -> tuple[str, ...]:
    """What is another in a text of several lines."""
    if not isinstance(before, str) or not isinstance(after, str) or "\n" not in before + after:
        return ()
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > LINES_MAX:
        return ()
    return tuple(unified_diff(old, new, n=2, lineterm=""))[2:]

"""What is drawn of a pipeline: a node for its source and for each stage, and the lines between them.

Made from a definition, drawn by `mermaid` and `svg`. Invariants: the same definition gives the same picture; a condition
stands on the line from the stage that it reads; nothing here is markup yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tegu.domain.content import InputKind
from tegu.domain.errors import UsageError
from tegu.domain.status import StageStatus
from tegu.pipeline.condition import compile_condition
from tegu.pipeline.definition import SOURCE, PipelineDefinition, StageDefinition
from tegu.pipeline.flow import ALL, EVERY_OTHER

LINES_MAX = 5_000
_READS = {InputKind.CONTENT: "content", InputKind.MAIL_THREAD: "mail thread"}


class Shape(StrEnum):
    """How a node looks."""

    SOURCE = "source"
    STAGE = "stage"
    PEOPLE = "people"
    WAIT = "wait"
    EFFECT = "effect"
    NESTED = "nested"
    LOOP = "loop"


class Group(StrEnum):
    """What a stage costs or needs: its color."""

    SOURCE = "source"
    MODEL = "model"
    CODE = "code"
    DATA = "data"
    PEOPLE = "people"
    EFFECT = "effect"
    NESTED = "nested"


class LineKind(StrEnum):
    """Why one stage waits for another."""

    DATA = "data"
    ORDER = "order"
    FAILURE = "failure"
    CANCEL = "cancel"


_SHAPES = {
    "review": Shape.PEOPLE,
    "wait": Shape.WAIT,
    "http": Shape.EFFECT,
    "webhook": Shape.EFFECT,
    "pipeline": Shape.NESTED,
    "loop": Shape.LOOP,
}
_GROUPS = {
    "extract": Group.MODEL,
    "classify": Group.MODEL,
    "summarize": Group.MODEL,
    "prompt": Group.MODEL,
    "python": Group.CODE,
    "review": Group.PEOPLE,
    "wait": Group.PEOPLE,
    "http": Group.EFFECT,
    "webhook": Group.EFFECT,
    "pipeline": Group.NESTED,
    "loop": Group.NESTED,
}


def group_of(kind: str) -> Group:
    """What a stage of this kind costs or needs."""
    return _GROUPS.get(kind, Group.DATA)


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """One node. `caption` says what it does in a word or two, `about` the rest, for who asks."""

    name: str
    caption: str
    about: str
    shape: Shape
    group: Group
    is_mapped: bool = False
    status: StageStatus | None = None


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line from one node to another, with what stands on it."""

    start: str
    end: str
    kind: LineKind = LineKind.DATA
    label: str | None = None
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it. `title` and `description` are for who cannot see it, too."""

    title: str
    description: str
    nodes: tuple[DrawnNode, ...]
    lines: tuple[DrawnLine, ...]


def picture_of(definition: PipelineDefinition, statuses: Mapping[str, StageStatus] | None = None) -> Picture:
    """The picture of a pipeline; with `statuses` of a run of it: stages that are not in it have not begun. Raises UsageError
    for one with more lines than anybody could follow.
    """
    source = DrawnNode(SOURCE, _READS[definition.input], "What a run is about.", Shape.SOURCE, Group.SOURCE)
    nodes = [source, *(_node(stage, statuses) for stage in definition.stages)]
    waits = definition.waits()
    lines = [line for stage in definition.stages for line in _lines(definition, stage, waits[stage.name])]
    if len(lines) > LINES_MAX:
        raise UsageError(
            f"pipeline {definition.name!r} has {len(lines)} lines, and at most {LINES_MAX} are drawn",
            hint="`tegu pipelines show` has it as text",
        )
    count = f"{len(definition.stages)} stage{'s' if len(definition.stages) != 1 else ''}"
    order = ", ".join(definition.order())
    said = definition.description or "A pipeline"
    return Picture(definition.name, f"{said} ({count}: {order})", tuple(nodes), tuple(lines))


def _node(stage: StageDefinition, statuses: Mapping[str, StageStatus] | None) -> DrawnNode:
    status = None if statuses is None else statuses.get(stage.name, StageStatus.PENDING)
    about = [f"{stage.name}: {stage.uses}"]
    if stage.each is not None:
        about.append(f"once per item of {stage.each.over}, {stage.each.max_parallel} at once")
    if stage.join != ALL:
        about.append(f"join: {stage.join}")
    if stage.when is not None:
        about.append(f"when {stage.when}")
    if stage.model is not None:
        about.append(f"model {stage.model}")
    if status is not None:
        about.append(status.value)
    return DrawnNode(
        stage.name,
        _caption(stage),
        "; ".join(about),
        _SHAPES.get(stage.uses, Shape.STAGE),
        group_of(stage.uses),
        stage.each is not None,
        status,
    )


def _caption(stage: StageDefinition) -> str:
    """What it does: its kind, and which of them."""
    match stage.uses:
        case "python":
            said = str(stage.config.get("function", "python"))
        case "pipeline" | "loop":
            said = f"{stage.uses} {stage.config.get('pipeline', '')}".strip()
        case "webhook" if "event" in stage.config:
            said = f"webhook {stage.config['event']}"
        case uses:
            said = uses
    if stage.each is not None:
        said = f"{said} \N{MULTIPLICATION SIGN} {stage.each.over}"
    if stage.join != ALL:
        said = f"{said} \N{MIDDLE DOT} join {stage.join}"
    return said


def _lines(definition: PipelineDefinition, stage: StageDefinition, waits: tuple[str, ...]) -> list[DrawnLine]:
    waited = waits or (SOURCE,)
    labelled = _reading(stage, waited)
    lines = [
        DrawnLine(
            name,
            stage.name,
            _kind(definition, name, stage),
            "on failure"
            if _handles(definition, name, stage)
            else _condition(stage)
            if name == labelled
            else None,
            name in stage.optional_inputs,
        )
        for name in waited
    ]
    ended = [] if EVERY_OTHER in stage.cancels else [name for name in stage.cancels if name in definition]
    return lines + [DrawnLine(stage.name, name, LineKind.CANCEL, "cancels") for name in ended]


def _kind(definition: PipelineDefinition, name: str, stage: StageDefinition) -> LineKind:
    if _handles(definition, name, stage):
        return LineKind.FAILURE
    is_data = name == SOURCE or name in stage.inputs or (stage.each is not None and name == stage.each.root)
    return LineKind.DATA if is_data else LineKind.ORDER


def _handles(definition: PipelineDefinition, name: str, stage: StageDefinition) -> bool:
    return name in definition and definition.stage(name).handler == stage.name


def _condition(stage: StageDefinition) -> str | None:
    if stage.else_of:
        return "else" if stage.when is None else f"else, {stage.when}"
    return stage.when


def _reading(stage: StageDefinition, upstream: tuple[str, ...]) -> str:
    """Which line the condition stands on: from a stage that it reads, else the first."""
    names: frozenset[str] = frozenset()
    if stage.when is not None:
        try:
            names = compile_condition(stage.when).names
        except ValueError:
            names = frozenset()
    return next((name for name in upstream if name in names), upstream[0])

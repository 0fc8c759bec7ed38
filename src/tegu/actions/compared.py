"""How two runs differ: pure, from what was read of them.

Called by `comparison`. Invariant: bounded: so many places of a stage are looked at, and values that are too long are cut.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice

from pydantic import JsonValue

from tegu.domain.comparison import Change, ChangedPart, StageComparison, StageSide
from tegu.domain.difference import ChangeKind, Difference, ListKeys, differences
from tegu.domain.evidence import EvidenceSpan
from tegu.domain.fingerprint import INPUT, changed_components
from tegu.domain.json import canonical_json
from tegu.domain.run import CallTotals, Result, Run, StageRun
from tegu.domain.status import StageStatus
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.slices import item_name
from tegu.storage.comparison import StageCalls

PLACES_MAX = 1000
"""Places of one stage's output that are looked at."""
VALUE_LENGTH_MAX = 2000
REQUESTS_MAX = 20
_LINES_MAX = 200
_NO_CALLS = StageCalls(CallTotals(), ())


@dataclass(frozen=True, slots=True)
class Side:
    """What was read of one of the runs."""

    run: Run
    definition: PipelineDefinition
    calls: Mapping[str, StageCalls]

    def stage(self, name: str) -> StageRun | None:
        """The stage; None where the version has none of that name."""
        return next((stage for stage in self.run.stages if stage.stage == name), None)

    def is_given(self, name: str) -> bool:
        """Whether somebody gave its output."""
        outputs = (self.run.edits or {}).get("outputs")
        return isinstance(outputs, list) and name in outputs

    def shown(self, name: str) -> StageSide | None:
        """The stage as it is shown."""
        stage = self.stage(name)
        if stage is None:
            return None
        calls = self.calls.get(name, _NO_CALLS)
        return StageSide(
            status=stage.status,
            attempts=stage.attempt,
            model=stage.model,
            reused_from=None if self.is_given(name) else stage.reused_from,
            is_edited=self.is_given(name),
            elapsed_s=self._elapsed_s(stage),
            totals=calls.totals,
            requests=calls.requests[:REQUESTS_MAX],
        )

    def _elapsed_s(self, stage: StageRun) -> float | None:
        """With what it started: such a stage is looked at again and again, and its last attempt says little."""
        group = next((each for each in self.run.children if each.stage == stage.stage), None)
        if group is None or group.began_at is None or stage.ended_at is None:
            return stage.elapsed_s
        return max(0.0, (stage.ended_at - group.began_at).total_seconds())


def stages_of(a: Side, b: Side) -> tuple[StageComparison, ...]:
    """Every stage of either, in the order of the later run's version."""
    names = dict.fromkeys(stage.name for side in (b, a) for stage in side.definition.stages)
    return tuple(_stage(a, b, name) for name in names)


def changes_of(a: Side, b: Side) -> Iterator[Change]:
    """Every place that differs: of the definition, then of each stage's output and results."""
    yield from _definition(a.definition, b.definition)
    names = dict.fromkeys(stage.name for side in (b, a) for stage in side.definition.stages)
    for name in names:
        has_changed = False
        for found in _outputs(a, b, name):
            has_changed = True
            yield _change(ChangedPart.OUTPUT, name, found)
        # Results are made from the output: what is told of that is not told of them again.
        yield from _results(a, b, name, tells_gone=not has_changed)


def _stage(a: Side, b: Side, name: str) -> StageComparison:
    differs = sum(1 for _ in _outputs(a, b, name))
    return StageComparison(
        stage=name,
        a=a.shown(name),
        b=b.shown(name),
        differs=differs,
        why=_why(a, b, name, has_changed=differs > 0),
        instructions=_instructions(a.definition, b.definition, name),
    )


def _why(a: Side, b: Side, name: str, *, has_changed: bool) -> tuple[str, ...]:
    ours, theirs = a.stage(name), b.stage(name)
    if ours is None or theirs is None:
        return ("definition",)
    if (a.is_given(name) or b.is_given(name)) and has_changed:
        return ("given",)
    if ours.status is not theirs.status and StageStatus.SKIPPED in {ours.status, theirs.status}:
        side = a if ours.status is StageStatus.SKIPPED else b
        return ("failed_before",) if _failed_before(side, name) else ("condition",)
    changed = changed_components(ours.fingerprint, theirs.fingerprint)
    if changed:
        return changed
    if not has_changed and ours.status is theirs.status:
        return ()
    return (_configured(a, b, name) or ("unknown",)) if changed is None else ("asked_again",)


def _failed_before(side: Side, name: str) -> bool:
    """Whether the run did not come to it, since what it waits for had failed, or had not been come to itself."""
    waits = side.definition.waits()
    left, seen = list(waits.get(name, ())), {name}
    while left:
        before = left.pop()
        if before in seen:
            continue
        seen.add(before)
        stage = side.stage(before)
        if stage is not None and stage.status is StageStatus.FAILED:
            return True
        if stage is None or stage.status is not StageStatus.COMPLETED:
            left.extend(waits.get(before, ()))
    return False


def _configured(a: Side, b: Side, name: str) -> tuple[str, ...]:
    """What is another by the definitions and the inputs, where a stage ended before it had a fingerprint."""
    before, after = a.definition.stage(name), b.definition.stage(name)
    ours, theirs = dict(before.config), dict(after.config)
    found: list[str] = []
    if ours.pop("instructions", None) != theirs.pop("instructions", None):
        found.append("instructions")
    if (before.uses, ours) != (after.uses, theirs):
        found.append("configuration")
    if (a.run.model or before.model, a.definition.model) != (b.run.model or after.model, b.definition.model):
        found.append("model")
    inputs = (each for each in after.upstream if each in a.definition)
    found += [f"{INPUT}{each}" for each in inputs if next(_outputs(a, b, each), None) is not None]
    return tuple(found)


def _outputs(a: Side, b: Side, name: str) -> Iterator[Difference]:
    ours, theirs = a.stage(name), b.stage(name)
    before, after = _output(ours), _output(theirs)
    if before is None and after is None:
        return iter(())
    if before is None or after is None:
        kind = ChangeKind.ADDED if before is None else ChangeKind.REMOVED
        return iter((Difference("", kind, before, after),))
    stage = b.definition.stage(name) if name in b.definition else a.definition.stage(name)
    return islice(differences(before, after, _keys(stage)), PLACES_MAX)


def _output(stage: StageRun | None) -> JsonValue:
    return stage.output if stage is not None and stage.status is StageStatus.COMPLETED else None


def _keys(stage: StageDefinition) -> ListKeys:
    spec = stage.result
    if spec is None or spec.each is None or spec.key is None:
        return ListKeys()
    return ListKeys({"/" + spec.each.replace("~", "~0").replace("/", "~1"): spec.key})


def _instructions(a: PipelineDefinition, b: PipelineDefinition, name: str) -> str | None:
    before, after = _text(a, name), _text(b, name)
    if before == after:
        return None
    lines = unified_diff(before.splitlines(), after.splitlines(), "a", "b", lineterm="", n=1)
    return "\n".join(islice(lines, 2, _LINES_MAX))  # without the names of files


def _text(definition: PipelineDefinition, name: str) -> str:
    found = definition.stage(name).config.get("instructions") if name in definition else None
    return found if isinstance(found, str) else ""


def _definition(a: PipelineDefinition, b: PipelineDefinition) -> Iterator[Change]:
    for name in dict.fromkeys(stage.name for each in (b, a) for stage in each.stages):
        before = a.stage(name).to_json() if name in a else None
        after = b.stage(name).to_json() if name in b else None
        for found in differences(before, after):
            yield _change(ChangedPart.DEFINITION, name, found)
    for found in differences(a.model, b.model):
        yield _change(ChangedPart.DEFINITION, None, Difference("/model", found.kind, a.model, b.model))


def _results(a: Side, b: Side, stage: str, *, tells_gone: bool) -> Iterator[Change]:
    ours = {(r.item, r.type, r.key): r for r in a.run.results if r.stage == stage}
    theirs = {(r.item, r.type, r.key): r for r in b.run.results if r.stage == stage}
    for place in dict.fromkeys((*theirs, *ours)):
        if tells_gone or (place in ours and place in theirs):
            yield from _result(stage, ours.get(place), theirs.get(place))


def _result(stage: str, before: Result | None, after: Result | None) -> Iterator[Change]:
    shown = before or after
    assert shown is not None
    name = f"{shown.type}/{shown.key}" if shown.key else shown.type
    name = item_name(name, shown.item) if shown.item else name
    if before is None or after is None:
        kind = ChangeKind.ADDED if before is None else ChangeKind.REMOVED
        gone = Difference("", kind, before and before.data, after and after.data)
        yield _change(ChangedPart.RESULT, stage, gone, name)
        return
    for found in differences(_confidence(before), _confidence(after)):
        yield _change(ChangedPart.CONFIDENCE, stage, found, name)
    ours, theirs = _spans(before.evidence), _spans(after.evidence)
    for path in dict.fromkeys((*theirs, *ours)):
        for found in _moved(path, ours.get(path), theirs.get(path)):
            yield _change(ChangedPart.EVIDENCE, stage, found, name)


def _confidence(result: Result) -> JsonValue:
    return result.confidence.value if result.confidence is not None else None


def _spans(evidence: tuple[EvidenceSpan, ...]) -> Mapping[str, list[JsonValue]]:
    """By the path of what they show: the quotes, and where they stand."""
    found: dict[str, list[JsonValue]] = {}
    for span in evidence:
        found.setdefault(span.path, []).append({"quote": span.quote, "start": span.start, "end": span.end})
    return found


def _moved(path: str, before: list[JsonValue] | None, after: list[JsonValue] | None) -> Iterator[Difference]:
    """The evidence of one value, where it is another, stands elsewhere, or is gone."""
    if before is None or after is None:
        yield Difference(path, ChangeKind.ADDED if before is None else ChangeKind.REMOVED, before, after)
    elif before != after:
        yield Difference(path, ChangeKind.CHANGED, before, after)


def _change(part: ChangedPart, stage: str | None, found: Difference, result: str | None = None) -> Change:
    return Change(part, stage, found.pointer, found.kind, _cut(found.before), _cut(found.after), result)


def _cut(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else canonical_json(value)
    return value if len(text) <= VALUE_LENGTH_MAX else f"{text[:VALUE_LENGTH_MAX]}..."

"""What a fork takes over from the run that it goes on from: pure rules over a definition and where its stages stand.

Called by whoever forks a run. Invariants: nothing is kept that depends on what was changed; a failure is never kept; what was
skipped is kept only where all that it waits for is, so that every other condition is decided anew.

    affected   the stage it goes on from, those whose configuration was edited, and all that waits for one of these or for a
               stage whose output was edited
    edited     a stage whose output was given: it is completed with that
    kept       completed; or skipped, with all that it waits for kept; or cancelled by a stage that is kept
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tegu.domain.errors import ConflictError, NotFoundError, UsageError
from tegu.domain.status import StageStatus
from tegu.pipeline.definition import PipelineDefinition

_ALL = "*"


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a run is cut to be forked. `kept` are copied as they stand, the rest is decided and performed anew."""

    kept: tuple[str, ...]
    edited: tuple[str, ...]
    anew: tuple[str, ...]


def cut_at(
    definition: PipelineDefinition,
    statuses: Mapping[str, StageStatus],
    from_stage: str,
    *,
    configured: Collection[str] = (),
    given: Collection[str] = (),
    was_cancelled: bool = False,
) -> Cut:
    """See the module. `configured` have another configuration, `given` another output; `was_cancelled`: somebody ended the run,
    and not one of its stages. Raises NotFoundError, UsageError and ConflictError for a fork that cannot be.
    """
    waits = definition.waits()
    _check_known(definition, (from_stage, *configured, *given))
    anew = _downstream(waits, {from_stage, *configured}) | {from_stage, *configured}
    if odd := sorted((anew & set(given)) - ({from_stage} - set(configured))):
        raise UsageError(
            f"the output of {odd[0]!r} would be made anew after {from_stage!r}, and cannot be given",
            hint=f"fork from {odd[0]!r}, or from a stage after it",
        )
    _check_ended(waits, statuses, from_stage, given)
    affected = (anew | _downstream(waits, given)) - set(given)
    kept: list[str] = []
    for name in definition.order():
        if name in affected or name in given:
            continue
        status = statuses.get(name, StageStatus.PENDING)
        is_settled = all(up in kept for up in waits[name])
        if status is StageStatus.COMPLETED or (status is StageStatus.SKIPPED and is_settled):
            kept.append(name)
    kept += _cancelled(definition, statuses, kept, affected) if not was_cancelled else []
    rest = tuple(name for name in definition.order() if name not in kept and name not in given)
    return Cut(tuple(kept), tuple(name for name in definition.order() if name in given), rest)


def _downstream(waits: Mapping[str, tuple[str, ...]], names: Collection[str]) -> set[str]:
    """All that waits for one of these, directly or not."""
    found: set[str] = set()
    left = [*names]
    for name in left:  # which grows while it is walked
        further = [each for each, ups in waits.items() if name in ups and each not in found]
        found.update(further)
        left += further
    return found


def _upstream(waits: Mapping[str, tuple[str, ...]], name: str) -> list[str]:
    """All that it waits for, directly or not."""
    found: dict[str, None] = {}
    left = [*waits[name]]
    for each in left:  # which grows while it is walked
        if each not in found:
            found[each] = None
            left += waits[each]
    return [*found]


def _cancelled(
    definition: PipelineDefinition,
    statuses: Mapping[str, StageStatus],
    kept: Collection[str],
    affected: Collection[str],
) -> list[str]:
    """Those that a kept stage had cancelled: it does not start again, so they would never be."""
    by_kept = {name for stage in definition.stages if stage.name in kept for name in stage.cancels}
    return [
        name
        for name in definition.order()
        if statuses.get(name) is StageStatus.CANCELLED
        and name not in affected
        and (name in by_kept or _ALL in by_kept)
    ]


def _check_known(definition: PipelineDefinition, names: Collection[str]) -> None:
    for name in names:
        if name not in definition:
            known = ", ".join(stage.name for stage in definition.stages)
            raise NotFoundError(
                f"there is no stage {name!r} in pipeline {definition.name!r}", hint=f"stages: {known}"
            )


def _check_ended(
    waits: Mapping[str, tuple[str, ...]],
    statuses: Mapping[str, StageStatus],
    from_stage: str,
    given: Collection[str],
) -> None:
    """What the stage waits for has ended, or it began without: then what it read is there."""
    if statuses.get(from_stage, StageStatus.PENDING) is not StageStatus.PENDING:
        return
    for name in _upstream(waits, from_stage):
        status = statuses.get(name, StageStatus.PENDING)
        if not status.is_terminal and name not in given:
            raise ConflictError(
                f"stage {name!r}, which {from_stage!r} waits for, is {status.value}",
                hint="fork when it has ended, or from an earlier stage",
            )

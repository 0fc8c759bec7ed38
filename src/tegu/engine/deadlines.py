"""When a run and its stages must have ended, on the monotonic clock of whoever drives it.

Kept by the driver. Invariant: a stage's deadline counts from its first start, over every attempt and wait, whoever owned the
run meanwhile; a stage that has ended has none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from tegu.engine.progress import StageProgress
from tegu.pipeline.definition import StageDefinition


@dataclass(slots=True)
class Deadlines:
    """`run` is the run's own; None: it has none."""

    run: float | None
    _stages: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def next(self) -> float | None:
        """The first of all."""
        first = min(self._stages.values(), default=None)
        return min((at for at in (first, self.run) if at is not None), default=None)

    @property
    def is_run_over(self) -> bool:
        """Whether the run's has passed."""
        return self.run is not None and self.run <= monotonic()

    def passed(self) -> Iterable[str]:
        """The stages whose deadline has passed."""
        now = monotonic()
        return [name for name, at in self._stages.items() if at <= now] if self._stages else ()

    def has_passed(self, name: str) -> bool:
        """Whether that of a stage has."""
        return name in self._stages and self._stages[name] <= monotonic()

    def started(self, stage: StageProgress, wired: StageDefinition) -> float | None:
        """That of a stage that starts, now or again."""
        if stage.deadline is None and wired.deadline_s is not None:
            self._stages[wired.name] = monotonic() + wired.deadline_s
            return self._stages[wired.name]
        return stage.deadline

    def keep(self, name: str, stage: StageProgress | None) -> None:
        """That of a stage as it stands."""
        if stage is not None and stage.deadline is not None and not stage.status.is_terminal:
            self._stages[name] = stage.deadline
        else:
            self._stages.pop(name, None)

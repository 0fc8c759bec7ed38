"""What went wrong in a run, and what of it counts: the errors of its stages, and the one that the run ends with.

Kept by the driver. Invariant: a failure that continues is never the run's; one that has a handler is only if the plan says at
the end that the handler did not complete.
"""

from collections.abc import Sequence

from tegu.domain.errors import ErrorInfo
from tegu.pipeline.plan import Plan


class Failures:
    """`error` is the run's, as far as it is known."""

    def __init__(self, plan: Plan) -> None:
        self._nodes = plan.nodes
        self._of: dict[str, ErrorInfo] = {}
        self.error: ErrorInfo | None = None

    def note(self, stage: str, error: ErrorInfo) -> bool:
        """A stage has failed for good. True: a handler reads the error."""
        self._of[stage] = error
        node = self._nodes[stage]
        if node.handler is None and not node.continues:
            self.end_with(error)
        return node.handler is not None

    def forget(self, stage: str) -> None:
        """It did not fail after all."""
        self._of.pop(stage, None)

    def end_with(self, error: ErrorInfo) -> None:
        """The run fails of this, unless it did of something before."""
        self.error = self.error or error

    def end(self, counted: Sequence[str]) -> None:
        """Every stage has ended, and the failures of these count."""
        if counted and (error := self._of.get(counted[0])) is not None:
            self.end_with(error)

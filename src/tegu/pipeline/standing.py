"""Where the stages of one run stand, and how the gates between them count: kept up as stages move.

Kept by whoever drives a run, read by decisions. Invariant: the counts are those of the statuses, however often one is set;
setting one costs no more than the number of stages that wait for it.
"""

from collections.abc import Mapping

from tegu.domain.status import StageStatus
from tegu.pipeline.gate import Count, is_terminal
from tegu.pipeline.prepared import Prepared


class Standing(dict[str, StageStatus]):
    """Statuses by stage; one that is missing is pending. `ended` counts those that are terminal. Change it by setting items
    only.
    """

    __slots__ = ("counts", "ended", "prepared")

    def __init__(self, prepared: Prepared, statuses: Mapping[str, StageStatus] | None = None) -> None:
        super().__init__()
        self.prepared = prepared
        self.counts: list[Count] = [*prepared.counts]
        self.ended = 0
        for name, status in (statuses or {}).items():
            self[name] = status

    def __setitem__(self, name: str, status: StageStatus) -> None:
        before = self.get(name)
        super().__setitem__(name, status)
        if before is status:
            return
        if before is not None and is_terminal(before):
            self._count(name, before, -1)
        if is_terminal(status):
            self._count(name, status, 1)

    def _count(self, name: str, status: StageStatus, by: int) -> None:
        self.ended += by
        for each in self.prepared.nodes[name].memberships:
            self.counts[each.gate] = each.counted(self.counts[each.gate], status, by)

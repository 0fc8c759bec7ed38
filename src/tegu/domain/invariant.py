"""What must always be true of the stored state, and the rows that break it.

Found by `storage.invariants`, shown by `tegu doctor`.
"""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that breaks an invariant, and how. `run_id` is None for calls that were made without a run."""

    organization_id: UUID
    run_id: UUID | None
    detail: str


@dataclass(frozen=True, slots=True)
class InvariantCheck:
    """One invariant, in words, and the rows that break it; `is_looked_at` is False where that took too long."""

    name: str
    claim: str
    broken: tuple[BrokenRow, ...] = ()
    is_looked_at: bool = True

"""What a plan decides, as a value.

Made by `deciding`, carried out by whoever drives a run. Invariant: the stages in it are disjoint, and none of them had ended.
"""

from dataclasses import dataclass

from tegu.domain.errors import ErrorInfo
from tegu.domain.status import RunStatus


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now. All but those in `cancel` were pending.

    `cancel` are stages that end because another one starts: pending, waiting or under way. `held` may start and do not,
    because as many start as may: they are to be looked at again. `outcome` is None while anything is left; where it is
    failed, `failures` are the stages whose failures say so, in the order of the plan.
    """

    start: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    fail: tuple[tuple[str, ErrorInfo], ...] = ()
    cancel: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    outcome: RunStatus | None = None
    failures: tuple[str, ...] = ()

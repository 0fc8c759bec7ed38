"""How the runs of one organization stand at one moment: what waits, what is under way, and whether anybody works.

Invariant: it says nothing of other organizations; where counting was cut off it says so.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunBacklog:
    """`due` runs could be taken now, the oldest of those looked at for `oldest_due_s`; `waiting` are under way and go on later,
    `scheduled` were not begun, `running` are driven. `failed_in_day` ended within 24 h. `has_worker`: whether any worker that takes
    everybody's runs lives. `is_capped`: some count was cut off.
    """

    has_worker: bool
    due: int
    oldest_due_s: float | None
    waiting: int
    scheduled: int
    running: int
    failed_in_day: int
    is_capped: bool
